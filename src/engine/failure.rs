//! Which fault a failed access to the store is for the caller: mapped in one place, logged once.

use crate::store::StoreError;
use domain::fault::Fault;

/// When to try again after the database was out of reach, in seconds.
const RETRY_AFTER_S: u32 = 2;

/// The fault of a failed access. Logs it, because nobody above sees the cause.
pub(super) fn fault_of(doing: &str, error: &StoreError) -> Fault {
    match error {
        StoreError::Unavailable(_) | StoreError::Contention(_) | StoreError::Exhausted(_) => {
            log::warn!("{doing}: {error}");
            Fault::Busy { retry_after_s: RETRY_AFTER_S }
        }
        StoreError::CommitUnknown(_) => {
            log::error!("{doing}: {error}");
            Fault::OutcomeUnknown
        }
        StoreError::Constraint(_)
        | StoreError::NoFile(_)
        | StoreError::Poisoned
        | StoreError::Nested
        | StoreError::Corrupt(_)
        | StoreError::Schema(_)
        | StoreError::Broken(_) => {
            log::error!("{doing}: {error}");
            Fault::Internal
        }
    }
}
