//! One client alone: B12, what a booking costs above the flush it must wait for. One row for each database.

use super::super::BenchError;
use super::super::load::Pace;
use super::super::report::Row;
use super::super::round::{Heading, Joined, Measured, Side, measure};
use super::super::stage::{On, Stage};
use super::super::verdict::Marks;

struct Alone {
    on: On,
}

impl Measured for Alone {
    fn subject(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Side, BenchError> {
        let (outcome, faults) = stage.book_distinct(self.on, 1, Pace::Closed)?;
        Ok(Side::permille(&outcome, 500).with(faults))
    }

    fn reference(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Option<Side>, BenchError> {
        Ok(Some(Side::plain(stage.probe.flush_p50_ms()?)))
    }
}

/// Booking p50 minus flush p50.
pub(super) fn b12(stage: &mut Stage<'_>) -> Vec<Row> {
    let mut row = |id, subject, on| {
        let marks = Marks::at_most(2.0, 1.0, 0.5);
        let heading = Heading { id, subject, reference: "flush p50", unit: "ms", joined: Joined::Difference, marks };
        measure(&heading, stage, |_| Ok(Alone { on }))
    };
    vec![
        row("B12.postgresql", "booking p50 of one client on PostgreSQL", On::Postgres),
        row("B12.sqlite", "booking p50 of one client on SQLite", On::Sqlite),
    ]
}
