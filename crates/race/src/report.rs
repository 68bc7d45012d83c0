//! The result of a run, as a table for people and as JSON for scripts.
//!
//! Adds up and prints; it judges nothing. The table shows the first offenders of each judgement only, the JSON all of them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::answer::Answer;
use crate::attempt::RoundResult;
use crate::judgement::{Judgement, Winner};
use domain::plain::plain;

/// Offenders of one judgement that the table shows.
const OFFENDERS_SHOWN_MAX: usize = 12;

/// What a run came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// `book`, `book-cancel`, `same-request` or `settle`.
    pub mode: &'static str,
    /// The service whose slots were raced for.
    pub service: String,
    /// The FHIR roots.
    pub servers: Vec<String>,
    /// How many clients competed.
    pub clients: usize,
    /// The seed of people and order; give it as `--seed` to have the same again.
    pub seed: u64,
    /// Requests per second that were meant to be sent; `None` in a closed loop.
    pub rate: Option<u32>,
    /// Rounds that were held.
    pub rounds: u32,
    /// Bookings sent while racing.
    pub requests: usize,
    /// How long the clients raced, in microseconds, over all rounds.
    pub took_us: u64,
    /// Bookings per second.
    pub requests_per_s: u64,
    /// First answers by kind.
    pub answers: BTreeMap<String, usize>,
    /// Answers of requests that were sent again because their first answer decided nothing.
    pub settled: BTreeMap<String, usize>,
    /// Slots by how often they were won.
    pub slots: SlotWins,
    /// Latencies of won bookings, in microseconds.
    pub won_us: Latency,
    /// Latencies of slot-taken answers, in microseconds.
    pub lost_us: Latency,
    /// Latencies of all other answers, in microseconds.
    pub other_us: Latency,
    /// Sentences, in the order they were judged.
    pub judgements: Vec<Judgement>,
    /// Offenders over all judgements.
    pub deviations: usize,
    /// True when there is none.
    pub clean: bool,
    /// What was booked and won, in every round; cancelled meanwhile unless it was to be kept.
    pub appointments: Vec<Winner>,
}

/// Slots by how often they were won.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SlotWins {
    /// Never.
    pub none: usize,
    /// Once.
    pub one: usize,
    /// More often; in `book-cancel` that is as it should be, else every one is an offender.
    pub more: usize,
}

/// The spread of latencies, in microseconds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Latency {
    /// How many there were.
    pub count: usize,
    /// Half were as quick as this.
    pub p50: u64,
    /// Nine of ten were.
    pub p90: u64,
    /// Ninety-nine of a hundred were.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
    #[serde(skip)]
    samples: Vec<u64>,
}

impl Latency {
    fn add(&mut self, latency: Duration) {
        self.samples.push(micros(latency));
    }

