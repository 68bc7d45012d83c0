//! A row of the benchmark set: what it is, its rounds, and what they come to.
//!
//! Pitfall: `ratio` is the figure that is judged. In B12 it is a difference and in B13 a latency, both in milliseconds; `unit`
//! says so.

use crate::client::latencies::Latencies;
use crate::statistics::median;
use crate::verdict::{Grade, Thresholds};
use serde::Serialize;

/// How the two figures of a round become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Subject ÷ reference.
    Ratio,
    /// Subject − reference.
    Difference,
    /// The subject alone.
    Alone,
}

/// What a row is, before it is measured.
#[derive(Debug, Clone)]
pub(crate) struct RowSpec {
    pub(crate) id: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) reference: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) joined: Comparison,
    pub(crate) marks: Thresholds,
}

/// One round of one row.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Round {
    pub(crate) ratio: f64,
    pub(crate) subject: f64,
    pub(crate) reference: Option<f64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) flush_p50_ms: f64,
    pub(crate) load: f64,
}

/// One row.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) subject_is: &'static str,
    pub(crate) reference_is: &'static str,
    /// What is judged: `ratio`, `difference` or `figure`.
    pub(crate) judged: &'static str,
    pub(crate) ratio: f64,
    pub(crate) subject: f64,
    pub(crate) reference: Option<f64>,
    /// Of `subject` and `reference`.
    pub(crate) unit: &'static str,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) p999_ms: Option<f64>,
    pub(crate) flush_p50_ms: f64,
    pub(crate) load: f64,
    pub(crate) marks: Thresholds,
    pub(crate) grade: Grade,
    /// What must not be; each is a failure of the run.
    pub(crate) faults: Vec<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) rounds: Vec<Round>,
}

impl Row {
    /// A row nothing was measured of yet.
    pub(crate) fn new(spec: &RowSpec) -> Self {
        Self {
            id: spec.id,
            subject_is: spec.subject,
            reference_is: spec.reference,
            judged: match spec.joined {
                Comparison::Ratio => "ratio",
                Comparison::Difference => "difference",
                Comparison::Alone => "figure",
            },
            ratio: f64::NAN,
            subject: f64::NAN,
            reference: None,
            unit: spec.unit,
            p50_ms: None,
            p99_ms: None,
            p999_ms: None,
            flush_p50_ms: f64::NAN,
            load: f64::NAN,
            marks: spec.marks,
            grade: Grade::Below,
            faults: Vec::new(),
            notes: Vec::new(),
            rounds: Vec::new(),
        }
    }

    /// A row that could not be measured.
    pub(crate) fn failed(spec: &RowSpec, why: String) -> Self {
        Self { faults: vec![why], ..Self::new(spec) }
    }

    /// Works out the medians and the grade.
    pub(crate) fn finish(&mut self, latencies: &Latencies) {
        let rounds = &self.rounds;
        let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure));
        (self.ratio, self.subject) = (of(&|r| r.ratio), of(&|r| r.subject));
        self.reference = rounds.iter().all(|r| r.reference.is_some()).then(|| of(&|r| r.reference.unwrap_or(f64::NAN)));
        (self.flush_p50_ms, self.load) = (of(&|r| r.flush_p50_ms), of(&|r| r.load));
        (self.p50_ms, self.p99_ms) = (latencies.permille_ms(500), latencies.permille_ms(990));
        self.p999_ms = latencies.permille_ms(999);
        self.grade = self.marks.grade(self.ratio);
    }

    /// True when nothing is wrong and it is as good as it must be.
    pub(crate) fn is_good(&self, must: Option<Grade>) -> bool {
        self.faults.is_empty() && must.is_none_or(|must| self.grade >= must)
    }
}
