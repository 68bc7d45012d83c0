//! Schedules, services and the directory, all of them, as they were when the index was built.
//!
//! Nothing here is ever changed in place. When the database says that any of it changed, everything is read anew.

use crate::store::{StoreError, Tx};
use domain::directory::{DirectoryEntry, DirectoryKind, Service};
use domain::ids::{ScheduleId, ServiceId};
use domain::schedule::{OfferedService, Offering, Schedule};
use domain::search::Window;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Every kind of the directory.
const KINDS: [DirectoryKind; 5] = [
    DirectoryKind::Organization,
    DirectoryKind::Location,
    DirectoryKind::HealthcareService,
    DirectoryKind::Practitioner,
    DirectoryKind::PractitionerRole,
];

/// What rarely changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalogue {
    schedules: HashMap<ScheduleId, Schedule>,
    /// Which schedules serve a service, in id order.
    serving: HashMap<ServiceId, Vec<ScheduleId>>,
    services: HashMap<ServiceId, Service>,
    directory: HashMap<DirectoryKind, HashMap<String, Arc<DirectoryEntry>>>,
}

impl Catalogue {
    /// Reads all of it.
    pub(super) fn read(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let mut catalogue = Self::default();
        for schedule in tx.schedule_list(None, Window::default())? {
            for service in &schedule.services {
                catalogue.serving.entry(service.clone()).or_default().push(schedule.id.clone());
            }
            catalogue.schedules.insert(schedule.id.clone(), schedule);
        }
        for service in tx.service_find_many(None)? {
            catalogue.services.insert(service.id.clone(), service);
        }
        for kind in KINDS {
            let entries = tx.directory_list(kind)?.into_iter().map(|entry| (entry.id.as_str().to_owned(), Arc::new(entry)));
            catalogue.directory.insert(kind, entries.collect());
        }
        Ok(catalogue)
    }

    /// Those that exist among `ids`, in id order.
    pub(super) fn services(&self, ids: &[ServiceId]) -> Vec<Service> {
        ids.iter().collect::<BTreeSet<_>>().into_iter().filter_map(|id| self.services.get(id).cloned()).collect()
    }

    /// Those that exist among `ids`, in id order.
    pub(super) fn schedules(&self, ids: &[ScheduleId]) -> Vec<Schedule> {
        ids.iter().collect::<BTreeSet<_>>().into_iter().filter_map(|id| self.schedules.get(id).cloned()).collect()
    }

    /// Schedules that serve any of `services`, in id order; all schedules when `services` is empty.
    pub(super) fn schedules_serving(&self, services: &[ServiceId]) -> Vec<ScheduleId> {
        let serving: BTreeSet<&ScheduleId> = if services.is_empty() {
            self.schedules.keys().collect()
        } else {
            services.iter().filter_map(|service| self.serving.get(service)).flatten().collect()
        };
        serving.into_iter().cloned().collect()
    }

    /// The offerings of schedules.
    pub(super) fn offerings(&self, ids: &[ScheduleId]) -> HashMap<ScheduleId, Offering> {
        let provider = |service: &ServiceId| self.services.get(service).and_then(|service| service.ods.clone());
        let offered = |service: &ServiceId| OfferedService { service: service.clone(), provider: provider(service) };
        let known = ids.iter().filter_map(|id| self.schedules.get(id));
        known.map(|s| (s.id.clone(), Offering { zone: s.zone, services: s.services.iter().map(offered).collect() })).collect()
    }

    /// Those that exist among `ids`, in id order.
    pub(super) fn directory(&self, kind: DirectoryKind, ids: &[&str]) -> Vec<Arc<DirectoryEntry>> {
        let Some(entries) = self.directory.get(&kind) else { return Vec::new() };
        ids.iter().collect::<BTreeSet<_>>().into_iter().filter_map(|id| entries.get(*id).map(Arc::clone)).collect()
    }
}
