//! Bookings of distinct slots: B1, B2, B3, B9 and B11.
//!
//! Every side of every round has a fresh copy of the same database and a server of its own. What a reader would get wrong: the
//! reference books the same slots in the same order into the same tables, so both see indexes of the same shape.

use super::super::load::Pace;
use super::super::raw;
use super::super::report::Row;
use super::super::round::{Heading, Joined, Measured, Side, float, measure};
use super::super::stage::{Base, On, Stage, kept};
use super::super::verdict::Marks;
use super::super::{BenchError, pgbench};
use super::{CLIENTS, CROWD};

/// Batches that the raw statement is tried with; the better one counts.
const BATCHES: [u64; 2] = [32, 64];
const UNIT: &str = "1/s";

#[derive(Debug, Clone, Copy)]
enum Against {
    PgbenchBase,
    RawBatches,
    FewerClients,
}

struct Bookings {
    on: On,
    clients: usize,
    against: Against,
}

impl Measured for Bookings {
    fn subject(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Side, BenchError> {
        let (outcome, faults) = stage.book_distinct(self.on, self.clients, Pace::Closed)?;
        Ok(Side::rate(&outcome).with(faults))
    }

    fn reference(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Option<Side>, BenchError> {
        match self.against {
            Against::PgbenchBase => base(stage, self.clients).map(Some),
            Against::RawBatches => raw_batches(stage, self.on).map(Some),
            Against::FewerClients => {
                let (outcome, faults) = stage.book_distinct(self.on, CLIENTS, Pace::Closed)?;
                Ok(Some(Side::rate(&outcome).with(faults)))
            }
        }
    }
}

fn base(stage: &mut Stage<'_>, clients: usize) -> Result<Side, BenchError> {
    let sample = stage.sample()?;
    let base = stage.fresh(On::Postgres)?;
    let Base::Postgres(database) = &base else {
        return Err(BenchError::failed("pgbench needs PostgreSQL"));
    };
    let (time, diary, filled) = (stage.settings.time, stage.diary, stage.filled_count(On::Postgres));
    let load = pgbench::Load { clients, time, first: filled };
    let ran = pgbench::book_base(stage.running_postgres()?, &stage.place, database, &diary, load, &sample)?;
    let faults = kept(&base.url(), filled + ran.transactions)?;
    stage.discard(base)?;
    Ok(Side::plain(ran.per_second).with(faults))
}

fn raw_batches(stage: &mut Stage<'_>, on: On) -> Result<Side, BenchError> {
    let sample = stage.sample()?;
    let mut best = Side::default();
    for batch in BATCHES {
        let base = stage.fresh(on)?;
        let (time, filled) = (stage.settings.time / 2, stage.filled_count(on));
        let written = raw::book(&base.url(), &stage.diary, (filled, u64::MAX), batch, time, &sample, stage.clock)?;
        let faults = kept(&base.url(), filled + written.booked)?;
        stage.discard(base)?;
        let rate = float(written.booked) / written.took.as_secs_f64().max(0.001);
        if rate > best.figure || !faults.is_empty() {
            best.figure = best.figure.max(rate);
            best.faults.extend(faults);
        }
    }
    best.note = Some("the reference is the better of batches of 32 and of 64, half the time each".to_owned());
    Ok(best)
}

/// HTTP bookings, 64 clients, PostgreSQL ÷ pgbench "base".
pub(super) fn b1(stage: &mut Stage<'_>) -> Vec<Row> {
    against_base(stage, "B1", CLIENTS, Marks::at_least(0.6, 1.0, 1.5))
}

/// The same with 256 clients.
pub(super) fn b2(stage: &mut Stage<'_>) -> Vec<Row> {
    against_base(stage, "B2", CROWD, Marks::at_least(0.5, 1.2, 2.5))
}

fn against_base(stage: &mut Stage<'_>, id: &'static str, clients: usize, marks: Marks) -> Vec<Row> {
    let heading =
        Heading { id, subject: "HTTP bookings on PostgreSQL", reference: "pgbench base", unit: UNIT, joined: Joined::Ratio, marks };
    vec![measure(&heading, stage, |_| Ok(Bookings { on: On::Postgres, clients, against: Against::PgbenchBase }))]
}

/// HTTP bookings ÷ raw batched statement.
pub(super) fn b3(stage: &mut Stage<'_>) -> Vec<Row> {
    let marks = Marks::at_least(0.2, 0.4, 0.6);
    against_raw(stage, "B3", "HTTP bookings on PostgreSQL", On::Postgres, marks)
}

/// SQLite: HTTP bookings, 64 clients ÷ raw batched writer.
pub(super) fn b9(stage: &mut Stage<'_>) -> Vec<Row> {
    let marks = Marks::at_least(0.4, 0.6, 0.8);
    against_raw(stage, "B9", "HTTP bookings on SQLite", On::Sqlite, marks)
}

fn against_raw(stage: &mut Stage<'_>, id: &'static str, subject: &'static str, on: On, marks: Marks) -> Vec<Row> {
    let heading = Heading { id, subject, reference: "raw batched statement", unit: UNIT, joined: Joined::Ratio, marks };
    vec![measure(&heading, stage, |_| Ok(Bookings { on, clients: CLIENTS, against: Against::RawBatches }))]
}

/// Bookings at 256 ÷ at 64 clients.
pub(super) fn b11(stage: &mut Stage<'_>) -> Vec<Row> {
    let heading = Heading {
        id: "B11",
        subject: "bookings, 256 clients",
        reference: "bookings, 64 clients",
        unit: UNIT,
        joined: Joined::Ratio,
        marks: Marks::at_least(0.8, 1.0, 1.3),
    };
    vec![measure(&heading, stage, |_| Ok(Bookings { on: On::Postgres, clients: CROWD, against: Against::FewerClients }))]
}
