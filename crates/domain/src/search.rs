//! Searches, as conditions on times and ids; how they are spelled is the codec's business.

use super::appointment::AppointmentStatus;
use super::directory::DirectoryKind;
use super::ids::{AppointmentId, ResourceId, ScheduleId, ServiceId, SlotId};
use super::nhs_number::NhsNumber;
use super::schedule::Schedule;
use super::slot::SlotStatus;
use super::time::{Span, Timestamp};

/// A range of instants, open where a bound is missing. Half-open: `from` belongs to it, `until` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// The first instant that matches.
    pub from: Option<Timestamp>,
    /// The first instant that no longer matches.
    pub until: Option<Timestamp>,
}

/// What a date parameter may be compared with (STU3 search, "prefixes"); others are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatePrefix {
    /// Within the range.
    Eq,
    /// After the range.
    Gt,
    /// In or after it.
    Ge,
    /// Before it.
    Lt,
    /// In or before it.
    Le,
}

impl Window {
    /// This window, narrowed by one more bound: all bounds given must hold.
    #[must_use]
    pub fn narrowed(self, prefix: DatePrefix, range: Span) -> Self {
        let (from, until) = match prefix {
            DatePrefix::Eq => (Some(range.from), Some(range.until)),
            DatePrefix::Gt => (Some(range.until), None),
            DatePrefix::Ge => (Some(range.from), None),
            DatePrefix::Lt => (None, Some(range.from)),
            DatePrefix::Le => (None, Some(range.until)),
        };
        Self {
            from: self.from.max(from),
            until: match (self.until, until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        }
    }
    /// True when neither bound is given.
    pub const fn is_open(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }
    /// True when `at` matches.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// Which related resources a search includes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Includes {
    /// `Slot:schedule`. Without it nothing below is reached from a slot.
    pub schedule: bool,
    /// `Schedule:actor:Practitioner`.
    pub practitioner: bool,
    /// `Schedule:actor:PractitionerRole`.
    pub role: bool,
    /// `Schedule:actor:HealthcareService`. Without it the two below are not reached.
    pub service: bool,
    /// `Schedule:actor:Location`.
    pub schedule_location: bool,
    /// `HealthcareService:providedBy` in all its spellings.
    pub provided_by: bool,
    /// `HealthcareService:location`.
    pub service_location: bool,
    /// `_revinclude=Slot:schedule`, which means something on Schedule only.
    pub slots: bool,
    /// `Appointment:slot`, on Appointment only.
    pub appointment_slots: bool,
    /// `Appointment:actor`, on Appointment only.
    pub appointment_actors: bool,
}

/// Which way round matches that are ordered by time come; of equal times, by id the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortDirection {
    /// The earliest first.
    #[default]
    Ascending,
    /// The latest first.
    Descending,
}

/// How much of an answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paging {
    /// `_count`: entries a page. `Some(0)` means the total only; `None` everything.
    pub count: Option<u32>,
    /// `_cursor`: the position after which the page begins.
    pub after: Option<Cursor>,
}

impl Paging {
    /// Cuts the page out of `items`, which are in id order: the place where the next one begins, when there is one.
    pub fn cut<T>(&self, items: &mut Vec<T>, id: impl Fn(&T) -> &str) -> Option<Cursor> {
        if let Some(after) = &self.after {
            items.retain(|item| id(item) > after.id.as_str());
        }
        let page = self.count.and_then(|count| usize::try_from(count).ok())?;
        let more = items.len() > page;
        items.truncate(page);
        items.last().filter(|_| more).map(|item| Cursor { start: Timestamp::from_ms(0), id: id(item).to_owned() })
    }
}

/// A place in an ordered list of matches that stays where it is when something is booked meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Start of the last match given (0 where the order is by id).
    pub start: Timestamp,
    /// Its id.
    pub id: String,
}

/// An actor of a schedule, as a search names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What it is; `None` when only an id was given, which may be that of any kind.
    pub kind: Option<DirectoryKind>,
    /// Its id.
    pub id: ResourceId,
}

impl Actor {
    /// True when `schedule` has this actor.
    pub fn acts_in(&self, schedule: &Schedule) -> bool {
        let is = |kind| self.kind.is_none_or(|wanted| wanted == kind);
        (is(DirectoryKind::HealthcareService) && schedule.services.iter().any(|s| s.as_str() == self.id.as_str()))
            || (is(DirectoryKind::Practitioner) && schedule.practitioner.as_ref() == Some(&self.id))
            || (is(DirectoryKind::PractitionerRole) && schedule.role.as_ref() == Some(&self.id))
            || (is(DirectoryKind::Location) && schedule.location.as_ref() == Some(&self.id))
    }
}

