//! Why a race ends without a verdict.

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum RaceError {
    /// Options that cannot be used (exit 2).
    #[error("{0}")]
    Usage(String),
    /// The race could not be held: no server, too few free slots, a file (exit 1).
    #[error("{0}")]
    Failed(String),
}

impl RaceError {
    /// True when the options are at fault (exit 2 instead of 1).
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }
}
