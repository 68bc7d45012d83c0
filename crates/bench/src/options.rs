//! The command line of `slotkeeper-bench`, and what it comes to.

use crate::error::BenchError;
use crate::verdict::Grade;
use std::path::PathBuf;
use std::time::Duration;

/// The rows there are, in the order in which they run.
pub(crate) const ROWS: [(&str, &str); 13] = [
    ("B1", "bookings, 64 clients, PostgreSQL / pgbench, five round trips"),
    ("B2", "bookings, 256 clients, PostgreSQL / pgbench, five round trips"),
    ("B3", "bookings, 64 clients, PostgreSQL / raw batched statement"),
    ("B4", "losers on one slot / reads by id"),
    ("B5", "p99 on one slot / p99 on distinct slots"),
    ("B6", "reads by id / pgbench read"),
    ("B7", "searches of 50 slots with includes / static body of the same bytes"),
    ("B8", "conditional searches answered 304 / static 304"),
    ("B9", "bookings, 64 clients, SQLite / raw batched writer"),
    ("B10", "growth: many slots / 100,000 slots"),
    ("B11", "bookings with 256 clients / with 64"),
    ("B12", "one client: booking p50 minus flush p50"),
    ("B13", "open loop at half the maximum rate: p99.9"),
];
/// Slots of the large diary of B10.
const GROWTH_SLOTS: u64 = 10_000_000;
const GROWTH_SLOTS_QUICK: u64 = 1_000_000;

/// What `slotkeeper-bench` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct BenchArgs {
    /// Only these rows, such as B1,B4
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Two rounds of two seconds instead of five of five, and a million slots in B10 instead of ten
    #[arg(long)]
    pub quick: bool,
    /// Also write the results to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Also draw the results into this file
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Fail unless every row is as good as this
    #[arg(long, value_name = "GRADE", value_enum)]
    pub must: Option<Grade>,
    /// Slots of the large diary of B10, 1000 to 50000000: ten million, which take some minutes and gigabytes, unless said
    /// otherwise; with --quick one
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1_000..=50_000_000))]
    pub growth_slots: Option<u64>,
    /// Rounds of each row, 1 to 100: 5 unless said otherwise, with --quick 2
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: Option<u32>,
    /// Length of each side of a round, in seconds: 5 unless said otherwise, with --quick 2
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<f64>,
    /// The server that is measured: the `slotkeeper` beside this program unless said otherwise
    #[arg(long, value_name = "PATH")]
    pub server_bin: Option<PathBuf>,
}

/// Arguments that were found usable.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) rows: Vec<&'static str>,
    pub(crate) rounds: u32,
    /// Length of each side of a round.
    pub(crate) time: Duration,
    pub(crate) growth_slots: u64,
    pub(crate) must: Option<Grade>,
}

impl Settings {
    /// What `args` come to.
    pub(crate) fn parse(args: &BenchArgs) -> Result<Self, BenchError> {
        let (rounds, seconds, growth_slots) = if args.quick { (2, 2.0, GROWTH_SLOTS_QUICK) } else { (5, 5.0, GROWTH_SLOTS) };
        let seconds = args.seconds.unwrap_or(seconds);
        // A token lives five minutes, and one is made for each side of a round.
        if !(0.05..=240.0).contains(&seconds) {
            return Err(BenchError::Usage(format!("--seconds is {seconds}; it must be 0.05 to 240")));
        }
        let known = || ROWS.map(|(id, _)| id).join(", ");
        let wanted: Vec<String> = args.only.iter().map(|id| id.trim().to_ascii_uppercase()).collect();
        if let Some(wrong) = wanted.iter().find(|id| !ROWS.iter().any(|(known, _)| known == id)) {
            return Err(BenchError::Usage(format!("--only: there is no row `{wrong}`; there are {}", known())));
        }
        let rows = ROWS.iter().map(|(id, _)| *id).filter(|id| wanted.is_empty() || wanted.iter().any(|w| w == id)).collect();
        Ok(Self {
            rows,
            rounds: args.rounds.unwrap_or(rounds),
            time: Duration::from_secs_f64(seconds),
            growth_slots: args.growth_slots.unwrap_or(growth_slots),
            must: args.must,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        bench: BenchArgs,
    }

    fn settings(words: &[&str]) -> Result<Settings, BenchError> {
        Settings::parse(&Line::try_parse_from(["bench"].iter().chain(words)).unwrap().bench)
    }

    #[test]
    fn rows_are_chosen_in_any_case_and_run_in_their_own_order() {
        assert_eq!(settings(&["--only", "b4, B1"]).unwrap().rows, ["B1", "B4"]);
        assert_eq!(settings(&[]).unwrap().rows.len(), 13);
        let refused = settings(&["--only", "B1,B14"]).unwrap_err();
        assert!(refused.is_usage() && refused.to_string().contains("B14"), "{refused}");
        assert!(settings(&["--seconds", "0"]).unwrap_err().is_usage());
    }

    #[test]
    fn quick_is_two_rounds_of_two_seconds_a_full_run_five_of_five() {
        let of = |words: &[&str]| settings(words).map(|s| (s.rounds, s.time.as_secs(), s.growth_slots)).unwrap();
        assert_eq!((of(&["--quick"]), of(&[])), ((2, 2, 1_000_000), (5, 5, 10_000_000)));
    }
}
