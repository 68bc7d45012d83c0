//! Growth: B10, the same work with very many slots and with a hundred thousand. One row each for bookings, searches, reads.
//!
//! Pitfall: the large diary is laid out once and booked on, since copying it would take longer than measuring; the small one
//! is copied for each round, since it would run out.

use crate::client::drive;
use crate::client::workload::{Outcome, Pace, Workload};
use crate::environment::{Backend, Environment, SLOTS_PER_DAY, counted, free_from, kept};
use crate::error::BenchError;
use crate::postgres::Database;
use crate::raw;
use crate::requests::{BookDistinct, InTurn, reads, searches};
use crate::round::{Benchmark, Measurement, measure};
use crate::row::Row;
use crate::row::{Comparison, RowSpec};
use crate::rows::sizes::{CLIENTS, DISTINCT};
use crate::server::Server;
use crate::verdict::Thresholds;
use domain::synthetic::{DAYS_MAX, SyntheticDiary};

const SMALL_SLOTS: u64 = 100_000;
/// Days of a diary: as far ahead as somebody might plan.
const DAYS: u32 = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Booking,
    Search,
    Read,
}

/// Both diaries, kept over the three rows.
struct Diaries {
    large: SyntheticDiary,
    large_at: Database,
    small: SyntheticDiary,
    small_at: Database,
    /// Appointments there are to be read, in both.
    filled: u64,
    /// Slots of the large diary that were booked or tried.
    used: u64,
    /// Appointments in the large diary.
    booked: u64,
}

impl Diaries {
    fn lay_out(env: &mut Environment<'_>) -> Result<Self, BenchError> {
        let slots = env.settings.growth_slots;
        let large = sized(env, slots)?;
        let small = sized(env, SMALL_SLOTS.min(slots / 10))?;
        let small_at = env.lay_out("small", &small)?;
        let large_at = env.lay_out("large", &large)?;
        let filled = env.filled_count(Backend::Postgres).min(small.slot_count() / 4);
        for (diary, database) in [(&small, &small_at), (&large, &large_at)] {
            env.fill(&database.url, diary, filled)?;
            env.settle(database)?;
        }
        Ok(Self { large, large_at, small, small_at, filled, used: filled, booked: filled })
    }
}

/// A diary of about that many slots, with the days first and then the services it takes.
fn sized(env: &Environment<'_>, slots: u64) -> Result<SyntheticDiary, BenchError> {
    let of_day = u64::from(SLOTS_PER_DAY);
    let days = u32::try_from(slots / of_day / 20).unwrap_or(DAYS_MAX).clamp(1, DAYS);
    let services = u32::try_from(slots.div_ceil(of_day * u64::from(days))).map_err(|_| BenchError::failed("too many slots"))?;
    Ok(SyntheticDiary { services, days, slots: SLOTS_PER_DAY, first: env.diary.first })
}

struct Grown<'d> {
    work: Work,
    diaries: &'d mut Diaries,
}

impl Grown<'_> {
    fn run(&self, env: &Environment<'_>, server: &Server, diary: &SyntheticDiary, first: u64) -> Result<Outcome, BenchError> {
        let caller = server.caller(env.clock);
        let load: Workload = match self.work {
            Work::Booking => {
                let bookings = env.bookings_of_run(server, env.run_seed ^ first);
                env.load(server, CLIENTS, Pace::Closed, BookDistinct::new(bookings, *diary, first))
            }
            Work::Search => {
                let first = free_from(diary, self.diaries.filled);
                env.load(server, CLIENTS, Pace::Closed, InTurn::new(searches(&caller, diary, first, DISTINCT), 200, None))
            }
            Work::Read => {
                let requests = reads(&caller, diary, self.diaries.filled, DISTINCT);
                env.load(server, CLIENTS, Pace::Closed, InTurn::new(requests, 200, None))
            }
        };
        drive::run(&load)
    }
}

impl Benchmark for Grown<'_> {
    fn subject(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Measurement, BenchError> {
        let server = env.serve(&self.diaries.large_at.url)?;
        let outcome = self.run(env, &server, &self.diaries.large, self.diaries.used)?;
        let mut faults = Vec::new();
        if self.work == Work::Booking {
            self.diaries.booked += outcome.answered(201);
            self.diaries.used += outcome.statuses.values().sum::<u64>();
            faults = counted(&raw::open(&self.diaries.large_at.url)?, self.diaries.booked)?;
        }
        Ok(Measurement::rate(&outcome).with(faults))
    }

    fn reference(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Option<Measurement>, BenchError> {
        let small = self.diaries.small_at.clone();
        let copy = env.postgres()?.copy(&small)?;
        let server = env.serve(&copy.url)?;
        let outcome = self.run(env, &server, &self.diaries.small, self.diaries.filled)?;
        let mut faults = Vec::new();
        if self.work == Work::Booking {
            faults = kept(&copy.url, self.diaries.filled + outcome.answered(201))?;
        }
        drop(server);
        env.postgres()?.drop_database(&copy)?;
        Ok(Some(Measurement::rate(&outcome).with(faults)))
    }
}

/// Rate with 1e7 slots ÷ rate with 1e5, for booking, search and read.
pub(crate) fn b10(env: &mut Environment<'_>) -> Vec<Row> {
    let spec = |id, subject, marks| RowSpec { id, subject, reference: "the small diary", unit: "1/s", joined: Comparison::Ratio, marks };
    let specs = [
        (Work::Search, spec("B10.search", "searches in the large diary", Thresholds::at_least(0.4, 0.7, 0.9))),
        (Work::Read, spec("B10.read", "reads in the large diary", Thresholds::at_least(0.5, 0.65, 0.8))),
        (Work::Booking, spec("B10.booking", "bookings in the large diary", Thresholds::at_least(0.7, 0.85, 0.95))),
    ];
    let mut diaries = match Diaries::lay_out(env) {
        Ok(diaries) => diaries,
        Err(error) => return specs.map(|(_, spec)| Row::failed(&spec, error.to_string())).to_vec(),
    };
    let mut rows: Vec<Row> = specs
        .iter()
        .map(|(work, spec)| {
            let mut row = measure(spec, env, |_| Ok(Grown { work: *work, diaries: &mut diaries }));
            row.notes.push(format!("{} slots against {}", diaries.large.slot_count(), diaries.small.slot_count()));
            row
        })
        .collect();
    env.progress.say("checking the large diary");
    let end = kept(&diaries.large_at.url, diaries.booked).and_then(|faults| {
        env.postgres()?.drop_database(&diaries.large_at)?;
        env.postgres()?.drop_database(&diaries.small_at).map(|()| faults)
    });
    if let Some(last) = rows.last_mut() {
        last.faults.extend(end.unwrap_or_else(|error| vec![error.to_string()]));
    }
    rows
}
