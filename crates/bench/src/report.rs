//! What a run came to: the table on stdout and the same as JSON.

use crate::row::Row;
use crate::verdict::Grade;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Everything of one run.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) machine: Value,
    pub(crate) date: String,
    pub(crate) must: Option<Grade>,
}

impl Report {
    /// True when nothing is wrong and every row is as good as it must be.
    pub(crate) fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.is_good(self.must))
    }

    /// As JSON; what is no number is null.
    pub(crate) fn json(&self) -> Value {
        json!({"rows": self.rows, "machine": self.machine, "date": self.date, "must": self.must, "good": self.is_good()})
    }

    /// Writes the table; its last line is the verdict.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub(crate) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
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
    use crate::client::latencies::Latencies;
    use crate::row::{Comparison, Round, RowSpec};
    use crate::verdict::Thresholds;
    use std::time::Duration;

    fn row(ratios: &[f64]) -> Row {
        let spec = RowSpec {
            id: "B1",
            subject: "bookings",
            reference: "pgbench",
            unit: "1/s",
            joined: Comparison::Ratio,
            marks: Thresholds::at_least(0.6, 1.0, 1.5),
        };
        let mut row = Row::new(&spec);
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
    fn a_row_is_judged_by_its_median_and_a_fault_beats_any_grade() {
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
    fn the_json_is_complete_and_null_where_there_is_no_number() {
        let report = Report { rows: vec![row(&[1.0]), row(&[])], machine: json!({"cores": 2}), date: "d".into(), must: None };
        let json = report.json();
        for key in ["id", "ratio", "subject", "reference", "unit", "p50_ms", "p99_ms", "rounds", "grade", "flush_p50_ms", "load"] {
            assert!(json["rows"][0].get(key).is_some(), "{key}: {json}");
        }
        assert_eq!((json["rows"][0]["grade"].as_str(), json["rows"][1]["ratio"].is_null()), (Some("good"), true));
        assert_eq!(json["machine"]["cores"], 2);
    }
}
