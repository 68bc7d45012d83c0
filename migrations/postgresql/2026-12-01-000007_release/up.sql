-- A stored document says which FHIR release it is written in. All documents so far are STU3.
ALTER TABLE appointment_version ADD COLUMN release TEXT NOT NULL DEFAULT 'STU3';
ALTER TABLE directory ADD COLUMN release TEXT NOT NULL DEFAULT 'STU3';
