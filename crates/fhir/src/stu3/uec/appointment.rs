//! Reads a posted Appointment: tree in, booking request or every problem out.
//!
//! Knows the booking standard's rules for the body (docs/specification/uec.md#a7-book, #b5-appointment to
//! #b8-contained-slot) and nothing of what is stored, of the time, or of HTTP. The generic rules of FHIR and the
//! profiles are checked by `validate` first; here come the overrides.
//!
//! Pitfall: one body is right on the provider root and wrong on the booking root (docs/contract.md#the-provider-root),
//! and what older versions of the standard allowed is right only where it is forgiven. Only [`BookingRules`] decides
//! which holds.

mod contacts;
mod document;
mod findings;
mod human_name;
mod modifiers;
mod nhs_number;
mod participant;
mod patient;
mod postcode;
mod reference;
mod rules;
mod slot_claim;

#[cfg(test)]
mod tests;

use self::findings::{Findings, Place};
pub use self::participant::of_the_directory;
use self::reference::Contained;
pub use self::rules::{
    BookingReason, BookingRules, ContactRanks, CreatedBy, PatientIdentifiers, PatientReference, SlotReference, SupportingDocument,
};
use crate::codec::json::Read;
use crate::stu3::definitions;
use crate::validate;
use domain::appointment::{BookRequest, Patient};
use domain::element::{Element, Value};
use domain::fault::{Problem, ProblemKind};
use domain::ids::AppointmentId;
use domain::time::{LONDON, Span, Timestamp};

/// What a consumer asks when it updates an appointment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRequest {
    /// The appointment, named alike by body and URL.
    pub id: AppointmentId,
    /// The status it wants, as sent: the engine refuses anything but `cancelled`.
    pub status: String,
}

/// The booking that a posted resource requests.
///
/// The resource is kept as sent, but for two things: participants without `status` become `accepted`, and its own
/// `start` and `end` are written as the server writes every instant (docs/contract.md#names-ids-time); the contained
/// Slot's are not.
///
/// # Errors
/// Every problem found, in the order of the document, each once; never an empty list.
pub fn read_booking(resource: Element, rules: &BookingRules<'_>) -> Result<BookRequest, Vec<Problem>> {
    read_booking_body(Read { tree: resource, problems: Vec::new() }, rules)
}

/// The same for a body as the codec read it, which may have found problems already: they are listed too.
///
/// # Errors
/// As [`read_booking`].
pub fn read_booking_body(mut body: Read, rules: &BookingRules<'_>) -> Result<BookRequest, Vec<Problem>> {
    if let Some(problem) = wrong_kind(&body.tree) {
        return Err(vec![problem]);
    }
    body.tree = with_defaults(body.tree);
    let mut findings = Findings::after(validate::check_read(&body, definitions()), &body.problems);
    let mut resource = body.tree;
    match read_facts(&Place::root(&resource), *rules, &mut findings) {
        Some(request) if findings.none() => {
            write_instant(&mut resource, "start", request.start);
            write_instant(&mut resource, "end", request.end);
            Ok(BookRequest { resource, ..request })
        }
        _ => {
            if findings.none() {
                findings.add(ProblemKind::Structure, resource.name.clone(), "the Appointment cannot be read as a booking");
            }
            Err(findings.in_order(&resource))
        }
    }
}

/// The resource with what a consumer may leave out and the stored one has: participants without `status`
/// are `accepted` (docs/specification/uec.md#i-disagreements, row 13). A cancel body goes through this before it is compared.
#[must_use]
pub fn with_defaults(mut resource: Element) -> Element {
    participant::accept_by_default(&mut resource);
    resource
}

/// Writes the value of a primitive anew; its `id` and extensions stay.
fn write_instant(resource: &mut Element, name: &str, at: Timestamp) {
    if let Some(place) = resource.children.iter_mut().find(|child| child.name == name) {
        place.value = Some(Value::Text(at.to_fhir()));
    }
}

/// What an update of the appointment named in the URL requests. Whether the rest of the body is unchanged
/// is for the engine, which has the stored one to compare with.
///
/// # Errors
/// Every problem found: another resource type, an `id` that is absent or not the URL's, no status.
pub fn read_cancel(resource: &Element, url_id: &AppointmentId) -> Result<CancelRequest, Vec<Problem>> {
    cancel(resource, &[], url_id)
}

