//! The audit trail: who changed what, in the transaction that changed it (docs/contract.md#invariants, 6;
//! docs/specification/uec.md#d-security, F15).

use super::origin::OriginRow;
use super::schema::audit;
use super::{StoreError, Tx};
use diesel::prelude::*;
use domain::appointment::Origin;
use domain::time::Timestamp;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    /// An appointment was made.
    Book,
    /// An appointment was cancelled.
    Cancel,
    /// The directory or the diary was loaded from files.
    Seed,
    /// The diary was filled further ahead.
    Fill,
    /// Slots of a schedule whose time was over were moved to the archive.
    Archive,
}

impl AuditAction {
    /// The word in the trail.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Cancel => "cancel",
            Self::Seed => "seed",
            Self::Fill => "fill",
            Self::Archive => "archive",
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = audit)]
pub(super) struct AuditRow<'a> {
    recorded_ms: i64,
    action: &'static str,
    subject: &'a str,
    version: Option<i64>,
    #[diesel(embed)]
    origin: OriginRow<'a>,
}

impl<'a> AuditRow<'a> {
    pub(super) fn new(at: Timestamp, action: AuditAction, subject: &'a str, version: Option<i64>, origin: &'a Origin) -> Self {
        Self { recorded_ms: at.ms(), action: action.word(), subject, version, origin: OriginRow::of(origin) }
    }
}

impl Tx<'_> {
    /// Records one action on `subject`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn audit_insert(&mut self, at: Timestamp, action: AuditAction, subject: &str, origin: &Origin) -> Result<(), StoreError> {
        let row = AuditRow::new(at, action, subject, None, origin);
        self.run(|c| diesel::insert_into(audit::table).values(row).execute(c)).map(drop)
    }
}
