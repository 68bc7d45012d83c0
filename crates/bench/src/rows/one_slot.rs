//! Everybody wants the same slot: B4 and B5.
//!
//! Pitfall: a loser is as good an answer as a winner here, but there must be exactly one winner, and the losers must be told
//! that the slot is no longer available, in those words.

use crate::client::drive;
use crate::client::workload::{Outcome, Pace};
use crate::environment::{Backend, Environment, TestDatabase, kept};
use crate::error::BenchError;
use crate::requests::{BookOne, InTurn, reads};
use crate::round::{Benchmark, Measurement, measure};
use crate::row::Row;
use crate::row::{Comparison, RowSpec};
use crate::rows::sizes::{CLIENTS, DISTINCT};
use crate::server::Server;
use crate::verdict::Thresholds;

/// Losers against readers, on one server.
struct Losers {
    base: TestDatabase,
    server: Server,
    won: u64,
}

impl Losers {
    fn prepare(env: &mut Environment<'_>) -> Result<Self, BenchError> {
        let base = env.fresh(Backend::Postgres)?;
        let server = env.serve(&base.url())?;
        Ok(Self { base, server, won: env.filled_count(Backend::Postgres) })
    }
}

/// Everybody books the slot of that index; what came back, and whether there was exactly one winner.
fn fight(env: &Environment<'_>, server: &Server, index: u64) -> Result<(Outcome, Vec<String>), BenchError> {
    let slot = env.diary.slot_at(index).ok_or_else(|| BenchError::failed("the diary has no slot left"))?;
    // The request ids of a round must be new: those of the last one are remembered.
    let bookings = env.bookings_of_run(server, env.run_seed ^ (index + 1));
    let outcome = drive::run(&env.load(server, CLIENTS, Pace::Closed, BookOne::new(bookings, slot)))?;
    let winners = outcome.answered(201);
    let faults = if winners == 1 { Vec::new() } else { vec![format!("the one slot has {winners} winners")] };
    Ok((outcome, faults))
}

impl Benchmark for Losers {
    fn subject(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Measurement, BenchError> {
        let (outcome, faults) = fight(env, &self.server, self.won)?;
        self.won += outcome.answered(201);
        Ok(Measurement::rate(&outcome).with(faults))
    }

    fn reference(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Option<Measurement>, BenchError> {
        let caller = self.server.caller(env.clock);
        let requests = reads(&caller, &env.diary, env.filled_count(Backend::Postgres), DISTINCT);
        let outcome = drive::run(&env.load(&self.server, CLIENTS, Pace::Closed, InTurn::new(requests, 200, None)))?;
        Ok(Some(Measurement::rate(&outcome)))
    }

    fn finish(self, env: &mut Environment<'_>) -> Result<Vec<String>, BenchError> {
        let faults = kept(&self.base.url(), self.won)?;
        drop(self.server);
        env.discard(self.base)?;
        Ok(faults)
    }
}

/// Losers/s on one slot ÷ read by id.
pub(crate) fn b4(env: &mut Environment<'_>) -> Vec<Row> {
    let spec = RowSpec {
        id: "B4",
        subject: "answers to 64 clients who want one slot",
        reference: "reads by id",
        unit: "1/s",
        joined: Comparison::Ratio,
        marks: Thresholds::at_least(0.3, 0.6, 1.0),
    };
    vec![measure(&spec, env, Losers::prepare)]
}

/// p99 on one slot against p99 on distinct slots, each on a fresh database.
struct Tails;

impl Benchmark for Tails {
    fn subject(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Measurement, BenchError> {
        let base = env.fresh(Backend::Postgres)?;
        let server = env.serve(&base.url())?;
        let filled = env.filled_count(Backend::Postgres);
        let (outcome, mut faults) = fight(env, &server, filled)?;
        faults.extend(kept(&base.url(), filled + outcome.answered(201))?);
        drop(server);
        env.discard(base)?;
        Ok(Measurement::permille(&outcome, 990).with(faults))
    }

    fn reference(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Option<Measurement>, BenchError> {
        let (outcome, faults) = env.book_distinct(Backend::Postgres, CLIENTS, Pace::Closed)?;
        Ok(Some(Measurement::permille(&outcome, 990).with(faults)))
    }
}

/// p99 on one slot ÷ p99 of B1.
pub(crate) fn b5(env: &mut Environment<'_>) -> Vec<Row> {
    let spec = RowSpec {
        id: "B5",
        subject: "p99 of 64 clients who want one slot",
        reference: "p99 of 64 clients on distinct slots",
        unit: "ms",
        joined: Comparison::Ratio,
        marks: Thresholds::at_most(1.5, 1.0, 0.5),
    };
    vec![measure(&spec, env, |_| Ok(Tails))]
}
