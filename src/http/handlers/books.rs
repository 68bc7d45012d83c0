//! Booking and cancelling.
//!
//! What a reader would get wrong: a request that is refused for its content may still be a resent one that
//! has succeeded before, and then that is the answer; so every such refusal asks for the key first.

use super::super::negotiate::Format;
use super::super::prefer::Returning;
use super::respond::Content;
use super::{Asked, respond};
use crate::engine::ExpectedVersion;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::rt::time::timeout;
use domain::appointment::AppointmentVersion;
use domain::directory::DirectoryKind;
use domain::element::Element;
use domain::fault::{Fault, Problem, ProblemKind};
use domain::ids::AppointmentId;
use fhir::appointment::{BookingRules, of_the_directory, read_booking_body, read_cancel_body, with_defaults};
use fhir::shape::Shape;
use fhir::{json, outcome, xml};
use tokio::sync::oneshot;

/// Most tags of one `If-Match` that are looked at, and how much of each.
const TAGS_MAX: usize = 16;
const TAG_CHARS_MAX: usize = 100;

/// `POST /Appointment` (digest A.7).
pub async fn book(asked: Asked) -> Result<HttpResponse, Fault> {
    match try_book(&asked).await {
        Ok(made) => answered(&asked, StatusCode::CREATED, &made),
        Err(fault) => Err(settled(&asked, fault).await),
    }
}

async fn try_book(asked: &Asked) -> Result<AppointmentVersion, Fault> {
    let body = decoded(asked)?;
    let request = read_booking_body(body, &rules(asked)).map_err(Fault::Invalid)?;
    participants_exist(asked, &request.resource).await?;
    let (tell, told) = oneshot::channel();
    // Nobody listens when the consumer has hung up; the booking stands all the same.
    let answer = Box::new(move |outcome| drop(tell.send(outcome)));
    asked.service.engine.book(request, asked.access(), asked.origin(), answer);
    outcome(asked, told).await
}

/// Whoever else takes part is somebody (digest C.11).
pub async fn participants_exist(asked: &Asked, appointment: &Element) -> Result<(), Fault> {
    let named = of_the_directory(appointment);
    if named.is_empty() {
        return Ok(());
    }
    let wanted: Vec<_> = named.iter().map(|(kind, id, _)| (*kind, id.clone())).collect();
    let access = asked.access().clone();
    let found = asked.engine(move |engine| engine.directory_entries(&wanted, &access)).await?;
    let missing = named.into_iter().filter(|(kind, id, _)| !found.iter().any(|entry| entry.kind == *kind && entry.id == *id));
    let problem = |(kind, _, expression): (DirectoryKind, _, String)| {
        let message = format!("there is no such {} here; a reference with a base URL may lead elsewhere", kind.name());
        Problem { kind: ProblemKind::Reference, expression, message }
    };
    let problems: Vec<Problem> = missing.map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Fault::Invalid(problems)) }
}

/// What a booking is held to here.
pub fn rules(asked: &Asked) -> BookingRules {
    let base = match asked.dialect.strict {
        true => BookingRules::BOOKING.forgiving(asked.admitted.caller.compat.leniencies()),
        false => BookingRules::PROVIDER,
    };
    BookingRules { require_verified_nhs_number: asked.service.settings.require_verified_nhs_number, ..base }
}

/// `PUT /Appointment/<id>` (digest A.9): cancelling is all it does.
pub async fn update(asked: Asked) -> Result<HttpResponse, Fault> {
    match try_update(&asked).await {
        Ok(made) => answered(&asked, StatusCode::OK, &made),
        Err(fault) => Err(settled(&asked, fault).await),
    }
}

