//! The diary: who is coming, and what is still free, day by day. For the provider's own people.
//!
//! It knows nothing of how it is shown.
//!
//! Pitfall: a day is local to each schedule, so one diary may show schedules whose days do not begin at the same
//! instant.

use super::Maintenance;
use crate::store::{Lane, StoreError, Tx};
use chrono::NaiveDate;
use domain::appointment::{AppointmentStatus, DiaryAppointment};
use domain::directory::{DirectoryKind, Service};
use domain::document::Documents;
use domain::element::Element;
use domain::ids::{ResourceId, ScheduleId, ServiceId};
use domain::schedule::Schedule;
use domain::search::{SlotSearch, Window};
use domain::slot::Slot;
use domain::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Most slots of a schedule that are listed.
const SLOTS_MAX: i64 = 100_000;

/// Whose diary is shown, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiaryFilter {
    /// Only schedules that serve this service.
    pub service: Option<ServiceId>,
    /// Only this schedule.
    pub schedule: Option<ScheduleId>,
    /// Only schedules of clinicians of this id, or with this in their name.
    pub clinician: Option<String>,
    /// Only schedules at places of this id, or with this in their name.
    pub place: Option<String>,
    /// Also appointments that were cancelled.
    pub cancelled: bool,
}

/// The part of a filter that names nothing there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// No such service.
    Service,
    /// No such schedule.
    Schedule,
    /// No clinician with a schedule is called so.
    Clinician,
    /// No place with a schedule is called so.
    Place,
}

/// The diary of some days.
#[derive(Debug, Clone, PartialEq)]
pub struct Diary {
    /// The names of the organisations that provide the services shown.
    pub providers: Vec<String>,
    /// The service named, or else those that the schedules shown serve.
    pub services: Vec<Service>,
    /// The schedules shown, in id order.
    pub schedules: Vec<DiarySchedule>,
    /// The days shown, in order.
    pub days: Vec<DiaryDay>,
    /// The instant of the diary.
    pub now: Timestamp,
}

/// A schedule of the diary, with the names that belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct DiarySchedule {
    /// The schedule.
    pub schedule: Schedule,
    /// Whose it is; the id where the directory has no name, `None` where no clinician is named.
    pub clinician: Option<String>,
    /// Where it is; the id where the directory has no name, `None` where no place is named.
    pub place: Option<String>,
}

/// A day of the diary.
#[derive(Debug, Clone, PartialEq)]
pub struct DiaryDay {
    /// The local day.
    pub day: NaiveDate,
    /// Every slot of the day, by start, then schedule.
    pub slots: Vec<DiarySlot>,
}

/// A slot of the diary and who has it.
#[derive(Debug, Clone, PartialEq)]
pub struct DiarySlot {
    /// The slot.
    pub slot: Slot,
    /// Live appointments in it, then, where they are wanted, cancelled ones.
    pub appointments: Vec<DiaryAppointment>,
}

impl Diary {
    /// The schedule of a slot.
    pub fn schedule_of(&self, slot: &DiarySlot) -> Option<&DiarySchedule> {
        self.schedules.iter().find(|s| s.schedule.id == slot.slot.schedule)
    }
}

impl Maintenance {
    /// The diary of the local days from `first` to `last`, each schedule's days in its own zone; or what part of
    /// the filter names nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub fn diary(
        &self,
        filter: &DiaryFilter,
        (first, last): (NaiveDate, NaiveDate),
        now: Timestamp,
    ) -> Result<Result<Diary, Unknown>, StoreError> {
        let documents = self.ports.documents.as_ref();
        self.store.on(Lane::Reads).read(|tx| {
            let schedules = match shown(tx, documents, filter)? {
                Ok(schedules) => schedules,
                Err(unknown) => return Ok(Err(unknown)),
            };
            let mut by_day: BTreeMap<NaiveDate, Vec<DiarySlot>> =
                first.iter_days().take_while(|day| *day <= last).map(|day| (day, Vec::new())).collect();
            for DiarySchedule { schedule, .. } in &schedules {
                for slot in slots_of(tx, schedule, (first, last), filter.cancelled, now)? {
                    by_day.entry(slot.slot.start.local(schedule.zone).date()).or_default().push(slot);
                }
            }
            let days = by_day.into_iter().map(|(day, mut slots)| {
                slots.sort_by(|a, b| (a.slot.start, &a.slot.schedule).cmp(&(b.slot.start, &b.slot.schedule)));
                DiaryDay { day, slots }
            });
            let days = days.collect();
            let mut services = tx.service_find_many(None)?;
            services.retain(|s| match &filter.service {
                Some(wanted) => *wanted == s.id,
                None => schedules.iter().any(|shown| shown.schedule.services.contains(&s.id)),
            });
            let providers = services.iter().filter_map(|s| s.organization.clone());
            let mut providers: Vec<String> =
                names(tx, documents, DirectoryKind::Organization, providers.collect())?.into_values().collect();
            providers.sort();
            Ok(Ok(Diary { providers, services, schedules, days, now }))
        })
    }
}

