//! Finding slots, and what belongs to them.

use super::availability::{self, Availability, IndexVersion, WhenFresh};
use super::source::SlotSource;
use crate::engine::Engine;
use crate::engine::failure::fault_of;
use crate::engine::visibility::{schedule_ids_seen, schedules_seen, services_known};
use crate::store::Lane;
use domain::directory::{DirectoryEntry, DirectoryKind, Service};
use domain::fault::{Fault, ParameterFault};
use domain::ids::{ResourceId, ScheduleId, ServiceId};
use domain::policy::Access;
use domain::schedule::Schedule;
use domain::search::{Cursor, Includes, Paging, SlotSearch, Window};
use domain::slot::Slot;
use domain::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Resources that belong to the matches, each once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Related {
    /// Schedules, each with the service it is shown with; in id order.
    pub schedules: Vec<(Schedule, ServiceId)>,
    /// Resources of the directory, by kind and id.
    pub directory: Vec<Arc<DirectoryEntry>>,
}

/// The answer to a search of slots.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotMatches {
    /// The slots, by start and id. What an answer does not show of them (capacity, version, time of change) is known only
    /// where the search wants it.
    pub slots: Vec<Slot>,
    /// How many match, wherever the page begins.
    pub total: u64,
    /// Where the next page begins, when there is one.
    pub next: Option<Cursor>,
    /// What belongs to them, as far as it is included.
    pub related: Related,
    /// The instant of the answer: it decides which slots are free.
    pub now: Timestamp,
    /// The version of the index it comes from, where it does.
    pub version: Option<IndexVersion>,
}

impl SlotMatches {
    /// An answer without matches.
    pub fn none(now: Timestamp) -> Self {
        Self { slots: Vec::new(), total: 0, next: None, related: Related::default(), now, version: None }
    }
}

/// The outcome of one search, before it becomes an answer or a fault.
enum SearchOutcome {
    Matches(Box<SlotMatches>),
    UnknownService,
    TooMany,
}

impl Engine {
    /// The slots that match and that `access` shows. Unknown services are `NotFound`, if none that is named
    /// is known; what `access` hides is as if it did not exist.
    ///
    /// # Errors
    /// `NotFound`, `TooManyMatches`, or a fault of the store.
    pub fn search_slots(&self, search: &SlotSearch, access: &Access) -> Result<SlotMatches, Fault> {
        let now = self.now();
        let found = self
            .store
            .on(Lane::Reads)
            .read(|tx| find(tx, search, access, now, self.limits.slots_max))
            .map_err(|e| fault_of("searching slots", &e))?;
        self.answer(search, found)
    }

    /// True when it is worth waiting for [`Engine::when_fresh`] and then asking [`Engine::search_slots_indexed`].
    pub fn is_indexed(&self, search: &SlotSearch) -> bool {
        availability::answers(search) && self.availability.as_ref().is_some_and(Availability::is_ready)
    }

    /// Notifies `fresh`, once and soon, when the index is as new as the database is now; or false, when it
    /// will not be.
    pub fn when_fresh(&self, fresh: WhenFresh) {
        match &self.availability {
            Some(availability) => availability.when_fresh(fresh),
            None => fresh(false),
        }
    }

    /// As [`Engine::search_slots`], from memory: it does not wait. `None` where the database must be searched.
    pub fn search_slots_indexed(&self, search: &SlotSearch, access: &Access) -> Option<Result<SlotMatches, Fault>> {
        let now = self.now();
        let found = self.availability.as_ref()?.search(|index| {
            let mut found = find(index, search, access, now, self.limits.slots_max)?;
            if let SearchOutcome::Matches(matches) = &mut found {
                matches.version = index.version();
            }
            Ok(found)
        });
        Some(self.answer(search, found.ok()?))
    }

    /// True when nothing has changed in the index since that version, of the schedules in it; to be called after
    /// [`Engine::when_fresh`]. The answer is then still right until the first of its slots begins.
    pub fn is_current(&self, version: &IndexVersion) -> bool {
        self.availability.as_ref().is_some_and(|availability| availability.is_current(version))
    }

    fn answer(&self, search: &SlotSearch, outcome: SearchOutcome) -> Result<SlotMatches, Fault> {
        match outcome {
            SearchOutcome::Matches(matches) => Ok(*matches),
            SearchOutcome::TooMany => Err(Fault::Parameter(ParameterFault::TooManyMatches { limit: self.limits.slots_max })),
            SearchOutcome::UnknownService => {
                let id = search.services.iter().map(ServiceId::as_str).collect::<Vec<_>>().join(", ");
                Err(Fault::NotFound { kind: DirectoryKind::HealthcareService.name(), id })
            }
        }
    }
}

