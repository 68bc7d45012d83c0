//! Goal: the provider root keeps what its statement says, and its statement says all it keeps (`decisions.md` 3).
//! Method: the whole service in this process, on both databases, with the demo provider and a fixed clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]

#[path = "provider/behaviour.rs"]
mod behaviour;
#[path = "examiner/mod.rs"]
mod examiner;
#[path = "provider/house.rs"]
mod house;
#[path = "provider/statement.rs"]
mod statement;
#[path = "support/mod.rs"]
mod support;
