//! Bookings of distinct slots: B1, B2, B3, B9 and B11.
//!
//! Every side of every round has a fresh copy of the same database and a server of its own. The reference books the same
//! slots in the same order into the same tables, so both see indexes of the same shape.

use crate::client::workload::Pace;
use crate::environment::{Backend, Environment, TestDatabase, kept};
use crate::error::BenchError;
use crate::pgbench;
use crate::raw;
use crate::round::{Benchmark, Measurement, measure};
use crate::row::Row;
use crate::row::{Comparison, RowSpec};
use crate::rows::sizes::{CLIENTS, CROWD};
use crate::statistics::float;
use crate::verdict::Thresholds;

/// Batches that the raw statement is tried with; the better one counts.
const BATCHES: [u64; 2] = [32, 64];
const UNIT: &str = "1/s";

#[derive(Debug, Clone, Copy)]
enum Against {
    PgbenchBase,
    RawBatches,
    FewerClients,
}

struct DistinctBookings {
    on: Backend,
    clients: usize,
    against: Against,
}

impl Benchmark for DistinctBookings {
    fn subject(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Measurement, BenchError> {
        let (outcome, faults) = env.book_distinct(self.on, self.clients, Pace::Closed)?;
        Ok(Measurement::rate(&outcome).with(faults))
    }

    fn reference(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Option<Measurement>, BenchError> {
        match self.against {
            Against::PgbenchBase => base(env, self.clients).map(Some),
            Against::RawBatches => raw_batches(env, self.on).map(Some),
            Against::FewerClients => {
                let (outcome, faults) = env.book_distinct(self.on, CLIENTS, Pace::Closed)?;
                Ok(Some(Measurement::rate(&outcome).with(faults)))
            }
        }
    }
}

fn base(env: &mut Environment<'_>, clients: usize) -> Result<Measurement, BenchError> {
    let sample = env.sample()?;
    let base = env.fresh(Backend::Postgres)?;
    let TestDatabase::Postgres(database) = &base else {
        return Err(BenchError::failed("pgbench needs PostgreSQL"));
    };
    let (time, diary, filled) = (env.settings.time, env.diary, env.filled_count(Backend::Postgres));
    let load = pgbench::BookingLoad { clients, time, first: filled };
    let ran = pgbench::book_base(env.running_postgres()?, &env.workdir, database, &diary, load, &sample)?;
    let faults = kept(&base.url(), filled + ran.transactions)?;
    env.discard(base)?;
    Ok(Measurement::plain(ran.per_second).with(faults))
}

fn raw_batches(env: &mut Environment<'_>, on: Backend) -> Result<Measurement, BenchError> {
    let sample = env.sample()?;
    let mut best = Measurement::default();
    for batch in BATCHES {
        let base = env.fresh(on)?;
        let (time, filled) = (env.settings.time / 2, env.filled_count(on));
        let written = raw::book(&base.url(), &env.diary, (filled, u64::MAX), batch, time, &sample, env.clock)?;
        let faults = kept(&base.url(), filled + written.booked)?;
        env.discard(base)?;
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
pub(crate) fn b1(env: &mut Environment<'_>) -> Vec<Row> {
    against_base(env, "B1", CLIENTS, Thresholds::at_least(0.6, 1.0, 1.5))
}

/// The same with 256 clients.
pub(crate) fn b2(env: &mut Environment<'_>) -> Vec<Row> {
    against_base(env, "B2", CROWD, Thresholds::at_least(0.5, 1.2, 2.5))
}

fn against_base(env: &mut Environment<'_>, id: &'static str, clients: usize, marks: Thresholds) -> Vec<Row> {
    let spec =
        RowSpec { id, subject: "HTTP bookings on PostgreSQL", reference: "pgbench base", unit: UNIT, joined: Comparison::Ratio, marks };
    vec![measure(&spec, env, |_| Ok(DistinctBookings { on: Backend::Postgres, clients, against: Against::PgbenchBase }))]
}

/// HTTP bookings ÷ raw batched statement.
pub(crate) fn b3(env: &mut Environment<'_>) -> Vec<Row> {
    let marks = Thresholds::at_least(0.2, 0.4, 0.6);
    against_raw(env, "B3", "HTTP bookings on PostgreSQL", Backend::Postgres, marks)
}

/// SQLite: HTTP bookings, 64 clients ÷ raw batched writer.
pub(crate) fn b9(env: &mut Environment<'_>) -> Vec<Row> {
    let marks = Thresholds::at_least(0.4, 0.6, 0.8);
    against_raw(env, "B9", "HTTP bookings on SQLite", Backend::Sqlite, marks)
}

fn against_raw(env: &mut Environment<'_>, id: &'static str, subject: &'static str, on: Backend, marks: Thresholds) -> Vec<Row> {
    let spec = RowSpec { id, subject, reference: "raw batched statement", unit: UNIT, joined: Comparison::Ratio, marks };
    vec![measure(&spec, env, |_| Ok(DistinctBookings { on, clients: CLIENTS, against: Against::RawBatches }))]
}

/// DistinctBookings at 256 ÷ at 64 clients.
pub(crate) fn b11(env: &mut Environment<'_>) -> Vec<Row> {
    let spec = RowSpec {
        id: "B11",
        subject: "bookings, 256 clients",
        reference: "bookings, 64 clients",
        unit: UNIT,
        joined: Comparison::Ratio,
        marks: Thresholds::at_least(0.8, 1.0, 1.3),
    };
    vec![measure(&spec, env, |_| Ok(DistinctBookings { on: Backend::Postgres, clients: CROWD, against: Against::FewerClients }))]
}