    fn finish(&mut self) {
        self.samples.sort_unstable();
        let samples = &self.samples;
        // The smallest sample that so many in a hundred do not exceed.
        let at = |percent: usize| samples.get((samples.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default();
        (self.count, self.p50, self.p90, self.p99, self.max) = (samples.len(), at(50), at(90), at(99), at(100));
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Report {
    /// Adds what the clients of one round saw.
    pub(crate) fn add_round(&mut self, round: &RoundResult, wins: &[(String, Vec<String>)]) {
        self.rounds += 1;
        self.requests += round.attempts.len();
        self.took_us = self.took_us.saturating_add(micros(round.took));
        for attempt in &round.attempts {
            *self.answers.entry(attempt.answer.label()).or_default() += 1;
            if let Some(settled) = &attempt.settled {
                self.add_settled(settled);
            }
            match &attempt.answer {
                Answer::Won(_) => self.won_us.add(attempt.latency),
                Answer::Taken => self.lost_us.add(attempt.latency),
                _ => self.other_us.add(attempt.latency),
            }
        }
        for (_, won) in wins {
            match won.len() {
                0 => self.slots.none += 1,
                1 => self.slots.one += 1,
                _ => self.slots.more += 1,
            }
        }
    }

    /// Counts the answer to a request that was sent again.
    pub(crate) fn add_settled(&mut self, answer: &Answer) {
        *self.settled.entry(answer.label()).or_default() += 1;
    }

    /// Adds what was judged.
    pub(crate) fn add_judgements(&mut self, judgements: Vec<Judgement>) {
        self.judgements.extend(judgements);
    }

    /// Works out percentiles and the verdict.
    pub(crate) fn finish(&mut self) {
        for latency in [&mut self.won_us, &mut self.lost_us, &mut self.other_us] {
            latency.finish();
        }
        let requests = u64::try_from(self.requests).unwrap_or(u64::MAX);
        self.requests_per_s = requests.saturating_mul(1_000_000).checked_div(self.took_us).unwrap_or_default();
        self.deviations = self.judgements.iter().map(|judgement| judgement.offenders.len()).sum();
        self.clean = self.deviations == 0;
    }

    /// Writes the table; its last line is the verdict.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        print_counts(out, "answers", &self.answers)?;
        print_counts(out, "sent again, and answered", &self.settled)?;
        if self.requests > 0 {
            let wins = &self.slots;
            writeln!(out, "slots by winners\n  none {}, one {}, several {}", wins.none, wins.one, wins.more)?;
            writeln!(out, "latency in ms     count       p50       p90       p99       max")?;
            for (name, of) in [("won", &self.won_us), ("lost", &self.lost_us), ("other", &self.other_us)] {
                let [p50, p90, p99, max] = [of.p50, of.p90, of.p99, of.max].map(millis);
                writeln!(out, "  {name:<12} {:>8} {p50:>9} {p90:>9} {p99:>9} {max:>9}", of.count)?;
            }
            let seconds = millis(self.took_us.div_ceil(1000));
            writeln!(out, "{} requests in {seconds} s: {} per second (seed {})", self.requests, self.requests_per_s, self.seed)?;
        }
        for judgement in &self.judgements {
            writeln!(out, "{:<6} {}: {}", if judgement.ok { "ok" } else { "FAILED" }, judgement.name, plain(&judgement.sentence))?;
            for offender in judgement.offenders.iter().take(OFFENDERS_SHOWN_MAX) {
                writeln!(out, "       - {}", plain(offender))?;
            }
            let hidden = judgement.offenders.len().saturating_sub(OFFENDERS_SHOWN_MAX);
            if hidden > 0 {
                writeln!(out, "       - and {hidden} more")?;
            }
        }
        match self.deviations {
            0 => writeln!(out, "verdict: clean"),
            1 => writeln!(out, "verdict: 1 deviation"),
            many => writeln!(out, "verdict: {many} deviations"),
        }
    }
}

fn print_counts(out: &mut dyn Write, title: &str, counts: &BTreeMap<String, usize>) -> io::Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    counts.iter().try_for_each(|(label, count)| writeln!(out, "  {:<24} {count:>8}", plain(label)))
}

/// Thousands of something with three decimals: 1234 is `1.234`.
fn millis(thousandths: u64) -> String {
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_that_so_many_do_not_exceed() {
        let mut latency = Latency::default();
        (1..=200).for_each(|ms| latency.add(Duration::from_millis(ms)));
        latency.finish();
        assert_eq!((latency.count, latency.p50, latency.p90), (200, 100_000, 180_000));
        assert_eq!((latency.p99, latency.max), (198_000, 200_000));
        assert_eq!(millis(latency.p50), "100.000");
    }

    #[test]
    fn the_verdict_counts_offenders_and_is_the_last_line() {
        let mut report = Report { mode: "book", ..Report::default() };
        report.add_judgements(vec![
            Judgement::of("winners", "each slot has one".into(), vec!["slot a has 2".into(), "slot b has none".into()]),
            Judgement::of("losers", "all told".into(), vec![]),
        ]);
        report.finish();
        let mut text = Vec::new();
        report.print(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(!report.clean && text.ends_with("verdict: 2 deviations\n"), "{text}");
        assert!(text.contains("FAILED winners: each slot has one\n       - slot a has 2\n"), "{text}");
        assert!(text.contains("ok     losers: all told\n"), "{text}");
    }
}
