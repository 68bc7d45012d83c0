//! How large the loads of most rows are.

/// Clients of most rows.
pub(crate) const CLIENTS: usize = 64;
/// Clients of the crowded ones.
pub(crate) const CROWD: usize = 256;
/// Different requests that readers send in turn.
pub(crate) const DISTINCT: usize = 2_000;