/// The schedules a filter leaves, with their names.
fn shown(tx: &mut Tx<'_>, documents: &dyn Documents, filter: &DiaryFilter) -> Result<Result<Vec<DiarySchedule>, Unknown>, StoreError> {
    if let Some(service) = &filter.service
        && tx.directory_find(DirectoryKind::HealthcareService, service.as_str())?.is_none()
    {
        return Ok(Err(Unknown::Service));
    }
    let schedules = tx.schedule_list(None, Window::default())?;
    if filter.schedule.as_ref().is_some_and(|id| schedules.iter().all(|s| s.id != *id)) {
        return Ok(Err(Unknown::Schedule));
    }
    let clinicians = names(tx, documents, DirectoryKind::Practitioner, schedules.iter().filter_map(|s| s.practitioner.clone()).collect())?;
    let places = names(tx, documents, DirectoryKind::Location, schedules.iter().filter_map(|s| s.location.clone()).collect())?;
    let known = |wanted: Option<&String>, all: &BTreeMap<ResourceId, String>| {
        wanted.is_none_or(|wanted| all.iter().any(|(id, name)| called(wanted, id, name)))
    };
    if !known(filter.clinician.as_ref(), &clinicians) {
        return Ok(Err(Unknown::Clinician));
    }
    if !known(filter.place.as_ref(), &places) {
        return Ok(Err(Unknown::Place));
    }
    let named = |all: &BTreeMap<ResourceId, String>, id: Option<&ResourceId>| id.map(|id| (id.clone(), all.get(id).cloned()));
    let matches = |wanted: Option<&String>, named: Option<&(ResourceId, Option<String>)>| {
        wanted.is_none_or(|wanted| named.is_some_and(|(id, name)| called(wanted, id, name.as_deref().unwrap_or_default())))
    };
    let mut left = Vec::new();
    for schedule in schedules {
        let clinician = named(&clinicians, schedule.practitioner.as_ref());
        let place = named(&places, schedule.location.as_ref());
        let fits = filter.service.as_ref().is_none_or(|service| schedule.services.contains(service))
            && filter.schedule.as_ref().is_none_or(|id| *id == schedule.id)
            && matches(filter.clinician.as_ref(), clinician.as_ref())
            && matches(filter.place.as_ref(), place.as_ref());
        if fits {
            let name = |(id, name): (ResourceId, Option<String>)| name.unwrap_or_else(|| id.as_str().to_owned());
            left.push(DiarySchedule { schedule, clinician: clinician.map(name), place: place.map(name) });
        }
    }
    Ok(Ok(left))
}

/// The slots of a schedule whose local day is one of those wanted, and who has them.
fn slots_of(
    tx: &mut Tx<'_>,
    schedule: &Schedule,
    (first, last): (NaiveDate, NaiveDate),
    cancelled: bool,
    now: Timestamp,
) -> Result<Vec<DiarySlot>, StoreError> {
    let span = Span { from: Span::of_day(first, schedule.zone).from, until: Span::of_day(last, schedule.zone).until };
    let id = std::slice::from_ref(&schedule.id);
    let search = SlotSearch { start: Window { from: Some(span.from), until: Some(span.until) }, ..SlotSearch::default() };
    let mut appointments = tx.diary_search(id, span, cancelled)?;
    appointments.sort_by_key(|a| a.appointment.status == AppointmentStatus::Cancelled);
    let mut slots = Vec::new();
    for slot in tx.slot_search(&search, Some(id), now, SLOTS_MAX)? {
        let (here, elsewhere) = appointments.into_iter().partition(|a| a.appointment.slot == slot.id);
        appointments = elsewhere;
        slots.push(DiarySlot { slot, appointments: here });
    }
    Ok(slots)
}

/// What people call resources of the directory. One that cannot be read, or has no name, is left out.
fn names(
    tx: &mut Tx<'_>,
    documents: &dyn Documents,
    kind: DirectoryKind,
    mut ids: Vec<ResourceId>,
) -> Result<BTreeMap<ResourceId, String>, StoreError> {
    ids.sort();
    ids.dedup();
    let found = tx.directory_find_many(kind, &ids.iter().map(ResourceId::as_str).collect::<Vec<_>>())?;
    let named = found.into_iter().filter_map(|entry| {
        let tree = documents.read(&entry.document).ok()?;
        Some((entry.id, name_of(tree.child("name")?)?))
    });
    Ok(named.collect())
}

/// A name as people read it: of a place the text itself, of a person prefix, given names and family name.
fn name_of(name: &Element) -> Option<String> {
    if let Some(text) = name.as_text() {
        return Some(text.to_owned());
    }
    let parts = name.all("prefix").chain(name.all("given")).chain(name.all("family")).filter_map(Element::as_text);
    let joined = parts.collect::<Vec<_>>().join(" ");
    if joined.is_empty() { name.text_at("text").map(str::to_owned) } else { Some(joined) }
}

/// Whether `wanted` means the one of this id and name: capitals do not matter in a name.
fn called(wanted: &str, id: &ResourceId, name: &str) -> bool {
    wanted == id.as_str() || (!wanted.trim().is_empty() && name.to_lowercase().contains(&wanted.trim().to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clinician_is_found_by_id_or_part_of_the_name_in_any_case() {
        let id = ResourceId::stored("prac-061".to_owned());
        for wanted in ["prac-061", "okafor", "Ms Nneka", "  OKAFOR "] {
            assert!(called(wanted, &id, "Ms Nneka Okafor"), "{wanted}");
        }
        for wanted in ["prac-06", "Rehman", "", "  "] {
            assert!(!called(wanted, &id, "Ms Nneka Okafor"), "{wanted}");
        }
    }

    #[test]
    fn a_name_is_read_as_people_say_it() {
        let person = Element::complex("name")
            .with(Element::text("family", "Okafor"))
            .with(Element::text("given", "Nneka"))
            .with(Element::text("prefix", "Ms"));
        assert_eq!(name_of(&person).as_deref(), Some("Ms Nneka Okafor"));
        assert_eq!(name_of(&Element::text("name", "Weirside UTC")).as_deref(), Some("Weirside UTC"));
        assert_eq!(name_of(&Element::complex("name").with(Element::text("text", "Dr No"))).as_deref(), Some("Dr No"));
        assert_eq!(name_of(&Element::complex("name")), None);
    }
}
