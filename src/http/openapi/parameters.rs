//! What can stand in a URL and in the headers of a request.
//!
//! What a reader would get wrong: the names are those that the searches themselves list when they refuse an
//! unknown one; a test compares the two.

use super::super::dialects::{Dialect, Interaction, Route};
use serde_json::{Value, json};

/// A parameter of a search.
#[derive(Clone, Copy)]
struct Parameter {
    name: &'static str,
    /// Given several times, all must hold.
    repeats: bool,
    says: &'static str,
    example: &'static str,
}

const fn one(name: &'static str, example: &'static str, says: &'static str) -> Parameter {
    Parameter { name, repeats: false, says, example }
}

const fn many(name: &'static str, example: &'static str, says: &'static str) -> Parameter {
    Parameter { name, repeats: true, says, example }
}

const SLOT: [Parameter; 8] = [
    one("schedule.actor:healthcareservice", "2000099901", "The service, by its id in the directory of services"),
    one("service", "2000099901", "The same, shorter"),
    one("schedule.actor", "HealthcareService/2000099901", "The same, as a reference"),
    one("schedule", "Schedule/9f82a69f-a923-44ba-b27f-fff750fb6630", "The schedule"),
    one(
        "identifier",
        "https://tools.ietf.org/html/rfc4122|9f2c41d0-6f0e-4b7a-9d53-1f2a52a3c1de",
        "The slot's identifier, which equals its id",
    ),
    one("status", "free", "free, busy, or both separated by a comma"),
    many("start", "ge2026-02-11T00:00:00+00:00", "When the slot begins, after one of ge, gt, le, lt, eq; twice to make a window"),
    one("_id", "9f2c41d0-6f0e-4b7a-9d53-1f2a52a3c1de", "The slot's id"),
];

const SCHEDULE: [Parameter; 8] = [
    many("actor", "Practitioner/815a7e76-e4c8-4cc8-9f40-769725047268", "A service, clinician, role or place that takes part"),
    one("actor:healthcareservice", "2000099901", "A service"),
    one("actor:practitioner", "815a7e76-e4c8-4cc8-9f40-769725047268", "A clinician"),
    one("actor:practitionerrole", "555040200101", "A clinician's role"),
    one("actor:location", "5ed21cb1-e0bf-4f3f-8cd9-c12bcd77d253", "A place"),
    many("date", "ge2026-02-11", "A time in which the schedule has slots"),
    one("identifier", "https://weirside.example/Id/diary|UTC-1", "The provider's own name for the schedule"),
    one("_id", "9f82a69f-a923-44ba-b27f-fff750fb6630", "The schedule's id"),
];

const APPOINTMENT: [Parameter; 11] = [
    one(
        "Appointment.participant.actor:Patient.identifier",
        "https://fhir.nhs.uk/Id/nhs-number|9990482136",
        "The patient's NHS number, as the standard spells it",
    ),
    one("Appointment.participant.actor", "https://fhir.nhs.uk/Id/nhs-number|9990482136", "The same in an older spelling, or another actor"),
    one("patient", "https://fhir.nhs.uk/Id/nhs-number|9990482136", "The same, shorter"),
    one("patient.identifier", "https://fhir.nhs.uk/Id/nhs-number|9990482136", "The same, as STU3 spells it"),
    one("identifier", "https://fhir.nhs.uk/Id/nhs-number|9990482136", "The same"),
    one("version", "1", "The appointment's current version"),
    one("status", "booked", "booked, cancelled, or both separated by a comma"),
    many("date", "ge2026-02-11", "When the appointment begins"),
    one("slot", "Slot/9f2c41d0-6f0e-4b7a-9d53-1f2a52a3c1de", "The slot it has or had"),
    many("actor", "Practitioner/815a7e76-e4c8-4cc8-9f40-769725047268", "A service, clinician, role or place that takes part"),
    one("_id", "43359409-1e68-4f08-96ba-fcaa4dc9e11b", "The appointment's id"),
];

