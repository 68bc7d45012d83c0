-- What a search of free slots shows stands in the index, so that the table is not read. So do the columns of the condition:
-- SQLite takes an index for enough only if it has every column that the query names.
DROP INDEX slot_free;
CREATE INDEX slot_free ON slot (schedule_id, start_ms, id, end_ms, channel, taken, capacity, blocked) WHERE taken < capacity AND NOT blocked;
