//! Claims: taking and freeing slots. The only statements that change a slot's `taken`.
//!
//! Both databases answer the same question, in one transaction: which of these claims can be carried out at once?
//! Those are; the others are left alone, for whatever reason — taken meanwhile, or locked by another transaction
//! that may yet roll back. Why is found out by the next snapshot, never guessed here.
//!
//! Pitfall: nothing here waits. A slot, an appointment or a request key that another transaction holds is skipped
//! (`SKIP LOCKED`, `pg_try_advisory_xact_lock`), so that one stuck row delays no other claim.

mod postgresql;
mod sqlite;

use super::conn::AnyConn;
use super::schema::{appointment, appointment_version, slot};
use super::{StoreError, Tx};
use diesel::prelude::*;
use diesel::sql_types::Integer;
use domain::appointment::{Appointment, Origin, RequestKey};
use domain::document::Document;
use domain::ids::{AppointmentId, SlotId};
use domain::policy::Quota;
use domain::time::Timestamp;
use std::collections::HashSet;

/// How long a look-up of a lost commit waits for the transaction that may still hold its slots, in milliseconds.
const FENCE_TIMEOUT_MS: u32 = 3_000;

/// A booking that was decided and only needs its slot.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAppointment {
    /// The appointment, version 1.
    pub appointment: Appointment,
    /// The resource as it will be handed out.
    pub document: Document,
    /// On whose behalf.
    pub origin: Origin,
    /// The ceilings that have to have room for it; mostly none.
    pub quotas: Vec<Quota>,
}

/// A cancellation that was decided on one version of an appointment.
#[derive(Debug, Clone, PartialEq)]
pub struct Cancellation {
    /// The appointment.
    pub id: AppointmentId,
    /// Its slot.
    pub slot: SlotId,
    /// The version the decision was made on; the new one is the next.
    pub decided_on: i64,
    /// When the new version is made.
    pub at: Timestamp,
    /// The resource as it will be handed out.
    pub document: Document,
    /// On whose behalf.
    pub origin: Origin,
}

/// The claims that were carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Appointments made.
    pub booked: HashSet<AppointmentId>,
    /// Appointments cancelled.
    pub cancelled: HashSet<AppointmentId>,
}

/// A number in the header of an SQLite file that nothing else uses.
#[derive(QueryableByName)]
struct Fence {
    #[diesel(sql_type = Integer)]
    user_version: i32,
}

impl Tx<'_> {
    /// Carries out every claim that can be carried out at once. No two of `bookings` may name one slot, and
    /// no two claims one request key: the caller settles those among themselves. Where a ceiling has not room for all
    /// bookings under it, those that come first have it.
    ///
    /// # Errors
    /// Those of the database; a [`StoreError::Constraint`] means that one of the claims is poisoned.
    pub fn claims_settle(&mut self, bookings: &[NewAppointment], cancels: &[Cancellation], now: Timestamp) -> Result<Settled, StoreError> {
        let mut settled = Settled::default();
        let bookings = self.within_ceilings(bookings)?;
        if !bookings.is_empty() {
            settled.booked = self.run(|c| match c {
                AnyConn::Pg(pg) => postgresql::book(pg, &bookings, now),
                AnyConn::Sqlite(sqlite) => sqlite::book(sqlite, &bookings, now),
            })?;
        }
        if !cancels.is_empty() {
            settled.cancelled = self.run(|c| match c {
                AnyConn::Pg(pg) => postgresql::cancel(pg, cancels),
                AnyConn::Sqlite(sqlite) => sqlite::cancel(sqlite, cancels),
            })?;
        }
        Ok(settled)
    }

    /// Which of these claims were committed: the look-up after a commit whose answer was lost.
    ///
    /// The slots are locked first: the lost transaction held their locks, so once they are locked here it has
    /// ended, one way or the other, and cannot commit later.
    ///
    /// # Errors
    /// Those of the database.
    pub fn claims_committed(&mut self, bookings: &[NewAppointment], cancels: &[Cancellation]) -> Result<Settled, StoreError> {
        self.slots_fence(bookings.iter().map(|b| &b.appointment.slot).chain(cancels.iter().map(|c| &c.slot)))?;
        let ids: Vec<&str> = bookings.iter().map(|b| b.appointment.id.as_str()).collect();
        let booked: Vec<String> = self.run(|c| appointment::table.filter(appointment::id.eq_any(&ids)).select(appointment::id).load(c))?;
        let mut settled = Settled { booked: booked.into_iter().map(AppointmentId::stored).collect(), ..Settled::default() };
        for cancel in cancels {
            // Another claim may have made the same version; ours is recognised by its text, which has its time and body.
            let document: Option<String> = self.run(|c| {
                appointment_version::table
                    .find((cancel.id.as_str(), cancel.decided_on + 1))
                    .select(appointment_version::document)
                    .first(c)
                    .optional()
            })?;
            if document.as_ref() == Some(&cancel.document.text) {
                settled.cancelled.insert(cancel.id.clone());
            }
        }
        Ok(settled)
    }

    fn slots_fence<'s>(&mut self, slots: impl Iterator<Item = &'s SlotId>) -> Result<(), StoreError> {
        let ids: Vec<&str> = slots.map(SlotId::as_str).collect();
        self.run(|c| match c {
            AnyConn::Pg(pg) => {
                diesel::sql_query(format!("SET LOCAL lock_timeout = {FENCE_TIMEOUT_MS}")).execute(pg)?;
                slot::table.filter(slot::id.eq_any(ids)).order(slot::id).select(slot::id).for_update().load::<String>(pg).map(drop)
            }
            // BEGIN IMMEDIATE has waited for every other writer. But a commit whose flush failed may have left valid
            // frames after the end of the write-ahead log, which recovery after a crash would take for committed;
            // only a commit written over them removes them. So this transaction must write, and something new:
            // SQLite does not write a page that stays as it was.
            AnyConn::Sqlite(sqlite) => {
                let Fence { user_version } = diesel::sql_query("PRAGMA user_version").get_result(sqlite)?;
                diesel::sql_query(format!("PRAGMA user_version = {}", user_version.wrapping_add(1))).execute(sqlite).map(drop)
            }
        })
    }
}

fn key_of(origin: &Origin) -> RequestKey {
    origin.key().unwrap_or(RequestKey { consumer: String::new(), request_id: String::new() })
}
