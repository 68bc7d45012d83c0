//! `$validate`: what a booking or a cancel would be told, and nothing done (STU3 resource operations, "validate").
//!
//! What a reader would get wrong: a no is not an error. Whatever the checks find is in an answer of 200; only what
//! keeps them from being carried out at all is refused.

use super::books::{decoded, expected, participants_exist, rules};
use super::{Asked, respond};
use crate::engine::ExpectedVersion;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use domain::fault::{Fault, ParameterFault, Problem, ProblemKind, Refusal};
use domain::ids::AppointmentId;
use fhir::codec::json::Read;
use fhir::outcome::{self, Issue, IssueCode, Severity};
use fhir::stu3::operation;
use fhir::stu3::uec::appointment::{read_booking_body, read_cancel_body, with_defaults};

/// Profiles every appointment is held to in any case.
const PROFILES: [&str; 2] =
    ["https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1", "http://hl7.org/fhir/StructureDefinition/Appointment"];

/// What the resource is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Create,
    Update,
    Delete,
}

/// `POST /Appointment/$validate` and `POST /Appointment/<id>/$validate`.
pub async fn validate(asked: Asked) -> Result<HttpResponse, Fault> {
    let handed = operation::validate(decoded(&asked)?).map_err(Fault::Invalid)?;
    let of_query = |name: &str| asked.admitted.parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
    let of_url = asked.admitted.ids.first().cloned();
    let mode = mode(handed.mode.or_else(|| of_query("mode")), of_url.is_some())?;
    let mut issues = Vec::new();
    if let Some(profile) = handed.profile.or_else(|| of_query("profile"))
        && !PROFILES.contains(&profile.as_str())
    {
        let told = format!("another profile than these is not known here: {}", PROFILES.join(", "));
        issues.push(not_supported(told, None));
    }
    let (place, found) = match (mode, handed.resource) {
        (Mode::Delete, _) => {
            issues.push(not_supported(
                "an appointment is never deleted; an update that sets its status to `cancelled` cancels it".to_owned(),
                None,
            ));
            (None, Ok(()))
        }
        (_, None) => {
            let message = "the parameter `resource` is missing: the appointment to look at".to_owned();
            let expression = "Parameters.parameter".to_owned();
            return Err(Fault::Invalid(vec![Problem { kind: ProblemKind::Structure, expression, message }]));
        }
        (Mode::Create, Some(_)) if of_url.is_some() => {
            let told = "a booking has no id yet: validate it at Appointment/$validate".to_owned();
            issues.push(not_supported(told, Some("Appointment.id")));
            (None, Ok(()))
        }
        (Mode::Create, Some(body)) => booking(&asked, body).await,
        (Mode::Update, Some(body)) => (None, cancel(&asked, body, of_url.clone()).await),
    };
    issues.extend(match found {
        Ok(()) => Vec::new(),
        // The URL itself leads nowhere, or to somebody else's.
        Err(fault @ (Fault::NotFound { .. } | Fault::NotYours { .. })) if of_url.is_some() => return Err(fault),
        Err(fault) => told(&asked, fault, place)?,
    });
    if issues.is_empty() {
        issues.push(outcome::informational("All OK".to_owned()));
    }
    let tree = outcome::tree(&asked.service.engine.new_id(), &issues);
    Ok(respond::resource(StatusCode::OK, &tree, asked.looks_of_write()))
}

fn mode(given: Option<String>, of_one: bool) -> Result<Mode, Fault> {
    match given.as_deref() {
        None if of_one => Ok(Mode::Update),
        None | Some("create") => Ok(Mode::Create),
        Some("update") => Ok(Mode::Update),
        Some("delete") => Ok(Mode::Delete),
        Some(other) => {
            let value = other.chars().take(100).collect();
            Err(Fault::Parameter(ParameterFault::Value { name: "mode".to_owned(), value, expected: "create, update or delete" }))
        }
    }
}

/// What a booking would be told, and where it names its slot.
async fn booking(asked: &Asked, body: Read) -> (Option<String>, Result<(), Fault>) {
    let request = match read_booking_body(body, &rules(asked)) {
        Ok(request) => request,
        Err(problems) => return (None, Err(Fault::Invalid(problems))),
    };
    if let Err(fault) = participants_exist(asked, &request.resource).await {
        return (None, Err(fault));
    }
    let place = request.slot.expression.clone();
    let (access, origin) = (asked.access(), asked.origin());
    (Some(place), asked.engine(move |engine| engine.would_book(request, access, origin)).await)
}

/// What a cancel would be told. On the type, the body says of which appointment.
async fn cancel(asked: &Asked, body: Read, of_url: Option<String>) -> Result<(), Fault> {
    let id = of_url.or_else(|| body.tree.text_at("id").map(str::to_owned)).unwrap_or_default();
    let unknown = Fault::NotFound { kind: "Appointment", id: id.chars().take(64).collect() };
    let id = AppointmentId::parse(&id).map_err(|_| unknown)?;
    // `If-Match` is no part of the resource: it is looked at where it is given, and never demanded.
    let expected = expected(asked).unwrap_or(ExpectedVersion::Any);
    let access = asked.access();
    let looked_for = id.clone();
    let pending = asked.engine(move |engine| engine.pending_cancel(looked_for.as_str(), &access, &expected)).await?;
    let change = read_cancel_body(&body, &id).map_err(Fault::Invalid)?;
    asked.service.engine.would_cancel(&pending, &change.status, &with_defaults(body.tree))
}

/// The issues a booking or a cancel would be answered with, each with its place; `place` is where a booking names its slot.
fn told(asked: &Asked, fault: Fault, place: Option<String>) -> Result<Vec<Issue>, Fault> {
    let place = match &fault {
        Fault::Invalid(_) => None,
        Fault::Refused(Refusal::AlreadyCancelled) => Some("Appointment.status".to_owned()),
        Fault::Refused(Refusal::AppointmentPast { .. }) => Some("Appointment.start".to_owned()),
        Fault::Refused(_) => place,
        Fault::NotFound { .. } | Fault::NotYours { .. } => Some("Appointment.id".to_owned()),
        Fault::VersionStale { .. } => Some("Appointment.meta.versionId".to_owned()),
        _ => return Err(fault),
    };
    let mut issues = (asked.dialect.refuse)(&fault).issues;
    for issue in issues.iter_mut().filter(|issue| issue.expressions.is_empty()) {
        issue.expressions.extend(place.clone());
    }
    Ok(issues)
}

fn not_supported(diagnostics: String, place: Option<&str>) -> Issue {
    let expressions = place.into_iter().map(str::to_owned).collect();
    Issue { severity: Severity::Error, code: IssueCode::NotSupported, coding: None, diagnostics, expressions }
}
