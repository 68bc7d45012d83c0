ALTER TABLE directory DROP COLUMN release;
ALTER TABLE appointment_version DROP COLUMN release;
