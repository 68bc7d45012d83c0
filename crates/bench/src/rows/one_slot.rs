//! Everybody wants the same slot: B4 and B5.
//!
//! What a reader would get wrong: a loser is as good an answer as a winner here, but there must be exactly one winner, and the
//! losers must be told that the slot is no longer available, in those words.

use super::super::BenchError;
use super::super::load::{Outcome, Pace, drive};
use super::super::report::Row;
use super::super::requests::{BookOne, InTurn, reads};
use super::super::round::{Heading, Joined, Measured, Side, measure};
use super::super::server::Server;
use super::super::stage::{Base, On, Stage, kept};
use super::super::verdict::Marks;
use super::{CLIENTS, DISTINCT};

/// Losers against readers, on one server.
struct Losers {
    base: Base,
    server: Server,
    won: u64,
}

impl Losers {
    fn prepare(stage: &mut Stage<'_>) -> Result<Self, BenchError> {
        let base = stage.fresh(On::Postgres)?;
        let server = Server::serve(&stage.place, &base.url())?;
        Ok(Self { base, server, won: stage.filled_count(On::Postgres) })
    }
}

/// Everybody books the slot of that index; what came back, and whether there was exactly one winner.
fn fight(stage: &Stage<'_>, server: &Server, index: u64) -> Result<(Outcome, Vec<String>), BenchError> {
    let slot = stage.diary.slot_at(index).ok_or_else(|| BenchError::failed("the diary has no slot left"))?;
    // The request ids of a round must be new: those of the last one are remembered.
    let bookings = stage.bookings_of_lot(server, stage.lot ^ (index + 1));
    let outcome = drive::run(&stage.load(server, CLIENTS, Pace::Closed, BookOne::new(bookings, slot)))?;
    let winners = outcome.answered(201);
    let faults = if winners == 1 { Vec::new() } else { vec![format!("the one slot has {winners} winners")] };
    Ok((outcome, faults))
}

impl Measured for Losers {
    fn subject(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Side, BenchError> {
        let (outcome, faults) = fight(stage, &self.server, self.won)?;
        self.won += outcome.answered(201);
        Ok(Side::rate(&outcome).with(faults))
    }

    fn reference(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Option<Side>, BenchError> {
        let caller = self.server.caller(stage.clock);
        let requests = reads(&caller, &stage.diary, stage.filled_count(On::Postgres), DISTINCT);
        let outcome = drive::run(&stage.load(&self.server, CLIENTS, Pace::Closed, InTurn::new(requests, 200, None)))?;
        Ok(Some(Side::rate(&outcome)))
    }

    fn finish(self, stage: &mut Stage<'_>) -> Result<Vec<String>, BenchError> {
        let faults = kept(&self.base.url(), self.won)?;
        drop(self.server);
        stage.discard(self.base)?;
        Ok(faults)
    }
}

/// Losers/s on one slot ÷ read by id.
pub(super) fn b4(stage: &mut Stage<'_>) -> Vec<Row> {
    let heading = Heading {
        id: "B4",
        subject: "answers to 64 clients who want one slot",
        reference: "reads by id",
        unit: "1/s",
        joined: Joined::Ratio,
        marks: Marks::at_least(0.3, 0.6, 1.0),
    };
    vec![measure(&heading, stage, Losers::prepare)]
}

/// p99 on one slot against p99 on distinct slots, each on a fresh database.
struct Tails;

impl Measured for Tails {
    fn subject(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Side, BenchError> {
        let base = stage.fresh(On::Postgres)?;
        let server = Server::serve(&stage.place, &base.url())?;
        let filled = stage.filled_count(On::Postgres);
        let (outcome, mut faults) = fight(stage, &server, filled)?;
        faults.extend(kept(&base.url(), filled + outcome.answered(201))?);
        drop(server);
        stage.discard(base)?;
        Ok(Side::permille(&outcome, 990).with(faults))
    }

    fn reference(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Option<Side>, BenchError> {
        let (outcome, faults) = stage.book_distinct(On::Postgres, CLIENTS, Pace::Closed)?;
        Ok(Some(Side::permille(&outcome, 990).with(faults)))
    }
}

/// p99 on one slot ÷ p99 of B1.
pub(super) fn b5(stage: &mut Stage<'_>) -> Vec<Row> {
    let heading = Heading {
        id: "B5",
        subject: "p99 of 64 clients who want one slot",
        reference: "p99 of 64 clients on distinct slots",
        unit: "ms",
        joined: Joined::Ratio,
        marks: Marks::at_most(1.5, 1.0, 0.5),
    };
    vec![measure(&heading, stage, |_| Ok(Tails))]
}
