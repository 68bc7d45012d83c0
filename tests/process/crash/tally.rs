//! What the journals of killed races say, added up over the rounds.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

#[derive(Debug)]
pub struct Tally {
    what: &'static str,
    begun: Instant,
    rounds: usize,
    sent: usize,
    answered: usize,
    booked: usize,
    unanswered: usize,
    resent: BTreeMap<String, u64>,
}

/// A request id in a journal.
#[derive(Debug, Default)]
struct Request {
    sent: usize,
    answered: usize,
    refused: bool,
}

impl Tally {
    pub fn new(what: &'static str) -> Self {
        Self { what, begun: Instant::now(), rounds: 0, sent: 0, answered: 0, booked: 0, unanswered: 0, resent: BTreeMap::new() }
    }

    /// Adds a journal and the report of its settling; gives a line about this round.
    pub fn add(&mut self, journal: &Path, settled: &Value) -> String {
        let text = std::fs::read_to_string(journal).unwrap();
        let mut requests: BTreeMap<String, Request> = BTreeMap::new();
        let mut booked = 0;
        for line in text.lines() {
            // The last line may be cut off by the kill.
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            if let Some(id) = line["sent"].as_str() {
                requests.entry(id.to_owned()).or_default().sent += 1;
            }
            if let Some(id) = line["answered"].as_str() {
                let request = requests.entry(id.to_owned()).or_default();
                request.answered += 1;
                request.refused = matches!(line["status"].as_u64(), Some(429 | 503));
                booked += usize::from(line["status"] == 201);
            }
        }
        let open = requests.values().filter(|request| request.sent > request.answered || request.refused).count();
        let answered: usize = requests.values().map(|request| request.answered).sum();
        self.rounds += 1;
        self.sent += requests.values().map(|request| request.sent).sum::<usize>();
        self.answered += answered;
        self.booked += booked;
        self.unanswered += open;
        for (label, count) in settled["settled"].as_object().into_iter().flatten() {
            *self.resent.entry(label.clone()).or_default() += count.as_u64().unwrap_or_default();
        }
        format!("{answered} answered, {booked} of them 201, {open} open, sent again: {}", settled["settled"])
    }

    /// The line that `scripts/crash.sh` collects.
    pub fn print(&self) {
        let resent = |label: &str| self.resent.get(label).copied().unwrap_or_default();
        println!(
            "crash-summary | {} | {} kills | {} sent | {} answered | {} of them 201 | {} unanswered | sent again: {} × 201, {} × 409, \
             {} × 422 lost to another request of the journal | 0 violations | {} s",
            self.what,
            self.rounds,
            self.sent,
            self.answered,
            self.booked,
            self.unanswered,
            resent("201 booked"),
            resent("409 duplicate"),
            resent("422 slot taken"),
            self.begun.elapsed().as_secs(),
        );
    }

    /// A kill that never struck while anything was under way proves nothing.
    pub fn assert_struck(&self) {
        assert!(self.booked > 0 && self.unanswered > 0, "no kill struck while bookings were under way: {self:?}");
    }
}
