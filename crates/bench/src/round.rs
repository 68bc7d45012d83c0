//! Rounds: the subject and its reference in turn, and the medians of what came out.
//!
//! Pitfall: the figure of a row is the median of the rounds' ratios, not the ratio of medians; and the sides change places
//! from round to round, so that a machine that grows slower does not favour one of them.

use crate::client::latencies::Latencies;
use crate::client::workload::Outcome;
use crate::environment::Environment;
use crate::error::BenchError;
use crate::probe;
use crate::row::{Comparison, Round, Row, RowSpec};

/// What one side of a round came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measurement {
    /// The figure in the row's unit.
    pub(crate) figure: f64,
    /// Latencies, where they are known.
    pub(crate) latencies: Option<Latencies>,
    /// What must not be.
    pub(crate) faults: Vec<String>,
    /// What one should know.
    pub(crate) note: Option<String>,
}

impl Measurement {
    /// The rate of a load.
    pub(crate) fn rate(outcome: &Outcome) -> Self {
        Self { figure: outcome.rate(), faults: outcome.faults(), latencies: Some(outcome.latencies.clone()), note: None }
    }

    /// The same with more that must not be.
    pub(crate) fn with(mut self, faults: Vec<String>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// A figure alone.
    pub(crate) fn plain(figure: f64) -> Self {
        Self { figure, ..Self::default() }
    }

    /// A percentile of a load, in milliseconds.
    pub(crate) fn permille(outcome: &Outcome, permille: u64) -> Self {
        let figure = outcome.latencies.permille_ms(permille).unwrap_or(f64::NAN);
        Self { figure, ..Self::rate(outcome) }
    }
}

/// Something that can be measured over and over.
pub(crate) trait Benchmark: Sized {
    /// What is judged.
    fn subject(&mut self, env: &mut Environment<'_>, round: u32) -> Result<Measurement, BenchError>;

    /// What it is compared with, in the same unit. `None` where nothing is.
    fn reference(&mut self, env: &mut Environment<'_>, round: u32) -> Result<Option<Measurement>, BenchError>;

    /// After the last round: what must not be, seen over all of them.
    fn finish(self, _: &mut Environment<'_>) -> Result<Vec<String>, BenchError> {
        Ok(Vec::new())
    }
}

/// Measures a row. One that cannot be measured is a failed row, not a missing one; the others go on.
pub(crate) fn measure<M: Benchmark>(
    spec: &RowSpec,
    env: &mut Environment<'_>,
    prepare: impl FnOnce(&mut Environment<'_>) -> Result<M, BenchError>,
) -> Row {
    let mut row = Row::new(spec);
    let mut latencies = Latencies::default();
    let measured = prepare(env).and_then(|mut what| {
        for number in 1..=env.settings.rounds {
            round(spec, env, &mut what, number, &mut row, &mut latencies)?;
        }
        what.finish(env)
    });
    match measured {
        Ok(faults) => row.faults.extend(faults),
        Err(error) => row.faults.push(error.to_string()),
    }
    row.finish(&latencies);
    row
}

fn round(
    spec: &RowSpec,
    env: &mut Environment<'_>,
    what: &mut impl Benchmark,
    number: u32,
    row: &mut Row,
    latencies: &mut Latencies,
) -> Result<(), BenchError> {
    let flush_before = env.probe.flush_p50_ms()?;
    let subject_first = number % 2 == 1;
    let (mut subject, mut reference) = (Measurement::default(), None);
    for is_subject in [subject_first, !subject_first] {
        let side = if is_subject { spec.subject } else { spec.reference };
        env.progress.say(&format!("{} round {number} of {}: {side}", spec.id, env.settings.rounds));
        if is_subject {
            subject = what.subject(env, number)?;
        } else {
            reference = what.reference(env, number)?;
        }
        env.progress.step();
    }
    if let Some(mine) = &subject.latencies {
        latencies.merge(mine);
    }
    let permille = |of: u64| subject.latencies.as_ref().and_then(|latencies| latencies.permille_ms(of));
    let reference_figure = reference.as_ref().map(|side| side.figure);
    row.rounds.push(Round {
        ratio: joined(spec.joined, subject.figure, reference_figure),
        subject: subject.figure,
        reference: reference_figure,
        p50_ms: permille(500),
        p99_ms: permille(990),
        flush_p50_ms: f64::midpoint(flush_before, env.probe.flush_p50_ms()?),
        load: probe::load_average(),
    });
    for side in [Some(subject), reference].into_iter().flatten() {
        row.faults.extend(side.faults.into_iter().map(|fault| format!("round {number}: {fault}")));
        if let Some(note) = side.note.filter(|note| !row.notes.contains(note)) {
            row.notes.push(note);
        }
    }
    Ok(())
}

fn joined(joined: Comparison, subject: f64, reference: Option<f64>) -> f64 {
    match (joined, reference) {
        (Comparison::Alone, _) => subject,
        (Comparison::Ratio, Some(reference)) if reference > 0.0 => subject / reference,
        (Comparison::Difference, Some(reference)) => subject - reference,
        (Comparison::Ratio | Comparison::Difference, _) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_without_a_reference_to_divide_by_has_no_ratio() {
        assert!((joined(Comparison::Ratio, 3.0, Some(2.0)) - 1.5).abs() < 1e-9);
        assert!((joined(Comparison::Difference, 3.0, Some(2.0)) - 1.0).abs() < 1e-9);
        assert!((joined(Comparison::Alone, 3.0, None) - 3.0).abs() < 1e-9);
        assert!(joined(Comparison::Ratio, 3.0, Some(0.0)).is_nan() && joined(Comparison::Difference, 3.0, None).is_nan());
    }
}
