-- The reference of B6: everything a read of an appointment needs, in one round trip: the current version's document, who
-- booked it, and whose service it is.
-- This file judges the server: it is never changed together with what it judges.
--
-- Given: services, slots, first_day (the synthetic diary), count (its first slots are booked).
\set index random(0, :count - 1)
\set ahead :index / (:services * :slots)
\set within :index % (:services * :slots)
\set number (:within / :slots) * 100000000 + (:first_day + :ahead) * 1000 + :within % :slots
\set hash hash_fnv1a(:number, 4)
SELECT v.document, v.version, v.recorded_ms, a.booked_by, o.ods
FROM appointment a
JOIN appointment_version v ON v.appointment_id = a.id AND v.version = a.version
JOIN service o ON o.id = a.service_id
WHERE a.id = left(lpad(to_hex(:hash::bigint), 16, '0'), 8) || '-' || substr(lpad(to_hex(:hash::bigint), 16, '0'), 9, 4) || '-4'
    || substr(lpad(to_hex(:hash::bigint), 16, '0'), 13, 3) || '-8000-' || lpad(:number::text, 12, '0');
