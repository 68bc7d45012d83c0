DO $$
BEGIN
    EXECUTE 'ALTER TABLE appointment_version ALTER COLUMN document SET COMPRESSION default';
EXCEPTION WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN
    NULL;
END $$;
