//! The faults that operations can answer, each with an example: OpenAPI shows what a dialect's table makes of them.

use super::super::pipeline::documentation::FaultSample;
use super::super::pipeline::rules::{DialectRules, HeaderPresence, UnknownService};
use domain::fault::{Contradiction, Denial, Fault, ParameterFault, Problem, ProblemKind, Refusal};
use domain::ids::{AppointmentId, OdsCode};
use domain::time::{LONDON, Timestamp};
use fhir::search::{SearchSubject, UnknownParameters};

/// The instant of examples: 11 February 2026, half past nine.
const START: Timestamp = Timestamp::from_ms(1_770_802_200_000);

/// Those of an operation that has none of its own.
pub const fn none(_: &DialectRules) -> Vec<FaultSample> {
    Vec::new()
}

/// Those of reading anything but appointments.
pub fn read(_: &DialectRules) -> Vec<FaultSample> {
    vec![unknown("Resource")]
}

/// Those of reading appointments.
pub fn appointment_read(_: &DialectRules) -> Vec<FaultSample> {
    vec![unknown("Appointment"), not_yours()]
}

/// Those of searching slots.
pub fn slot_search(rules: &DialectRules) -> Vec<FaultSample> {
    let mut all = search(rules, "start");
    let past = Fault::Parameter(ParameterFault::WindowPast { name: "start" });
    all.push(FaultSample::new("window-past", "the window ends in the past", past));
    let long = Fault::Parameter(ParameterFault::WindowTooLong { name: "start", limit_days: 31 });
    all.push(FaultSample::new("window-too-long", "the window is longer than the server searches at once", long));
    if rules.search.subject == SearchSubject::Demanded {
        let expected = "schedule.actor:healthcareservice=<service id> (or schedule=<id>, or _id=<id>)";
        let missing = Fault::Parameter(ParameterFault::Missing { expected });
        all.push(FaultSample::new("parameter-missing", "neither service nor schedule nor slot is named", missing));
    }
    if rules.unknown_service == UnknownService::NotFound {
        let unknown = Fault::NotFound { kind: "HealthcareService", id: "2000099999".to_owned() };
        all.push(FaultSample::new("service-unknown", "the service is not known here", unknown));
    }
    all
}

/// Those of searching schedules.
pub fn schedule_search(rules: &DialectRules) -> Vec<FaultSample> {
    search(rules, "date")
}

/// Those of searching the directory.
pub fn directory_search(rules: &DialectRules) -> Vec<FaultSample> {
    search(rules, "_lastUpdated")
}

/// Those of searching appointments.
pub fn appointment_search(rules: &DialectRules) -> Vec<FaultSample> {
    let mut all = search(rules, "date");
    if rules.search.subject == SearchSubject::Demanded {
        let expected = "a patient, as patient.identifier=https://fhir.nhs.uk/Id/nhs-number|<number>, or _id=<id>";
        let missing = Fault::Parameter(ParameterFault::Missing { expected });
        all.push(FaultSample::new("patient-missing", "neither patient nor appointment is named", missing));
    }
    all
}

/// Those of booking.
pub fn booking(rules: &DialectRules) -> Vec<FaultSample> {
    let mut all = body(rules);
    all.extend(write());
    all.extend(book());
    all
}

/// Those of cancelling.
pub fn cancel(rules: &DialectRules) -> Vec<FaultSample> {
    let mut all = body(rules);
    all.extend(write());
    all.extend(update(rules));
    all
}

/// Those of `$validate`.
pub fn validation(rules: &DialectRules) -> Vec<FaultSample> {
    let mut all = body(rules);
    all.extend(later());
    let mode = ParameterFault::Value { name: "mode".to_owned(), value: "book".to_owned(), expected: "create, update or delete" };
    all.push(FaultSample::new("mode-unknown", "the mode is none", Fault::Parameter(mode)));
    let none = problem(ProblemKind::Structure, "Parameters.parameter", "the parameter `resource` is missing");
    all.push(FaultSample::new("parameters-wrong", "the Parameters resource is itself wrong", none));
    all.extend([unknown("Appointment"), not_yours()]);
    all
}

