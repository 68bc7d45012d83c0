//! Asking the database whether every invariant holds. Reads only.

use super::Engine;
use crate::store::{Store, StoreError, Violation, invariant_rules};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// The rules that were asked, in words.
    pub rules: Vec<&'static str>,
    /// What breaks them.
    pub violations: Vec<Violation>,
    /// Slots, appointments, versions, request keys and audit rows there are.
    pub scope: [i64; 5],
}

impl Engine {
    /// Asks every invariant of `store`, on one unchanging state; also while a server runs.
    ///
    /// # Errors
    /// Those of the database.
    pub fn check(store: &Store) -> Result<CheckReport, StoreError> {
        store.read(|tx| {
            let violations = tx.invariants_broken()?;
            Ok(CheckReport { rules: invariant_rules().collect(), violations, scope: tx.invariants_scope()? })
        })
    }
}
