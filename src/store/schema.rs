//! The tables as diesel sees them; the same on both databases. The truth is in `migrations/`.

diesel::table! {
    directory (kind, id) {
        kind -> Text,
        id -> Text,
        version -> BigInt,
        updated_ms -> BigInt,
        document -> Text,
        release -> Text,
    }
}

diesel::table! {
    service (id) {
        id -> Text,
        name -> Text,
        organization_id -> Nullable<Text>,
        ods -> Nullable<Text>,
        location_id -> Nullable<Text>,
    }
}

diesel::table! {
    schedule (id) {
        id -> Text,
        identifier_system -> Text,
        identifier_value -> Text,
        name -> Text,
        practitioner_id -> Nullable<Text>,
        role_id -> Nullable<Text>,
        location_id -> Nullable<Text>,
        zone -> Text,
        active -> Bool,
        version -> BigInt,
        updated_ms -> BigInt,
    }
}

diesel::table! {
    schedule_service (schedule_id, service_id) {
        schedule_id -> Text,
        service_id -> Text,
        rank -> Integer,
    }
}

diesel::table! {
    slot (id) {
        id -> Text,
        schedule_id -> Text,
        start_ms -> BigInt,
        end_ms -> BigInt,
        capacity -> Integer,
        taken -> Integer,
        blocked -> Bool,
        channel -> Nullable<Text>,
        version -> BigInt,
        updated_ms -> BigInt,
    }
}

diesel::table! {
    slot_past (id) {
        id -> Text,
        schedule_id -> Text,
        start_ms -> BigInt,
        end_ms -> BigInt,
        capacity -> Integer,
        taken -> Integer,
        blocked -> Bool,
        channel -> Nullable<Text>,
        version -> BigInt,
        updated_ms -> BigInt,
    }
}

// A view of both: every slot there ever was.
diesel::table! {
    slot_ever (id) {
        id -> Text,
        schedule_id -> Text,
        start_ms -> BigInt,
        end_ms -> BigInt,
        capacity -> Integer,
        taken -> Integer,
        blocked -> Bool,
        channel -> Nullable<Text>,
        version -> BigInt,
        updated_ms -> BigInt,
    }
}

diesel::table! {
    appointment (id) {
        id -> Text,
        slot_id -> Text,
        seat -> Integer,
        live -> Bool,
        version -> BigInt,
        start_ms -> BigInt,
        end_ms -> BigInt,
        service_id -> Text,
        booked_by -> Nullable<Text>,
        nhs_number -> Nullable<Text>,
        patient_name -> Nullable<Text>,
        birth_date -> Nullable<Text>,
        contact -> Nullable<Text>,
        reason -> Text,
        clinical_document -> Nullable<Text>,
        updated_ms -> BigInt,
    }
}

diesel::table! {
    appointment_version (appointment_id, version) {
        appointment_id -> Text,
        version -> BigInt,
        live -> Bool,
        recorded_ms -> BigInt,
        document -> Text,
        release -> Text,
    }
}

diesel::table! {
    request_key (request_id, consumer) {
        request_id -> Text,
        consumer -> Text,
        appointment_id -> Text,
        recorded_ms -> BigInt,
    }
}

diesel::table! {
    audit (seq) {
        seq -> BigInt,
        recorded_ms -> BigInt,
        action -> Text,
        subject -> Text,
        version -> Nullable<BigInt>,
        consumer -> Nullable<Text>,
        issuer -> Nullable<Text>,
        user_id -> Nullable<Text>,
        user_role -> Nullable<Text>,
        device -> Nullable<Text>,
        request_id -> Nullable<Text>,
        answer_id -> Nullable<Text>,
        trace_id -> Nullable<Text>,
        from_asid -> Nullable<Text>,
        to_asid -> Nullable<Text>,
        interaction_id -> Nullable<Text>,
    }
}

diesel::joinable!(slot_ever -> schedule (schedule_id));
diesel::joinable!(appointment -> slot (slot_id));
diesel::joinable!(appointment -> slot_ever (slot_id));
diesel::joinable!(appointment -> service (service_id));
diesel::joinable!(appointment_version -> appointment (appointment_id));
diesel::allow_tables_to_appear_in_same_query!(
    directory,
    service,
    schedule,
    schedule_service,
    slot,
    slot_past,
    slot_ever,
    appointment,
    appointment_version,
    request_key,
    audit
);
