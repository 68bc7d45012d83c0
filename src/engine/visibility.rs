//! Removes from what was read everything that a caller may not see, as if it did not exist.
//!
//! The rule itself is [`Access::sees`]; here it is applied to what was read.
//!
//! Pitfall: this comes before anything is counted, limited or cut into pages, never after.

use super::slots::source::SlotSource;
use crate::store::{StoreError, Tx};
use domain::directory::{DirectoryEntry, DirectoryKind, Service};
use domain::ids::{OdsCode, ScheduleId, ServiceId};
use domain::policy::Access;
use domain::schedule::{Offering, Schedule};
use domain::slot::Slot;
use std::collections::HashMap;

/// The services that exist among `ids`.
pub(super) fn services_known<F: SlotSource>(facts: &mut F, ids: &[ServiceId], access: &Access) -> Result<Vec<Service>, F::Error> {
    let mut services = facts.services(ids)?;
    services.retain(|service| access.sees_service(&service.id, service.ods.as_ref()));
    Ok(services)
}

/// The schedules that exist, each with the services it is seen with.
pub(super) fn schedules_seen<F: SlotSource>(facts: &mut F, mut found: Vec<Schedule>, access: &Access) -> Result<Vec<Schedule>, F::Error> {
    if access.sees_everything() {
        return Ok(found);
    }
    let ids: Vec<ScheduleId> = found.iter().map(|schedule| schedule.id.clone()).collect();
    let offerings = facts.offerings(&ids)?;
    for schedule in &mut found {
        schedule.services = seen_with(&schedule.id, &offerings, access);
    }
    found.retain(|schedule| !schedule.services.is_empty());
    Ok(found)
}

/// Those of `ids` that are seen, and as one of `wanted`, if that names any.
pub(super) fn schedule_ids_seen<F: SlotSource>(
    facts: &mut F,
    mut ids: Vec<ScheduleId>,
    wanted: &[ServiceId],
    access: &Access,
) -> Result<Vec<ScheduleId>, F::Error> {
    if access.sees_everything() {
        return Ok(ids);
    }
    let offerings = facts.offerings(&ids)?;
    ids.retain(|id| seen_with(id, &offerings, access).iter().any(|service| wanted.is_empty() || wanted.contains(service)));
    Ok(ids)
}

/// The slots whose schedules are seen.
pub(super) fn slots_seen(tx: &mut Tx<'_>, mut found: Vec<Slot>, access: &Access) -> Result<Vec<Slot>, StoreError> {
    if access.sees_everything() {
        return Ok(found);
    }
    let mut ids: Vec<ScheduleId> = found.iter().map(|slot| slot.schedule.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let seen = schedule_ids_seen(tx, ids, &[], access)?;
    found.retain(|slot| seen.contains(&slot.schedule));
    Ok(found)
}

/// The resources of the directory without the services that are not seen; everything else is for everybody.
pub(super) fn services_seen(tx: &mut Tx<'_>, mut found: Vec<DirectoryEntry>, access: &Access) -> Result<Vec<DirectoryEntry>, StoreError> {
    let is_service = |entry: &DirectoryEntry| entry.kind == DirectoryKind::HealthcareService;
    if access.sees_everything() || !found.iter().any(is_service) {
        return Ok(found);
    }
    let ids: Vec<ServiceId> = found.iter().filter(|entry| is_service(entry)).map(|e| ServiceId::stored(e.id.as_str().to_owned())).collect();
    let providers: HashMap<String, Option<OdsCode>> =
        tx.service_find_many(Some(&ids))?.into_iter().map(|service| (service.id.as_str().to_owned(), service.ods)).collect();
    found.retain(|entry| {
        let provider = providers.get(entry.id.as_str()).and_then(Option::as_ref);
        !is_service(entry) || access.sees_service(&ServiceId::stored(entry.id.as_str().to_owned()), provider)
    });
    Ok(found)
}

fn seen_with(schedule: &ScheduleId, offerings: &HashMap<ScheduleId, Offering>, access: &Access) -> Vec<ServiceId> {
    let seen = offerings.get(schedule).map(|offering| access.seen(schedule, offering)).unwrap_or_default();
    seen.into_iter().map(|offered| offered.service.clone()).collect()
}
