//! Rounds: the subject and its reference in turn, and the medians of what came out.
//!
//! What a reader would get wrong: the figure of a row is the median of the rounds' ratios, not the ratio of medians; and the
//! sides change places from round to round, so that a machine that grows slower does not favour one of them.

use super::BenchError;
use super::load::Outcome;
use super::load::latencies::Latencies;
use super::probe;
use super::report::{Round, Row};
use super::stage::Stage;
use super::verdict::Marks;

/// What one side of a round came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Side {
    /// The figure in the row's unit.
    pub(super) figure: f64,
    /// Latencies, where they are known.
    pub(super) latencies: Option<Latencies>,
    /// What must not be.
    pub(super) faults: Vec<String>,
    /// What one should know.
    pub(super) note: Option<String>,
}

impl Side {
    /// The rate of a load.
    pub(super) fn rate(outcome: &Outcome) -> Self {
        Self { figure: outcome.rate(), faults: outcome.faults(), latencies: Some(outcome.latencies.clone()), note: None }
    }

    /// The same with more that must not be.
    pub(super) fn with(mut self, faults: Vec<String>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// A figure alone.
    pub(super) fn plain(figure: f64) -> Self {
        Self { figure, ..Self::default() }
    }

    /// A percentile of a load, in milliseconds.
    pub(super) fn permille(outcome: &Outcome, permille: u64) -> Self {
        let figure = outcome.latencies.permille_ms(permille).unwrap_or(f64::NAN);
        Self { figure, ..Self::rate(outcome) }
    }
}

/// Something that can be measured over and over.
pub(super) trait Measured: Sized {
    /// What is judged.
    fn subject(&mut self, stage: &mut Stage<'_>, round: u32) -> Result<Side, BenchError>;

    /// What it is compared with, in the same unit. `None` where nothing is.
    fn reference(&mut self, stage: &mut Stage<'_>, round: u32) -> Result<Option<Side>, BenchError>;

    /// After the last round: what must not be, seen over all of them.
    fn finish(self, _: &mut Stage<'_>) -> Result<Vec<String>, BenchError> {
        Ok(Vec::new())
    }
}

/// How the two figures of a round become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    /// Subject ÷ reference.
    Ratio,
    /// Subject − reference.
    Difference,
    /// The subject alone.
    Alone,
}

/// What a row is, before it is measured.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    pub(super) id: &'static str,
    pub(super) subject: &'static str,
    pub(super) reference: &'static str,
    pub(super) unit: &'static str,
    pub(super) joined: Joined,
    pub(super) marks: Marks,
}

/// Measures a row. One that cannot be measured is a failed row, not a missing one; the others go on.
pub(super) fn measure<M: Measured>(
    heading: &Heading,
    stage: &mut Stage<'_>,
    prepare: impl FnOnce(&mut Stage<'_>) -> Result<M, BenchError>,
) -> Row {
    let mut row = Row::new(heading);
    let mut latencies = Latencies::default();
    let measured = prepare(stage).and_then(|mut what| {
        for number in 1..=stage.settings.rounds {
            round(heading, stage, &mut what, number, &mut row, &mut latencies)?;
        }
        what.finish(stage)
    });
    match measured {
        Ok(faults) => row.faults.extend(faults),
        Err(error) => row.faults.push(error.to_string()),
    }
    row.finish(&latencies);
    row
}

fn round(
    heading: &Heading,
    stage: &mut Stage<'_>,
    what: &mut impl Measured,
    number: u32,
    row: &mut Row,
    latencies: &mut Latencies,
) -> Result<(), BenchError> {
    let flush_before = stage.probe.flush_p50_ms()?;
    let subject_first = number % 2 == 1;
    let (mut subject, mut reference) = (Side::default(), None);
    for is_subject in [subject_first, !subject_first] {
        let side = if is_subject { heading.subject } else { heading.reference };
        stage.progress.say(&format!("{} round {number} of {}: {side}", heading.id, stage.settings.rounds));
        if is_subject {
            subject = what.subject(stage, number)?;
        } else {
            reference = what.reference(stage, number)?;
        }
        stage.progress.step();
    }
    if let Some(mine) = &subject.latencies {
        latencies.merge(mine);
    }
    let permille = |of: u64| subject.latencies.as_ref().and_then(|latencies| latencies.permille_ms(of));
    let reference_figure = reference.as_ref().map(|side| side.figure);
    row.rounds.push(Round {
        ratio: joined(heading.joined, subject.figure, reference_figure),
        subject: subject.figure,
        reference: reference_figure,
        p50_ms: permille(500),
        p99_ms: permille(990),
        flush_p50_ms: f64::midpoint(flush_before, stage.probe.flush_p50_ms()?),
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

fn joined(joined: Joined, subject: f64, reference: Option<f64>) -> f64 {
    match (joined, reference) {
        (Joined::Alone, _) => subject,
        (Joined::Ratio, Some(reference)) if reference > 0.0 => subject / reference,
        (Joined::Difference, Some(reference)) => subject - reference,
        (Joined::Ratio | Joined::Difference, _) => f64::NAN,
    }
}

/// The middle of `figures`, or the mean of the two in the middle; no number when there are none.
pub(super) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.wrapping_sub(1)), at(middle)) }
}

/// A count as a figure. Counts here stay far below the four thousand million that fit.
pub(super) fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order_and_nothing_has_none() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!((median([100.0, 1.0, 1.0, 1.0, 1.0]) - 1.0).abs() < 1e-9);
        assert!(median([]).is_nan());
    }

    #[test]
    fn a_round_without_a_reference_to_divide_by_has_no_ratio() {
        assert!((joined(Joined::Ratio, 3.0, Some(2.0)) - 1.5).abs() < 1e-9);
        assert!((joined(Joined::Difference, 3.0, Some(2.0)) - 1.0).abs() < 1e-9);
        assert!((joined(Joined::Alone, 3.0, None) - 3.0).abs() < 1e-9);
        assert!(joined(Joined::Ratio, 3.0, Some(0.0)).is_nan() && joined(Joined::Difference, 3.0, None).is_nan());
    }
}
