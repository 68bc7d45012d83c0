//! A snapshot: the committed state of everything that a number of claims name, read at once.
//!
//! Pitfall: it holds every slot as it is stored. [`Snapshot::visible_slot`] shows a claim only those that its organisation
//! sees; nothing else may take a slot out of it.

use super::claim::BookClaim;
use super::queue::{Limited, SnapshotQuery};
use crate::store::{Owned, StoreError, Tx};
use domain::appointment::RequestKey;
use domain::appointment::decide::CandidateSlot;
use domain::ids::{AppointmentId, ScheduleId, ServiceId, SlotId};
use domain::policy::{Access, Tally};
use domain::schedule::{OfferedService, Offering};
use domain::slot::Slot;
use std::collections::{HashMap, HashSet};

/// What was read.
pub(super) struct Snapshot {
    slots: HashMap<SlotId, Slot>,
    offerings: HashMap<ScheduleId, Offering>,
    pub(super) appointments: HashMap<AppointmentId, Owned>,
    /// How many appointments count towards the ceilings that bookings come under.
    pub(super) tallies: HashMap<Tally, i64>,
    pub(super) keys: HashMap<RequestKey, AppointmentId>,
    /// Keys looked up that another process is deciding under.
    pub(super) undecided: HashSet<RequestKey>,
}

/// The slot a booking names, as its organisation sees it.
pub(super) struct VisibleSlot<'l> {
    pub(super) slot: &'l Slot,
    pub(super) offering: &'l Offering,
    services: Vec<ServiceId>,
}

impl VisibleSlot<'_> {
    /// What the booking is decided on.
    pub(super) fn candidate(&self) -> CandidateSlot<'_> {
        CandidateSlot { slot: self.slot, services: &self.services }
    }

    /// One of the services it is seen with.
    pub(super) fn offered(&self, service: &ServiceId) -> Option<&OfferedService> {
        self.offering.services.iter().find(|offered| offered.service == *service && self.services.contains(service))
    }
}

impl Snapshot {
    /// The slot that a booking names, if there is one and its organisation sees it.
    pub(super) fn visible_slot(&self, book: &BookClaim) -> Option<VisibleSlot<'_>> {
        visible_slot(&book.slot.ids, &book.access, &self.slots, &self.offerings)
    }
}

fn visible_slot<'l>(
    ids: &[SlotId],
    access: &Access,
    slots: &'l HashMap<SlotId, Slot>,
    offerings: &'l HashMap<ScheduleId, Offering>,
) -> Option<VisibleSlot<'l>> {
    ids.iter().find_map(|id| {
        let slot = slots.get(id)?;
        let offering = offerings.get(&slot.schedule)?;
        let services: Vec<ServiceId> = access.seen(&slot.schedule, offering).into_iter().map(|offered| offered.service.clone()).collect();
        (!services.is_empty()).then_some(VisibleSlot { slot, offering, services })
    })
}

/// The committed state of everything the claims name. Keys are read after slots, appointments and tallies: a claim that
/// finds its slot taken, or its day full, by its own earlier request must find that request's key as well.
pub(super) fn read_snapshot(tx: &mut Tx<'_>, query: &SnapshotQuery) -> Result<Snapshot, StoreError> {
    let slots: Vec<&str> = query.slots.iter().map(SlotId::as_str).collect();
    let slots: HashMap<_, _> = tx.slot_find_many(&slots)?.into_iter().map(|slot| (slot.id.clone(), slot)).collect();
    let appointments: Vec<&str> = query.appointments.iter().map(AppointmentId::as_str).collect();
    let appointments = tx.appointment_find_many(&appointments)?.into_iter().map(|owned| (owned.appointment.id.clone(), owned)).collect();
    let mut schedules: Vec<ScheduleId> = slots.values().map(|slot| slot.schedule.clone()).collect();
    schedules.sort_unstable();
    schedules.dedup();
    let offerings = tx.schedule_offerings(&schedules)?;
    let tallies: HashSet<Tally> = query.limited.iter().flat_map(|limited| tallies(limited, &slots, &offerings)).collect();
    let tallies = tx.tally_count_many(tallies.into_iter().collect())?;
    let undecided = tx.key_undecided_many(&query.lookups)?;
    Ok(Snapshot { slots, offerings, appointments, tallies, undecided, keys: tx.key_find_many(&query.keys)? })
}

/// What counts towards the ceilings that a booking comes under.
fn tallies(limited: &Limited, slots: &HashMap<SlotId, Slot>, offerings: &HashMap<ScheduleId, Offering>) -> Vec<Tally> {
    let Some(visible) = visible_slot(&limited.slots, &limited.access, slots, offerings) else { return Vec::new() };
    let Some(service) = limited.service.as_ref().or(visible.services.first()) else { return Vec::new() };
    let Some(offered) = visible.offered(service) else { return Vec::new() };
    limited.access.quotas(offered, limited.start, visible.offering.zone).into_iter().map(|quota| quota.tally).collect()
}