fn search(rules: &DialectRules, window: &'static str) -> Vec<FaultSample> {
    let unknown = ParameterFault::Unknown { name: "startXXXXXXX".to_owned(), accepted: vec![window, "status", "_id"] };
    let told = match rules.search.unknown {
        UnknownParameters::Refused => "a parameter is not known",
        UnknownParameters::Ignored => "with Prefer: handling=strict, a parameter is not known",
    };
    let value = ParameterFault::Value { name: "status".to_owned(), value: "free,".to_owned(), expected: "codes separated by commas" };
    let reversed = ParameterFault::WindowReversed { name: window };
    let name = if window == "start" { "window-reversed" } else { "date-reversed" };
    let many = ParameterFault::TooManyMatches { limit: 2_000 };
    vec![
        FaultSample::new(if window == "start" { "parameter-unknown" } else { "parameter-not-known" }, told, Fault::Parameter(unknown)),
        FaultSample::new("parameter-value", "a parameter's value means nothing", Fault::Parameter(value)),
        FaultSample::new(name, "the window ends before it begins", Fault::Parameter(reversed)),
        FaultSample::new("too-many", "more matches than the server gives at once", Fault::Parameter(many)),
    ]
}

fn unknown(kind: &'static str) -> FaultSample {
    let fault = Fault::NotFound { kind, id: "95e58add-0b10-4a8c-817c-2729eb0cab75".to_owned() };
    FaultSample::new(if kind == "Appointment" { "appointment-unknown" } else { "unknown" }, "there is nothing under this id", fault)
}

fn organisation() -> OdsCode {
    OdsCode::stored("X9T20".to_owned())
}

fn not_yours() -> FaultSample {
    let id = "43359409-1e68-4f08-96ba-fcaa4dc9e11b".to_owned();
    FaultSample::new("not-yours", "another organisation booked it", Fault::NotYours { kind: "Appointment", id })
}

fn problem(kind: ProblemKind, expression: &str, message: &str) -> Fault {
    Fault::Invalid(vec![Problem { kind, expression: expression.to_owned(), message: message.to_owned() }])
}

fn body(rules: &DialectRules) -> Vec<FaultSample> {
    let mut all = Vec::new();
    if rules.request_id == HeaderPresence::Demanded {
        all.push(FaultSample::new("request-id-missing", "X-Request-ID is missing", Fault::HeaderMissing { name: "X-Request-ID" }));
    }
    let expected = "1 to 64 printable characters";
    all.extend([
        FaultSample::new("request-id-invalid", "X-Request-ID is no such id", Fault::HeaderInvalid { name: "X-Request-ID", expected }),
        FaultSample::new(
            "content-type",
            "the body calls itself something that is not read here",
            Fault::ContentType { given: "application/xml".to_owned() },
        ),
        FaultSample::new(
            "content-coding",
            "the body is compressed in a way that is not read here",
            Fault::ContentCoding { given: "br".to_owned() },
        ),
        FaultSample::new("body-too-large", "the body is too large", Fault::TooLarge { what: "body", limit: 1_048_576, unit: "bytes" }),
        FaultSample::new(
            "inflated-too-large",
            "the body unfolds to too much",
            Fault::TooLarge { what: "inflated body", limit: 4_194_304, unit: "bytes" },
        ),
        FaultSample::new(
            "unreadable",
            "the body is not what its format demands",
            Fault::Unreadable { problem: "line 1, column 1: a value is expected".to_owned() },
        ),
    ]);
    all
}

fn write() -> Vec<FaultSample> {
    let appointment = AppointmentId::stored("43359409-1e68-4f08-96ba-fcaa4dc9e11b".to_owned());
    let request_id = "6c92ab9c-0cf4-4997-bac2-a4a8bd151902".to_owned();
    let [busy, unreachable] = later();
    vec![
        FaultSample::new("duplicate", "this X-Request-ID has already succeeded", Fault::Duplicate { request_id, appointment }),
        busy,
        unreachable,
        FaultSample::new("outcome-unknown", "the outcome is unknown: send the same X-Request-ID again", Fault::OutcomeUnknown),
    ]
}

