-- Foreign keys must be off meanwhile, as in up.sql.
DROP TRIGGER slot_last;
DROP TRIGGER slot_archived;
DROP TRIGGER slot_gone;
DROP TRIGGER slot_past_renamed;
DROP TRIGGER slot_past_kept;
DROP TRIGGER slot_renamed;
DROP TRIGGER slot_kept;
DROP VIEW slot_ever;
INSERT INTO slot (id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms)
    SELECT id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms FROM slot_past;
DROP TABLE slot_past;
CREATE TRIGGER slot_gone AFTER DELETE ON slot BEGIN UPDATE catalogue SET version = version + 1; END;
CREATE TABLE appointment_kept (
    id TEXT PRIMARY KEY NOT NULL,
    slot_id TEXT NOT NULL REFERENCES slot (id),
    seat INTEGER NOT NULL CHECK (seat >= 1),
    live BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    service_id TEXT NOT NULL,
    booked_by TEXT,
    nhs_number TEXT,
    patient_name TEXT,
    birth_date TEXT,
    contact TEXT,
    reason TEXT NOT NULL,
    clinical_document TEXT,
    updated_ms BIGINT NOT NULL
);
INSERT INTO appointment_kept (id, slot_id, seat, live, version, start_ms, end_ms, service_id, booked_by, nhs_number, patient_name,
        birth_date, contact, reason, clinical_document, updated_ms)
    SELECT id, slot_id, seat, live, version, start_ms, end_ms, service_id, booked_by, nhs_number, patient_name,
        birth_date, contact, reason, clinical_document, updated_ms FROM appointment;
DROP TABLE appointment;
ALTER TABLE appointment_kept RENAME TO appointment;
CREATE UNIQUE INDEX appointment_seat ON appointment (slot_id, seat) WHERE live;
CREATE INDEX appointment_by_slot ON appointment (slot_id);
CREATE INDEX appointment_by_patient ON appointment (nhs_number, start_ms) WHERE nhs_number IS NOT NULL;
CREATE INDEX appointment_booked_by ON appointment (booked_by, start_ms) WHERE live;
