//! Slotkeeper: a provider offers its time over FHIR STU3, others book it, and no slot is ever booked twice.
//!
//! Layers, strictly downward: `cli`, `http`, the crate `fhir` beside `engine`, `store`, the crate `domain`.
//! ARCHITECTURE.md has the map; `tests/repository/architecture.rs` holds it.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions,
        clippy::unreachable,
        clippy::disallowed_methods,
        reason = "a unit test may panic"
    )
)]

pub mod cli;
pub mod engine;
pub mod http;
pub mod store;
