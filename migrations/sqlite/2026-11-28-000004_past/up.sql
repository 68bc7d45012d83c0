-- Slots whose time is over are moved here, so that what is searched and booked stays small however long the diary is
-- kept. They are history: nothing changes them, and no copy of the diary follows them, so they have no `changed`.
CREATE TABLE slot_past (
    id TEXT PRIMARY KEY NOT NULL,
    schedule_id TEXT NOT NULL REFERENCES schedule (id),
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    capacity INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    blocked BOOLEAN NOT NULL,
    channel TEXT,
    version BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    CHECK (taken BETWEEN 0 AND capacity),
    CHECK (end_ms > start_ms),
    UNIQUE (schedule_id, start_ms)
);

-- An appointment stays when its slot moves, which a foreign key would forbid. SQLite can drop one only by making the
-- table anew; foreign keys must be off meanwhile (`PRAGMA foreign_keys`, before the transaction begins), because dropping
-- the old table would otherwise delete its rows under those that refer to them.
CREATE TABLE appointment_kept (
    id TEXT PRIMARY KEY NOT NULL,
    slot_id TEXT NOT NULL,
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

-- Every slot there ever was.
CREATE VIEW slot_ever AS
    SELECT id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms FROM slot
    UNION ALL
    SELECT id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms FROM slot_past;

-- What the foreign key guarded when slots go: a slot that has appointments goes from one table only if it is in the other.
-- That an appointment is made for a slot there is, is seen to by the statements that make any, and asked by `check`.
CREATE TRIGGER slot_kept BEFORE DELETE ON slot WHEN EXISTS (SELECT 1 FROM appointment WHERE slot_id = OLD.id)
    AND NOT EXISTS (SELECT 1 FROM slot_past WHERE id = OLD.id) BEGIN
    SELECT RAISE(ABORT, 'a slot that has appointments can be archived, not deleted');
END;
CREATE TRIGGER slot_renamed BEFORE UPDATE OF id ON slot WHEN OLD.id <> NEW.id AND EXISTS (SELECT 1 FROM appointment WHERE slot_id = OLD.id)
    AND NOT EXISTS (SELECT 1 FROM slot_past WHERE id = OLD.id) BEGIN
    SELECT RAISE(ABORT, 'a slot that has appointments keeps its id');
END;
CREATE TRIGGER slot_past_kept BEFORE DELETE ON slot_past WHEN EXISTS (SELECT 1 FROM appointment WHERE slot_id = OLD.id)
    AND NOT EXISTS (SELECT 1 FROM slot WHERE id = OLD.id) BEGIN
    SELECT RAISE(ABORT, 'a past slot that has appointments cannot be deleted');
END;
CREATE TRIGGER slot_past_renamed BEFORE UPDATE OF id ON slot_past WHEN OLD.id <> NEW.id
    AND EXISTS (SELECT 1 FROM appointment WHERE slot_id = OLD.id) AND NOT EXISTS (SELECT 1 FROM slot WHERE id = OLD.id) BEGIN
    SELECT RAISE(ABORT, 'a past slot that has appointments keeps its id');
END;

-- A slot that goes and is not in the archive raises the catalogue, as before. One that was archived does not: nobody was
-- offered it any more, and a copy of the diary need not be read anew.
DROP TRIGGER slot_gone;
CREATE TRIGGER slot_gone AFTER DELETE ON slot WHEN NOT EXISTS (SELECT 1 FROM slot_past WHERE id = OLD.id) BEGIN
    UPDATE catalogue SET version = version + 1;
END;
-- The next change is numbered after the largest number there is. It must not go with its slot: numbers that were told
-- already would be given again, and nobody would look for what they stand for. So another slot gets it; whoever has seen
-- it is not told of that one, and whoever has not is told of it once too often. Where no slot is left, all begin anew.
CREATE TRIGGER slot_archived AFTER DELETE ON slot WHEN OLD.changed > (SELECT max(changed) FROM slot)
    AND EXISTS (SELECT 1 FROM slot_past WHERE id = OLD.id) BEGIN
    UPDATE slot SET changed = OLD.changed WHERE id = (SELECT id FROM slot ORDER BY changed DESC LIMIT 1);
END;
CREATE TRIGGER slot_last AFTER DELETE ON slot WHEN NOT EXISTS (SELECT 1 FROM slot) BEGIN
    UPDATE catalogue SET version = version + 1;
END;
