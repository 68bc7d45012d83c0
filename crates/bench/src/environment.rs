//! What rows are measured on: databases laid out once and copied for every round, servers, and what is asked of a
//! database after a run of bookings.
//!
//! Pitfall: everything is made when it is first needed, so that `--only B9` starts no PostgreSQL; and everything made lives
//! in a [`WorkDir`] and goes with them.

use crate::client::drive;
use crate::client::workload::{Outcome, Pace, Script, Workload};
use crate::error::BenchError;
use crate::options::Settings;
use crate::postgres::{Database, Postgres};
use crate::probe::Probe;
use crate::programs::Programs;
use crate::progress::Progress;
use crate::raw;
use crate::requests::{BookDistinct, BookingTemplates};
use crate::sample::Sample;
use crate::server::Server;
use crate::workdir::WorkDir;
use chrono::{Days, NaiveDate};
use domain::ids::Ids;
use domain::synthetic::SyntheticDiary;
use domain::time::Clock;
use slotkeeper::cli::maintenance;
use slotkeeper::cli::synthetic;
use slotkeeper::store::{DatabaseUrl, Store, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Slots of a service on a day: what one search finds.
pub(crate) const SLOTS_PER_DAY: u32 = 50;
const SERVICES: u32 = 40;
/// More bookings a second than any machine has shown, so that a round does not run out of slots.
const RATE_MAX: u32 = 20_000;
const SLOTS_MIN: u32 = 8_000;
const SLOTS_MAX: u32 = 150_000;
/// Appointments there are to be read.
const FILLED_MAX: u64 = 10_000;
/// Bookings of one transaction while filling.
const FILL_BATCH: u64 = 64;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Postgres,
    Sqlite,
}

/// A database for one round, or for a row.
#[derive(Debug)]
pub(crate) enum TestDatabase {
    Postgres(Database),
    Sqlite(PathBuf),
}

impl TestDatabase {
    /// As `--database-url` takes it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Postgres(database) => database.url.clone(),
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
        }
    }
}

/// Everything rows share.
pub(crate) struct Environment<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) progress: &'a Progress,
    pub(crate) workdir: WorkDir,
    pub(crate) probe: Probe,
    pub(crate) diary: SyntheticDiary,
    /// Makes the request ids of this run its own.
    pub(crate) run_seed: u64,
    programs: Programs,
    postgres: Option<Postgres>,
    template: Option<Database>,
    sqlite_template: Option<PathBuf>,
    sqlite_copies: u32,
    sample: Option<Sample>,
}

impl<'a> Environment<'a> {
    /// An empty stage.
    pub(crate) fn new(
        settings: &'a Settings,
        clock: &'a dyn Clock,
        ids: &dyn Ids,
        today: NaiveDate,
        programs: Programs,
        progress: &'a Progress,
    ) -> Result<Self, BenchError> {
        let workdir = WorkDir::new()?;
        let time = settings.time + warm_up(settings.time);
        let needed = u32::try_from(time.as_millis()).unwrap_or(u32::MAX).saturating_mul(RATE_MAX / 1_000).clamp(SLOTS_MIN, SLOTS_MAX);
        let first = today.checked_add_days(Days::new(1)).unwrap_or(today);
        let days = needed.div_ceil(SERVICES * SLOTS_PER_DAY);
        Ok(Self {
            settings,
            clock,
            progress,
            probe: Probe::new(&workdir),
            workdir,
            diary: SyntheticDiary { services: SERVICES, days, slots: SLOTS_PER_DAY, first },
            run_seed: load::random::SeededRng::number_of(&ids.uuid()),
            programs,
            postgres: None,
            template: None,
            sqlite_template: None,
            sqlite_copies: 0,
            sample: None,
        })
    }

    /// What PostgreSQL calls itself, once it was needed.
    pub(crate) fn postgres_version(&self) -> Option<&str> {
        self.postgres.as_ref().map(|postgres| postgres.version.as_str())
    }

    /// The running PostgreSQL.
    pub(crate) fn postgres(&mut self) -> Result<&mut Postgres, BenchError> {
        let started = match self.postgres.take() {
            Some(running) => running,
            None => {
                self.progress.say("starting PostgreSQL");
                Postgres::start()?
            }
        };
        Ok(self.postgres.insert(started))
    }

    /// The PostgreSQL that some row has started.
    pub(crate) fn running_postgres(&self) -> Result<&Postgres, BenchError> {
        self.postgres.as_ref().ok_or_else(|| BenchError::failed("PostgreSQL was not started"))
    }

