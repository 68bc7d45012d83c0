INSERT INTO slot (id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms)
    SELECT id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms FROM slot_past;
DROP VIEW slot_ever;
DROP TABLE slot_past;
DROP TRIGGER slot_emptied ON slot;
DROP TRIGGER slot_renamed ON slot;
DROP TRIGGER slot_gone ON slot;
DROP TRIGGER slot_moved ON slot;
CREATE TRIGGER slot_moved AFTER DELETE OR UPDATE OF id, schedule_id, start_ms ON slot EXECUTE FUNCTION catalogue_is_changed();
DROP FUNCTION slots_are_emptied();
DROP FUNCTION slot_past_is_gone();
DROP FUNCTION slot_is_gone();
ALTER TABLE appointment ADD CONSTRAINT appointment_slot_id_fkey FOREIGN KEY (slot_id) REFERENCES slot (id);
