//! A claim: what a request wants of a slot, its deadline, and its callback.

use super::backoff::Backoff;
use crate::store::Cancellation;
use domain::appointment::{AppointmentVersion, Origin, Patient, RequestKey, SlotClaim};
use domain::document::Document;
use domain::fault::Fault;
use domain::ids::{AppointmentId, OdsCode, SlotId};
use domain::policy::Access;
use domain::time::Timestamp;
use std::time::Instant;

/// The callback with the outcome of a booking or a cancel. Called exactly once, on a thread of the allocator.
pub type Answer = Box<dyn FnOnce(Result<AppointmentVersion, Fault>) + Send>;

/// A booking that was checked, with everything but its slot's consent.
#[derive(Debug, Clone)]
pub(in crate::engine) struct BookClaim {
    pub(in crate::engine) id: AppointmentId,
    pub(in crate::engine) slot: SlotClaim,
    pub(in crate::engine) start: Timestamp,
    pub(in crate::engine) end: Timestamp,
    pub(in crate::engine) patient: Patient,
    pub(in crate::engine) reason: String,
    pub(in crate::engine) clinical_document: Option<String>,
    pub(in crate::engine) booked_by: Option<OdsCode>,
    /// What its organisation may see and do, as it was when the request was let in.
    pub(in crate::engine) access: Access,
    pub(in crate::engine) created: Timestamp,
    pub(in crate::engine) document: Document,
    pub(in crate::engine) origin: Origin,
}

/// A cancel that was decided on one version of its appointment.
#[derive(Debug, Clone)]
pub(in crate::engine) struct CancelClaim {
    pub(in crate::engine) cancellation: Cancellation,
    /// True when the request did not name the version.
    pub(in crate::engine) any_version: bool,
}

/// What is wanted.
pub(in crate::engine) enum Work {
    /// Make an appointment.
    Book(Box<BookClaim>, Answer),
    /// Cancel one.
    Cancel(Box<CancelClaim>, Answer),
}

/// How often a claim is tried again that the database refused for no reason of the booking rules.
pub(super) const POISONED_MAX: u32 = 6;

/// What a claim keeps others of this process from working on while it is being carried out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Hold {
    Slot(SlotId),
    Key(RequestKey),
    Appointment(AppointmentId),
}

/// One claim on its way.
pub(in crate::engine) struct Claim {
    pub(super) work: Work,
    pub(super) deadline: Instant,
    /// How long it waits after the writer could not carry it out.
    pub(super) backoff: Backoff,
    /// How often the database refused it for no reason of the booking rules.
    pub(super) poisoned: u32,
}

impl Claim {
    pub(super) const fn new(work: Work, deadline: Instant) -> Self {
        Self { work, deadline, backoff: Backoff::new(), poisoned: 0 }
    }

    pub(super) fn is_expired(&self, now: Instant) -> bool {
        now >= self.deadline
    }

    /// The key under which the request would be recognised.
    pub(super) fn key(&self) -> Option<RequestKey> {
        match &self.work {
            Work::Book(claim, _) => claim.origin.key(),
            Work::Cancel(claim, _) => claim.cancellation.origin.key(),
        }
    }

    /// Whatever it may come to hold; a booking may find its slot under any of several ids.
    pub(super) fn wants(&self) -> Vec<Hold> {
        let mut wants: Vec<Hold> = self.key().map(Hold::Key).into_iter().collect();
        match &self.work {
            Work::Book(claim, _) => wants.extend(claim.slot.ids.iter().cloned().map(Hold::Slot)),
            Work::Cancel(claim, _) => {
                wants.push(Hold::Slot(claim.cancellation.slot.clone()));
                wants.push(Hold::Appointment(claim.cancellation.id.clone()));
            }
        }
        wants
    }

    /// Calls the callback with the outcome.
    pub(super) fn answer(self, outcome: Result<AppointmentVersion, Fault>) {
        match self.work {
            Work::Book(_, answer) | Work::Cancel(_, answer) => answer(outcome),
        }
    }
}
