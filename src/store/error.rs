//! What can go wrong between us and the database, sorted by what a caller should do about it.
//!
//! Pitfall: neither PostgreSQL's deadlock nor SQLite's busy has a kind of its own in diesel, and a lost connection
//! may arrive as `Unknown`; only the message tells them apart.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failed access to the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A constraint of the database refused the rows. SQLite never says which one: the meaning comes from
    /// the statement that ran.
    #[error("a constraint refused the rows: {0}")]
    Constraint(String),
    /// Try the whole transaction again: serialization failure, deadlock, or SQLite's writer was busy.
    #[error("the database reported contention: {0}")]
    Contention(String),
    /// None can be made, or it broke before the commit was sent: nothing was written.
    #[error("no connection to the database: {0}")]
    Unavailable(String),
    /// No connection was free in time: all are in use.
    #[error("no connection to the database was free in time")]
    Exhausted,
    /// There is no such SQLite file, and it was not asked to be made.
    #[error("there is no file {0}: run `slotkeeper migrate` to create it, or serve with --migrate")]
    NoFile(String),
    /// The commit was sent and its answer lost: the rows may be there or not.
    #[error("the commit was sent and its answer lost: {0}")]
    CommitUnknown(String),
    /// A statement failed, its error was dropped by the caller, and the transaction was rolled back.
    #[error("a statement failed and its error was dropped; the transaction was rolled back")]
    Poisoned,
    /// A transaction was opened inside another.
    #[error("a transaction was opened inside another")]
    Nested,
    /// A stored value makes no sense, such as an unknown zone.
    #[error("a stored value makes no sense: {0}")]
    Corrupt(String),
    /// The database is not a slotkeeper's, or not of this version.
    #[error(transparent)]
    Schema(#[from] super::migrate::SchemaError),
    /// Everything else.
    #[error("database error: {0}")]
    Broken(String),
}

impl StoreError {
    /// The meaning of a diesel error that a statement met.
    pub(super) fn of_statement(error: &DieselError) -> Self {
        let text = one_line(&error.to_string());
        match error {
            DieselError::DatabaseError(kind, _) => match kind {
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::ExclusionViolation
                | DatabaseErrorKind::RestrictViolation => Self::Constraint(text),
                DatabaseErrorKind::SerializationFailure => Self::Contention(text),
                // A standby, or a primary that was made one: nothing can be written here, but perhaps elsewhere.
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::ReadOnlyTransaction => Self::Unavailable(text),
                _ if is_contention(&text) => Self::Contention(text),
                _ if is_lost_connection(&text) => Self::Unavailable(text),
                _ => Self::Broken(text),
            },
            DieselError::BrokenTransactionManager => Self::Unavailable(text),
            _ => Self::Broken(text),
        }
    }

    /// True when the database cannot be reached: what the log says of that is said by the store alone.
    pub const fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// True when the database is not to blame, or not known to be: whoever waits may do better later.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Contention(_) | Self::Exhausted)
    }

    /// True when the connection it happened on must not be used again.
    pub(super) const fn spoils_connection(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::CommitUnknown(_) | Self::Broken(_))
    }
}

/// libpq says some things on several lines; a log line is one.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_contention(text: &str) -> bool {
    [
        "deadlock detected",
        "database is locked",
        "database table is locked",
        "canceling statement due to lock timeout",
        "canceling statement due to statement timeout",
    ]
    .iter()
    .any(|known| text.contains(known))
}

fn is_lost_connection(text: &str) -> bool {
    [
        "terminating connection",
        "server closed the connection",
        "connection to server",
        "connection not open",
        "no connection to the server",
        "could not receive data from server",
        "could not send data to server",
        "SSL connection has been closed",
        "the database system is",
        "Connection reset",
        "Connection refused",
        "Broken pipe",
    ]
    .iter()
    .any(|known| text.contains(known))
}
