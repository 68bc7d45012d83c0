//! What statements say of this version.

/// Its number.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The day it was released.
pub const DATE: &str = "2026-11-20";
