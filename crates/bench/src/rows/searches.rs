//! Searches: B7 (whole answers) and B8 (answers not modified).
//!
//! What a reader would get wrong: the static reference answers with the very bytes of one of these searches.

use super::super::BenchError;
use super::super::load::{Pace, Script, drive};
use super::super::report::Row;
use super::super::requests::{InTurn, day_window, searches};
use super::super::round::{Heading, Joined, Measured, Side, measure};
use super::super::server::Server;
use super::super::stage::{Base, On, SLOTS_PER_DAY, Stage};
use super::super::verdict::Marks;
use super::{CLIENTS, DISTINCT};
use domain::synthetic::service_id;

struct Searches {
    base: Base,
    server: Server,
    fixed: Server,
    /// Length of an answer.
    bytes: usize,
    conditional: bool,
}

impl Searches {
    fn prepare(stage: &mut Stage<'_>, conditional: bool) -> Result<Self, BenchError> {
        let base = stage.fresh(On::Postgres)?;
        let server = Server::serve(&stage.place, &base.url())?;
        let request = server.caller(stage.clock).search(service_id(0).as_str(), day_window(&stage.diary, stage.first_free_day()), "");
        let answer = server.ask(&request)?;
        let slots = String::from_utf8_lossy(&answer.body).matches("\"resourceType\":\"Slot\"").count();
        if answer.status != 200 || u32::try_from(slots) != Ok(SLOTS_PER_DAY) {
            return Err(BenchError::failed(format!("a search was answered {} with {slots} slots, not {SLOTS_PER_DAY}", answer.status)));
        }
        let file = stage.place.file("answer.json");
        std::fs::write(&file, &answer.body).map_err(|error| BenchError::failed(format!("cannot write an answer: {error}")))?;
        let fixed = Server::fixed(&stage.place, &file)?;
        Ok(Self { base, server, fixed, bytes: answer.body.len(), conditional })
    }

    fn run(&self, stage: &Stage<'_>, server: &Server, script: impl Script + 'static) -> Result<Side, BenchError> {
        Ok(Side::rate(&drive::run(&stage.load(server, CLIENTS, Pace::Closed, script))?))
    }

    /// One search that asks whether an answer it has is still good.
    fn conditional(&self, stage: &Stage<'_>) -> Result<Vec<u8>, BenchError> {
        let caller = self.server.caller(stage.clock);
        let window = day_window(&stage.diary, stage.first_free_day());
        let first = self.server.ask(&caller.search(service_id(0).as_str(), window, ""))?;
        let unsupported = || BenchError::failed("the server does not answer conditional searches (no ETag, or no 304)");
        let etag = first.header("etag").ok_or_else(unsupported)?;
        let request = caller.search(service_id(0).as_str(), window, &format!("If-None-Match: {etag}\r\n"));
        if self.server.ask(&request)?.status == 304 { Ok(request) } else { Err(unsupported()) }
    }
}

impl Measured for Searches {
    fn subject(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Side, BenchError> {
        if self.conditional {
            let request = self.conditional(stage)?;
            return self.run(stage, &self.server, InTurn::new(vec![request], 304, None));
        }
        let requests = searches(&self.server.caller(stage.clock), &stage.diary, stage.first_free_day(), DISTINCT);
        self.run(stage, &self.server, InTurn::new(requests, 200, Some(self.bytes)))
    }

    fn reference(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Option<Side>, BenchError> {
        let host = self.fixed.address;
        let (condition, status) = if self.conditional { ("If-None-Match: W/\"1\"\r\n", 304) } else { ("", 200) };
        let request = format!("GET /body HTTP/1.1\r\nHost: {host}\r\n{condition}\r\n").into_bytes();
        self.run(stage, &self.fixed, InTurn::new(vec![request], status, None)).map(Some)
    }

    fn finish(self, stage: &mut Stage<'_>) -> Result<Vec<String>, BenchError> {
        drop(self.server);
        stage.discard(self.base)?;
        Ok(Vec::new())
    }
}

/// Search of 50 slots with includes ÷ static body of the same bytes.
pub(super) fn b7(stage: &mut Stage<'_>) -> Vec<Row> {
    let heading = Heading {
        id: "B7",
        subject: "searches of 50 slots with includes",
        reference: "static body of the same bytes",
        unit: "1/s",
        joined: Joined::Ratio,
        marks: Marks::at_least(0.12, 0.25, 0.5),
    };
    let mut row = measure(&heading, stage, |stage| Searches::prepare(stage, false));
    // The searches come again in turn, as those of many call handlers do; what one costs that is new is told beside.
    match written_anew(stage) {
        Ok(rate) => row.notes.push(format!("{rate:.0} a second where every answer is written anew (--answers-bytes-max 0)")),
        Err(error) => row.faults.push(error.to_string()),
    }
    vec![row]
}

/// Searches a second on a server that gives no answer twice.
fn written_anew(stage: &mut Stage<'_>) -> Result<f64, BenchError> {
    let base = stage.fresh(On::Postgres)?;
    let server = Server::serve_with(&stage.place, &base.url(), &["--answers-bytes-max", "0"])?;
    let requests = searches(&server.caller(stage.clock), &stage.diary, stage.first_free_day(), DISTINCT);
    let outcome = drive::run(&stage.load(&server, CLIENTS, Pace::Closed, InTurn::new(requests, 200, None)))?;
    drop(server);
    stage.discard(base)?;
    Ok(outcome.rate())
}

/// Conditional GET answered 304 ÷ static 304.
pub(super) fn b8(stage: &mut Stage<'_>) -> Vec<Row> {
    let heading = Heading {
        id: "B8",
        subject: "conditional searches answered 304",
        reference: "static 304",
        unit: "1/s",
        joined: Joined::Ratio,
        marks: Marks::at_least(0.5, 0.7, 0.9),
    };
    vec![measure(&heading, stage, |stage| Searches::prepare(stage, true))]
}
