//! Which fault a failed access to the store is for the caller: mapped in one place, logged once.

use crate::store::StoreError;
use domain::fault::Fault;

/// When to try again after the database was busy or out of reach, in seconds.
pub(super) const RETRY_AFTER_S: u32 = 2;

/// The fault of a failed access. Logs it, because nobody above sees the cause.
pub(super) fn fault_of(doing: &str, error: &StoreError) -> Fault {
    report(doing, error);
    match error {
        StoreError::Unavailable(_) => Fault::DatabaseUnreachable { retry_after_s: RETRY_AFTER_S },
        StoreError::Contention(_) | StoreError::Exhausted => Fault::Busy { retry_after_s: RETRY_AFTER_S },
        StoreError::CommitUnknown(_) => Fault::OutcomeUnknown,
        StoreError::Constraint(_)
        | StoreError::NoFile(_)
        | StoreError::Poisoned
        | StoreError::Nested
        | StoreError::Corrupt(_)
        | StoreError::Schema(_)
        | StoreError::Broken(_) => Fault::Internal,
    }
}

/// Logs a failed access. That the database is out of reach is said by the store, once for everybody.
pub fn report(doing: &str, error: &StoreError) {
    match error {
        StoreError::Unavailable(_) => log::debug!("{doing}: {error}"),
        StoreError::Contention(_) | StoreError::Exhausted => log::warn!("{doing}: {error}"),
        _ => log::error!("{doing}: {error}"),
    }
}
