//! Cancelling: read the appointment, decide on what was read, and hand the change to the allocator, which carries
//! it out only if that version is still the current one.

use super::allocator::{Answer, CancelClaim, Work};
use super::failure::fault_of;
use super::{Engine, allocator};
use crate::store::{Cancellation, Lane};
use domain::appointment::decide::decide_cancel;
use domain::appointment::{Appointment, Origin};
use domain::element::Element;
use domain::fault::Fault;
use domain::policy::Access;

/// Which version a caller wants to change (`If-Match`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// Whatever is current: `*`, or no header where none is demanded.
    Any,
    /// One of these (RFC 9110, 13.1.1); as sent, because what is no version matches none.
    OneOf(Vec<String>),
}

/// An appointment that the caller may change, as it was when it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingCancel {
    appointment: Appointment,
    tree: Element,
    any_version: bool,
}

impl PendingCancel {
    /// The appointment, and its resource as it is stored.
    pub(super) const fn looked_at(&self) -> (&Appointment, &Element) {
        (&self.appointment, &self.tree)
    }
}

impl Engine {
    /// The appointment that is to be changed, if it exists, may be changed under `access` and is of the expected version.
    ///
    /// # Errors
    /// `NotFound`, `NotYours`, `NotPermitted`, `VersionStale`, or a fault of the store.
    pub fn pending_cancel(&self, id: &str, access: &Access, expected: &ExpectedVersion) -> Result<PendingCancel, Fault> {
        let doing = "reading an appointment to cancel it";
        let not_found = || Fault::NotFound { kind: "Appointment", id: id.to_owned() };
        let found = self.store.on(Lane::Reads).read(|tx| {
            let Some(owned) = tx.appointment_find(id)? else { return Ok(None) };
            let found = tx.version_find(id, Some(owned.appointment.version))?;
            Ok(found.map(|found| (owned, found.version)))
        });
        let (owned, version) = found.map_err(|e| fault_of(doing, &e))?.ok_or_else(not_found)?;
        if !access.may_read(owned.access_facts()) {
            return Err(Fault::NotYours { kind: "Appointment", id: id.to_owned() });
        }
        access.may_cancel(owned.access_facts()).map_err(Fault::NotPermitted)?;
        if let ExpectedVersion::OneOf(given) = expected {
            let current = owned.appointment.version;
            if !given.contains(&current.to_string()) {
                return Err(Fault::VersionStale { given: given.join(", "), current });
            }
        }
        let tree = self.ports.documents.read(&version.document).map_err(|problem| {
            log::error!("appointment {id} is stored as something unreadable: {problem}");
            Fault::Internal
        })?;
        Ok(PendingCancel { appointment: owned.appointment, tree, any_version: *expected == ExpectedVersion::Any })
    }

    /// Cancels, or says why not, through `answer`.
    pub fn cancel(&self, pending: PendingCancel, wanted_status: &str, wanted: &Element, origin: Origin, answer: Answer) {
        let now = self.now();
        let PendingCancel { appointment, tree, any_version } = pending;
        if let Err(refusal) = decide_cancel(&appointment, &tree, wanted_status, wanted, now) {
            // A resent request is recognised even where it would be refused for another reason.
            let Some(key) = origin.key() else { return answer(Err(Fault::Refused(refusal))) };
            let request_id = key.request_id.clone();
            let known: allocator::KeyAnswer = Box::new(move |earlier| {
                answer(Err(match earlier {
                    Ok(Some(appointment)) => Fault::Duplicate { request_id, appointment },
                    Ok(None) => Fault::Refused(refusal),
                    Err(fault) => fault,
                }));
            });
            return self.key_of_earlier(key, known);
        }
        let decided_on = appointment.version;
        let document = self.ports.documents.write(&self.ports.documents.cancelled(tree, decided_on + 1, now));
        let cancellation = Cancellation { id: appointment.id, slot: appointment.slot, decided_on, at: now, document, origin };
        self.allocator.submit(Work::Cancel(Box::new(CancelClaim { cancellation, any_version }), answer));
    }
}
