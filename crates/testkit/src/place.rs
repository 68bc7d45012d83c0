//! A database of either kind for tests that open stores on it themselves, and what is put into it first.
//!
//! Pitfall: nothing is migrated here; whoever opens the first store says whether it is.

use crate::database::Kind;
use crate::postgres::{Database, Server};
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection};
use domain::ids::{ScheduleId, ServiceId};
use domain::schedule::{Identifier, Schedule};
use domain::time::{LONDON, Timestamp};
use slotkeeper::store::DatabaseUrl;
use std::path::Path;
use tempfile::TempDir;

/// When everything is laid out.
pub const NOW: Timestamp = Timestamp::from_ms(1_770_000_000_000);

/// A database, gone when dropped.
pub struct Place {
    pub kind: &'static str,
    pub url: DatabaseUrl,
    _dir: Option<TempDir>,
    /// Where the database is one of PostgreSQL.
    pub database: Option<Database>,
}

impl Place {
    pub fn sqlite() -> Self {
        // What is tested here needs no disk.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        Self { kind: "sqlite", url: DatabaseUrl::Sqlite(dir.path().join("slotkeeper.db")), _dir: Some(dir), database: None }
    }

    pub fn postgresql(server: &Server) -> Self {
        let database = server.create_database_from("template1");
        Self { kind: "postgresql", url: DatabaseUrl::parse(&database.url).unwrap(), _dir: None, database: Some(database) }
    }

    /// One of a kind, on the shared server where it is one of PostgreSQL.
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::sqlite(),
            Kind::Postgresql => Self::postgresql(Server::shared()),
        }
    }

    /// The URL as it is typed.
    pub fn typed(&self) -> String {
        match (&self.url, &self.database) {
            (DatabaseUrl::Sqlite(file), _) => format!("sqlite://{}", file.display()),
            (_, Some(database)) => database.url.clone(),
            (_, None) => panic!("no such database"),
        }
    }

    /// Runs statements as a stranger would, in a transaction of their own.
    pub fn by_hand(&self, sql: &str) {
        self.try_by_hand(sql).unwrap_or_else(|error| panic!("{}: {sql}: {error}", self.kind));
    }

    /// The same, where the database may refuse.
    pub fn try_by_hand(&self, sql: &str) -> QueryResult<()> {
        match (&self.url, &self.database) {
            (DatabaseUrl::Sqlite(file), _) => file_of(file).batch_execute(sql),
            (_, Some(database)) => database.connect().batch_execute(sql),
            (_, None) => panic!("no such database"),
        }
    }

    /// What a query with one column `answer` tells, a line a row.
    pub fn told(&self, sql: &str) -> String {
        let rows: Vec<Told> = match (&self.url, &self.database) {
            (DatabaseUrl::Sqlite(file), _) => diesel::sql_query(sql).load(&mut file_of(file)),
            (_, Some(database)) => diesel::sql_query(sql).load(&mut database.connect()),
            (_, None) => panic!("no such database"),
        }
        .unwrap_or_else(|error| panic!("{}: {sql}: {error}", self.kind));
        rows.into_iter().map(|row| row.answer).collect::<Vec<_>>().join("\n")
    }

    /// How many rows a query counts.
    pub fn count(&self, from: &str) -> usize {
        self.told(&format!("SELECT CAST(count(*) AS TEXT) AS answer FROM {from}")).parse().unwrap()
    }
}

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    answer: String,
}

fn file_of(path: &Path) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
    conn
}

/// A schedule of these services.
pub fn schedule(id: &str, services: &[&str]) -> Schedule {
    Schedule {
        id: ScheduleId::parse(id).unwrap(),
        identifier: Identifier { system: "https://weirside.example/Id/diary".to_owned(), value: id.to_owned() },
        name: "Room one".to_owned(),
        services: services.iter().map(|id| ServiceId::parse(id).unwrap()).collect(),
        practitioner: None,
        role: None,
        location: None,
        zone: LONDON,
        active: true,
        version: 0,
        updated: NOW,
    }
}
