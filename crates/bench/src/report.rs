//! What a run came to: the table on stdout and the same as JSON.
//!
//! What a reader would get wrong: `ratio` is the figure that is judged. In B12 it is a difference and in B13 a latency, both
//! in milliseconds; `unit` and the headings say so.

use super::load::latencies::Latencies;
use super::round::{Heading, Joined, median};
use super::verdict::{Grade, Marks};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, Write};

/// One round of one row.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Round {
    pub(super) ratio: f64,
    pub(super) subject: f64,
    pub(super) reference: Option<f64>,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) flush_p50_ms: f64,
    pub(super) load: f64,
}

/// One row.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) subject_is: &'static str,
    pub(super) reference_is: &'static str,
    /// What is judged: `ratio`, `difference` or `figure`.
    pub(super) judged: &'static str,
    pub(super) ratio: f64,
    pub(super) subject: f64,
    pub(super) reference: Option<f64>,
    /// Of `subject` and `reference`.
    pub(super) unit: &'static str,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) p999_ms: Option<f64>,
    pub(super) flush_p50_ms: f64,
    pub(super) load: f64,
    pub(super) marks: Marks,
    pub(super) grade: Grade,
    /// What must not be; each is a failure of the run.
    pub(super) faults: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) rounds: Vec<Round>,
}

impl Row {
    /// A row nothing was measured of yet.
    pub(super) fn new(heading: &Heading) -> Self {
        Self {
            id: heading.id,
            subject_is: heading.subject,
            reference_is: heading.reference,
            judged: match heading.joined {
                Joined::Ratio => "ratio",
                Joined::Difference => "difference",
                Joined::Alone => "figure",
            },
            ratio: f64::NAN,
            subject: f64::NAN,
            reference: None,
            unit: heading.unit,
            p50_ms: None,
            p99_ms: None,
            p999_ms: None,
            flush_p50_ms: f64::NAN,
            load: f64::NAN,
            marks: heading.marks,
            grade: Grade::Below,
            faults: Vec::new(),
            notes: Vec::new(),
            rounds: Vec::new(),
        }
    }

    /// A row that could not be measured.
    pub(super) fn failed(heading: &Heading, why: String) -> Self {
        Self { faults: vec![why], ..Self::new(heading) }
    }

    /// Works out the medians and the grade.
    pub(super) fn finish(&mut self, latencies: &Latencies) {
        let rounds = &self.rounds;
        let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure));
        (self.ratio, self.subject) = (of(&|r| r.ratio), of(&|r| r.subject));
        self.reference = rounds.iter().all(|r| r.reference.is_some()).then(|| of(&|r| r.reference.unwrap_or(f64::NAN)));
        (self.flush_p50_ms, self.load) = (of(&|r| r.flush_p50_ms), of(&|r| r.load));
        (self.p50_ms, self.p99_ms) = (latencies.permille_ms(500), latencies.permille_ms(990));
        self.p999_ms = latencies.permille_ms(999);
        self.grade = self.marks.grade(self.ratio);
    }

    fn is_good(&self, must: Option<Grade>) -> bool {
        self.faults.is_empty() && must.is_none_or(|must| self.grade >= must)
    }
}

/// Everything of one run.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) machine: Value,
    pub(super) date: String,
    pub(super) must: Option<Grade>,
}

