//! Asking the database whether every invariant holds. Reads only.

use super::Maintenance;
use crate::store::{Lane, StoreError, Violation, invariant_rules};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// The rules that were checked, in words.
    pub rules: Vec<&'static str>,
    /// What breaks them.
    pub violations: Vec<Violation>,
    /// Slots, appointments, versions, request keys and audit rows there are.
    pub scope: [i64; 5],
}

impl Maintenance {
    /// Asks every invariant, on one unchanging state; also while a server runs.
    ///
    /// # Errors
    /// Those of the database.
    pub fn check(&self) -> Result<CheckReport, StoreError> {
        self.store.on(Lane::Reads).read(|tx| {
            let violations = tx.invariants_broken()?;
            Ok(CheckReport { rules: invariant_rules().collect(), violations, scope: tx.invariants_scope()? })
        })
    }
}
