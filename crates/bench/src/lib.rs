//! The benchmark set, each row with its reference in the same run.
//!
//! It starts what it needs (a throw-away PostgreSQL, servers of its own) and leaves nothing behind.
//! Pitfall: absolute figures of a small or busy machine mean little. What is judged are ratios of things that took turns.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions,
        clippy::unreachable,
        clippy::disallowed_methods,
        reason = "a unit test may panic"
    )
)]

mod client;
mod environment;
mod error;
mod fixed;
mod options;
mod pgbench;
mod plot;
mod postgres;
mod probe;
mod programs;
mod progress;
mod raw;
mod report;
mod requests;
mod round;
mod row;
mod rows;
mod sample;
mod server;
mod statistics;
mod verdict;
mod workdir;

pub use error::BenchError;
pub use fixed::{StaticArgs, run as run_static};
pub use options::BenchArgs;
pub use verdict::Grade;

use chrono::NaiveDate;
use domain::ids::Ids;
use domain::time::Clock;
use environment::Environment;
use options::Settings;
use programs::Programs;
use progress::Progress;
use report::Report;
use std::io::Write;
use std::path::Path;

/// Runs the rows that `args` ask for and writes the table to `out`. True when every assertion held and every row is as good
/// as it must be.
///
/// # Errors
/// [`BenchError`].
pub fn run(args: &BenchArgs, clock: &dyn Clock, ids: &dyn Ids, today: NaiveDate, out: &mut dyn Write) -> Result<bool, BenchError> {
    let settings = Settings::parse(args)?;
    let programs = Programs::find(args.server_bin.as_deref())?;
    let failed = |error: std::io::Error| BenchError::failed(format!("cannot write the result: {error}"));
    let progress = Progress::new(settings.rows.iter().map(|id| rows::steps(id, settings.rounds)).sum());
    if cfg!(debug_assertions) {
        log::warn!("this is a debug build: its figures mean nothing");
    }
    let mut env = Environment::new(&settings, clock, ids, today, programs, &progress)?;
    let mut measured = Vec::new();
    for id in &settings.rows {
        measured.extend(rows::measure_row(&mut env, id));
    }
    progress.finish();
    let machine = probe::machine(env.postgres_version(), postgres::Postgres::settings());
    drop(env);
    let report = Report { rows: measured, machine, date: clock.now().to_fhir(), must: settings.must };
    report.print(out).map_err(failed)?;
    if let Some(path) = &args.json {
        write(path, &format!("{:#}\n", report.json()))?;
    }
    if let Some(path) = &args.plot {
        write(path, &plot::draw(&report)?)?;
    }
    Ok(report.is_good())
}

fn write(path: &Path, text: &str) -> Result<(), BenchError> {
    std::fs::write(path, text).map_err(|error| BenchError::failed(format!("cannot write {}: {error}", path.display())))
}
