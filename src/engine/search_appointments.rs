//! Finding appointments: a patient's (docs/specification/uec.md#a10-appointment-search), and on the provider root those
//! of a slot, an actor, a document.

use super::Engine;
use super::failure::fault_of;
use super::visibility::slots_seen;
use crate::store::{Lane, StoreError, Tx};
use domain::appointment::AppointmentVersion;
use domain::directory::DirectoryKind;
use domain::fault::{Fault, ParameterFault};
use domain::ids::ServiceId;
use domain::policy::Access;
use domain::schedule::Schedule;
use domain::search::{ActedIn, Actor, AppointmentSearch, Cursor, Paging, Window};
use domain::slot::Slot;
use domain::time::Timestamp;

/// Most appointments in one answer.
const APPOINTMENTS_MAX: usize = 2_000;

/// The answer to a search of appointments.
#[derive(Debug, Clone, PartialEq)]
pub struct AppointmentMatches {
    /// The current versions of those that match, by start and id.
    pub versions: Vec<AppointmentVersion>,
    /// How many match, wherever the page begins.
    pub total: u64,
    /// Where the next page begins, when there is one.
    pub next: Option<Cursor>,
    /// Their slots, where wanted.
    pub slots: Vec<Slot>,
    /// The instant of the answer.
    pub now: Timestamp,
}

impl Engine {
    /// The current versions of the appointments that match and that `access` lets be read; others are left out, not
    /// refused. Without a date window only future ones match (docs/contract.md#disagreements, row 24).
    ///
    /// # Errors
    /// `TooManyMatches`, or a fault of the store.
    pub fn search_appointments(&self, search: &AppointmentSearch, access: &Access) -> Result<AppointmentMatches, Fault> {
        let now = self.now();
        let none = AppointmentMatches { versions: Vec::new(), total: 0, next: None, slots: Vec::new(), now };
        if search.nothing {
            return Ok(none);
        }
        let mut search = search.clone();
        if search.date.is_open() && search.ids.is_empty() {
            search.date = Window { from: Some(now), until: None };
        }
        let found =
            self.store.on(Lane::Reads).read(|tx| find(tx, &search, access, now)).map_err(|e| fault_of("searching appointments", &e))?;
        found.ok_or(Fault::Parameter(ParameterFault::TooManyMatches { limit: APPOINTMENTS_MAX }))
    }
}

/// The matches; `None` when there are more than one answer holds.
fn find(tx: &mut Tx<'_>, search: &AppointmentSearch, access: &Access, now: Timestamp) -> Result<Option<AppointmentMatches>, StoreError> {
    let actors = acted_in(tx, &search.actors)?;
    let page = match &search.paging {
        Paging { count: Some(count), .. } => usize::try_from(*count).unwrap_or(APPOINTMENTS_MAX).min(APPOINTMENTS_MAX),
        Paging { count: None, .. } => APPOINTMENTS_MAX,
    };
    let limit = i64::try_from(page).unwrap_or(i64::MAX - 1).saturating_add(1);
    let mut found = tx.appointment_search(search, &actors, access, limit)?;
    let more = found.len() > page;
    let paged = search.paging != Paging::default();
    if more && !paged {
        return Ok(None);
    }
    found.truncate(page);
    let next = found.last().filter(|_| more).map(|(start, version)| Cursor { start: *start, id: version.id.as_str().to_owned() });
    let versions: Vec<AppointmentVersion> = found.into_iter().map(|(_, version)| version).collect();
    let total = match paged {
        true => u64::try_from(tx.appointment_count(search, &actors, access)?).unwrap_or(0),
        false => u64::try_from(versions.len()).unwrap_or(u64::MAX),
    };
    let slots = if search.includes.appointment_slots { slots_of(tx, &versions, access)? } else { Vec::new() };
    Ok(Some(AppointmentMatches { versions, total, next, slots, now }))
}

/// What each group of actors comes to. A service is one of the appointment itself; all others are of its schedule.
fn acted_in(tx: &mut Tx<'_>, groups: &[Vec<Actor>]) -> Result<Vec<ActedIn>, StoreError> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let schedules = tx.schedule_list(None, Window::default())?;
    let others = |actor: &Actor, schedule: &Schedule| {
        let schedule = Schedule { services: Vec::new(), ..schedule.clone() };
        actor.acts_in(&schedule)
    };
    let of_group = |group: &Vec<Actor>| ActedIn {
        services: group
            .iter()
            .filter(|actor| actor.kind.is_none_or(|kind| kind == DirectoryKind::HealthcareService))
            .filter_map(|actor| ServiceId::parse(actor.id.as_str()).ok())
            .collect(),
        schedules: schedules.iter().filter(|s| group.iter().any(|actor| others(actor, s))).map(|s| s.id.clone()).collect(),
    };
    Ok(groups.iter().map(of_group).collect())
}

fn slots_of(tx: &mut Tx<'_>, versions: &[AppointmentVersion], access: &Access) -> Result<Vec<Slot>, StoreError> {
    let ids: Vec<&str> = versions.iter().map(|version| version.id.as_str()).collect();
    let owned = tx.appointment_find_many(&ids)?;
    let mut slots: Vec<&str> = owned.iter().map(|owned| owned.appointment.slot.as_str()).collect();
    slots.sort_unstable();
    slots.dedup();
    let found = tx.slot_find_many(&slots)?;
    slots_seen(tx, found, access)
}
