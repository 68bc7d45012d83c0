//! What every client of a measurement needs: invented patients and their bookings, tokens, an HTTP client, and random numbers
//! that repeat.
//!
//! It knows no server and no database.
//! Pitfall: nothing here is random. The same numbers give the same people and the same bytes, so that a request can be sent
//! again and a run repeated.
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

pub mod client;
pub mod headers;
pub mod patient;
pub mod random;
pub mod tls;
pub mod token;
