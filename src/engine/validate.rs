//! What a booking or a cancel would be told, without doing it: the same decisions on the same facts.
//!
//! What a reader would get wrong: the answer is about the moment of the look. Nothing is held, no request key is asked
//! for or used up, and the slot may be gone when the booking comes.

use super::failure::fault_of;
use super::{Engine, PendingCancel};
use crate::domain::appointment::BookRequest;
use crate::domain::appointment::decide::{Offer, Wish, decide_book, decide_cancel};
use crate::domain::element::Element;
use crate::domain::fault::Fault;
use crate::domain::ids::SlotId;

impl Engine {
    /// Whether a booking would go ahead now.
    ///
    /// # Errors
    /// `Refused` with what it would be told, or a fault of the store.
    pub fn would_book(&self, request: &BookRequest) -> Result<(), Fault> {
        let ids: Vec<&str> = request.slot.ids.iter().map(SlotId::as_str).collect();
        let found = self.store.read(|tx| {
            let mut slots = tx.slot_find_many(&ids)?;
            // The ids stand best first, and the store answers in its own order.
            slots.sort_by_key(|slot| request.slot.ids.iter().position(|id| *id == slot.id));
            let Some(slot) = slots.into_iter().next() else { return Ok(None) };
            let services = tx.schedule_services(std::slice::from_ref(&slot.schedule))?.remove(&slot.schedule);
            Ok(Some((slot, services.unwrap_or_default())))
        });
        let found = found.map_err(|e| fault_of("looking at a slot that might be booked", &e))?;
        let offer = found.as_ref().map(|(slot, services)| Offer { slot, services });
        let wish = Wish { slot: &request.slot, start: request.start, end: request.end };
        decide_book(wish, offer, self.now()).map(drop).map_err(Fault::Refused)
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
