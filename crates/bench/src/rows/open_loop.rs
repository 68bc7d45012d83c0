//! An open loop at half the maximum rate: B13, one row for bookings and one for searches.
//!
//! The maximum is measured first, in the same run and in the same way. Latency counts from when a request was due, so one
//! pause of the server is felt by everybody who came meanwhile.

use crate::client::drive;
use crate::client::workload::Pace;
use crate::environment::{Backend, Environment, TestDatabase};
use crate::error::BenchError;
use crate::requests::{InTurn, searches};
use crate::round::{Benchmark, Measurement, measure};
use crate::row::Row;
use crate::row::{Comparison, RowSpec};
use crate::rows::sizes::{CLIENTS, CROWD, DISTINCT};
use crate::server::Server;
use crate::verdict::Thresholds;

const UNIT: &str = "ms";

fn note(maximum: f64) -> Option<String> {
    Some(format!("half of {maximum:.0} a second, the maximum of this run"))
}

struct OpenLoopBookings {
    maximum: f64,
}

impl Benchmark for OpenLoopBookings {
    fn subject(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Measurement, BenchError> {
        let (outcome, faults) = env.book_distinct(Backend::Postgres, CROWD, Pace::Open { per_second: self.maximum / 2.0 })?;
        Ok(Measurement { note: note(self.maximum), ..Measurement::permille(&outcome, 999).with(faults) })
    }

    fn reference(&mut self, _: &mut Environment<'_>, _: u32) -> Result<Option<Measurement>, BenchError> {
        Ok(None)
    }
}

struct OpenLoopSearches {
    base: TestDatabase,
    server: Server,
    maximum: f64,
}

impl OpenLoopSearches {
    fn prepare(env: &mut Environment<'_>) -> Result<Self, BenchError> {
        let base = env.fresh(Backend::Postgres)?;
        let server = env.serve(&base.url())?;
        let mut searches = Self { base, server, maximum: 0.0 };
        searches.maximum = searches.run(env, CLIENTS, Pace::Closed)?.rate();
        Ok(searches)
    }

    fn run(&self, env: &Environment<'_>, clients: usize, pace: Pace) -> Result<crate::client::workload::Outcome, BenchError> {
        let requests = searches(&self.server.caller(env.clock), &env.diary, env.first_free_day(), DISTINCT);
        drive::run(&env.load(&self.server, clients, pace, InTurn::new(requests, 200, None)))
    }
}

impl Benchmark for OpenLoopSearches {
    fn subject(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Measurement, BenchError> {
        let outcome = self.run(env, CROWD, Pace::Open { per_second: self.maximum / 2.0 })?;
        Ok(Measurement { note: note(self.maximum), ..Measurement::permille(&outcome, 999) })
    }

    fn reference(&mut self, _: &mut Environment<'_>, _: u32) -> Result<Option<Measurement>, BenchError> {
        Ok(None)
    }

    fn finish(self, env: &mut Environment<'_>) -> Result<Vec<String>, BenchError> {
        drop(self.server);
        env.discard(self.base)?;
        Ok(Vec::new())
    }
}

/// Open loop at half the maximum rate: p99.9 of booking and of search.
pub(crate) fn b13(env: &mut Environment<'_>) -> Vec<Row> {
    let spec = |id, subject, floor| RowSpec {
        id,
        subject,
        reference: "nothing",
        unit: UNIT,
        joined: Comparison::Alone,
        marks: Thresholds::at_most(floor, 100.0, 100.0),
    };
    let bookings = measure(&spec("B13.booking", "p99.9 of bookings in an open loop", 250.0), env, |env| {
        let (outcome, _) = env.book_distinct(Backend::Postgres, CLIENTS, Pace::Closed)?;
        Ok(OpenLoopBookings { maximum: outcome.rate() })
    });
    let searches = measure(&spec("B13.search", "p99.9 of searches in an open loop", 1_000.0), env, OpenLoopSearches::prepare);
    vec![bookings, searches]
}
