//! The diary of a day: who is coming, and what is still free. For the provider's own people.

use super::Engine;
use crate::domain::appointment::DiaryAppointment;
use crate::domain::directory::{DirectoryKind, Service};
use crate::domain::ids::{ScheduleId, ServiceId};
use crate::domain::schedule::Schedule;
use crate::domain::search::{SlotSearch, Window};
use crate::domain::slot::Slot;
use crate::domain::time::{Instant, Span};
use crate::store::{Store, StoreError};
use chrono::NaiveDate;

/// Most slots of a day that are listed.
const SLOTS_MAX: i64 = 100_000;

/// Whose diary is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiaryFilter {
    /// Only schedules that serve this service.
    pub service: Option<ServiceId>,
    /// Only this schedule.
    pub schedule: Option<ScheduleId>,
}

/// A day's diary.
#[derive(Debug, Clone, PartialEq)]
pub struct DiaryDay {
    /// The local day.
    pub day: NaiveDate,
    /// The services there are, for their names.
    pub services: Vec<Service>,
    /// The schedules shown.
    pub schedules: Vec<Schedule>,
    /// Every slot of the day, by start, then schedule.
    pub slots: Vec<DiarySlot>,
    /// The instant the diary speaks of.
    pub now: Instant,
}

/// A slot of the diary and who has it.
#[derive(Debug, Clone, PartialEq)]
pub struct DiarySlot {
    /// The slot.
    pub slot: Slot,
    /// Live appointments in it.
    pub appointments: Vec<DiaryAppointment>,
}

impl Engine {
    /// The diary of a local day, each schedule's day in its own zone. `None` when the filter names nothing that exists.
    ///
    /// # Errors
    /// Those of the database.
    pub fn diary(store: &Store, filter: &DiaryFilter, day: NaiveDate, now: Instant) -> Result<Option<DiaryDay>, StoreError> {
        store.read(|tx| {
            if let Some(service) = &filter.service
                && tx.directory_find(DirectoryKind::HealthcareService, service.as_str())?.is_none()
            {
                return Ok(None);
            }
            let mut schedules = tx.schedule_list(filter.schedule.as_ref().map(std::slice::from_ref), Window::default())?;
            if filter.schedule.is_some() && schedules.is_empty() {
                return Ok(None);
            }
            schedules.retain(|s| filter.service.as_ref().is_none_or(|service| s.services.contains(service)));
            let mut slots = Vec::new();
            for schedule in &schedules {
                let span = Span::of_day(day, schedule.zone);
                let id = std::slice::from_ref(&schedule.id);
                let search = SlotSearch { start: Window { from: Some(span.from), until: Some(span.until) }, ..SlotSearch::default() };
                let mut appointments = tx.diary_search(id, span)?;
                for slot in tx.slot_search(&search, Some(id), now, SLOTS_MAX)? {
                    let (here, elsewhere) = appointments.into_iter().partition(|a| a.appointment.slot == slot.id);
                    appointments = elsewhere;
                    slots.push(DiarySlot { slot, appointments: here });
                }
            }
            slots.sort_by(|a, b| (a.slot.start, &a.slot.schedule).cmp(&(b.slot.start, &b.slot.schedule)));
            Ok(Some(DiaryDay { day, services: tx.service_find_many(None)?, schedules, slots, now }))
        })
    }
}
