//! Races a running server while everything around it goes wrong, and holds one slot, one request key and
//! the whole database in a stranger's hands (`decisions.md` 5 and 6).
//!
//! The servers are processes of their own and are judged by `race` and `check`. What a reader would get
//! wrong: a fault that never struck would pass every test here, so each test also counts its faults.
//!
//! Sizes: `SLOTKEEPER_FAULT_CLIENTS` and `SLOTKEEPER_FAULT_SLOTS` (`scripts/crash.sh` asks for 64 and 200).
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    dead_code,
    reason = "a test may panic, and judges the server from outside its rules"
)]

mod support;

#[path = "faults/held.rs"]
mod held;
#[path = "faults/outage.rs"]
mod outage;
#[path = "faults/races.rs"]
mod races;
#[path = "faults/world.rs"]
mod world;
