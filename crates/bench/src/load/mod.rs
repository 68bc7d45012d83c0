//! The load: many connections that send requests, and what came back.
//!
//! The client shares the cores with the server it measures, so it must cost little: raw sockets on two threads, requests
//! copied together out of finished pieces, answers read only as far as their length (what that costs is in
//! `docs/benchmarks.md`). What a reader would get wrong: it never decides what an answer means; each [`Script`] says which
//! answers it expects.

pub(super) mod drive;
pub(super) mod latencies;
pub(super) mod once;
pub(super) mod wire;

use latencies::Latencies;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What is sent, and which answers are as they should be.
pub(super) trait Script: Send + Sync {
    /// Writes the next request to the end of `out`; false when there is none left.
    fn write(&self, out: &mut Vec<u8>) -> bool;

    /// Whether that is an answer one expects.
    fn fits(&self, status: u16, body: &[u8]) -> bool;
}

/// When requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pace {
    /// Each connection sends as soon as its last answer has come.
    Closed,
    /// So many a second over all connections, whether answers come or not. Latency counts from when a request was due, so that
    /// a server that stalls does not look quick.
    Open {
        /// Requests a second.
        per_second: f64,
    },
}

/// A load to put on a server.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) address: SocketAddr,
    pub(super) connections: usize,
    pub(super) pace: Pace,
    /// Not counted: connections, caches and prepared statements are made.
    pub(super) warm_up: Duration,
    /// Counted.
    pub(super) time: Duration,
    pub(super) script: Arc<dyn Script>,
}

/// What came back.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// Every answer by status, also those of the warm-up.
    pub(super) statuses: BTreeMap<u16, u64>,
    /// Answers one does not expect.
    pub(super) unexpected: u64,
    /// One of them: its status and the beginning of its body.
    pub(super) example: Option<String>,
    /// Connections that broke.
    pub(super) broken: u64,
    /// Latencies of expected answers that are counted.
    pub(super) latencies: Latencies,
    /// How long was counted.
    pub(super) took: Duration,
}

impl Outcome {
    /// Answers of that status.
    pub(super) fn answered(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or_default()
    }

    /// Expected answers a second.
    pub(super) fn rate(&self) -> f64 {
        let seconds = self.took.as_secs_f64();
        if seconds > 0.0 { super::round::float(self.latencies.count()) / seconds } else { 0.0 }
    }

    /// What is wrong with it, in words.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.unexpected > 0 {
            faults.push(format!("{} unexpected answers, one of them {}", self.unexpected, self.example.as_deref().unwrap_or("lost")));
        }
        if self.broken > 0 {
            faults.push(format!("{} connections broke", self.broken));
        }
        if self.latencies.count() == 0 {
            faults.push("no expected answer came while it was counted".to_owned());
        }
        faults
    }

    fn merge(&mut self, other: &Self) {
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.unexpected += other.unexpected;
        self.broken += other.broken;
        self.latencies.merge(&other.latencies);
        self.took = self.took.max(other.took);
        if self.example.is_none() {
            self.example.clone_from(&other.example);
        }
    }
}
