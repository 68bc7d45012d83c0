//! Facts and rules of booking: pure, without clock, database or format.
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

pub mod appointment;
pub mod directory;
pub mod document;
pub mod element;
pub mod fault;
pub mod ids;
pub mod nhs_number;
pub mod plain;
pub mod policy;
pub mod rota;
pub mod schedule;
pub mod search;
pub mod slot;
pub mod synthetic;
pub mod time;
