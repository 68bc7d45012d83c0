//! How a booking or a cancel would be answered, without doing it: the same decisions on the same facts.
//!
//! Pitfall: the answer is about the moment of the snapshot. Nothing is held, no request key is looked up or used
//! up, and the slot may be gone when the booking comes.

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
    /// Its refusal, or a fault of the store.
    pub fn would_book(&self, request: BookRequest, access: Access, origin: Origin) -> Result<(), Fault> {
        let claim = self.claim(request, access, origin);
        let outcome = self.store.on(Lane::Reads).read(|tx| dry_run(tx, &claim, self.now()));
        outcome.map_err(|e| fault_of("reading a slot for a dry run", &e))?
    }

    /// Whether a cancel would go ahead now.
    ///
    /// # Errors
    /// `Refused` with its refusal.
    pub fn would_cancel(&self, pending: &PendingCancel, wanted_status: &str, wanted: &Element) -> Result<(), Fault> {
        let (appointment, tree) = pending.looked_at();
        decide_cancel(appointment, tree, wanted_status, wanted, self.now()).map_err(Fault::Refused)
    }
}
