//! What is answered: every status with what it means, and for every fault the very OperationOutcome it gets.
//!
//! What a reader would get wrong: no status of a refusal is written down here. Each fault that an operation can meet
//! is put to the root's own table, and whatever that says is what the document says.

use super::super::auth::Need;
use super::super::dialects::{self, Demanded, Dialect, Interaction, Route};
use super::{examples, tag};
use domain::fault::{Contradiction, Denial, Fault, ParameterFault, Problem, ProblemKind, Refusal, TokenFault};
use domain::ids::{AppointmentId, OdsCode};
use domain::time::{LONDON, Timestamp};
use fhir::codec::json as fhir_json;
use fhir::outcome;
use fhir::stu3;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The instant of examples: 11 February 2026, half past nine.
const START: Timestamp = Timestamp::from_ms(1_770_802_200_000);
const ID_OF_OUTCOME: &str = "4266bd15-db38-4506-8130-d19495657151";

/// A fault an operation can meet: its name among the examples, what it means, and one of its kind.
type Sample = (&'static str, &'static str, Fault);

/// The responses of an operation whose good answer is a resource of type `answer`.
pub fn of(dialect: &Dialect, route: Route, answer: &str) -> Value {
    let interaction = route.interaction;
    let mut responses = Map::new();
    let (status, says) = if interaction == Interaction::Book { ("201", "Booked") } else { ("200", good(interaction)) };
    let mut names = vec!["X-Request-ID", "X-Correlation-ID", "Cache-Control"];
    match answer {
        "OperationOutcome" => {}
        "Bundle" | "CapabilityStatement" => names.push("ETag"),
        _ => names.extend(["ETag", "Last-Modified"]),
    }
    if answer == "Appointment" {
        names.push("Content-Location");
    }
    if interaction.writes() {
        names.push("Location");
    }
    let schema = json!({"$ref": format!("#/components/schemas/{answer}")});
    let content = match examples::answer(dialect.strict, interaction) {
        Some(example) => json!({
            "application/fhir+xml": {"schema": {"type": "string"}, "example": examples::as_xml(&example)},
            "application/fhir+json": {"schema": schema, "example": example},
        }),
        None => json!({"application/fhir+xml": {"schema": {"type": "string"}}, "application/fhir+json": {"schema": schema}}),
    };
    responses.insert(status.to_owned(), json!({"description": says, "headers": references(&names), "content": content}));
    if route.method == "GET" {
        let says = "Not modified: the answer whose ETag If-None-Match names still holds";
        let names = ["X-Request-ID", "X-Correlation-ID", "Cache-Control", "ETag"];
        responses.insert("304".to_owned(), json!({"description": says, "headers": references(&names)}));
    }
    let mut by_status: BTreeMap<u16, Vec<Sample>> = BTreeMap::new();
    for sample in faults(dialect, interaction) {
        by_status.entry((dialect.refuse)(&sample.2).status).or_default().push(sample);
    }
    for (status, samples) in by_status {
        responses.insert(status.to_string(), refusal(dialect, &samples));
    }
    Value::Object(responses)
}

/// The examples that refusals refer to.
pub fn examples() -> Value {
    let mut all = Map::new();
    for dialect in dialects::ALL {
        for route in dialect.routes {
            for (name, says, fault) in faults(dialect, route.interaction) {
                let tree = outcome::tree(ID_OF_OUTCOME, &(dialect.refuse)(&fault).issues);
                let value: Value = serde_json::from_str(&fhir_json::write(&tree, stu3::definitions())).unwrap_or_default();
                all.insert(format!("{}-{name}", tag(dialect)), json!({"summary": says, "value": value}));
            }
        }
    }
    Value::Object(all)
}

/// The headers that answers refer to.
pub fn headers() -> Value {
    let header = |says: &str, example: &str| json!({"description": says, "schema": {"type": "string"}, "example": example});
    json!({
        "X-Request-ID": header("The server's own id of this answer; its log has it too", "73d7da71-8574-43c7-b4ea-dd05a4bcc3b9"),
        "X-Correlation-ID": header("X-Request-ID of the request, where it had one", "6c92ab9c-0cf4-4997-bac2-a4a8bd151902"),
        "Cache-Control": header("no-store", "no-store"),
        "ETag": header("The version, for If-Match; of a Bundle or statement its content. For If-None-Match in any case", "W/\"1\""),
        "Last-Modified": header("When the version was made", "Tue, 10 Feb 2026 16:05:31 GMT"),
        "Location": header("The version, absolute", "http://127.0.0.1:8080/STU3/1/booking/Appointment/43359409-1e68-4f08-96ba-fcaa4dc9e11b/_history/1"),
        "Content-Location": header("The version, absolute", "http://127.0.0.1:8080/STU3/1/booking/Appointment/43359409-1e68-4f08-96ba-fcaa4dc9e11b/_history/1"),
        "Retry-After": header("When to try again, in seconds", "1"),
    })
}

