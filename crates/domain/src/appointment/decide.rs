//! The decisions: may this be booked, may this be cancelled. Pure.
//!
//! Pitfall: a yes holds for the snapshot it was decided on. The store repeats the one
//! condition that may have changed since, in the statement that takes the slot.

use super::{Appointment, AppointmentStatus, SlotClaim};
use crate::element::{Element, differences};
use crate::fault::{Contradiction, Refusal};
use crate::ids::ServiceId;
use crate::slot::{Slot, SlotStatus};
use crate::time::Timestamp;

/// The slot and the times that a booking requests.
#[derive(Debug, Clone, Copy)]
pub struct RequestedBooking<'a> {
    /// The slot it names.
    pub slot: &'a SlotClaim,
    /// `Appointment.start`.
    pub start: Timestamp,
    /// `Appointment.end`.
    pub end: Timestamp,
}

/// A slot as it is stored, with the services its schedule serves, primary first.
#[derive(Debug, Clone, Copy)]
pub struct CandidateSlot<'a> {
    /// The slot.
    pub slot: &'a Slot,
    /// The services.
    pub services: &'a [ServiceId],
}

/// The service a booking is for, or why it is refused.
///
/// The order is the contract's: unknown, contradicting, then taken, alone (docs/contract.md#order-of-checks).
///
/// # Errors
/// The refusal.
pub fn decide_book(requested: RequestedBooking<'_>, candidate: Option<CandidateSlot<'_>>, now: Timestamp) -> Result<ServiceId, Refusal> {
    let Some(candidate) = candidate else {
        return Err(Refusal::SlotUnknown { expression: requested.slot.expression.clone() });
    };
    let contradictions = contradictions(requested, candidate);
    if !contradictions.is_empty() {
        return Err(Refusal::SlotContradicted(contradictions));
    }
    match candidate.slot.status(now) {
        SlotStatus::Free => {}
        // A slot that has begun is refused for that, even if it is taken as well: no other answer would help.
        _ if candidate.slot.start <= now => return Err(Refusal::SlotBegun { start: candidate.slot.start }),
        SlotStatus::Begun | SlotStatus::Busy => return Err(Refusal::SlotTaken),
    }
    let service = requested.slot.service.as_ref().or(candidate.services.first());
    service.cloned().ok_or_else(|| Refusal::SlotUnknown { expression: requested.slot.expression.clone() })
}

/// Everything in a booking that contradicts its slot (docs/specification/uec.md#b8-contained-slot; #i-disagreements,
/// row 34: the appointment lies within the slot).
fn contradictions(requested: RequestedBooking<'_>, candidate: CandidateSlot<'_>) -> Vec<Contradiction> {
    let (claim, slot) = (requested.slot, candidate.slot);
    let mut found = Vec::new();
    let mut contradict = |is: bool, expression: String, stored: String| {
        if is {
            found.push(Contradiction { expression, stored });
        }
    };
    let at = |name: &str| format!("{}.{name}", claim.expression);
    let schedule = claim.schedule.as_ref();
    contradict(schedule.is_some_and(|s| *s != slot.schedule), at("schedule"), format!("the slot belongs to Schedule/{}", slot.schedule));
    contradict(claim.start.is_some_and(|s| s != slot.start), at("start"), format!("the slot begins at {}", slot.start.to_fhir()));
    contradict(claim.end.is_some_and(|e| e != slot.end), at("end"), format!("the slot ends at {}", slot.end.to_fhir()));
    let outside = requested.start < slot.start || requested.start >= slot.end;
    contradict(outside, "Appointment.start".to_owned(), format!("the slot lasts from {} to {}", slot.start.to_fhir(), slot.end.to_fhir()));
    contradict(requested.end > slot.end, "Appointment.end".to_owned(), format!("the slot ends at {}", slot.end.to_fhir()));
    let served = candidate.services.iter().map(ServiceId::as_str).collect::<Vec<_>>().join(", ");
    let foreign = claim.service.as_ref().is_some_and(|s| !candidate.services.contains(s));
    contradict(foreign, "Appointment.participant".to_owned(), format!("the slot is offered by service {served}"));
    found
}

/// Whether an update of an appointment is a cancel that may go ahead.
///
/// # Errors
/// The refusal: cancelled already, not a cancel, more than the status changed, or in the past.
pub fn decide_cancel(
    stored: &Appointment,
    stored_tree: &Element,
    wanted_status: &str,
    wanted_tree: &Element,
    now: Timestamp,
) -> Result<(), Refusal> {
    if stored.status == AppointmentStatus::Cancelled {
        return Err(Refusal::AlreadyCancelled);
    }
    if AppointmentStatus::parse(wanted_status) != Some(AppointmentStatus::Cancelled) {
        return Err(Refusal::NotACancel { status: wanted_status.to_owned() });
    }
    let different = differences(stored_tree, wanted_tree);
    if !different.is_empty() {
        return Err(Refusal::MoreThanStatus { expressions: different.into_iter().map(|d| d.expression).collect() });
    }
    if stored.start <= now {
        return Err(Refusal::AppointmentPast { start: stored.start });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
