//! Goal: what only real processes show: crashes, faults of the network, signals, TLS. Method: the built binary, started,
//! killed and judged from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::disallowed_methods,
    reason = "a test may panic, and judges the server from outside its rules"
)]

mod command_line;
mod crash;
mod faults;
mod policy;
mod synthetic;
mod tls;
mod wire;
mod world;

use testkit::process::Program;

/// The server under test.
const SLOTKEEPER: Program = Program::at(env!("CARGO_BIN_EXE_slotkeeper"));