const fn good(interaction: Interaction) -> &'static str {
    match interaction {
        Interaction::SearchSlots | Interaction::SearchSchedules | Interaction::SearchAppointments => {
            "What matches, and what was asked for with it; an empty Bundle when nothing matches"
        }
        Interaction::Update => "Cancelled; the slot is free again",
        Interaction::Validate => "What the checks found, good or bad",
        _ => "The resource",
    }
}

fn references(names: &[&str]) -> Value {
    let pairs = names.iter().map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})));
    Value::Object(pairs.collect())
}

fn refusal(dialect: &Dialect, samples: &[Sample]) -> Value {
    let says: Vec<&str> = samples.iter().map(|(_, says, _)| *says).collect();
    let named = samples.iter().map(|(name, ..)| {
        let name = format!("{}-{name}", tag(dialect));
        (name.clone(), json!({"$ref": format!("#/components/examples/{name}")}))
    });
    let mut names = vec!["X-Request-ID", "X-Correlation-ID", "Cache-Control"];
    if samples.iter().any(|(.., fault)| matches!(fault, Fault::Busy { .. })) {
        names.push("Retry-After");
    }
    let schema = json!({"$ref": "#/components/schemas/OperationOutcome"});
    json!({
        "description": says.join("; "),
        "headers": references(&names),
        "content": {
            "application/fhir+json": {"schema": schema, "examples": named.collect::<Map<_, _>>()},
            "application/fhir+xml": {"schema": {"type": "string"}},
        },
    })
}

/// Every fault an operation can meet, in the order of the checks (`decisions.md` 5).
fn faults(dialect: &Dialect, interaction: Interaction) -> Vec<Sample> {
    let mut all = gate(dialect, interaction);
    match interaction {
        Interaction::Capability => {}
        Interaction::SearchSlots => {
            all.extend(search(dialect, "start"));
            let past = Fault::Parameter(ParameterFault::WindowPast { name: "start" });
            all.push(("window-past", "the window ends in the past", past));
            let long = Fault::Parameter(ParameterFault::WindowTooLong { name: "start", limit_days: 31 });
            all.push(("window-too-long", "the window is longer than the server searches at once", long));
            if dialect.strict {
                let missing =
                    ParameterFault::Missing { expected: "schedule.actor:healthcareservice=<service id> (or schedule=<id>, or _id=<id>)" };
                all.push(("parameter-missing", "neither service nor schedule nor slot is named", Fault::Parameter(missing)));
                let unknown = Fault::NotFound { kind: "HealthcareService", id: "2000099999".to_owned() };
                all.push(("service-unknown", "the service is not known here", unknown));
            }
        }
        Interaction::SearchSchedules => all.extend(search(dialect, "date")),
        Interaction::SearchAppointments => {
            all.extend(search(dialect, "date"));
            if dialect.strict {
                let expected = "a patient, as patient.identifier=https://fhir.nhs.uk/Id/nhs-number|<number>, or _id=<id>";
                let missing = Fault::Parameter(ParameterFault::Missing { expected });
                all.push(("patient-missing", "neither patient nor appointment is named", missing));
            }
        }
        Interaction::ReadSlot | Interaction::ReadSchedule | Interaction::ReadDirectory(_) => all.push(unknown("Resource")),
        Interaction::SearchDirectory(_) => all.extend(search(dialect, "_lastUpdated")),
        Interaction::ReadAppointment | Interaction::ReadVersion | Interaction::ReadHistory => {
            all.extend([unknown("Appointment"), not_yours()])
        }
        Interaction::Book => {
            all.extend(body(dialect));
            all.extend(write());
            all.extend(book());
        }
        Interaction::Update => {
            all.extend(body(dialect));
            all.extend(write());
            all.extend(update(dialect));
        }
        Interaction::Validate => {
            all.extend(body(dialect));
            all.extend(later());
            let mode = ParameterFault::Value { name: "mode".to_owned(), value: "book".to_owned(), expected: "create, update or delete" };
            all.push(("mode-unknown", "the mode is none", Fault::Parameter(mode)));
            let none = problem(ProblemKind::Structure, "Parameters.parameter", "the parameter `resource` is missing");
            all.push(("parameters-wrong", "the Parameters resource is itself wrong", none));
            all.extend([unknown("Appointment"), not_yours()]);
        }
    }
    all.push(("internal", "the server failed", Fault::Internal));
    all
}

