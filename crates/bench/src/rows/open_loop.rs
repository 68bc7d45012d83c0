//! An open loop at half the maximum rate: B13, one row for bookings and one for searches.
//!
//! The maximum is measured first, in the same run and in the same way. What a reader would get wrong: latency counts from when
//! a request was due, so one pause of the server is felt by everybody who came meanwhile.

use super::super::BenchError;
use super::super::load::{Pace, drive};
use super::super::report::Row;
use super::super::requests::{InTurn, searches};
use super::super::round::{Heading, Joined, Measured, Side, measure};
use super::super::server::Server;
use super::super::stage::{Base, On, Stage};
use super::super::verdict::Marks;
use super::{CLIENTS, CROWD, DISTINCT};

const UNIT: &str = "ms";

fn note(maximum: f64) -> Option<String> {
    Some(format!("half of {maximum:.0} a second, the maximum of this run"))
}

struct Bookings {
    maximum: f64,
}

impl Measured for Bookings {
    fn subject(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Side, BenchError> {
        let (outcome, faults) = stage.book_distinct(On::Postgres, CROWD, Pace::Open { per_second: self.maximum / 2.0 })?;
        Ok(Side { note: note(self.maximum), ..Side::permille(&outcome, 999).with(faults) })
    }

    fn reference(&mut self, _: &mut Stage<'_>, _: u32) -> Result<Option<Side>, BenchError> {
        Ok(None)
    }
}

struct Searches {
    base: Base,
    server: Server,
    maximum: f64,
}

impl Searches {
    fn prepare(stage: &mut Stage<'_>) -> Result<Self, BenchError> {
        let base = stage.fresh(On::Postgres)?;
        let server = Server::serve(&stage.place, &base.url())?;
        let mut searches = Self { base, server, maximum: 0.0 };
        searches.maximum = searches.run(stage, CLIENTS, Pace::Closed)?.rate();
        Ok(searches)
    }

    fn run(&self, stage: &Stage<'_>, clients: usize, pace: Pace) -> Result<super::super::load::Outcome, BenchError> {
        let requests = searches(&self.server.caller(stage.clock), &stage.diary, stage.first_free_day(), DISTINCT);
        drive::run(&stage.load(&self.server, clients, pace, InTurn::new(requests, 200, None)))
    }
}

impl Measured for Searches {
    fn subject(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Side, BenchError> {
        let outcome = self.run(stage, CROWD, Pace::Open { per_second: self.maximum / 2.0 })?;
        Ok(Side { note: note(self.maximum), ..Side::permille(&outcome, 999) })
    }

    fn reference(&mut self, _: &mut Stage<'_>, _: u32) -> Result<Option<Side>, BenchError> {
        Ok(None)
    }

    fn finish(self, stage: &mut Stage<'_>) -> Result<Vec<String>, BenchError> {
        drop(self.server);
        stage.discard(self.base)?;
        Ok(Vec::new())
    }
}

/// Open loop at half the maximum rate: p99.9 of booking and of search.
pub(super) fn b13(stage: &mut Stage<'_>) -> Vec<Row> {
    let heading = |id, subject, floor| Heading {
        id,
        subject,
        reference: "nothing",
        unit: UNIT,
        joined: Joined::Alone,
        marks: Marks::at_most(floor, 100.0, 100.0),
    };
    let bookings = measure(&heading("B13.booking", "p99.9 of bookings in an open loop", 250.0), stage, |stage| {
        let (outcome, _) = stage.book_distinct(On::Postgres, CLIENTS, Pace::Closed)?;
        Ok(Bookings { maximum: outcome.rate() })
    });
    let searches = measure(&heading("B13.search", "p99.9 of searches in an open loop", 1_000.0), stage, Searches::prepare);
    vec![bookings, searches]
}
