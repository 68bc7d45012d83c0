//! Finding a patient's appointments (digest A.10).

use super::Engine;
use super::failure::fault_of;
use crate::domain::appointment::{AppointmentVersion, Viewer};
use crate::domain::fault::{Fault, ParameterFault};
use crate::domain::search::{AppointmentSearch, Window};

/// Most appointments in one answer.
const APPOINTMENTS_MAX: usize = 2_000;

impl Engine {
    /// The current versions of the appointments that match and that `viewer` may see; others are left out, not
    /// refused. Without a date window only future ones match (`decisions.md` 7, row 24).
    ///
    /// # Errors
    /// `TooManyMatches`, or a fault of the store.
    pub fn search_appointments(&self, search: &AppointmentSearch, viewer: &Viewer) -> Result<Vec<AppointmentVersion>, Fault> {
        if search.nothing {
            return Ok(Vec::new());
        }
        let mut search = search.clone();
        if search.date.is_open() && search.ids.is_empty() {
            search.date = Window { from: Some(self.now()), until: None };
        }
        let limit = i64::try_from(APPOINTMENTS_MAX).unwrap_or(i64::MAX - 1).saturating_add(1);
        let found = self.store.read_one(|tx| tx.appointment_search(&search, viewer, limit));
        let found = found.map_err(|e| fault_of("searching appointments", &e))?;
        if found.len() > APPOINTMENTS_MAX {
            return Err(Fault::Parameter(ParameterFault::TooManyMatches { limit: APPOINTMENTS_MAX }));
        }
        Ok(found)
    }
}
