//! One client alone: B12, what a booking costs above the flush it must wait for. One row for each database.

use crate::client::workload::Pace;
use crate::environment::{Backend, Environment};
use crate::error::BenchError;
use crate::round::{Benchmark, Measurement, measure};
use crate::row::Row;
use crate::row::{Comparison, RowSpec};
use crate::verdict::Thresholds;

struct Alone {
    on: Backend,
}

impl Benchmark for Alone {
    fn subject(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Measurement, BenchError> {
        let (outcome, faults) = env.book_distinct(self.on, 1, Pace::Closed)?;
        Ok(Measurement::permille(&outcome, 500).with(faults))
    }

    fn reference(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Option<Measurement>, BenchError> {
        Ok(Some(Measurement::plain(env.probe.flush_p50_ms()?)))
    }
}

/// Booking p50 minus flush p50.
pub(crate) fn b12(env: &mut Environment<'_>) -> Vec<Row> {
    let mut row = |id, subject, on| {
        let marks = Thresholds::at_most(2.0, 1.0, 0.5);
        let spec = RowSpec { id, subject, reference: "flush p50", unit: "ms", joined: Comparison::Difference, marks };
        measure(&spec, env, |_| Ok(Alone { on }))
    };
    vec![
        row("B12.postgresql", "booking p50 of one client on PostgreSQL", Backend::Postgres),
        row("B12.sqlite", "booking p50 of one client on SQLite", Backend::Sqlite),
    ]
}
