//! `slotkeeper-bench`: measures a server, or stands in for one as the static reference.

use bench::{BenchArgs, BenchError, StaticArgs};
use clap::{Parser, Subcommand};
use slotkeeper::cli::today;
use slotkeeper::engine::{SystemClock, UuidIds};
use std::process::ExitCode;

/// As in the server: the bench reads answers and books in process on the same allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures bookings, reads and searches, each against a reference in the same run.
#[derive(Debug, Parser)]
#[command(name = "slotkeeper-bench", version, args_conflicts_with_subcommands = true)]
struct Cli {
    /// How much is logged to stderr: error, warn, info, debug, trace, or env_logger's filters
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    log: String,
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    bench: BenchArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The reference of two rows: a server with one body
    #[command(hide = true)]
    Static(StaticArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    env_logger::Builder::new().parse_filters(&cli.log).target(env_logger::Target::Stderr).init();
    let outcome = match &cli.command {
        Some(Command::Static(args)) => bench::run_static(args).map(|()| true),
        None => bench::run(&cli.bench, &SystemClock, &UuidIds, today(), &mut std::io::stdout()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("slotkeeper-bench: {error}");
            ExitCode::from(if matches!(error, BenchError::Usage(_)) { 2 } else { 1 })
        }
    }
}