fn gate(dialect: &Dialect, interaction: Interaction) -> Vec<Sample> {
    let mut all = Vec::new();
    let query = Fault::TooLarge { what: "query", limit: 8_192, unit: "bytes" };
    all.push(("query-too-large", "the query is too long", query));
    if interaction.need() != Need::Nothing {
        let token = Fault::Token(TokenFault::Scope { claim: "requested_scope".to_owned(), needed: interaction.need().example() });
        let name = match interaction.need() {
            Need::WriteAppointments => "token-write",
            Need::ReadAppointments => "token-appointments",
            _ => "token-slots",
        };
        all.push((name, "no token, or one that is unreadable, expired, for another audience or without the scope", token));
        let unlisted = Fault::NotPermitted(Denial::Unlisted { organisation: organisation() });
        all.push(("not-admitted", "the provider's policy does not admit the organisation", unlisted));
        if let Some(Demanded { name, .. }) = dialect.headers_demanded.first() {
            all.push(("header-missing", "a header that is demanded is missing", Fault::HeaderMissing { name }));
        }
    }
    let format = Fault::NotAcceptable { given: "text/csv".to_owned() };
    all.push(("format-unknown", "the answer cannot be written in the format asked for", format));
    all
}

fn search(dialect: &Dialect, window: &'static str) -> Vec<Sample> {
    let unknown = ParameterFault::Unknown { name: "startXXXXXXX".to_owned(), accepted: vec![window, "status", "_id"] };
    let told = if dialect.strict { "a parameter is not known" } else { "with Prefer: handling=strict, a parameter is not known" };
    let value = ParameterFault::Value { name: "status".to_owned(), value: "free,".to_owned(), expected: "codes separated by commas" };
    let reversed = ParameterFault::WindowReversed { name: window };
    let name = if window == "start" { "window-reversed" } else { "date-reversed" };
    let many = ParameterFault::TooManyMatches { limit: 2_000 };
    vec![
        (if window == "start" { "parameter-unknown" } else { "parameter-not-known" }, told, Fault::Parameter(unknown)),
        ("parameter-value", "a parameter's value means nothing", Fault::Parameter(value)),
        (name, "the window ends before it begins", Fault::Parameter(reversed)),
        ("too-many", "more matches than the server gives at once", Fault::Parameter(many)),
    ]
}

fn unknown(kind: &'static str) -> Sample {
    let fault = Fault::NotFound { kind, id: "95e58add-0b10-4a8c-817c-2729eb0cab75".to_owned() };
    (if kind == "Appointment" { "appointment-unknown" } else { "unknown" }, "there is nothing under this id", fault)
}

fn organisation() -> OdsCode {
    OdsCode::stored("X9T20".to_owned())
}

fn not_yours() -> Sample {
    let id = "43359409-1e68-4f08-96ba-fcaa4dc9e11b".to_owned();
    ("not-yours", "another organisation booked it", Fault::NotYours { kind: "Appointment", id })
}

fn problem(kind: ProblemKind, expression: &str, message: &str) -> Fault {
    Fault::Invalid(vec![Problem { kind, expression: expression.to_owned(), message: message.to_owned() }])
}

fn body(dialect: &Dialect) -> Vec<Sample> {
    let mut all = Vec::new();
    if dialect.request_id_demanded {
        all.push(("request-id-missing", "X-Request-ID is missing", Fault::HeaderMissing { name: "X-Request-ID" }));
    }
    let expected = "1 to 64 printable characters";
    all.extend([
        ("request-id-invalid", "X-Request-ID is no such id", Fault::HeaderInvalid { name: "X-Request-ID", expected }),
        (
            "content-type",
            "the body calls itself something that is not read here",
            Fault::ContentType { given: "application/xml".to_owned() },
        ),
        ("content-coding", "the body is compressed in a way that is not read here", Fault::ContentCoding { given: "br".to_owned() }),
        ("body-too-large", "the body is too large", Fault::TooLarge { what: "body", limit: 1_048_576, unit: "bytes" }),
        ("inflated-too-large", "the body unfolds to too much", Fault::TooLarge { what: "inflated body", limit: 4_194_304, unit: "bytes" }),
        (
            "unreadable",
            "the body is not what its format demands",
            Fault::Unreadable { problem: "line 1, column 1: a value is expected".to_owned() },
        ),
    ]);
    all
}

