-- Slots whose time is over are moved here, so that what is searched and booked stays small however long the diary is
-- kept. They are history: nothing changes them, and no copy of the diary follows them, so they have no `changed`.
CREATE TABLE slot_past (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    schedule_id TEXT COLLATE "C" NOT NULL REFERENCES schedule (id),
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

-- Every slot there ever was.
CREATE VIEW slot_ever AS
    SELECT id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms FROM slot
    UNION ALL
    SELECT id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms FROM slot_past;

-- An appointment stays when its slot moves, which a foreign key would forbid. What the key guarded when slots
-- go is guarded below: a slot that has appointments goes from one table only if it is in the other. That an appointment is
-- made for a slot there is, is seen to by the one statement that makes any, and asked by `check`.
ALTER TABLE appointment DROP CONSTRAINT appointment_slot_id_fkey;

-- A slot that goes and is not in the archive raises the catalogue, as before. One that was archived does not: nobody was
-- offered it any more, and a copy of the diary need not be read anew.
CREATE FUNCTION slot_is_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM slot_past WHERE id = OLD.id) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT 1 FROM appointment WHERE slot_id = OLD.id) THEN
        RAISE EXCEPTION 'slot % has appointments: it can be archived, not deleted', OLD.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    UPDATE catalogue SET version = pg_current_xact_id()::text::bigint WHERE version <> pg_current_xact_id()::text::bigint;
    RETURN NULL;
END $$;
CREATE FUNCTION slot_past_is_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM appointment WHERE slot_id = OLD.id) AND NOT EXISTS (SELECT 1 FROM slot WHERE id = OLD.id) THEN
        RAISE EXCEPTION 'past slot % has appointments: it cannot be deleted', OLD.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION slots_are_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM appointment) THEN
        RAISE EXCEPTION 'there are appointments: their slots cannot be deleted' USING ERRCODE = 'foreign_key_violation';
    END IF;
    UPDATE catalogue SET version = pg_current_xact_id()::text::bigint WHERE version <> pg_current_xact_id()::text::bigint;
    RETURN NULL;
END $$;

DROP TRIGGER slot_moved ON slot;
CREATE TRIGGER slot_moved AFTER UPDATE OF id, schedule_id, start_ms ON slot EXECUTE FUNCTION catalogue_is_changed();
CREATE TRIGGER slot_gone AFTER DELETE ON slot FOR EACH ROW EXECUTE FUNCTION slot_is_gone();
CREATE TRIGGER slot_renamed AFTER UPDATE OF id ON slot FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION slot_is_gone();
CREATE TRIGGER slot_emptied BEFORE TRUNCATE ON slot EXECUTE FUNCTION slots_are_emptied();
CREATE TRIGGER slot_past_gone AFTER DELETE ON slot_past FOR EACH ROW EXECUTE FUNCTION slot_past_is_gone();
CREATE TRIGGER slot_past_renamed AFTER UPDATE OF id ON slot_past FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION slot_past_is_gone();
CREATE TRIGGER slot_past_emptied BEFORE TRUNCATE ON slot_past EXECUTE FUNCTION slots_are_emptied();