    /// How many slots of a fresh database have an appointment already, the first ones. On PostgreSQL there are some: on tables
    /// that are empty everybody's statements, the reference's too, are planned to read them whole, and stay so.
    pub(crate) fn filled_count(&self, on: Backend) -> u64 {
        match on {
            Backend::Postgres => FILLED_MAX.min(self.diary.slot_count() / 4),
            Backend::Sqlite => 0,
        }
    }

    /// The first day of a fresh diary of which every slot is free.
    pub(crate) fn first_free_day(&self) -> u32 {
        free_from(&self.diary, self.filled_count(Backend::Postgres))
    }

    /// A database with every slot of the diary free but for the first [`Environment::filled_count`].
    pub(crate) fn fresh(&mut self, on: Backend) -> Result<TestDatabase, BenchError> {
        match on {
            Backend::Postgres => {
                let template = self.postgres_template()?;
                Ok(TestDatabase::Postgres(self.postgres()?.copy(&template)?))
            }
            Backend::Sqlite => {
                let template = self.sqlite_template()?;
                self.sqlite_copies += 1;
                let copy = self.workdir.file(&format!("copy-{}.db", self.sqlite_copies));
                std::fs::copy(&template, &copy).map_err(|error| BenchError::failed(format!("cannot copy a database: {error}")))?;
                Ok(TestDatabase::Sqlite(copy))
            }
        }
    }

    /// Gives the first `most` slots of `diary` appointments.
    pub(crate) fn fill(&mut self, url: &str, diary: &SyntheticDiary, most: u64) -> Result<(), BenchError> {
        let sample = self.sample()?;
        self.progress.say("booking appointments to be read");
        let written = raw::book(url, diary, (0, most), FILL_BATCH, Duration::from_secs(600), &sample, self.clock)?;
        if written.booked == most { Ok(()) } else { Err(BenchError::failed("the database could not be filled with appointments")) }
    }

    /// Has PostgreSQL clean up behind a big change, so that it does not begin to while it is measured.
    pub(crate) fn settle(&mut self, database: &Database) -> Result<(), BenchError> {
        self.progress.say("vacuuming");
        let name = database.name.clone();
        self.postgres()?.ask(&name, "VACUUM (ANALYZE)").map(drop)
    }

    /// Ends the life of a database.
    pub(crate) fn discard(&mut self, base: TestDatabase) -> Result<(), BenchError> {
        match base {
            TestDatabase::Postgres(database) => self.postgres()?.drop_database(&database),
            TestDatabase::Sqlite(path) => {
                for suffix in ["", "-wal", "-shm"] {
                    let mut file = path.clone().into_os_string();
                    file.push(suffix);
                    match std::fs::remove_file(&file) {
                        Err(error) if suffix.is_empty() => return Err(BenchError::failed(format!("cannot remove a database: {error}"))),
                        // The log and its index are only there while somebody writes.
                        _ => {}
                    }
                }
                Ok(())
            }
        }
    }

    /// One booking as the server keeps it.
    pub(crate) fn sample(&mut self) -> Result<Sample, BenchError> {
        if self.sample.is_none() {
            let base = self.fresh(Backend::Sqlite)?;
            let server = self.serve(&base.url())?;
            let sample = Sample::take(&server, &self.diary, self.clock, self.run_seed)?;
            drop(server);
            self.discard(base)?;
            self.sample = Some(sample);
        }
        self.sample.clone().ok_or_else(|| BenchError::failed("no sample was taken"))
    }

    /// A database with a diary of its own, empty of appointments.
    pub(crate) fn lay_out(&mut self, name: &str, diary: &SyntheticDiary) -> Result<Database, BenchError> {
        let database = self.postgres()?.create(name)?;
        seed(&database.url, diary, self.progress)?;
        self.settle(&database)?;
        Ok(database)
    }

    fn postgres_template(&mut self) -> Result<Database, BenchError> {
        if let Some(template) = &self.template {
            return Ok(template.clone());
        }
        let diary = self.diary;
        let database = self.lay_out("diary", &diary)?;
        self.fill(&database.url, &diary, self.filled_count(Backend::Postgres))?;
        self.settle(&database)?;
        self.template = Some(database.clone());
        Ok(database)
    }

    fn sqlite_template(&mut self) -> Result<PathBuf, BenchError> {
        if let Some(template) = &self.sqlite_template {
            return Ok(template.clone());
        }
        let path = self.workdir.file("diary.db");
        seed(&format!("sqlite://{}", path.display()), &self.diary, self.progress)?;
        self.sqlite_template = Some(path.clone());
        Ok(path)
    }

    /// `slotkeeper serve` on a database.
    pub(crate) fn serve(&self, database_url: &str) -> Result<Server, BenchError> {
        self.serve_with(database_url, &[])
    }

