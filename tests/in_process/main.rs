//! Goal: the behaviour that docs/contract.md promises, asked over HTTP of the whole service, on both databases.
//! Method: each test gets a service of its own in this process: a fresh copy of a seeded database, a clock that stands
//! still and ids that count. It sends requests and reads answers, and knows nothing of what lies behind them.
//!
//! Pitfall: a test is an ordinary function that takes the [`App`](harness::App), and exists twice
//! because it says `#[on_both]`. Whatever it did, every invariant of the database is
//! asked when its app is dropped.
#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::disallowed_methods,
    reason = "a test may panic, and looks at databases without the store"
)]

mod booking;
mod both_roots;
mod cli;
mod engine;
mod provider;
mod store;

use testkit::process::Program;

/// The server under test.
const SLOTKEEPER: Program = Program::at(env!("CARGO_BIN_EXE_slotkeeper"));