const ALWAYS: [Parameter; 9] = [
    many("_include", "Slot:schedule", "Related resources; the iterating forms and every spelling in use are understood"),
    many("_revinclude", "Slot:schedule", "On Schedule: its slots. Accepted and without effect elsewhere"),
    one("_format", "json", "The format of the answer: json, xml, or a media type"),
    one("_pretty", "true", "Writes the answer for people to read"),
    one("_summary", "count", "count: only how many match"),
    one("_count", "50", "Entries a page; 0 for the total only"),
    one("_cursor", "from-a-next-link", "Where a page begins: from the `next` link of an answer, unchanged"),
    many("_lastUpdated", "ge2026-02-01", "When the match last changed"),
    many("end", "le2026-02-12", "Until 2.0.3, when a slot ends: has its effect on Slot with `--compat 2.0.3` or older, else none"),
];

/// Everything a route takes beside its body.
pub fn of(dialect: &Dialect, route: Route) -> Vec<Value> {
    let mut all: Vec<Value> = ["id", "version"].into_iter().take(route.path.matches('*').count()).map(in_path).collect();
    let own: &[Parameter] = match route.interaction {
        Interaction::SearchSlots => &SLOT,
        Interaction::SearchSchedules => &SCHEDULE,
        Interaction::SearchAppointments => &APPOINTMENT,
        _ => &[],
    };
    if own.is_empty() {
        all.extend(ALWAYS.iter().filter(|p| matches!(p.name, "_format" | "_pretty")).map(|p| in_query(*p)));
    } else {
        all.extend(own.iter().chain(&ALWAYS).map(|p| in_query(*p)));
    }
    if route.interaction != Interaction::Capability {
        let spine = ["Ssp-TraceID", "Ssp-From", "Ssp-To", "Ssp-InteractionID"];
        all.extend(spine.into_iter().map(|name| header(name, dialect.headers_demanded.contains(&name), SSP, example_of(name))));
    }
    if route.interaction.has_body() {
        let example = "6c92ab9c-0cf4-4997-bac2-a4a8bd151902";
        all.push(header("X-Request-ID", dialect.request_id_demanded, "1 to 64 printable characters; the same when sent again", example));
    }
    if route.interaction == Interaction::Update {
        all.push(header("If-Match", dialect.if_match_demanded, "The ETag of the version that was read", "W/\"1\""));
    }
    if !dialect.strict {
        all.push(header("Prefer", false, "handling=strict: unknown parameters are refused", "handling=strict"));
    }
    all
}

const SSP: &str = "What the Spine proxy adds; recorded, never used for routing. Not demanded with --auth off";

fn example_of(header: &str) -> &'static str {
    match header {
        "Ssp-TraceID" => "09a01679-2564-0fb4-5129-aecc81ea2706",
        "Ssp-From" => "200000000359",
        "Ssp-To" => "918999198993",
        _ => "urn:nhs:names:services:careconnect:fhir:rest:search:slot",
    }
}

fn in_path(name: &str) -> Value {
    let (says, schema) = match name {
        "version" => ("The version, from 1", json!({"type": "string", "pattern": "^[0-9]+$"})),
        _ => ("The id", json!({"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"})),
    };
    json!({"name": name, "in": "path", "required": true, "description": says, "schema": schema})
}

fn in_query(parameter: Parameter) -> Value {
    let Parameter { name, repeats, says, example } = parameter;
    let text = json!({"type": "string"});
    if repeats {
        let schema = json!({"type": "array", "items": text});
        let found = json!({"name": name, "in": "query", "description": says, "style": "form", "explode": true, "schema": schema, "example": [example]});
        return found;
    }
    json!({"name": name, "in": "query", "description": says, "schema": text, "example": example})
}

fn header(name: &str, required: bool, says: &str, example: &str) -> Value {
    json!({"name": name, "in": "header", "required": required, "description": says, "schema": {"type": "string"}, "example": example})
}