/// The same for a body as the codec read it. What could not be read is listed too: it cannot be compared.
///
/// # Errors
/// As [`read_cancel`].
pub fn read_cancel_body(body: &Read, url_id: &AppointmentId) -> Result<CancelRequest, Vec<Problem>> {
    cancel(&body.tree, &body.problems, url_id)
}

fn cancel(resource: &Element, unread: &[Problem], url_id: &AppointmentId) -> Result<CancelRequest, Vec<Problem>> {
    if let Some(problem) = wrong_kind(resource) {
        return Err(vec![problem]);
    }
    let body = Place::root(resource);
    let mut findings = Findings::after(unread.to_vec(), unread);
    if body.text("id") != Some(url_id.as_str()) {
        let message = "the body must carry the `id` of the appointment in the URL";
        findings.add(ProblemKind::Structure, body.path_of("id"), message);
    }
    // JSON cannot have it twice, XML can; and everything else in the body is compared, but not this.
    if resource.all("status").count() > 1 {
        findings.add(ProblemKind::Structure, body.path_of("status"), "`status` stands here more than once");
    }
    let status = findings.demand_text(&body, "status", "it must be `cancelled`");
    match status {
        Some(status) if findings.none() => Ok(CancelRequest { id: url_id.clone(), status: status.to_owned() }),
        _ => Err(findings.in_order(resource)),
    }
}

fn wrong_kind(resource: &Element) -> Option<Problem> {
    let kind = ProblemKind::Structure;
    let message = "the body must be one resource of type Appointment".to_owned();
    (resource.kind() != Some("Appointment")).then(|| Problem { kind, expression: resource.name.clone(), message })
}

/// Reads everything, so that all problems come at once; `None` only with a finding. The resource itself is
/// put in by the caller, who owns it.
fn read_facts(appointment: &Place<'_>, rules: BookingRules<'_>, findings: &mut Findings) -> Option<BookRequest> {
    if appointment.one("id").is_some() {
        findings.invariant(appointment.path_of("id"), "the server gives the id: a booking must not carry one");
    }
    modifiers::refuse(appointment, findings);
    findings.demand_exactly(appointment, "status", "booked");
    let contained = Contained::of(appointment, findings);
    let clinical_document = document::read(appointment, &contained, rules, findings);
    let participants = participant::read(appointment, &contained, rules, findings);
    let patient = read_patient(appointment, &contained, &participants, rules, findings);
    let slot = slot_claim::read(appointment, &contained, rules, findings);
    let reason = reason(appointment, rules, findings);
    created(appointment, findings);
    let times = slot_claim::start_and_end(appointment, slot.as_ref(), findings);
    let (mut slot, (start, end)) = (slot?, times?);
    slot.service = participants.service;
    Some(BookRequest {
        slot,
        start,
        end,
        patient: patient?,
        reason: reason?,
        clinical_document,
        keeps_created: rules.created_by_consumer() && appointment.one("created").is_some(),
        resource: Element::complex(""),
    })
}

fn read_patient(
    appointment: &Place<'_>,
    contained: &Contained<'_>,
    participants: &participant::Participants<'_>,
    rules: BookingRules<'_>,
    findings: &mut Findings,
) -> Option<Patient> {
    let actor = participants.patient.as_ref();
    match contained.single("Patient", findings) {
        Some(resource) => Some(patient::read(resource, actor, rules, findings)),
        None if rules.patient_contained() => {
            findings.missing(appointment.path_of("contained"), "no Patient is contained: the patient must be");
            None
        }
        None => actor.map(|actor| patient::read_actor(actor, rules, findings)),
    }
}

/// The reason for the call: demanded on the booking root (docs/specification/uec.md#b5-appointment), where it is given
/// kept as sent.
fn reason(appointment: &Place<'_>, rules: BookingRules<'_>, findings: &mut Findings) -> Option<String> {
    if !rules.reason_demanded() && appointment.one("description").is_none() {
        return Some(String::new());
    }
    findings.demand_text(appointment, "description", "the reason for the call").map(str::to_owned)
}

/// `created` is overwritten by the server (docs/specification/uec.md#i-disagreements, row 12) unless the consumer may
/// set it in its version (before 2.0.2); in both cases what is sent must be a dateTime.
fn created(appointment: &Place<'_>, findings: &mut Findings) {
    let given = appointment.one("created").filter(|created| created.element.value.is_some());
    if given.is_some_and(|created| created.element.as_text().and_then(|text| Span::of_date(text, LONDON)).is_none()) {
        findings.value(appointment.path_of("created"), "`created` must be a dateTime, such as 2026-02-10T16:05:31+00:00");
    }
}
