DROP INDEX slot_free;
CREATE INDEX slot_free ON slot (schedule_id, start_ms) WHERE taken < capacity AND NOT blocked;