fn later() -> [FaultSample; 2] {
    let unreachable = Fault::DatabaseUnreachable { retry_after_s: 2 };
    [
        FaultSample::new("busy", "the server cannot keep up; nothing was done and nothing will be", Fault::Busy { retry_after_s: 1 }),
        FaultSample::new("database-unreachable", "the database is out of reach; nothing was done and nothing will be", unreachable),
    ]
}

fn book() -> Vec<FaultSample> {
    let malformed = problem(ProblemKind::Structure, "Appointment.contained", "no Slot is contained: the slot to book must be");
    let invalid = problem(ProblemKind::NhsNumber, "Appointment.contained[1].identifier[0].value", "the check digit is wrong");
    let at = |name: &str| format!("Appointment.{name}");
    let contradiction = Contradiction { expression: at("contained[2].start"), stored: format!("the slot begins at {}", START.to_fhir()) };
    let no_booking = Fault::NotPermitted(Denial::Booking { organisation: organisation() });
    let ceiling = Refusal::CeilingReached { organisation: organisation(), service: None, day: START.local(LONDON).date(), per_day: 10 };
    vec![
        FaultSample::new("no-booking", "the provider's policy does not let the organisation book", no_booking),
        FaultSample::new(
            "malformed",
            "the body is malformed: no contained Slot where one is demanded, or contacts ranked wrongly",
            malformed,
        ),
        FaultSample::new("invalid", "the body breaks rules; every problem is listed with its place", invalid),
        FaultSample::new("slot-taken", "the slot is no longer free", Fault::Refused(Refusal::SlotTaken)),
        FaultSample::new("slot-begun", "the slot has begun", Fault::Refused(Refusal::SlotBegun { start: START })),
        FaultSample::new("slot-unknown", "there is no such slot", Fault::Refused(Refusal::SlotUnknown { expression: at("slot[0]") })),
        FaultSample::new(
            "slot-contradicted",
            "what the body says of the slot is not so",
            Fault::Refused(Refusal::SlotContradicted(vec![contradiction])),
        ),
        FaultSample::new(
            "ceiling-reached",
            "the organisation has as many appointments on that day as it may have",
            Fault::Refused(ceiling),
        ),
    ]
}

fn update(rules: &DialectRules) -> Vec<FaultSample> {
    let mut all = vec![unknown("Appointment"), not_yours()];
    if rules.if_match == HeaderPresence::Demanded {
        all.push(FaultSample::new("version-missing", "If-Match is missing", Fault::VersionMissing));
    }
    let other = problem(ProblemKind::Structure, "Appointment.id", "the body must carry the `id` of the appointment in the URL");
    let more = Refusal::MoreThanStatus { expressions: vec!["Appointment.contained[1].name.family".to_owned()] };
    let no_cancelling = Fault::NotPermitted(Denial::Cancelling { organisation: organisation() });
    all.extend([
        FaultSample::new("no-cancelling", "the provider's policy does not let the organisation cancel", no_cancelling),
        FaultSample::new(
            "version-stale",
            "If-Match names another version than the current one",
            Fault::VersionStale { given: "1".to_owned(), current: 2 },
        ),
        FaultSample::new("other-id", "the body is of another appointment", other),
        FaultSample::new("already-cancelled", "it is cancelled already", Fault::Refused(Refusal::AlreadyCancelled)),
        FaultSample::new(
            "not-a-cancel",
            "the status is not `cancelled`",
            Fault::Refused(Refusal::NotACancel { status: "arrived".to_owned() }),
        ),
        FaultSample::new("more-than-status", "more than the status differs", Fault::Refused(more)),
        FaultSample::new("appointment-past", "the appointment has begun", Fault::Refused(Refusal::AppointmentPast { start: START })),
    ]);
    all
}
