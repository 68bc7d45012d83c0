-- The reference of B1 and B2: a booking as it is commonly written, in five round trips. The slot is locked first and looked at
-- afterwards; then the same rows are written that the server writes, with the same widths.
-- This file judges the server: it is never changed together with what it judges.
--
-- Given: services, slots, first_day (the synthetic diary), clients, turn (-1), now_ms, and the texts of one booking.
-- Each client takes every clients-th slot, so that all slots are distinct.
\set turn :turn + 1
\set index :client_id + :clients * :turn
\set ahead :index / (:services * :slots)
\set within :index % (:services * :slots)
\set number (:within / :slots) * 100000000 + (:first_day + :ahead) * 1000 + :within % :slots
\set hash hash_fnv1a(:number, 0)
BEGIN;
SELECT id AS slot, start_ms, end_ms, capacity - taken AS room, gen_random_uuid()::text AS appointment, gen_random_uuid()::text AS request
FROM slot
WHERE id = left(lpad(to_hex(:hash::bigint), 16, '0'), 8) || '-' || substr(lpad(to_hex(:hash::bigint), 16, '0'), 9, 4) || '-4'
    || substr(lpad(to_hex(:hash::bigint), 16, '0'), 13, 3) || '-8000-' || lpad(:number::text, 12, '0')
FOR UPDATE \gset
\if :room > 0
UPDATE slot SET taken = taken + 1, version = version + 1, updated_ms = :now_ms WHERE id = :slot;
WITH made AS (
    INSERT INTO appointment (id, slot_id, seat, live, version, start_ms, end_ms, service_id, booked_by, nhs_number, patient_name,
        birth_date, contact, reason, clinical_document, updated_ms)
    VALUES (:appointment, :slot, 1, true, 1, :start_ms, :end_ms, :service, :consumer, :nhs_number, :patient_name,
        :birth_date, :contact, :reason, :clinical_document, :now_ms)
), recorded AS (
    INSERT INTO appointment_version (appointment_id, version, live, recorded_ms, document)
    VALUES (:appointment, 1, true, :now_ms, :document)
), remembered AS (
    INSERT INTO request_key (request_id, consumer, appointment_id, recorded_ms)
    VALUES (:request, :consumer, :appointment, :now_ms)
)
INSERT INTO audit (recorded_ms, action, subject, version, consumer, issuer, user_id, user_role, device, request_id, answer_id,
    trace_id, from_asid, to_asid, interaction_id)
VALUES (:now_ms, 'book', :appointment, 1, :consumer, :issuer, :user_id, :user_role, :device, :request, :request,
    :trace_id, :from_asid, :to_asid, :interaction_id);
\endif
COMMIT;
