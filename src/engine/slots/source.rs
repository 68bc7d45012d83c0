//! Where an answer to a search of slots comes from: the database, or the index in memory.
//!
//! The same code searches both, so that they cannot come to different answers.

use crate::store::{StoreError, Tx};
use domain::directory::{DirectoryEntry, DirectoryKind, Service};
use domain::ids::{ScheduleId, ServiceId};
use domain::schedule::{Offering, Schedule};
use domain::search::SlotSearch;
use domain::slot::Slot;
use domain::time::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// What a search of slots needs to know.
pub(in crate::engine) trait SlotSource {
    /// Why something cannot be said.
    type Error;

    /// The services that exist among `ids`, in id order.
    fn services(&mut self, ids: &[ServiceId]) -> Result<Vec<Service>, Self::Error>;
    /// The schedules that exist among `ids`, in id order.
    fn schedules(&mut self, ids: &[ScheduleId]) -> Result<Vec<Schedule>, Self::Error>;
    /// The schedules that serve any of `services`, in id order; all schedules when `services` is empty.
    fn schedules_serving(&mut self, services: &[ServiceId]) -> Result<Vec<ScheduleId>, Self::Error>;
    /// The offerings of schedules.
    fn offerings(&mut self, ids: &[ScheduleId]) -> Result<HashMap<ScheduleId, Offering>, Self::Error>;
    /// The resources of one kind that exist among `ids`, in id order.
    fn directory(&mut self, kind: DirectoryKind, ids: &[&str]) -> Result<Vec<Arc<DirectoryEntry>>, Self::Error>;
    /// The slots of `schedules` (of any, when `None`) that match, by start and id, at most `limit`.
    fn slots(
        &mut self,
        search: &SlotSearch,
        schedules: Option<&[ScheduleId]>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Slot>, Self::Error>;
    /// How many there are.
    fn slot_count(&mut self, search: &SlotSearch, schedules: Option<&[ScheduleId]>, now: Timestamp) -> Result<u64, Self::Error>;
}

impl SlotSource for Tx<'_> {
    type Error = StoreError;

    fn services(&mut self, ids: &[ServiceId]) -> Result<Vec<Service>, StoreError> {
        self.service_find_many(Some(ids))
    }
    fn schedules(&mut self, ids: &[ScheduleId]) -> Result<Vec<Schedule>, StoreError> {
        self.schedule_find_many(ids)
    }
    fn schedules_serving(&mut self, services: &[ServiceId]) -> Result<Vec<ScheduleId>, StoreError> {
        self.schedule_ids_of(services)
    }
    fn offerings(&mut self, ids: &[ScheduleId]) -> Result<HashMap<ScheduleId, Offering>, StoreError> {
        self.schedule_offerings(ids)
    }
    fn directory(&mut self, kind: DirectoryKind, ids: &[&str]) -> Result<Vec<Arc<DirectoryEntry>>, StoreError> {
        Ok(self.directory_find_many(kind, ids)?.into_iter().map(Arc::new).collect())
    }
    fn slots(
        &mut self,
        search: &SlotSearch,
        schedules: Option<&[ScheduleId]>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Slot>, StoreError> {
        self.slot_search(search, schedules, now, i64::try_from(limit).unwrap_or(i64::MAX))
    }
    fn slot_count(&mut self, search: &SlotSearch, schedules: Option<&[ScheduleId]>, now: Timestamp) -> Result<u64, StoreError> {
        Tx::slot_count(self, search, schedules, now).map(|count| u64::try_from(count).unwrap_or(0))
    }
}