async fn try_update(asked: &Asked) -> Result<AppointmentVersion, Fault> {
    let body = decoded(asked)?;
    let id = asked.admitted.id(0).to_owned();
    let access = asked.access();
    // Existence comes before the header, and the header before its value (`decisions.md` 5, "Order of checks").
    let expected = expected(asked);
    let looked_for = expected.clone().unwrap_or(ExpectedVersion::Any);
    let of_url = id.clone();
    let pending = asked.engine(move |engine| engine.pending_cancel(&id, &access, &looked_for)).await?;
    if expected.is_none() {
        return Err(Fault::VersionMissing);
    }
    let of_url = AppointmentId::parse(&of_url).map_err(|_| Fault::NotFound { kind: "Appointment", id: of_url })?;
    let change = read_cancel_body(&body, &of_url).map_err(Fault::Invalid)?;
    let wanted = with_defaults(body.tree);
    let (tell, told) = oneshot::channel();
    let answer = Box::new(move |outcome| drop(tell.send(outcome)));
    asked.service.engine.cancel(pending, &change.status, &wanted, asked.origin(), answer);
    outcome(asked, told).await
}

/// What the allocator says. It keeps its deadlines; only a database that falls silent in the middle of a
/// transaction can make it speechless, and then nobody knows what became of it.
async fn outcome(asked: &Asked, told: oneshot::Receiver<Result<AppointmentVersion, Fault>>) -> Result<AppointmentVersion, Fault> {
    match timeout(asked.service.engine.answer_time_max(), told).await {
        Ok(told) => told.unwrap_or(Err(Fault::Internal)),
        Err(_) => Err(Fault::OutcomeUnknown),
    }
}

/// The answer to a write that went through. The booking root always answers with the resource (digest A.7); on the
/// provider root the client may prefer less (`decisions.md` 3).
fn answered(asked: &Asked, status: StatusCode, made: &AppointmentVersion) -> Result<HttpResponse, Fault> {
    let returning = if asked.dialect.strict { Returning::Representation } else { asked.preferences.returning };
    let told = |content: &Content<'_>| respond::appointment(status, made, &asked.admitted.root_url, asked.looks_of_write(), true, content);
    match returning {
        Returning::Representation => told(&Content::Resource(&Shape::default())),
        Returning::Minimal => told(&Content::Nothing),
        Returning::Outcome => {
            let done = format!("Appointment/{} is {} as of version {}", made.id, made.status.code(), made.version);
            let issue = outcome::informational(done);
            told(&Content::Instead(&outcome::tree(&asked.service.engine.new_id(), &[issue])))
        }
    }
}

/// The version a tag names: `1` of `W/"1"`.
fn version_of(tag: &str) -> String {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').chars().take(TAG_CHARS_MAX).collect()
}

/// What `If-Match` says; `None` when it is missing where it must not be.
pub fn expected(asked: &Asked) -> Option<ExpectedVersion> {
    match asked.admitted.if_match.as_deref().map(str::trim) {
        None if asked.dialect.if_match_demanded => None,
        Some("") => None,
        None | Some("*") => Some(ExpectedVersion::Any),
        Some(tags) => Some(ExpectedVersion::OneOf(tags.split(',').take(TAGS_MAX).map(version_of).collect())),
    }
}

/// The resource in the body.
///
/// # Errors
/// `TooLarge`, `Unreadable`.
pub fn decoded(asked: &Asked) -> Result<json::Read, Fault> {
    let body = asked.admitted.body.plain()?;
    let read = match asked.admitted.body_format {
        Format::Json => json::read(&body),
        Format::Xml => xml::read(&body),
    };
    read.map_err(|unreadable| match unreadable.too_deep {
        true => Fault::TooLarge { what: "nesting", limit: json::DEPTH_MAX, unit: "levels" },
        false => Fault::Unreadable { problem: unreadable.problem },
    })
}

/// What to say in the end: a resent key wins over every refusal for content (`decisions.md` 5, "Resent requests").
async fn settled(asked: &Asked, fault: Fault) -> Fault {
    let about_content = matches!(
        fault,
        Fault::Unreadable { .. } | Fault::TooLarge { what: "nesting", .. } | Fault::Invalid(_) | Fault::VersionStale { .. }
    );
    let Some(key) = asked.admitted.key().filter(|_| about_content) else { return fault };
    let request_id = key.request_id.clone();
    let (tell, told) = oneshot::channel();
    asked.service.engine.key_of_earlier(key, Box::new(move |outcome| drop(tell.send(outcome))));
    match told.await {
        Ok(Ok(Some(appointment))) => Fault::Duplicate { request_id, appointment },
        Ok(Ok(None)) => fault,
        Ok(Err(other)) => other,
        Err(_) => Fault::Internal,
    }
}
