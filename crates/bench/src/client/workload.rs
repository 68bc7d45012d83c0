//! What a load is, and what came back.

use crate::client::latencies::Latencies;
use crate::statistics::float;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What is sent, and which answers are as they should be.
pub(crate) trait Script: Send + Sync {
    /// Writes the next request to the end of `out`; false when there is none left.
    fn write(&self, out: &mut Vec<u8>) -> bool;

    /// Whether that is an answer one expects.
    fn fits(&self, status: u16, body: &[u8]) -> bool;
}

/// When requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
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
pub(crate) struct Workload {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) pace: Pace,
    /// Not counted: connections, caches and prepared statements are made.
    pub(crate) warm_up: Duration,
    /// Counted.
    pub(crate) time: Duration,
    pub(crate) script: Arc<dyn Script>,
}

/// What came back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// Every answer by status, also those of the warm-up.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Answers one does not expect.
    pub(crate) unexpected: u64,
    /// One of them: its status and the beginning of its body.
    pub(crate) example: Option<String>,
    /// Connections that broke.
    pub(crate) broken: u64,
    /// Latencies of expected answers that are counted.
    pub(crate) latencies: Latencies,
    /// How long was counted.
    pub(crate) took: Duration,
}

impl Outcome {
    /// Answers of that status.
    pub(crate) fn answered(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or_default()
    }

    /// Expected answers a second.
    pub(crate) fn rate(&self) -> f64 {
        let seconds = self.took.as_secs_f64();
        if seconds > 0.0 { float(self.latencies.count()) / seconds } else { 0.0 }
    }

    /// What is wrong with it, in words.
    pub(crate) fn faults(&self) -> Vec<String> {
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

    /// Adds what other connections saw.
    pub(crate) fn merge(&mut self, other: &Self) {
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