fn write() -> Vec<Sample> {
    let appointment = AppointmentId::stored("43359409-1e68-4f08-96ba-fcaa4dc9e11b".to_owned());
    let request_id = "6c92ab9c-0cf4-4997-bac2-a4a8bd151902".to_owned();
    let [busy, unreachable] = later();
    vec![
        ("duplicate", "this X-Request-ID has already succeeded", Fault::Duplicate { request_id, appointment }),
        busy,
        unreachable,
        ("outcome-unknown", "the outcome is unknown: send the same X-Request-ID again", Fault::OutcomeUnknown),
    ]
}

fn later() -> [Sample; 2] {
    [
        ("busy", "the server cannot keep up; nothing was done and nothing will be", Fault::Busy { retry_after_s: 1 }),
        (
            "database-unreachable",
            "the database is out of reach; nothing was done and nothing will be",
            Fault::DatabaseUnreachable { retry_after_s: 2 },
        ),
    ]
}

fn book() -> Vec<Sample> {
    let malformed = problem(ProblemKind::Structure, "Appointment.contained", "no Slot is contained: the slot to book must be");
    let invalid = problem(ProblemKind::NhsNumber, "Appointment.contained[1].identifier[0].value", "the check digit is wrong");
    let at = |name: &str| format!("Appointment.{name}");
    let contradiction = Contradiction { expression: at("contained[2].start"), stored: format!("the slot begins at {}", START.to_fhir()) };
    let no_booking = Fault::NotPermitted(Denial::Booking { organisation: organisation() });
    let ceiling = Refusal::CeilingReached { organisation: organisation(), service: None, day: START.local(LONDON).date(), per_day: 10 };
    vec![
        ("no-booking", "the provider's policy does not let the organisation book", no_booking),
        ("malformed", "the body is malformed: no contained Slot where one is demanded, or contacts ranked wrongly", malformed),
        ("invalid", "the body breaks rules; every problem is listed with its place", invalid),
        ("slot-taken", "the slot is no longer free", Fault::Refused(Refusal::SlotTaken)),
        ("slot-begun", "the slot has begun", Fault::Refused(Refusal::SlotBegun { start: START })),
        ("slot-unknown", "there is no such slot", Fault::Refused(Refusal::SlotUnknown { expression: at("slot[0]") })),
        ("slot-contradicted", "what the body says of the slot is not so", Fault::Refused(Refusal::SlotContradicted(vec![contradiction]))),
        ("ceiling-reached", "the organisation has as many appointments on that day as it may have", Fault::Refused(ceiling)),
    ]
}

fn update(dialect: &Dialect) -> Vec<Sample> {
    let mut all = vec![unknown("Appointment"), not_yours()];
    if dialect.if_match_demanded {
        all.push(("version-missing", "If-Match is missing", Fault::VersionMissing));
    }
    let other = problem(ProblemKind::Structure, "Appointment.id", "the body must carry the `id` of the appointment in the URL");
    let more = Refusal::MoreThanStatus { expressions: vec!["Appointment.contained[1].name.family".to_owned()] };
    let no_cancelling = Fault::NotPermitted(Denial::Cancelling { organisation: organisation() });
    all.extend([
        ("no-cancelling", "the provider's policy does not let the organisation cancel", no_cancelling),
        ("version-stale", "If-Match names another version than the current one", Fault::VersionStale { given: "1".to_owned(), current: 2 }),
        ("other-id", "the body is of another appointment", other),
        ("already-cancelled", "it is cancelled already", Fault::Refused(Refusal::AlreadyCancelled)),
        ("not-a-cancel", "the status is not `cancelled`", Fault::Refused(Refusal::NotACancel { status: "arrived".to_owned() })),
        ("more-than-status", "more than the status differs", Fault::Refused(more)),
        ("appointment-past", "the appointment has begun", Fault::Refused(Refusal::AppointmentPast { start: START })),
    ]);
    all
}
