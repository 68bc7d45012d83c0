-- What a search of free slots shows stands in the index, so that the table is not read. The query must say the condition in
-- the same words (`NOT blocked`): with a value that is bound, a plan that is kept cannot use this index.
DROP INDEX slot_free;
CREATE INDEX slot_free ON slot (schedule_id, start_ms) INCLUDE (id, end_ms, channel) WHERE taken < capacity AND NOT blocked;