/// `GET /Slot`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SlotSearch {
    /// Services; any of them. Empty: no condition.
    pub services: Vec<ServiceId>,
    /// Schedules; any of them. Empty: no condition.
    pub schedules: Vec<ScheduleId>,
    /// Slot ids (or identifiers, which are equal); any of them. Empty: no condition.
    pub ids: Vec<SlotId>,
    /// Statuses; any of them. Empty: every status.
    pub statuses: Vec<SlotStatus>,
    /// When the slot begins.
    pub start: Window,
    /// When it ends.
    pub end: Window,
    /// When it last changed.
    pub updated: Window,
    /// True when the conditions exclude everything (a status no slot ever has, an identifier of a system not
    /// used here, two bounds on an id that exclude each other): nothing matches, whatever is stored.
    pub nothing: bool,
    /// Related resources.
    pub includes: Includes,
    /// In which order.
    pub sort: SortDirection,
    /// How much.
    pub paging: Paging,
}

/// `GET /Schedule`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScheduleSearch {
    /// Ids; any of them. Empty: no condition.
    pub ids: Vec<ScheduleId>,
    /// Services; any of them. Empty: no condition.
    pub services: Vec<ServiceId>,
    /// Actors: every group must hold, and of a group any one. Lists that name only services are in
    /// `services` instead.
    pub actors: Vec<Vec<Actor>>,
    /// Identifiers, as (system, value); a missing system matches any. Empty: no condition.
    pub identifiers: Vec<(Option<String>, String)>,
    /// Whether it takes bookings; any of them. Empty: no condition.
    pub actives: Vec<bool>,
    /// A time in which the schedule has slots.
    pub date: Window,
    /// When it last changed.
    pub updated: Window,
    /// True when the conditions exclude everything (a status no slot ever has, an identifier of a system not
    /// used here, two bounds on an id that exclude each other): nothing matches, whatever is stored.
    pub nothing: bool,
    /// Related resources.
    pub includes: Includes,
    /// How much.
    pub paging: Paging,
}

/// Identifiers an appointment may be known by; any one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identified {
    /// The patient's.
    pub nhs_numbers: Vec<NhsNumber>,
    /// The clinical document's.
    pub documents: Vec<String>,
}

/// What a group of actors comes to: an appointment has one of them if it is for one of the services, or if its slot is
/// in one of the schedules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActedIn {
    /// The services.
    pub services: Vec<ServiceId>,
    /// The schedules.
    pub schedules: Vec<ScheduleId>,
}

/// `GET /Appointment`: a patient's appointments (docs/specification/uec.md#a10-appointment-search).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppointmentSearch {
    /// The patients' NHS numbers; any of them. Empty: no condition.
    pub nhs_numbers: Vec<NhsNumber>,
    /// Ids; any of them. Empty: no condition.
    pub ids: Vec<AppointmentId>,
    /// A version of the appointment (`version`), which must be its current one.
    pub version: Option<i64>,
    /// Statuses; any of them. Empty: every status.
    pub statuses: Vec<AppointmentStatus>,
    /// Slots the appointment has or had; any of them. Empty: no condition.
    pub slots: Vec<SlotId>,
    /// Actors of the appointment's schedule, and its service: every group must hold, and of a group any one.
    pub actors: Vec<Vec<Actor>>,
    /// Identifiers of patients or clinical documents: of every list one must hold.
    pub identified: Vec<Identified>,
    /// When it begins. Without it only future ones match (docs/contract.md#disagreements, row 24).
    pub date: Window,
    /// When its current version was made.
    pub updated: Window,
    /// True when the conditions exclude everything (a status no slot ever has, an identifier of a system not
    /// used here, two bounds on an id that exclude each other): nothing matches, whatever is stored.
    pub nothing: bool,
    /// Related resources.
    pub includes: Includes,
    /// In which order.
    pub sort: SortDirection,
    /// How much. Never a page of a patient's appointments (docs/specification/uec.md#a10-appointment-search): `count`
    /// is set only where no patient is named.
    pub paging: Paging,
}

impl SlotSearch {
    /// True when it wants free slots only, by nothing but schedule and time: then an answer needs no more of a slot than
    /// [`super::slot::Slot::free`] knows.
    pub fn is_for_free_slots(&self) -> bool {
        self.statuses == [SlotStatus::Free] && self.ids.is_empty() && self.updated.is_open()
    }
}

impl ScheduleSearch {
    /// True when `schedule` matches everything but `date` and `updated`, which need more than the schedule to be answered.
    pub fn admits(&self, schedule: &Schedule) -> bool {
        let identified = |(system, value): &(Option<String>, String)| {
            schedule.identifier.value == *value && system.as_ref().is_none_or(|s| *s == schedule.identifier.system)
        };
        !self.nothing
            && (self.ids.is_empty() || self.ids.contains(&schedule.id))
            && (self.services.is_empty() || self.services.iter().any(|s| schedule.services.contains(s)))
            && self.actors.iter().all(|group| group.iter().any(|actor| actor.acts_in(schedule)))
            && (self.actives.is_empty() || self.actives.contains(&schedule.active))
            && (self.identifiers.is_empty() || self.identifiers.iter().any(identified))
    }
}
