//! Reading one thing by its id.

use super::Engine;
use super::failure::{RETRY_AFTER_S, fault_of, report};
use super::visibility::{schedules_seen, services_seen, slots_seen};
use crate::store::Lane;
use domain::appointment::AppointmentVersion;
use domain::directory::{DirectoryEntry, DirectoryKind};
use domain::fault::Fault;
use domain::ids::{OdsCode, ScheduleId, ServiceId};
use domain::policy::Access;
use domain::schedule::Schedule;
use domain::slot::Slot;
use std::time::Duration;

impl Engine {
    /// An appointment as far as `access` lets it be read: the current version, or the one named.
    ///
    /// # Errors
    /// `NotFound`, `NotYours`, or a fault of the store.
    pub fn appointment(&self, id: &str, version: Option<&str>, access: &Access) -> Result<AppointmentVersion, Fault> {
        let named = || version.map_or_else(|| id.to_owned(), |version| format!("{id}/_history/{version}"));
        let not_found = || Fault::NotFound { kind: "Appointment", id: named() };
        let number = version.map(str::parse::<i64>).transpose().map_err(|_| not_found())?;
        let found =
            self.store.on(Lane::Reads).query(|tx| tx.version_find(id, number)).map_err(|e| fault_of("reading an appointment", &e))?;
        let found = found.ok_or_else(not_found)?;
        if access.may_read(found.access_facts()) { Ok(found.version) } else { Err(Fault::NotYours { kind: "Appointment", id: named() }) }
    }

    /// Every version of an appointment, the newest first, as far as `access` lets them be read.
    ///
    /// # Errors
    /// `NotFound`, `NotYours`, or a fault of the store.
    pub fn appointment_history(&self, id: &str, access: &Access) -> Result<Vec<AppointmentVersion>, Fault> {
        let found = self.store.on(Lane::Reads).read(|tx| {
            let Some(owned) = tx.appointment_find(id)? else { return Ok(None) };
            Ok(Some((owned, tx.version_list(id)?)))
        });
        let not_found = || Fault::NotFound { kind: "Appointment", id: id.to_owned() };
        let (owned, versions) = found.map_err(|e| fault_of("reading an appointment's history", &e))?.ok_or_else(not_found)?;
        if access.may_read(owned.access_facts()) { Ok(versions) } else { Err(Fault::NotYours { kind: "Appointment", id: id.to_owned() }) }
    }

    /// A slot, if `access` shows it.
    ///
    /// # Errors
    /// `NotFound`, or a fault of the store.
    pub fn slot(&self, id: &str, access: &Access) -> Result<Slot, Fault> {
        let found = self.store.on(Lane::Reads).query(|tx| {
            let found = tx.slot_find_many(&[id])?;
            slots_seen(tx, found, access)
        });
        let slot = found.map_err(|e| fault_of("reading a slot", &e))?.pop();
        slot.ok_or_else(|| Fault::NotFound { kind: "Slot", id: id.to_owned() })
    }

    /// A schedule as `access` shows it, if it does: with those of its services that are seen.
    ///
    /// # Errors
    /// `NotFound`, or a fault of the store.
    pub fn schedule(&self, id: &str, access: &Access) -> Result<Schedule, Fault> {
        let not_found = || Fault::NotFound { kind: "Schedule", id: id.to_owned() };
        let schedule = ScheduleId::parse(id).map_err(|_| not_found())?;
        let found = self.store.on(Lane::Reads).read(|tx| {
            let found = tx.schedule_find_many(std::slice::from_ref(&schedule))?;
            schedules_seen(tx, found, access)
        });
        found.map_err(|e| fault_of("reading a schedule", &e))?.pop().ok_or_else(not_found)
    }

    /// A resource of the directory; of the services those that `access` shows.
    ///
    /// # Errors
    /// `NotFound`, or a fault of the store.
    pub fn directory_entry(&self, kind: DirectoryKind, id: &str, access: &Access) -> Result<DirectoryEntry, Fault> {
        let found = self.store.on(Lane::Reads).query(|tx| {
            let found = tx.directory_find(kind, id)?;
            services_seen(tx, found.into_iter().collect(), access)
        });
        let found = found.map_err(|e| fault_of("reading the directory", &e))?.pop();
        found.ok_or_else(|| Fault::NotFound { kind: kind.name(), id: id.to_owned() })
    }

    /// Those of some services and schedules that do not exist.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn missing(&self, services: &[ServiceId], schedules: &[ScheduleId]) -> Result<(Vec<ServiceId>, Vec<ScheduleId>), Fault> {
        let found = self.store.on(Lane::Reads).read(|tx| Ok((tx.service_find_many(Some(services))?, tx.schedule_ids_of(&[])?)));
        let (known, there) = found.map_err(|e| fault_of("looking for what a policy names", &e))?;
        let unknown = services.iter().filter(|id| !known.iter().any(|service| service.id == **id)).cloned().collect();
        Ok((unknown, schedules.iter().filter(|id| !there.contains(id)).cloned().collect()))
    }

    /// True when an organisation provides one of the services here.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn provides(&self, organisation: &OdsCode) -> Result<bool, Fault> {
        self.store.on(Lane::Reads).query(|tx| tx.service_is_provided_by(organisation)).map_err(|e| fault_of("looking for a provider", &e))
    }

    /// True when the database answers and takes writes.
    pub fn is_ready(&self) -> bool {
        self.store.takes_writes().inspect_err(|error| report("asking whether the database is ready", error)).unwrap_or(false)
    }

    /// True while the database cannot be reached.
    pub fn is_out_of_reach(&self) -> bool {
        self.store.is_out_of_reach()
    }

    /// Why somebody who had no turn at the database has to come again.
    pub fn no_turn(&self) -> Fault {
        match self.store.is_out_of_reach() {
            true => Fault::DatabaseUnreachable { retry_after_s: RETRY_AFTER_S },
            false => Fault::Busy { retry_after_s: RETRY_AFTER_S },
        }
    }

    /// The fault of a read that the database has left unanswered for that long.
    pub fn fell_silent(&self, waited: Duration) -> Fault {
        self.store.fell_silent(waited);
        Fault::DatabaseUnreachable { retry_after_s: RETRY_AFTER_S }
    }
}
