//! `$validate`: what a booking or a cancel would be told, and nothing done (STU3 resource operations, "validate").
//!
//! Pitfall: a no is not an error. Whatever the checks find is in an answer of 200; only what keeps them from being carried
//! out at all is refused.

use super::super::pipeline::context::RequestContext;
use super::super::pipeline::documentation::{AnswerSample, BodySample, Documentation};
use super::super::pipeline::operation::{Effect, Operation, Permission, Stated};
use super::super::pipeline::reply::Reply;
use super::bookings::{self, decoded, expected, participants_exist};
use super::faults;
use crate::engine::ExpectedVersion;
use domain::fault::{Fault, ParameterFault, Problem, ProblemKind, Refusal};
use domain::ids::AppointmentId;
use fhir::codec::json::Read;
use fhir::outcome::{self, Issue, IssueCode, Severity};
use fhir::stu3::operation;
use fhir::stu3::uec::appointment::{read_booking_body, read_cancel_body, with_defaults};

/// `POST /Appointment/$validate`.
pub const OF_TYPE: Operation = Operation {
    path: "Appointment/$validate",
    permission: Permission::Admission,
    audit: "validate:appointment",
    effect: Effect::Reads,
    stated: Stated::Operation { name: "validate", definition: "http://hl7.org/fhir/OperationDefinition/Resource-validate" },
    handler: |context| Box::pin(validate(context)),
    faults: faults::validation,
    documentation: Documentation {
        verb: "validate",
        summary: "Says what a booking or a cancel would be told",
        notes: Some(
            "The checks of a booking (`mode` is `create`) or of a cancel (`update`, and the default where the URL names an appointment), \
             with nothing done, held or used up. The body is the Appointment, or a Parameters resource with `resource` and, if wanted, \
             `mode` and `profile`, which may also stand in the URL. What is found is in an answer of 200: one issue for every problem, or \
             one of severity information and code informational. The slot may be gone a moment later.",
        ),
        query: &[("mode", "create, update or delete, where the body does not say")],
        body: BodySample::Validation,
        success: (200, "What the checks found, good or bad"),
        answer: "OperationOutcome",
        example: AnswerSample::None,
    },
    ..bookings::BOOK
};

/// `POST /Appointment/<id>/$validate`.
pub const OF_ONE: Operation = Operation {
    path: "Appointment/{id}/$validate",
    documentation: Documentation { verb: "validate_one", ..OF_TYPE.documentation },
    ..OF_TYPE
};

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

async fn validate(context: &RequestContext) -> Result<Reply, Fault> {
    let handed = operation::validate(decoded(context)?).map_err(Fault::Invalid)?;
    let of_query = |name: &str| context.parameter(name).map(str::to_owned);
    let of_url = context.path.find("id").map(str::to_owned);
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
        (Mode::Create, Some(body)) => booking(context, body).await,
        (Mode::Update, Some(body)) => (None, cancel(context, body, of_url.clone()).await),
    };
    issues.extend(match found {
        Ok(()) => Vec::new(),
        // The URL itself leads nowhere, or to somebody else's.
        Err(fault @ (Fault::NotFound { .. } | Fault::NotYours { .. })) if of_url.is_some() => return Err(fault),
        Err(fault) => told(context, fault, place)?,
    });
    if issues.is_empty() {
        issues.push(outcome::informational("All OK".to_owned()));
    }
    Ok(Reply::resource(outcome::tree(&context.service.engine.new_id(), &issues), context.pretty()))
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
async fn booking(context: &RequestContext, body: Read) -> (Option<String>, Result<(), Fault>) {
    let request = match read_booking_body(body, &context.booking_rules()) {
        Ok(request) => request,
        Err(problems) => return (None, Err(Fault::Invalid(problems))),
    };
    if let Err(fault) = participants_exist(context, &request.resource).await {
        return (None, Err(fault));
    }
    let place = request.slot.expression.clone();
    let (access, origin) = (context.access(), context.origin());
    (Some(place), context.engine(move |engine| engine.would_book(request, access, origin)).await)
}

/// What a cancel would be told. On the type, the body says of which appointment.
async fn cancel(context: &RequestContext, body: Read, of_url: Option<String>) -> Result<(), Fault> {
    let id = of_url.or_else(|| body.tree.text_at("id").map(str::to_owned)).unwrap_or_default();
    let unknown = Fault::NotFound { kind: "Appointment", id: id.chars().take(64).collect() };
    let id = AppointmentId::parse(&id).map_err(|_| unknown)?;
    // `If-Match` is no part of the resource: it is looked at where it is given, and never demanded.
    let expected = expected(context).unwrap_or(ExpectedVersion::Any);
    let access = context.access();
    let looked_for = id.clone();
    let pending = context.engine(move |engine| engine.pending_cancel(looked_for.as_str(), &access, &expected)).await?;
    let change = read_cancel_body(&body, &id).map_err(Fault::Invalid)?;
    context.service.engine.would_cancel(&pending, &change.status, &with_defaults(body.tree))
}

/// The issues a booking or a cancel would be answered with, each with its place; `place` is where a booking names its slot.
fn told(context: &RequestContext, fault: Fault, place: Option<String>) -> Result<Vec<Issue>, Fault> {
    let place = match &fault {
        Fault::Invalid(_) => None,
        Fault::Refused(Refusal::AlreadyCancelled) => Some("Appointment.status".to_owned()),
        Fault::Refused(Refusal::AppointmentPast { .. }) => Some("Appointment.start".to_owned()),
        Fault::Refused(_) => place,
        Fault::NotFound { .. } | Fault::NotYours { .. } => Some("Appointment.id".to_owned()),
        Fault::VersionStale { .. } => Some("Appointment.meta.versionId".to_owned()),
        _ => return Err(fault),
    };
    let mut issues = (context.refuse)(&fault).issues;
    for issue in issues.iter_mut().filter(|issue| issue.expressions.is_empty()) {
        issue.expressions.extend(place.clone());
    }
    Ok(issues)
}

fn not_supported(diagnostics: String, place: Option<&str>) -> Issue {
    let expressions = place.into_iter().map(str::to_owned).collect();
    Issue { severity: Severity::Error, code: IssueCode::NotSupported, coding: None, diagnostics, expressions }
}
