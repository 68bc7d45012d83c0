//! Finding schedules, and what belongs to them.

use super::Engine;
use super::failure::fault_of;
use super::slots::search::{Related, related_to, slots_of};
use super::visibility::schedules_seen;
use crate::store::{Lane, StoreError, Tx};
use domain::fault::{Fault, ParameterFault};
use domain::ids::ScheduleId;
use domain::policy::Access;
use domain::search::{Cursor, Includes, ScheduleSearch, Window};
use domain::slot::Slot;
use domain::time::{DAY_MS, Timestamp};

/// How far ahead `_revinclude=Slot:schedule` looks when no date is given, in days: as far as a slot search may.
const REVINCLUDE_DAYS: i64 = 31;

/// The answer to a search of schedules.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleMatches {
    /// The matching schedules with the service each is shown with, and what they lead to.
    pub related: Related,
    /// Their slots, where wanted.
    pub slots: Vec<Slot>,
    /// How many schedules match.
    pub total: u64,
    /// Where the next page begins, when there is one.
    pub next: Option<Cursor>,
    /// The instant of the answer.
    pub now: Timestamp,
}

impl Engine {
    /// The schedules that match and that `access` shows, each with one of the services it is seen with.
    ///
    /// # Errors
    /// `TooManyMatches` when their slots are too many, or a fault of the store.
    pub fn search_schedules(&self, search: &ScheduleSearch, access: &Access) -> Result<ScheduleMatches, Fault> {
        let now = self.now();
        let most = self.limits.slots_max;
        let found =
            self.store.on(Lane::Reads).read(|tx| find(tx, search, access, now, most)).map_err(|e| fault_of("searching schedules", &e))?;
        found.ok_or(Fault::Parameter(ParameterFault::TooManyMatches { limit: most }))
    }
}

fn find(
    tx: &mut Tx<'_>,
    search: &ScheduleSearch,
    access: &Access,
    now: Timestamp,
    slots_max: usize,
) -> Result<Option<ScheduleMatches>, StoreError> {
    let wanted = (!search.ids.is_empty()).then_some(search.ids.as_slice());
    let listed = tx.schedule_list(wanted, search.updated)?;
    let listed = schedules_seen(tx, listed, access)?;
    let mut ids: Vec<ScheduleId> = listed.iter().filter(|s| search.admits(s)).map(|s| s.id.clone()).collect();
    if !search.date.is_open() {
        let with_slots = tx.schedule_with_slots(search.date)?;
        ids.retain(|id| with_slots.contains(id));
    }
    let total = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    if let Some(after) = &search.paging.after {
        ids.retain(|id| id.as_str() > after.id.as_str());
    }
    let mut next = None;
    if let Some(page) = search.paging.count.and_then(|count| usize::try_from(count).ok()) {
        let more = ids.len() > page;
        ids.truncate(page);
        next = ids.last().filter(|_| more).map(|id| Cursor { start: Timestamp::from_ms(0), id: id.as_str().to_owned() });
    }
    let slots = if search.includes.slots {
        let ahead = Window { from: Some(now), until: Some(now.plus_ms(REVINCLUDE_DAYS * DAY_MS)) };
        let window = if search.date.is_open() { ahead } else { search.date };
        match slots_of(tx, &ids, window, now, slots_max)? {
            Some(slots) => slots,
            None => return Ok(None),
        }
    } else {
        Vec::new()
    };
    // Here the schedules are the matches themselves, so whatever they lead to is reached without `Slot:schedule`.
    let related = related_to(tx, &ids, &search.services, access, Includes { schedule: true, ..search.includes })?;
    Ok(Some(ScheduleMatches { related, slots, total, next, now }))
}
