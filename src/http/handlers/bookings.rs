//! Booking and cancelling.
//!
//! Pitfall: a request that is refused for its content may still be a resent one that has succeeded before, and then that is
//! the answer. So every such refusal asks for the key first.

use super::super::auth::Need;
use super::super::pipeline::context::RequestContext;
use super::super::pipeline::documentation::{AnswerSample, BodySample, Documentation};
use super::super::pipeline::negotiate::Format;
use super::super::pipeline::operation::{Caching, Effect, Input, Operation, Permission, Stated};
use super::super::pipeline::prefer::Returning;
use super::super::pipeline::reply::{Content, Reply, ResourceUrl, Status};
use super::super::pipeline::rules::HeaderPresence;
use super::{appointments, faults};
use crate::engine::ExpectedVersion;
use actix_web::rt::time::timeout;
use domain::appointment::AppointmentVersion;
use domain::directory::DirectoryKind;
use domain::element::Element;
use domain::fault::{Fault, Problem, ProblemKind};
use domain::ids::AppointmentId;
use fhir::codec::{json, xml};
use fhir::outcome;
use fhir::shape::Shape;
use fhir::stu3::uec::appointment::{of_the_directory, read_booking_body, read_cancel_body, with_defaults};
use tokio::sync::oneshot;

/// Most tags of one `If-Match` that are looked at, and how much of each.
const TAGS_MAX: usize = 16;
const TAG_CHARS_MAX: usize = 100;

/// `POST /Appointment` (docs/specification/uec.md#a7-book). What must be in the body is the dialect's to say.
pub const BOOK: Operation = Operation {
    method: "POST",
    path: "Appointment",
    scope: Need::WriteAppointments,
    permission: Permission::Book,
    audit: "create:appointment",
    input: Input::Resource,
    effect: Effect::Writes,
    caching: Caching::Never,
    stated: Stated::Interaction("create"),
    handler: |context| Box::pin(book(context)),
    faults: faults::booking,
    documentation: Documentation {
        verb: "create",
        summary: "Books a slot",
        notes: None,
        query: &[],
        body: BodySample::Booking,
        success: (201, "Booked"),
        answer: "Appointment",
        example: AnswerSample::Booked,
    },
};

/// `PUT /Appointment/<id>` (docs/specification/uec.md#a9-cancel): cancelling is all it does.
pub const CANCEL: Operation = Operation {
    method: "PUT",
    path: "Appointment/{id}",
    permission: Permission::Cancel,
    audit: "update:appointment",
    stated: Stated::Interaction("update"),
    handler: |context| Box::pin(cancel(context)),
    faults: faults::cancel,
    documentation: Documentation {
        verb: "update",
        summary: "Cancels an appointment",
        notes: Some(
            "The body is the appointment as read, with `status` set to `cancelled`: nothing else may change. `meta`, `text` and `created` may \
             be left out, and the same instant may be written in another offset.",
        ),
        body: BodySample::Cancel,
        success: (200, "Cancelled; the slot is free again"),
        example: AnswerSample::Cancelled,
        ..BOOK.documentation
    },
    ..BOOK
};

async fn book(context: &RequestContext) -> Result<Reply, Fault> {
    match try_book(context).await {
        Ok(made) => Ok(written(context, Status::Created, made)),
        Err(fault) => Err(settled(context, fault).await),
    }
}

async fn try_book(context: &RequestContext) -> Result<AppointmentVersion, Fault> {
    let body = decoded(context)?;
    let request = read_booking_body(body, &context.booking_rules()).map_err(Fault::Invalid)?;
    participants_exist(context, &request.resource).await?;
    let (tell, told) = oneshot::channel();
    // Nobody listens when the consumer has hung up; the booking stands all the same.
    let answer = Box::new(move |outcome| drop(tell.send(outcome)));
    context.service.engine.book(request, context.access(), context.origin(), answer);
    outcome(context, told).await
}

/// Whoever else takes part is somebody (docs/specification/uec.md#c11-references).
pub async fn participants_exist(context: &RequestContext, appointment: &Element) -> Result<(), Fault> {
    let named = of_the_directory(appointment, context.service_roots());
    if named.is_empty() {
        return Ok(());
    }
    let wanted: Vec<_> = named.iter().map(|(kind, id, _)| (*kind, id.clone())).collect();
    let access = context.access();
    let found = context.engine(move |engine| engine.directory_entries(&wanted, &access)).await?;
    let missing = named.into_iter().filter(|(kind, id, _)| !found.iter().any(|entry| entry.kind == *kind && entry.id == *id));
    let problem = |(kind, _, expression): (DirectoryKind, _, String)| {
        let message = format!("there is no such {} here; a reference with a base URL may lead elsewhere", kind.name());
        Problem { kind: ProblemKind::Reference, expression, message }
    };
    let problems: Vec<Problem> = missing.map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Fault::Invalid(problems)) }
}