    /// The same with more flags.
    pub(crate) fn serve_with(&self, database_url: &str, more: &[&str]) -> Result<Server, BenchError> {
        Server::serve(&self.programs, &self.workdir, database_url, more)
    }

    /// The static reference, which answers with the bytes of a file.
    pub(crate) fn serve_fixed(&self, body: &Path) -> Result<Server, BenchError> {
        Server::fixed(&self.programs, &self.workdir, body)
    }

    /// A load of these connections that lasts as long as each side of a round.
    pub(crate) fn load(&self, server: &Server, connections: usize, pace: Pace, script: impl Script + 'static) -> Workload {
        let time = self.settings.time;
        Workload { address: server.address, connections, pace, warm_up: warm_up(time), time, script: Arc::new(script) }
    }

    /// The bookings that a server is sent.
    pub(crate) fn bookings(&self, server: &Server) -> BookingTemplates {
        self.bookings_of_run(server, self.run_seed)
    }

    /// The same with request ids of another run, for a database on which those of the first are known.
    pub(crate) fn bookings_of_run(&self, server: &Server, run_seed: u64) -> BookingTemplates {
        BookingTemplates::new(&server.caller(self.clock), run_seed, self.clock.now())
    }

    /// A round of bookings on a fresh database: as many clients as are said, each slot once; and whether all of it was kept.
    pub(crate) fn book_distinct(&mut self, on: Backend, connections: usize, pace: Pace) -> Result<(Outcome, Vec<String>), BenchError> {
        let base = self.fresh(on)?;
        let server = self.serve(&base.url())?;
        let filled = self.filled_count(on);
        let script = BookDistinct::new(self.bookings(&server), self.diary, filled);
        let outcome = drive::run(&self.load(&server, connections, pace, script))?;
        let faults = kept(&base.url(), filled + outcome.answered(201))?;
        drop(server);
        self.discard(base)?;
        Ok((outcome, faults))
    }
}

/// The first day of `diary` that is not touched by its first `filled` slots.
pub(crate) fn free_from(diary: &SyntheticDiary, filled: u64) -> u32 {
    let of_day = u64::from(diary.services) * u64::from(diary.slots);
    u32::try_from(filled.div_ceil(of_day.max(1))).unwrap_or_default()
}

/// What is not counted of each side of a round.
pub(crate) fn warm_up(time: Duration) -> Duration {
    (time / 10).clamp(Duration::from_millis(50), Duration::from_millis(500))
}

fn seed(url: &str, diary: &SyntheticDiary, progress: &Progress) -> Result<(), BenchError> {
    let failed = |error: &dyn std::fmt::Display| BenchError::failed(format!("cannot lay out a diary: {error}"));
    let url = DatabaseUrl::parse(url).map_err(|error| failed(&error))?;
    Store::migrate(&url).map_err(|error| failed(&error))?;
    let store = Store::open(&url, false).map_err(|error| failed(&error))?;
    store.write_ahead().map_err(|error| failed(&error))?;
    let (mut done, all) = (0, diary.slot_count());
    let laid = synthetic::seed(&store, diary, false, &mut |more| {
        done += more;
        progress.say(&format!("laying out slots: {done} of {all}"));
    });
    laid.map(drop).map_err(|error| failed(&error))
}

/// Whether a database keeps exactly the bookings that were answered 201 (and those it began with), no slot twice, and every invariant.
pub(crate) fn kept(url: &str, answered: u64) -> Result<Vec<String>, BenchError> {
    let store = raw::open(url)?;
    let failed = |error: StoreError| BenchError::failed(format!("cannot check {url}: {error}"));
    let mut faults = counted(&store, answered)?;
    let taken = maintenance(&store).count_taken().map_err(failed)?;
    if taken != answered {
        faults.push(format!("{answered} bookings were answered 201, but {taken} places are taken"));
    }
    let check = maintenance(&store).check().map_err(failed)?;
    if let Some(first) = check.violations.first() {
        faults.push(format!("check found {} violations, the first: {} ({})", check.violations.len(), first.rule, first.subject));
    }
    Ok(faults)
}

/// The part of [`kept`] that does not read every slot.
pub(crate) fn counted(store: &Store, answered: u64) -> Result<Vec<String>, BenchError> {
    let live = maintenance(store).count_live().map_err(|error| BenchError::failed(format!("cannot count appointments: {error}")))?;
    if live == answered {
        return Ok(Vec::new());
    }
    Ok(vec![format!("{answered} bookings were answered 201, but there are {live} appointments")])
}