impl Report {
    /// True when nothing is wrong and every row is as good as it must be.
    pub(super) fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.is_good(self.must))
    }

    /// As JSON; what is no number is null.
    pub(super) fn json(&self) -> Value {
        json!({"rows": self.rows, "machine": self.machine, "date": self.date, "must": self.must, "good": self.is_good()})
    }

    /// Writes the table; its last line is the verdict.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<14} {:>8} {:<12} {:>11} {:>11} {:<6} {:>8} {:>8} {:>3} {:>9} {:>5}",
            "row", "judged", "grade", "subject", "reference", "unit", "p50 ms", "p99 ms", "n", "flush ms", "load"
        )?;
        for row in &self.rows {
            writeln!(
                out,
                "{:<14} {:>8} {:<12} {:>11} {:>11} {:<6} {:>8} {:>8} {:>3} {:>9} {:>5}",
                row.id,
                shown(row.ratio, 3),
                row.grade.word(),
                shown(row.subject, 1),
                row.reference.map_or_else(|| "-".to_owned(), |figure| shown(figure, 1)),
                row.unit,
                row.p50_ms.map_or_else(|| "-".to_owned(), |ms| shown(ms, 2)),
                row.p99_ms.map_or_else(|| "-".to_owned(), |ms| shown(ms, 2)),
                row.rounds.len(),
                shown(row.flush_p50_ms, 3),
                shown(row.load, 1),
            )?;
            let ratios = row.rounds.iter().map(|round| shown(round.ratio, 3)).collect::<Vec<_>>().join(" ");
            writeln!(out, "            {} against {}; {} of each round: {ratios}", row.subject_is, row.reference_is, row.judged)?;
            for note in &row.notes {
                writeln!(out, "            note: {note}")?;
            }
            for fault in &row.faults {
                writeln!(out, "            FAILED {fault}")?;
            }
        }
        let bad: Vec<&str> = self.rows.iter().filter(|row| !row.is_good(self.must)).map(|row| row.id).collect();
        if bad.is_empty() { writeln!(out, "verdict: every assertion held") } else { writeln!(out, "verdict: NOT good: {}", bad.join(", ")) }
    }
}

fn shown(figure: f64, decimals: usize) -> String {
    if figure.is_finite() { format!("{figure:.decimals$}") } else { "-".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn row(ratios: &[f64]) -> Row {
        let heading = Heading {
            id: "B1",
            subject: "bookings",
            reference: "pgbench",
            unit: "1/s",
            joined: Joined::Ratio,
            marks: Marks::at_least(0.6, 1.0, 1.5),
        };
        let mut row = Row::new(&heading);
        row.rounds = ratios
            .iter()
            .map(|ratio| Round {
                ratio: *ratio,
                subject: ratio * 10.0,
                reference: Some(10.0),
                p50_ms: None,
                p99_ms: None,
                flush_p50_ms: 0.1,
                load: 1.0,
            })
            .collect();
        let mut latencies = Latencies::default();
        latencies.add(Duration::from_millis(3));
        row.finish(&latencies);
        row
    }

    #[test]
    fn a_row_is_judged_by_its_median_and_a_fault_is_worse_than_any_grade() {
        let report = |rows: Vec<Row>, must| Report { rows, machine: Value::Null, date: String::new(), must };
        let good = row(&[0.5, 1.2, 9.0]);
        assert_eq!(good.grade, Grade::Good);
        assert!(report(vec![good.clone()], Some(Grade::Good)).is_good());
        assert!(!report(vec![good.clone()], Some(Grade::Stretch)).is_good());
        assert!(report(vec![row(&[0.1])], None).is_good());
        let failed = Row { faults: vec!["201s and appointments differ".to_owned()], ..good };
        let report = report(vec![failed], None);
        let mut text = Vec::new();
        report.print(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(!report.is_good() && text.contains("FAILED 201s") && text.ends_with("verdict: NOT good: B1\n"), "{text}");
    }

    #[test]
    fn the_json_has_the_shape_of_the_benchmark_set_and_null_where_there_is_no_number() {
        let report = Report { rows: vec![row(&[1.0]), row(&[])], machine: json!({"cores": 2}), date: "d".into(), must: None };
        let json = report.json();
        for key in ["id", "ratio", "subject", "reference", "unit", "p50_ms", "p99_ms", "rounds", "grade", "flush_p50_ms", "load"] {
            assert!(json["rows"][0].get(key).is_some(), "{key}: {json}");
        }
        assert_eq!((json["rows"][0]["grade"].as_str(), json["rows"][1]["ratio"].is_null()), (Some("good"), true));
        assert_eq!(json["machine"]["cores"], 2);
    }
}