async fn cancel(context: &RequestContext) -> Result<Reply, Fault> {
    match try_cancel(context).await {
        Ok(made) => Ok(written(context, Status::Ok, made)),
        Err(fault) => Err(settled(context, fault).await),
    }
}

async fn try_cancel(context: &RequestContext) -> Result<AppointmentVersion, Fault> {
    let body = decoded(context)?;
    let id = context.id().to_owned();
    let access = context.access();
    // Existence comes before the header, and the header before its value (docs/contract.md#order-of-checks).
    let expected = expected(context);
    let looked_for = expected.clone().unwrap_or(ExpectedVersion::Any);
    let of_url = id.clone();
    let pending = context.engine(move |engine| engine.pending_cancel(&id, &access, &looked_for)).await?;
    if expected.is_none() {
        return Err(Fault::VersionMissing);
    }
    let of_url = AppointmentId::parse(&of_url).map_err(|_| Fault::NotFound { kind: "Appointment", id: of_url })?;
    let change = read_cancel_body(&body, &of_url).map_err(Fault::Invalid)?;
    let wanted = with_defaults(body.tree);
    let (tell, told) = oneshot::channel();
    let answer = Box::new(move |outcome| drop(tell.send(outcome)));
    context.service.engine.cancel(pending, &change.status, &wanted, context.origin(), answer);
    outcome(context, told).await
}

/// What the allocator says. It keeps its deadlines; only a database that falls silent in the middle of a
/// transaction can make it speechless, and then nobody knows what became of it.
async fn outcome(
    context: &RequestContext,
    told: oneshot::Receiver<Result<AppointmentVersion, Fault>>,
) -> Result<AppointmentVersion, Fault> {
    match timeout(context.service.engine.answer_time_max(), told).await {
        Ok(told) => told.unwrap_or(Err(Fault::Internal)),
        Err(_) => Err(Fault::OutcomeUnknown),
    }
}

/// The reply to a write that went through: the resource (docs/specification/uec.md#a7-book), unless the client prefers less.
fn written(context: &RequestContext, status: Status, made: AppointmentVersion) -> Reply {
    let place = Some(ResourceUrl::New(appointments::url(context, &made)));
    let content = match context.preferences.returning {
        Returning::Representation => Content::Stored(made.document, Shape::default()),
        Returning::Minimal => Content::Nothing,
        Returning::Outcome => {
            let done = format!("Appointment/{} is {} as of version {}", made.id, made.status.code(), made.version);
            Content::Resource(outcome::tree(&context.service.engine.new_id(), &[outcome::informational(done)]))
        }
    };
    Reply { status, place, ..Reply::new(content, context.pretty()).of_version(made.version, made.recorded) }
}

/// The version a tag names: `1` of `W/"1"`.
fn version_of(tag: &str) -> String {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').chars().take(TAG_CHARS_MAX).collect()
}

/// What `If-Match` says; `None` when it is missing where it must not be.
pub fn expected(context: &RequestContext) -> Option<ExpectedVersion> {
    match context.if_match.as_deref().map(str::trim) {
        None if context.rules.if_match == HeaderPresence::Demanded => None,
        Some("") => None,
        None | Some("*") => Some(ExpectedVersion::Any),
        Some(tags) => Some(ExpectedVersion::OneOf(tags.split(',').take(TAGS_MAX).map(version_of).collect())),
    }
}

/// The resource in the body.
///
/// # Errors
/// `TooLarge`, `Unreadable`.
pub fn decoded(context: &RequestContext) -> Result<json::Read, Fault> {
    let body = context.body.plain()?;
    let read = match context.body_format {
        Format::Json => json::read(&body, context.definitions()),
        Format::Xml => xml::read(&body, context.definitions()),
    };
    read.map_err(|unreadable| match unreadable.too_deep {
        true => Fault::TooLarge { what: "nesting", limit: json::DEPTH_MAX, unit: "levels" },
        false => Fault::Unreadable { problem: unreadable.problem },
    })
}

/// What to say in the end: a resent key wins over every refusal for content (docs/contract.md#resent-requests).
async fn settled(context: &RequestContext, fault: Fault) -> Fault {
    let about_content = matches!(
        fault,
        Fault::Unreadable { .. } | Fault::TooLarge { what: "nesting", .. } | Fault::Invalid(_) | Fault::VersionStale { .. }
    );
    let Some(key) = context.request_key.clone().filter(|_| about_content) else { return fault };
    let request_id = key.request_id.clone();
    let (tell, told) = oneshot::channel();
    context.service.engine.key_of_earlier(key, Box::new(move |outcome| drop(tell.send(outcome))));
    match told.await {
        Ok(Ok(Some(appointment))) => Fault::Duplicate { request_id, appointment },
        Ok(Ok(None)) => fault,
        Ok(Err(other)) => other,
        Err(_) => Fault::Internal,
    }
}
