//! The command line: one file per command; here they are listed, told apart and given their exit codes.
//!
//! Pitfall: 0 is done, 1 is failed (a port, a database, a file, a judged failure), 2 is
//! wrong usage; data goes to stdout, everything else to stderr, and a failure is one line (docs/contract.md#command-line).

pub mod access_log;
pub mod archive;
pub mod bench;
pub mod check;
pub mod config;
pub mod demo;
pub mod diary;
pub mod issuers;
pub mod migrate;
pub mod policy;
pub mod policy_file;
pub mod race;
pub mod reload;
pub mod seed;
pub mod seed_files;
pub mod serve;
pub mod synthetic;
#[cfg(test)]
mod tests;
pub mod token;
pub mod toml_table;

use crate::engine::{Maintenance, Ports, SystemClock, UuidIds};
use crate::store::{DatabaseUrl, Store, StoreError};
use chrono::NaiveDate;
use clap::{Parser, Subcommand};
use domain::plain::{plain, plain_lines};
use domain::time::{Clock, LONDON};
use fhir::stu3::Stu3Documents;
use std::io::Write;
use std::sync::Arc;

/// Offers a provider's time over FHIR STU3 and never books a slot twice.
///
/// Every flag can also be set as SLOTKEEPER_<FLAG> in the environment or as a key of the file named by --config
/// (flat TOML, `-` written as `_`). A flag beats the environment, which beats the file.
#[derive(Debug, Parser)]
#[command(name = "slotkeeper", version, propagate_version = true)]
pub struct Cli {
    /// Configuration file (flat TOML)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<String>,
    /// How much is logged to stderr: error, warn, info, debug, trace, or env_logger's filters
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub log: String,
    /// What to do
    #[command(subcommand)]
    pub command: CliCommand,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Runs the server
    Serve(Box<serve::ServeArgs>),
    /// Applies the migrations the database lacks, or lists them
    Migrate(migrate::MigrateArgs),
    /// Loads a provider's directory and diary from files, or an invented one of any size
    Seed(seed::SeedArgs),
    /// Shows who is coming, and what is still free
    Diary(diary::DiaryArgs),
    /// Checks a policy file and shows what each consumer may see and do
    Policy(policy::PolicyArgs),
    /// Prints a bearer token as a consumer would send it
    Token(token::TokenArgs),
    /// Races a running server for the same slots, judges every answer, and cancels what it booked
    Race(race::RaceArgs),
    /// Prints the OpenAPI document that the server serves as /openapi.json
    Openapi,
    /// Moves past slots out of the diary, so that what is searched and booked stays small
    Archive(archive::ArchiveArgs),
    /// Asks a database whether every invariant holds; reads only
    Check(check::CheckArgs),
    /// Has moved: run slotkeeper-bench
    #[command(hide = true)]
    Bench(bench::BenchArgs),
}

/// Why a command did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Exit 2: a flag, a key or a combination that cannot be.
    #[error("{0}")]
    Usage(String),
    /// Exit 1: a port, a database, a file.
    #[error("{0}")]
    Failed(String),
    /// Exit 1: the command ran and judged; what it judged is on stdout already.
    #[error("")]
    Judged,
}

impl Failure {
    /// The exit code.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) | Self::Judged => 1,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Where the database is.
#[derive(Debug, Clone, clap::Args)]
pub struct DatabaseArgs {
    /// sqlite://FILE or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL", default_value = "sqlite://slotkeeper.db")]
    pub database_url: String,
}

impl DatabaseArgs {
    /// The URL, checked.
    ///
    /// # Errors
    /// [`Failure::Usage`].
    pub fn url(&self) -> Result<DatabaseUrl, Failure> {
        DatabaseUrl::parse(&self.database_url).map_err(|e| Failure::Usage(format!("--database-url: {e}")))
    }

    /// The database, which must be of this version.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn open(&self) -> Result<Store, Failure> {
        Ok(Store::open(&self.url()?, false)?)
    }
}

/// Runs a command.
///
/// # Errors
/// [`Failure`], with its exit code.
pub fn run(cli: &Cli, out: &mut dyn Write) -> Result<(), Failure> {
    // A torn request is a consumer's fault; the library would call it an error of ours.
    let torn = ("actix_http::h1::dispatcher", log::LevelFilter::Off);
    // What a stranger sends in a handshake is not worth a line each; `--log info,rustls=debug` shows it.
    let handshakes = ("rustls", log::LevelFilter::Error);
    let mut logger = env_logger::Builder::new();
    logger
        .filter_module(handshakes.0, handshakes.1)
        .parse_filters(&cli.log)
        .filter_module(torn.0, torn.1)
        .format(|out, record| {
            let style = out.default_level_style(record.level());
            // What others say, such as a database or a file, is in some of them.
            let told = plain(&record.args().to_string());
            writeln!(out, "[{style}{:<5}{style:#} {}] {told}", record.level(), record.target())
        })
        .target(env_logger::Target::Stderr)
        .init();
    match &cli.command {
        CliCommand::Serve(args) => serve::run(args, out),
        CliCommand::Migrate(args) => migrate::run(args, out),
        CliCommand::Seed(args) => seed::run(args, out),
        CliCommand::Diary(args) => diary::run(args, out),
        CliCommand::Archive(args) => archive::run(args, out),
        CliCommand::Check(args) => check::run(args, out),
        CliCommand::Policy(args) => policy::run(args, out),
        CliCommand::Bench(args) => Err(bench::moved(args)),
        CliCommand::Openapi => say(out, crate::http::openapi::text().trim_end()),
        CliCommand::Token(args) => {
            let token = token::print(args, SystemClock.now()).map_err(|e| told(e.is_usage(), e.to_string()))?;
            say(out, &token)
        }
        CliCommand::Race(args) => race::run(args, &SystemClock, &UuidIds, out),
    }
}

const fn told(usage: bool, text: String) -> Failure {
    if usage { Failure::Usage(text) } else { Failure::Failed(text) }
}

/// The real clock, ids and codec.
pub fn ports() -> Ports {
    Ports { clock: Arc::new(SystemClock), ids: Arc::new(UuidIds), documents: Arc::new(Stu3Documents) }
}

/// Maintenance of an opened database, by the real clock.
pub fn maintenance(store: &Store) -> Maintenance {
    Maintenance::new(store.clone(), ports())
}

/// Today in London.
pub fn today() -> NaiveDate {
    SystemClock.now().local(LONDON).date()
}

/// Writes a line of data, or several, in which nothing is hidden. A reader that has gone away (`| head`) is no failure.
///
/// # Errors
/// [`Failure::Failed`].
pub fn say(out: &mut dyn Write, line: &str) -> Result<(), Failure> {
    written(writeln!(out, "{}", plain_lines(line)).and_then(|()| out.flush()))
}

/// Begins a new page of paper.
///
/// # Errors
/// [`Failure::Failed`].
pub fn page_break(out: &mut dyn Write) -> Result<(), Failure> {
    written(out.write_all(b"\x0c"))
}

fn written(outcome: std::io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::Failed(format!("cannot write to stdout: {e}"))),
        _ => Ok(()),
    }
}
