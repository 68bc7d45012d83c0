-- Whoever keeps a copy of the diary in memory asks what has changed since it last looked. Each slot carries the
-- transaction that changed it last, and a reader compares that with the snapshot of its last look: so nothing is missed
-- and nothing seen twice, in whatever order transactions commit. Triggers see to it, so that a change made by hand is
-- seen as well. (A sequence would be handed out in another order than commits; NOTIFY takes a lock that all commits of
-- the database share, and left less than a tenth of the bookings.)
ALTER TABLE slot ADD COLUMN changed BIGINT NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE INDEX slot_changed ON slot (changed);

-- Raised by whatever changes anything but which slots are taken: directory, services, schedules, slots that go or move.
CREATE TABLE catalogue (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO catalogue VALUES (1, pg_current_xact_id()::text::bigint);

CREATE FUNCTION slot_is_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;
CREATE TRIGGER slot_changed BEFORE UPDATE ON slot FOR EACH ROW EXECUTE FUNCTION slot_is_changed();

-- Once a transaction: a seed of thousands of records must not write this row thousands of times.
CREATE FUNCTION catalogue_is_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalogue SET version = pg_current_xact_id()::text::bigint WHERE version <> pg_current_xact_id()::text::bigint;
    RETURN NULL;
END $$;
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON directory EXECUTE FUNCTION catalogue_is_changed();
CREATE TRIGGER service_changed AFTER INSERT OR UPDATE OR DELETE ON service EXECUTE FUNCTION catalogue_is_changed();
CREATE TRIGGER schedule_changed AFTER INSERT OR UPDATE OR DELETE ON schedule EXECUTE FUNCTION catalogue_is_changed();
CREATE TRIGGER schedule_service_changed AFTER INSERT OR UPDATE OR DELETE ON schedule_service EXECUTE FUNCTION catalogue_is_changed();
CREATE TRIGGER slot_moved AFTER DELETE OR UPDATE OF id, schedule_id, start_ms ON slot EXECUTE FUNCTION catalogue_is_changed();
