//! Archiving: slots that ended long enough ago leave the diary, so that it stays as small as what is still to come.
//!
//! Whether a slot is archived changes no answer. It cannot be booked (it has begun), nor its appointment cancelled
//! (it is past), and everything that reads of the past reads both tables. So it does no harm when two servers
//! archive at once, or when one is killed in between: what remains is left for next time.

use super::Maintenance;
use crate::store::{AuditAction, Lane, StoreError};
use domain::appointment::Origin;
use domain::ids::ScheduleId;
use domain::time::{DAY_MS, Timestamp};

/// Slots of one transaction. On SQLite a booking may have to wait for it: some 10 ms.
const CHUNK: i64 = 250;

/// What one archiving has done, so far or in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archived {
    /// Slots that were moved.
    pub slots: usize,
    /// Schedules that had such slots.
    pub schedules: usize,
    /// Schedules of which nothing is left to move.
    pub schedules_done: usize,
    /// The slots that ended by then were meant.
    pub before: Timestamp,
}

impl Maintenance {
    /// Moves the slots that ended `days` days ago or earlier, schedule by schedule, and calls `between` after every
    /// transaction what has been done so far. It may take its time, and says whether to go on. A schedule whose slots are
    /// refused (somebody put one of them into the archive by hand) does not keep the others.
    ///
    /// # Errors
    /// Those of the database; what was moved stays moved.
    pub fn archive(&self, days: u32, between: &mut dyn FnMut(Archived) -> bool) -> Result<Archived, StoreError> {
        let before = self.ports.clock.now().plus_ms(-i64::from(days) * DAY_MS);
        let schedules = self.store.on(Lane::Reads).query(|tx| tx.schedule_with_ended(before))?;
        let mut refused = None;
        let mut archived = Archived { slots: 0, schedules: schedules.len(), schedules_done: 0, before };
        for schedule in &schedules {
            loop {
                let moved = match self.archive_chunk(schedule, before) {
                    Ok(moved) => moved,
                    Err(error @ (StoreError::Constraint(_) | StoreError::Corrupt(_))) => {
                        log::error!("slots of schedule {schedule} cannot be archived: {error}");
                        refused = Some(error);
                        0
                    }
                    Err(error) => return Err(error),
                };
                let more = i64::try_from(moved).is_ok_and(|moved| moved == CHUNK);
                archived.slots += moved;
                archived.schedules_done += usize::from(!more);
                if moved > 0 && !between(archived) {
                    return Ok(archived);
                }
                if !more {
                    break;
                }
            }
        }
        refused.map_or(Ok(archived), Err)
    }
    fn archive_chunk(&self, schedule: &ScheduleId, before: Timestamp) -> Result<usize, StoreError> {
        self.store.on(Lane::Maintenance).write(|tx| {
            let moved = tx.slot_archive(schedule, before, CHUNK)?;
            if moved > 0 {
                tx.audit_insert(self.ports.clock.now(), AuditAction::Archive, schedule.as_str(), &Origin::default())?;
            }
            Ok(moved)
        })
    }
}
