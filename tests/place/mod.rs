//! A database of either kind for tests that open stores on it themselves, and what is put into it first.
//!
//! What a reader would get wrong: nothing is migrated here; whoever opens the first store says whether it is.
#![allow(dead_code, reason = "each test binary uses a part of this module")]

use super::support::postgres::{Database, Server};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use slotkeeper::domain::ids::{ScheduleId, ServiceId};
use slotkeeper::domain::schedule::{Identifier, Schedule};
use slotkeeper::domain::time::{Instant, LONDON};
use slotkeeper::store::DatabaseUrl;
use std::path::Path;
use tempfile::TempDir;

/// When everything is laid out.
pub const NOW: Instant = Instant::from_ms(1_770_000_000_000);

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

    /// One of each kind.
    pub fn of_both() -> [Self; 2] {
        [Self::sqlite(), Self::postgresql(Server::shared())]
    }

    /// Runs statements as a stranger would, in a transaction of their own.
    pub fn by_hand(&self, sql: &str) {
        match (&self.url, &self.database) {
            (DatabaseUrl::Sqlite(file), _) => {
                let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
                conn.batch_execute(sql).unwrap();
            }
            (_, Some(database)) => database.connect().batch_execute(sql).unwrap(),
            (_, None) => panic!("no such database"),
        }
    }
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
