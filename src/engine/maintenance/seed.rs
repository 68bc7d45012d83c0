//! Loading the directory and the diary from what a provider wrote down: all or nothing, and again without effect.

use super::Maintenance;
use super::fill::{lay_out, lay_out_all};
use crate::engine::Ports;
use crate::store::{AuditAction, Lane, StoreError, Tx};
use chrono::NaiveDate;
use domain::appointment::Origin;
use domain::directory::{DirectoryFacts, DirectoryRecord, Service};
use domain::ids::{OdsCode, ResourceId, ServiceId};
use domain::rota::WorkingTimes;
use domain::schedule::Schedule;
use std::collections::HashMap;

/// What is to be loaded; every reference in it has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedContent {
    /// Organisations, places, services, clinicians, roles.
    pub directory: Vec<DirectoryRecord>,
    /// Their schedules.
    pub schedules: Vec<Schedule>,
    /// When the schedules work.
    pub working_times: Vec<WorkingTimes>,
}

/// What was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seeded {
    /// Resources of the directory that are new or changed.
    pub directory_changed: usize,
    /// Schedules there are in the content.
    pub schedules: usize,
    /// Slots that are new.
    pub slots_new: usize,
}

impl Maintenance {
    /// Loads `content` and lays out the slots of `days` days from `from`, in one transaction.
    ///
    /// # Errors
    /// Those of the database; nothing is kept then.
    pub fn seed(&self, content: &SeedContent, from: NaiveDate, days: u16) -> Result<Seeded, StoreError> {
        let planned = lay_out_all(&content.working_times, from, days);
        let ports = &self.ports;
        self.store.on(Lane::Maintenance).write(|tx| {
            tx.seeding_lock()?;
            let directory_changed = directory(tx, ports, &content.directory)?;
            let now = ports.clock.now();
            for schedule in &content.schedules {
                tx.schedule_put(schedule, now)?;
            }
            let slots_new = lay_out(tx, ports, &planned)?;
            if directory_changed + slots_new > 0 {
                tx.audit_insert(now, AuditAction::Seed, "diary", &Origin::default())?;
            }
            Ok(Seeded { directory_changed, schedules: content.schedules.len(), slots_new })
        })
    }

    /// Every service, in id order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn services(&self) -> Result<Vec<Service>, StoreError> {
        self.store.on(Lane::Reads).query(|tx| tx.service_find_many(None))
    }

    /// True when nothing was ever loaded.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_empty(&self) -> Result<bool, StoreError> {
        self.store.on(Lane::Reads).query(|tx| Ok(tx.directory_count()? == 0))
    }
}

fn directory(tx: &mut Tx<'_>, ports: &Ports, records: &[DirectoryRecord]) -> Result<usize, StoreError> {
    let now = ports.clock.now();
    let ods: HashMap<&ResourceId, &OdsCode> = records
        .iter()
        .filter_map(|record| match &record.facts {
            DirectoryFacts::Organization { ods: Some(ods) } => Some((&record.id, ods)),
            _ => None,
        })
        .collect();
    let mut changed = 0;
    for record in records {
        let document = ports.documents.write(&record.resource);
        changed += usize::from(tx.directory_put(record.facts.kind(), &record.id, &document, now)?);
        if let DirectoryFacts::HealthcareService { name, organization, location } = &record.facts {
            tx.service_put(&Service {
                id: ServiceId::stored(record.id.as_str().to_owned()),
                name: name.clone(),
                organization: organization.clone(),
                ods: organization.as_ref().and_then(|id| ods.get(id)).map(|ods| (*ods).clone()),
                location: location.clone(),
            })?;
        }
    }
    Ok(changed)
}
