//! The references that `pgbench` runs, from the scripts in `benches/`, which are compiled in.
//!
//! `pgbench` binds its variables as parameters of prepared statements, so a document with any characters in it may be one.

use crate::error::BenchError;
use crate::postgres::{Database, Postgres};
use crate::sample::Sample;
use crate::workdir::WorkDir;
use domain::synthetic::SyntheticDiary;
use std::time::Duration;

const BOOK_BASE: &str = include_str!("../../../benches/book-base.sql");
const READ_BY_ID: &str = include_str!("../../../benches/read-by-id.sql");
/// Threads of `pgbench`: as many as the load client has.
const THREADS: usize = 2;

/// What `pgbench` said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PgbenchResult {
    /// Transactions a second, without the time that connecting took.
    pub(crate) per_second: f64,
    /// Transactions that were carried out.
    pub(crate) transactions: u64,
}

/// What to book.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BookingLoad {
    pub(crate) clients: usize,
    pub(crate) time: Duration,
    /// The slots before this one have appointments.
    pub(crate) first: u64,
}

/// Books distinct slots.
pub(crate) fn book_base(
    postgres: &Postgres,
    workdir: &WorkDir,
    database: &Database,
    diary: &SyntheticDiary,
    BookingLoad { clients, time, first }: BookingLoad,
    sample: &Sample,
) -> Result<PgbenchResult, BenchError> {
    let mut given = of_diary(diary);
    // The script counts its turn up before it books; in each turn every client takes one slot.
    let turn = i64::try_from(first.div_ceil(u64::try_from(clients).unwrap_or(1).max(1))).unwrap_or_default() - 1;
    given.extend([("clients", clients.to_string()), ("turn", turn.to_string())]);
    given.extend(sample.columns());
    run(postgres, workdir, database, "book-base.sql", BOOK_BASE, clients, time, &given)
}

/// Reads appointments on the first `count` slots of the diary.
pub(crate) fn read_by_id(
    postgres: &Postgres,
    workdir: &WorkDir,
    database: &Database,
    diary: &SyntheticDiary,
    count: u64,
    clients: usize,
    time: Duration,
) -> Result<PgbenchResult, BenchError> {
    let mut given = of_diary(diary);
    given.push(("count", count.to_string()));
    run(postgres, workdir, database, "read-by-id.sql", READ_BY_ID, clients, time, &given)
}

fn of_diary(diary: &SyntheticDiary) -> Vec<(&'static str, String)> {
    vec![("services", diary.services.to_string()), ("slots", diary.slots.to_string()), ("first_day", diary.first_day_number().to_string())]
}

#[expect(clippy::too_many_arguments, reason = "each is one word of the command line")]
fn run(
    postgres: &Postgres,
    workdir: &WorkDir,
    database: &Database,
    name: &str,
    script: &str,
    clients: usize,
    time: Duration,
    given: &[(&str, String)],
) -> Result<PgbenchResult, BenchError> {
    let file = workdir.file(name);
    std::fs::write(&file, script).map_err(|error| BenchError::failed(format!("cannot write {}: {error}", file.display())))?;
    // pgbench counts whole seconds.
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let mut words: Vec<String> =
        ["-n", "-M", "prepared", "-c", &clients.to_string(), "-j", &THREADS.min(clients).to_string()].map(str::to_owned).to_vec();
    words.extend(["-T".to_owned(), seconds.to_string(), "-f".to_owned(), file.display().to_string()]);
    for (variable, value) in given {
        words.extend(["-D".to_owned(), format!("{variable}={value}")]);
    }
    let told = postgres.pgbench(&database.name, &words)?;
    let ran = parse(&told).ok_or_else(|| BenchError::failed(format!("pgbench said something else: {}", told.replace('\n', " "))))?;
    if ran.transactions == 0 {
        return Err(BenchError::failed(format!("pgbench carried out nothing in {seconds} s: the machine is too busy")));
    }
    Ok(ran)
}

/// What is in the summary of `pgbench`.
fn parse(told: &str) -> Option<PgbenchResult> {
    let after = |start: &str| told.lines().find_map(|line| line.trim().strip_prefix(start));
    let transactions = after("number of transactions actually processed: ")?;
    let transactions = transactions.split(['/', ' ']).next()?.parse().ok()?;
    // Without any transaction it names no rate.
    let per_second = match after("tps = ") {
        Some(rate) => rate.split_whitespace().next()?.parse().ok()?,
        None if transactions == 0 => 0.0,
        None => return None,
    };
    Some(PgbenchResult { per_second, transactions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_pgbench_is_read_and_anything_else_is_not() {
        let told = "pgbench (15.14)\ntransaction type: book-base.sql\nscaling factor: 1\nquery mode: prepared\n\
            number of clients: 64\nnumber of transactions actually processed: 15231\nnumber of failed transactions: 0 (0.000%)\n\
            latency average = 20.9 ms\ninitial connection time = 95.1 ms\ntps = 3058.214113 (without initial connection time)";
        assert_eq!(parse(told), Some(PgbenchResult { per_second: 3058.214113, transactions: 15_231 }));
        assert_eq!(parse("number of transactions actually processed: 0\n"), Some(PgbenchResult { per_second: 0.0, transactions: 0 }));
        assert_eq!(parse("number of transactions actually processed: 5\n"), None);
        assert_eq!(parse("pgbench: error: connection failed"), None);
    }
}
