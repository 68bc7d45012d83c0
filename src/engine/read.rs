//! Reading one thing by its id.

use super::Engine;
use super::failure::fault_of;
use crate::domain::appointment::{AppointmentVersion, Viewer};
use crate::domain::directory::{DirectoryEntry, DirectoryKind};
use crate::domain::fault::Fault;
use crate::domain::ids::ScheduleId;
use crate::domain::schedule::Schedule;
use crate::domain::slot::Slot;

impl Engine {
    /// An appointment as `viewer` may see it: the current version, or the one asked for.
    ///
    /// # Errors
    /// `NotFound`, `NotYours`, or a fault of the store.
    pub fn appointment(&self, id: &str, version: Option<&str>, viewer: &Viewer) -> Result<AppointmentVersion, Fault> {
        let asked = || version.map_or_else(|| id.to_owned(), |version| format!("{id}/_history/{version}"));
        let not_found = || Fault::NotFound { kind: "Appointment", id: asked() };
        let found = self.store.read(|tx| {
            let Some(owned) = tx.appointment_find(id)? else { return Ok(None) };
            let number = version.map_or(Some(owned.appointment.version), |version| version.parse().ok());
            let Some(number) = number else { return Ok(None) };
            Ok(tx.version_find(id, number)?.map(|version| (owned, version)))
        });
        let (owned, version) = found.map_err(|e| fault_of("reading an appointment", &e))?.ok_or_else(not_found)?;
        if viewer.may_see(owned.appointment.booked_by.as_ref(), owned.provider.as_ref()) {
            Ok(version)
        } else {
            Err(Fault::NotYours { kind: "Appointment", id: asked() })
        }
    }

    /// A slot.
    ///
    /// # Errors
    /// `NotFound`, or a fault of the store.
    pub fn slot(&self, id: &str) -> Result<Slot, Fault> {
        let found = self.store.read_one(|tx| tx.slot_find_many(&[id]));
        let slot = found.map_err(|e| fault_of("reading a slot", &e))?.pop();
        slot.ok_or_else(|| Fault::NotFound { kind: "Slot", id: id.to_owned() })
    }

    /// A schedule.
    ///
    /// # Errors
    /// `NotFound`, or a fault of the store.
    pub fn schedule(&self, id: &str) -> Result<Schedule, Fault> {
        let not_found = || Fault::NotFound { kind: "Schedule", id: id.to_owned() };
        let asked = ScheduleId::parse(id).map_err(|_| not_found())?;
        let found = self.store.read(|tx| tx.schedule_find_many(std::slice::from_ref(&asked)));
        found.map_err(|e| fault_of("reading a schedule", &e))?.pop().ok_or_else(not_found)
    }

    /// A resource of the directory.
    ///
    /// # Errors
    /// `NotFound`, or a fault of the store.
    pub fn directory_entry(&self, kind: DirectoryKind, id: &str) -> Result<DirectoryEntry, Fault> {
        let found = self.store.read_one(|tx| tx.directory_find(kind, id)).map_err(|e| fault_of("reading the directory", &e))?;
        found.ok_or_else(|| Fault::NotFound { kind: kind.name(), id: id.to_owned() })
    }

    /// True when the database answers and takes writes.
    pub fn is_ready(&self) -> bool {
        self.store.takes_writes().unwrap_or(false)
    }
}