fn find<F: SlotSource>(
    source: &mut F,
    search: &SlotSearch,
    access: &Access,
    now: Timestamp,
    slots_max: usize,
) -> Result<SearchOutcome, F::Error> {
    if !search.services.is_empty() && services_known(source, &search.services, access)?.is_empty() {
        return Ok(SearchOutcome::UnknownService);
    }
    let schedules = schedules_meant(source, search, access)?;
    if search.nothing || schedules.as_ref().is_some_and(Vec::is_empty) {
        return Ok(SearchOutcome::Matches(Box::new(SlotMatches::none(now))));
    }
    let schedules = schedules.as_deref();
    let (slots, total, next) = match search.paging {
        Paging { count: None, after: None } => {
            let slots = source.slots(search, schedules, now, limit_past(slots_max))?;
            if slots.len() > slots_max {
                return Ok(SearchOutcome::TooMany);
            }
            let total = u64::try_from(slots.len()).unwrap_or(u64::MAX);
            (slots, total, None)
        }
        Paging { count, .. } => {
            let total = source.slot_count(search, schedules, now)?;
            let page = count.map_or(slots_max, |count| usize::try_from(count).unwrap_or(slots_max)).min(slots_max);
            let mut slots = if page == 0 { Vec::new() } else { source.slots(search, schedules, now, limit_past(page))? };
            let more = slots.len() > page;
            slots.truncate(page);
            let last = slots.last().filter(|_| more);
            let next = last.map(|slot| Cursor { start: slot.start, id: slot.id.as_str().to_owned() });
            (slots, total, next)
        }
    };
    let mut ids: Vec<ScheduleId> = slots.iter().map(|slot| slot.schedule.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let related =
        if search.includes.schedule { related_to(source, &ids, &search.services, access, search.includes)? } else { Related::default() };
    Ok(SearchOutcome::Matches(Box::new(SlotMatches { slots, total, next, related, now, version: None })))
}

/// One more than `most`, so that a page too many shows itself.
const fn limit_past(most: usize) -> usize {
    most.saturating_add(1)
}

/// The schedules a search is confined to, by its conditions or by what is seen; `None` when it is not confined.
fn schedules_meant<F: SlotSource>(source: &mut F, search: &SlotSearch, access: &Access) -> Result<Option<Vec<ScheduleId>>, F::Error> {
    if search.services.is_empty() && access.sees_everything() {
        return Ok((!search.schedules.is_empty()).then(|| search.schedules.clone()));
    }
    let mut serving = source.schedules_serving(&search.services)?;
    if !search.schedules.is_empty() {
        serving.retain(|id| search.schedules.contains(id));
    }
    schedule_ids_seen(source, serving, &search.services, access).map(Some)
}

/// Schedules and what they lead to. Each schedule is shown with one service: the one searched for, else its primary
/// one (docs/contract.md#schedule-and-service), and only that service leads further.
pub(in crate::engine) fn related_to<F: SlotSource>(
    source: &mut F,
    ids: &[ScheduleId],
    searched: &[ServiceId],
    access: &Access,
    includes: Includes,
) -> Result<Related, F::Error> {
    let found = source.schedules(ids)?;
    let schedules: Vec<(Schedule, ServiceId)> = schedules_seen(source, found, access)?
        .into_iter()
        .filter_map(|schedule| {
            let shown = schedule.service_shown(searched)?.clone();
            Some((schedule, shown))
        })
        .collect();
    let services = if includes.service {
        let shown: BTreeSet<ServiceId> = schedules.iter().map(|(_, service)| service.clone()).collect();
        source.services(&shown.into_iter().collect::<Vec<_>>())?
    } else {
        Vec::new()
    };
    let of_schedules = |wanted: bool, pick: fn(&Schedule) -> Option<&ResourceId>| -> BTreeSet<String> {
        let picked = schedules.iter().filter_map(|(schedule, _)| pick(schedule)).map(|id| id.as_str().to_owned());
        if wanted { picked.collect() } else { BTreeSet::new() }
    };
    let of_services = |wanted: bool, pick: fn(&Service) -> Option<&ResourceId>| -> BTreeSet<String> {
        let picked = services.iter().filter_map(pick).map(|id| id.as_str().to_owned());
        if wanted { picked.collect() } else { BTreeSet::new() }
    };
    let mut locations = of_schedules(includes.schedule_location, |s| s.location.as_ref());
    locations.extend(of_services(includes.service_location, |s| s.location.as_ref()));
    let wanted = [
        (DirectoryKind::HealthcareService, services.iter().map(|s| s.id.as_str().to_owned()).collect()),
        (DirectoryKind::Practitioner, of_schedules(includes.practitioner, |s| s.practitioner.as_ref())),
        (DirectoryKind::PractitionerRole, of_schedules(includes.role, |s| s.role.as_ref())),
        (DirectoryKind::Organization, of_services(includes.provided_by, |s| s.organization.as_ref())),
        (DirectoryKind::Location, locations),
    ];
    let mut directory = Vec::new();
    for (kind, ids) in wanted {
        directory.extend(source.directory(kind, &ids.iter().map(String::as_str).collect::<Vec<_>>())?);
    }
    Ok(Related { schedules, directory })
}

/// The slots of schedules in a window, at most `slots_max`; `None` when there are more.
pub(in crate::engine) fn slots_of<F: SlotSource>(
    source: &mut F,
    schedules: &[ScheduleId],
    start: Window,
    now: Timestamp,
    slots_max: usize,
) -> Result<Option<Vec<Slot>>, F::Error> {
    if schedules.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let search = SlotSearch { start, ..SlotSearch::default() };
    let slots = source.slots(&search, Some(schedules), now, limit_past(slots_max))?;
    Ok((slots.len() <= slots_max).then_some(slots))
}
