//! Databases for tests: a template for each season, filled once, and copies of it.

use crate::app::{CountedIds, StandingClock};
use crate::postgres::{self, Server};
use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use domain::time::Timestamp;
use fhir::stu3::Stu3Documents;
use slotkeeper::cli::seed_files;
use slotkeeper::engine::{Maintenance, Ports, SeedContent};
use slotkeeper::store::{DatabaseUrl, Store};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgresql,
}

/// Which ten days of the demo provider's diary there are, and when the clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Season {
    /// Tuesday in winter, 09:00 in London: the day has begun.
    Winter,
    /// Friday before the clocks go forward (Sunday 29 March 2026).
    Spring,
    /// Friday before the clocks go back (Sunday 25 October 2026); an hour ahead of UTC until then.
    Autumn,
}

/// How many days are laid out: the night before today, today, and a week.
const DAYS: u16 = 9;

impl Season {
    /// When the clock stands.
    pub fn now(self) -> Timestamp {
        let text = match self {
            Self::Winter => "2026-02-10T09:00:00Z",
            Self::Spring => "2026-03-27T09:00:00Z",
            Self::Autumn => "2026-10-23T09:00:00Z",
        };
        Timestamp::parse(text).unwrap()
    }

    fn first_day(self) -> NaiveDate {
        let (month, day) = match self {
            Self::Winter => (2, 9),
            Self::Spring => (3, 26),
            Self::Autumn => (10, 22),
        };
        NaiveDate::from_ymd_opt(2026, month, day).unwrap()
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Winter => "api_winter",
            Self::Spring => "api_spring",
            Self::Autumn => "api_autumn",
        }
    }
}

/// A database of a test's own; gone when dropped.
pub enum Database {
    Sqlite(TempDir),
    Postgresql(postgres::Database),
}

impl Database {
    /// A fresh copy of the template of a season.
    pub fn fresh(kind: Kind, season: Season) -> Self {
        match kind {
            Kind::Sqlite => {
                let dir = directory();
                std::fs::write(sqlite_file(dir.path()), sqlite_template(season).as_slice()).unwrap();
                Self::Sqlite(dir)
            }
            Kind::Postgresql => {
                let server = Server::shared();
                server.template(season.name(), |url| seed(url, season));
                Self::Postgresql(server.create_database_from(season.name()))
            }
        }
    }

    /// Where it is, as `--database-url` takes it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(dir) => sqlite_url(&sqlite_file(dir.path())),
            Self::Postgresql(database) => database.url.clone(),
        }
    }

    /// The file of an SQLite database.
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        match self {
            Self::Sqlite(dir) => Some(sqlite_file(dir.path())),
            Self::Postgresql(_) => None,
        }
    }
}

/// In memory where there is such a place: behaviour needs no durability.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn sqlite_file(dir: &Path) -> PathBuf {
    dir.join("slotkeeper.db")
}

fn sqlite_url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

/// The content of a season's template, made on first use. Kept in memory, so that no file outlives the process.
fn sqlite_template(season: Season) -> Arc<Vec<u8>> {
    static TEMPLATES: Mutex<Vec<(Season, Arc<Vec<u8>>)>> = Mutex::new(Vec::new());
    // A test that failed while it made the template must not fail all others for another reason.
    let mut made = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, template)) = made.iter().find(|(of, _)| *of == season) {
        return Arc::clone(template);
    }
    let dir = directory();
    let (seeded, whole) = (dir.path().join("seeded.db"), dir.path().join("whole.db"));
    seed(&sqlite_url(&seeded), season);
    // One file without a journal beside it, whatever connections are still being closed.
    let mut conn = SqliteConnection::establish(&seeded.to_string_lossy()).unwrap();
    conn.batch_execute(&format!("VACUUM INTO '{}'", whole.display())).unwrap();
    let template = Arc::new(std::fs::read(&whole).unwrap());
    made.push((season, Arc::clone(&template)));
    template
}

/// The demo provider, laid out for the days of a season.
fn seed(url: &str, season: Season) {
    let store = Store::open(&DatabaseUrl::parse(url).unwrap(), true).unwrap();
    let plan = seed_files::demo().unwrap();
    let content = SeedContent { directory: plan.directory, schedules: plan.schedules, working_times: plan.working_times };
    let ports =
        Ports { clock: Arc::new(StandingClock::at(season.now())), ids: Arc::new(CountedIds::new(1)), documents: Arc::new(Stu3Documents) };
    let seeded = Maintenance::new(store.clone(), ports.clone()).seed(&content, season.first_day(), DAYS).unwrap();
    assert!(seeded.slots_new > 500, "the demo provider has only {} slots", seeded.slots_new);
}
