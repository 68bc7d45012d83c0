//! Searches: B7 (whole answers) and B8 (answers not modified).
//!
//! The static reference answers with the very bytes of one of these searches.

use crate::client::drive;
use crate::client::workload::{Pace, Script};
use crate::environment::{Backend, Environment, SLOTS_PER_DAY, TestDatabase};
use crate::error::BenchError;
use crate::requests::{InTurn, day_window, searches};
use crate::round::{Benchmark, Measurement, measure};
use crate::row::Row;
use crate::row::{Comparison, RowSpec};
use crate::rows::sizes::{CLIENTS, DISTINCT};
use crate::server::Server;
use crate::verdict::Thresholds;
use domain::synthetic::service_id;

struct Searches {
    base: TestDatabase,
    server: Server,
    fixed: Server,
    /// Length of an answer.
    bytes: usize,
    conditional: bool,
}

impl Searches {
    fn prepare(env: &mut Environment<'_>, conditional: bool) -> Result<Self, BenchError> {
        let base = env.fresh(Backend::Postgres)?;
        let server = env.serve(&base.url())?;
        let request = server.caller(env.clock).search(service_id(0).as_str(), day_window(&env.diary, env.first_free_day()), "");
        let answer = server.ask(&request)?;
        let slots = String::from_utf8_lossy(&answer.body).matches("\"resourceType\":\"Slot\"").count();
        if answer.status != 200 || u32::try_from(slots) != Ok(SLOTS_PER_DAY) {
            return Err(BenchError::failed(format!("a search was answered {} with {slots} slots, not {SLOTS_PER_DAY}", answer.status)));
        }
        let file = env.workdir.file("answer.json");
        std::fs::write(&file, &answer.body).map_err(|error| BenchError::failed(format!("cannot write an answer: {error}")))?;
        let fixed = env.serve_fixed(&file)?;
        Ok(Self { base, server, fixed, bytes: answer.body.len(), conditional })
    }

    fn run(&self, env: &Environment<'_>, server: &Server, script: impl Script + 'static) -> Result<Measurement, BenchError> {
        Ok(Measurement::rate(&drive::run(&env.load(server, CLIENTS, Pace::Closed, script))?))
    }

    /// One search that asks whether an answer it has is still good.
    fn conditional(&self, env: &Environment<'_>) -> Result<Vec<u8>, BenchError> {
        let caller = self.server.caller(env.clock);
        let window = day_window(&env.diary, env.first_free_day());
        let first = self.server.ask(&caller.search(service_id(0).as_str(), window, ""))?;
        let unsupported = || BenchError::failed("the server does not answer conditional searches (no ETag, or no 304)");
        let etag = first.header("etag").ok_or_else(unsupported)?;
        let request = caller.search(service_id(0).as_str(), window, &format!("If-None-Match: {etag}\r\n"));
        if self.server.ask(&request)?.status == 304 { Ok(request) } else { Err(unsupported()) }
    }
}

impl Benchmark for Searches {
    fn subject(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Measurement, BenchError> {
        if self.conditional {
            let request = self.conditional(env)?;
            return self.run(env, &self.server, InTurn::new(vec![request], 304, None));
        }
        let requests = searches(&self.server.caller(env.clock), &env.diary, env.first_free_day(), DISTINCT);
        self.run(env, &self.server, InTurn::new(requests, 200, Some(self.bytes)))
    }

    fn reference(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Option<Measurement>, BenchError> {
        let host = self.fixed.address;
        let (condition, status) = if self.conditional { ("If-None-Match: W/\"1\"\r\n", 304) } else { ("", 200) };
        let request = format!("GET /body HTTP/1.1\r\nHost: {host}\r\n{condition}\r\n").into_bytes();
        self.run(env, &self.fixed, InTurn::new(vec![request], status, None)).map(Some)
    }

    fn finish(self, env: &mut Environment<'_>) -> Result<Vec<String>, BenchError> {
        drop(self.server);
        env.discard(self.base)?;
        Ok(Vec::new())
    }
}

/// Search of 50 slots with includes ÷ static body of the same bytes.
pub(crate) fn b7(env: &mut Environment<'_>) -> Vec<Row> {
    let spec = RowSpec {
        id: "B7",
        subject: "searches of 50 slots with includes",
        reference: "static body of the same bytes",
        unit: "1/s",
        joined: Comparison::Ratio,
        marks: Thresholds::at_least(0.12, 0.25, 0.5),
    };
    let mut row = measure(&spec, env, |env| Searches::prepare(env, false));
    // The searches come again in turn, as those of many call handlers do; what one costs that is new is told beside.
    match written_anew(env) {
        Ok(rate) => row.notes.push(format!("{rate:.0} a second where every answer is written anew (--answers-bytes-max 0)")),
        Err(error) => row.faults.push(error.to_string()),
    }
    vec![row]
}

/// Searches a second on a server that gives no answer twice.
fn written_anew(env: &mut Environment<'_>) -> Result<f64, BenchError> {
    let base = env.fresh(Backend::Postgres)?;
    let server = env.serve_with(&base.url(), &["--answers-bytes-max", "0"])?;
    let requests = searches(&server.caller(env.clock), &env.diary, env.first_free_day(), DISTINCT);
    let outcome = drive::run(&env.load(&server, CLIENTS, Pace::Closed, InTurn::new(requests, 200, None)))?;
    drop(server);
    env.discard(base)?;
    Ok(outcome.rate())
}

/// Conditional GET answered 304 ÷ static 304.
pub(crate) fn b8(env: &mut Environment<'_>) -> Vec<Row> {
    let spec = RowSpec {
        id: "B8",
        subject: "conditional searches answered 304",
        reference: "static 304",
        unit: "1/s",
        joined: Comparison::Ratio,
        marks: Thresholds::at_least(0.5, 0.7, 0.9),
    };
    vec![measure(&spec, env, |env| Searches::prepare(env, true))]
}
