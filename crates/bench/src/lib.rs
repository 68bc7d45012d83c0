//! `slotkeeper bench`: the benchmark set, each row with its reference in the same run.
//!
//! It starts what it needs (a throw-away PostgreSQL, servers of its own) and leaves nothing behind. What a reader would get
//! wrong: absolute figures of a small or busy machine mean little. What is judged are ratios of things that took turns.

mod fixed;
mod load;
mod options;
mod pgbench;
mod place;
mod plot;
mod postgres;
mod probe;
mod raw;
mod report;
mod requests;
mod round;
mod rows;
mod sample;
mod server;
mod stage;
mod verdict;

pub use fixed::{StaticArgs, run as run_static};
pub use options::BenchArgs;
pub use verdict::Grade;

use chrono::NaiveDate;
use domain::ids::Ids;
use domain::time::Clock;
use indicatif::{ProgressBar, ProgressStyle};
use options::Settings;
use report::Report;
use stage::Stage;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Why a bench came to no end.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Arguments that cannot be used (exit 2).
    #[error("{0}")]
    Usage(String),
    /// Something that is needed is not there (exit 1).
    #[error("{0}")]
    Failed(String),
}

impl BenchError {
    /// True when the command line is at fault (exit 2 instead of 1).
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }

    fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }
}

/// The bar on stderr.
struct Progress(ProgressBar);

impl Progress {
    fn new(steps: u64) -> Self {
        let bar = ProgressBar::new(steps);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed_precise} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_secs(1));
        Self(bar)
    }

    fn say(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    fn step(&self) {
        self.0.inc(1);
    }
}

/// Runs the rows that `args` ask for and writes the table to `out`. True when every assertion held and every row is as good
/// as it must be.
///
/// # Errors
/// [`BenchError`].
pub fn run(args: &BenchArgs, clock: &dyn Clock, ids: &dyn Ids, today: NaiveDate, out: &mut dyn Write) -> Result<bool, BenchError> {
    let settings = Settings::parse(args)?;
    let failed = |error: std::io::Error| BenchError::failed(format!("cannot write the result: {error}"));
    let progress = Progress::new(settings.rows.iter().map(|id| rows::steps(id, settings.rounds)).sum());
    if cfg!(debug_assertions) {
        log::warn!("this is a debug build: its figures mean nothing");
    }
    let mut stage = Stage::new(&settings, clock, ids, today, &progress)?;
    let mut measured = Vec::new();
    for id in &settings.rows {
        measured.extend(rows::run(&mut stage, id));
    }
    progress.0.finish_and_clear();
    let machine = probe::machine(stage.postgres_version(), postgres::Postgres::settings());
    drop(stage);
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
