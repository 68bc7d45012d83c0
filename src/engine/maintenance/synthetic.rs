//! Laying out a synthetic diary: millions of slots, for measuring.
//!
//! Pitfall: this is the one loader that is not all or nothing. Ten million rows in one transaction would hold every
//! lock for minutes; cut short, it is simply run again, and lays out what is missing.

use super::Maintenance;
use crate::store::{AuditAction, Lane, NewSlot, StoreError};
use domain::appointment::Origin;
use domain::directory::DirectoryKind;
use domain::slot::Channel;
use domain::synthetic::{ORGANIZATION, SyntheticDiary, SyntheticSlot};

/// Slots of one transaction.
const CHUNK: u64 = 30_000;

impl Maintenance {
    /// Creates the slots of `diary` that are not there, and calls `progress` after each so many. The
    /// directory and the schedules must be there. Returns how many slots are new.
    ///
    /// # Errors
    /// Those of the database; what was laid out before stays.
    pub fn lay_out_synthetic(&self, diary: &SyntheticDiary, progress: &mut dyn FnMut(u64)) -> Result<u64, StoreError> {
        let now = self.ports.clock.now();
        let (mut at, end, mut slots_new) = (0, diary.slot_count(), 0);
        while at < end {
            let next = (at + CHUNK).min(end);
            let chunk: Vec<NewSlot> = (at..next).filter_map(|index| diary.slot_at(index)).map(new_slot).collect();
            let inserted = self.store.on(Lane::Maintenance).write(|tx| tx.slot_insert_bulk(&chunk, now))?;
            slots_new += u64::try_from(inserted).unwrap_or_default();
            progress(next - at);
            at = next;
        }
        if slots_new > 0 {
            self.store.on(Lane::Maintenance).write(|tx| tx.audit_insert(now, AuditAction::Seed, "synthetic diary", &Origin::default()))?;
            self.store.recount()?;
        }
        Ok(slots_new)
    }

    /// True when the database holds a synthetic diary.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_synthetic(&self) -> Result<bool, StoreError> {
        self.store.on(Lane::Reads).query(|tx| Ok(tx.directory_find(DirectoryKind::Organization, ORGANIZATION)?.is_some()))
    }

    /// How many appointments are live: what a count of bookings is compared with.
    ///
    /// # Errors
    /// Those of the database.
    pub fn count_live(&self) -> Result<u64, StoreError> {
        self.store.on(Lane::Reads).query(|tx| Ok(u64::try_from(tx.appointments_live()?).unwrap_or_default()))
    }

    /// How much capacity is taken, over all slots. Reads every slot.
    ///
    /// # Errors
    /// Those of the database.
    pub fn count_taken(&self) -> Result<u64, StoreError> {
        self.store.on(Lane::Reads).read(|tx| Ok(u64::try_from(tx.capacity_taken()?).unwrap_or_default()))
    }
}

fn new_slot(slot: SyntheticSlot) -> NewSlot {
    NewSlot {
        id: slot.id,
        schedule: slot.schedule,
        start: slot.start,
        end: slot.end,
        capacity: 1,
        blocked: false,
        channel: Some(Channel::InPerson),
    }
}
