//! Why a bench comes to no end.

/// Why a bench came to no end.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Arguments that cannot be used (exit 2).
    #[error("{0}")]
    Usage(String),
    /// Something that is needed is not there (exit 1).
    #[error("{0}")]
    Failed(String),
}

impl BenchError {
    /// True when the command line is at fault (exit 2 instead of 1).
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }

    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }
}
