-- Documents are compressed with every booking. PostgreSQL's own method costs more than all other rows of the booking; LZ4
-- costs next to nothing for about the same size. A server that knows no LZ4 goes on as before.
DO $$
BEGIN
    EXECUTE 'ALTER TABLE appointment_version ALTER COLUMN document SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN
    RAISE NOTICE 'this server has no LZ4: documents are compressed as before';
END $$;
