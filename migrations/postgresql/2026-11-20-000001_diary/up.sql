-- Instants are milliseconds since 1970 in UTC. Ids sort bytewise, because rows are locked in id order.

CREATE TABLE directory (
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE service (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    organization_id TEXT COLLATE "C",
    ods TEXT COLLATE "C",
    location_id TEXT COLLATE "C"
);

CREATE TABLE schedule (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    identifier_system TEXT NOT NULL,
    identifier_value TEXT NOT NULL,
    name TEXT NOT NULL,
    practitioner_id TEXT COLLATE "C",
    role_id TEXT COLLATE "C",
    location_id TEXT COLLATE "C",
    zone TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);

-- The service of rank 0 is the primary one.
CREATE TABLE schedule_service (
    schedule_id TEXT COLLATE "C" NOT NULL REFERENCES schedule (id),
    service_id TEXT COLLATE "C" NOT NULL REFERENCES service (id),
    rank INTEGER NOT NULL,
    PRIMARY KEY (schedule_id, service_id)
);
CREATE INDEX schedule_service_by_service ON schedule_service (service_id, schedule_id);

-- `taken` counts the live appointments. The check is the last guard of invariant 1: a bug that would
-- book once too often fails here. A schedule's slots are told apart by their start, so that a diary that
-- is filled twice is not doubled.
CREATE TABLE slot (
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
CREATE INDEX slot_free ON slot (schedule_id, start_ms) WHERE taken < capacity AND NOT blocked;

-- A live appointment has one seat of its slot, and no two live ones the same.
CREATE TABLE appointment (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    slot_id TEXT COLLATE "C" NOT NULL REFERENCES slot (id),
    seat INTEGER NOT NULL CHECK (seat >= 1),
    live BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    service_id TEXT COLLATE "C" NOT NULL,
    booked_by TEXT COLLATE "C",
    nhs_number TEXT COLLATE "C",
    patient_name TEXT,
    birth_date TEXT,
    contact TEXT,
    reason TEXT NOT NULL,
    clinical_document TEXT,
    updated_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX appointment_seat ON appointment (slot_id, seat) WHERE live;
CREATE INDEX appointment_by_slot ON appointment (slot_id);
CREATE INDEX appointment_by_patient ON appointment (nhs_number, start_ms) WHERE nhs_number IS NOT NULL;

CREATE TABLE appointment_version (
    appointment_id TEXT COLLATE "C" NOT NULL REFERENCES appointment (id),
    version BIGINT NOT NULL,
    live BOOLEAN NOT NULL,
    recorded_ms BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (appointment_id, version)
);

-- Requests that have succeeded, for good: the same one sent again is recognised.
CREATE TABLE request_key (
    request_id TEXT COLLATE "C" NOT NULL,
    consumer TEXT COLLATE "C" NOT NULL,
    appointment_id TEXT COLLATE "C" NOT NULL REFERENCES appointment (id),
    recorded_ms BIGINT NOT NULL,
    PRIMARY KEY (request_id, consumer)
);

-- Who changed what, written in the transaction that changed it.
CREATE TABLE audit (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY NOT NULL,
    recorded_ms BIGINT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    version BIGINT,
    consumer TEXT,
    issuer TEXT,
    user_id TEXT,
    user_role TEXT,
    device TEXT,
    request_id TEXT,
    answer_id TEXT,
    trace_id TEXT,
    from_asid TEXT,
    to_asid TEXT,
    interaction_id TEXT
);
CREATE INDEX audit_by_subject ON audit (subject, version);
