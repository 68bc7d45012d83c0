//! What a booking or a cancel would be told, without doing it: the same decisions on the same facts.
//!
//! What a reader would get wrong: the answer is about the moment of the look. Nothing is held, no request key is asked
//! for or used up, and the slot may be gone when the booking comes.

use super::allocator::dry_run;
use super::failure::fault_of;
use super::{Engine, PendingCancel};
use crate::store::Lane;
use domain::appointment::decide::decide_cancel;
use domain::appointment::{BookRequest, Origin};
use domain::element::Element;
use domain::fault::Fault;
use domain::policy::Access;

impl Engine {
    /// Whether a booking would go ahead now. A slot that `access` does not show is unknown.
    ///
    /// # Errors
    /// What it would be told, or a fault of the store.
    pub fn would_book(&self, request: BookRequest, access: Access, origin: Origin) -> Result<(), Fault> {
        let claim = self.claim(request, access, origin);
        let told = self.store.on(Lane::Reads).read(|tx| dry_run(tx, &claim, self.now()));
        told.map_err(|e| fault_of("looking at a slot that might be booked", &e))?
    }

    /// Whether a cancel would go ahead now.
    ///
    /// # Errors
    /// `Refused` with what it would be told.
    pub fn would_cancel(&self, pending: &PendingCancel, wanted_status: &str, wanted: &Element) -> Result<(), Fault> {
        let (appointment, tree) = pending.looked_at();
        decide_cancel(appointment, tree, wanted_status, wanted, self.now()).map_err(Fault::Refused)
    }
}
