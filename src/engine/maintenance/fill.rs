//! Filling the diary further ahead: working times become slots.
//!
//! Only ever adds. A planned slot that would touch one that is there already is left out, so that filling
//! twice, from two servers, or with changed working times never doubles anybody's time.

use super::Maintenance;
use crate::engine::Ports;
use crate::store::{AuditAction, Lane, NewSlot, StoreError, Tx};
use chrono::{Days, NaiveDate};
use domain::appointment::Origin;
use domain::ids::{ScheduleId, SlotId};
use domain::rota::{PlannedSlot, WorkingTimes};
use domain::time::Span;
use std::collections::BTreeMap;

/// How many slots were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Slots that are new.
    pub slots_new: usize,
}

impl Maintenance {
    /// Lays out the slots of `days` days from `from` that are not there yet.
    ///
    /// # Errors
    /// Those of the database; nothing is kept then.
    pub fn fill(&self, times: &[WorkingTimes], from: NaiveDate, days: u16) -> Result<Filled, StoreError> {
        let planned = lay_out_all(times, from, days);
        self.store.on(Lane::Maintenance).write(|tx| {
            tx.seeding_lock()?;
            let slots_new = lay_out(tx, &self.ports, &planned)?;
            if slots_new > 0 {
                tx.audit_insert(self.ports.clock.now(), AuditAction::Fill, "diary", &Origin::default())?;
            }
            Ok(Filled { slots_new })
        })
    }
}

/// The slots that working times make of `days` days from `from`, by schedule.
pub(super) fn lay_out_all(times: &[WorkingTimes], from: NaiveDate, days: u16) -> BTreeMap<ScheduleId, Vec<PlannedSlot>> {
    let mut planned: BTreeMap<ScheduleId, Vec<PlannedSlot>> = BTreeMap::new();
    for times in times {
        let of_schedule = planned.entry(times.schedule.clone()).or_default();
        for day in (0..days).filter_map(|ahead| from.checked_add_days(Days::new(u64::from(ahead)))) {
            of_schedule.extend(times.slots_of_day(day));
        }
    }
    planned
}

/// Adds the planned slots that touch none that is there. Returns how many are new.
pub(super) fn lay_out(tx: &mut Tx<'_>, ports: &Ports, planned: &BTreeMap<ScheduleId, Vec<PlannedSlot>>) -> Result<usize, StoreError> {
    let mut new = Vec::new();
    for (schedule, slots) in planned {
        let (Some(from), Some(until)) = (slots.iter().map(|s| s.start).min(), slots.iter().map(|s| s.end).max()) else { continue };
        let there = tx.slot_spans(schedule, Span { from, until })?;
        // Both are in order of time, so a slot is compared with its neighbours only.
        new.extend(slots.iter().filter(|slot| !touches(&there, slot)).map(|slot| NewSlot {
            id: SlotId::stored(ports.ids.uuid()),
            schedule: schedule.clone(),
            start: slot.start,
            end: slot.end,
            capacity: slot.capacity,
            blocked: slot.blocked,
            channel: slot.channel,
        }));
    }
    tx.slot_insert_missing(&new, ports.clock.now())
}

/// `there` is in order and does not overlap itself, so the only span that can touch is the last that begins
/// before the slot ends.
fn touches(there: &[Span], slot: &PlannedSlot) -> bool {
    let after = there.partition_point(|span| span.from < slot.end);
    after.checked_sub(1).and_then(|last| there.get(last)).is_some_and(|span| span.until > slot.start)
}
