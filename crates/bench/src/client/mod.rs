//! The client of a measurement: many connections that send requests, and what came back.
//!
//! The client shares the cores with the server it measures, so it must cost little: raw sockets on two threads, requests
//! copied together out of finished pieces, answers read only as far as their length (what that costs is in
//! `docs/benchmarks.md`).

pub(crate) mod drive;
pub(crate) mod latencies;
pub(crate) mod once;
mod wire;
pub(crate) mod workload;
