//! Connections: one type for both databases, and how each is set up.
//!
//! The variant is chosen by the scheme of the URL and by nothing else: diesel's derived `establish` tries one
//! database after the other, and a PostgreSQL server that is down would become a new SQLite file.

use super::error::{StoreError, one_line};
use super::migrate::SchemaError;
use super::outage::Outage;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long SQLite waits for another process's writer before it reports contention, in milliseconds.
const SQLITE_BUSY_TIMEOUT_MS: u32 = 2_000;
/// How long a statement waits for a lock on PostgreSQL, in milliseconds. The allocator's own never wait for a
/// row; this is for a lock on a whole table.
const LOCK_TIMEOUT_MS: u32 = 1_000;
/// Longest a statement may run on PostgreSQL, in milliseconds: a writer that hangs is a writer lost.
const STATEMENT_TIMEOUT_MS: u32 = 15_000;
/// How long a caller waits for a connection of a pool before it is told that there is none.
pub(super) const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(3);
/// What libpq is told unless the URL says otherwise: how long a server may take to be reached, and how soon one
/// that has fallen silent is given up. Without these a lost network is waited for for hours.
const LIBPQ_TIMEOUTS: [(&str, u32); 5] =
    [("connect_timeout", 3), ("keepalives_idle", 10), ("keepalives_interval", 3), ("keepalives_count", 3), ("tcp_user_timeout", 10_000)];

pub use any::AnyConn;

/// The derive writes an `establish` that tries one database after the other; it is never called.
#[expect(clippy::disallowed_methods, reason = "the derive writes it and it is never called")]
mod any {
    use diesel::prelude::{PgConnection, SqliteConnection};

    /// A connection to either database. Only the store and its dialect see which.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConn {
        /// PostgreSQL.
        Pg(PgConnection),
        /// SQLite.
        Sqlite(SqliteConnection),
    }
}

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `postgres://…` or `postgresql://…`, as libpq reads it.
    Postgres(String),
    /// `sqlite://PATH`: a file, created if it is not there.
    Sqlite(PathBuf),
}

/// A text that is not a database URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotADatabaseUrl {
    /// Neither scheme.
    #[error("a database URL begins with sqlite:// or postgres://, for example sqlite://slotkeeper.db")]
    Scheme,
    /// No file named.
    #[error("sqlite:// must be followed by a file name, for example sqlite://slotkeeper.db")]
    NoFile,
    /// A database that would vanish, and that every connection would see differently.
    #[error("a database in memory is not kept and not shared between connections: name a file, for example sqlite://slotkeeper.db")]
    Memory,
}

impl DatabaseUrl {
    /// The URL in `text`.
    pub fn parse(text: &str) -> Result<Self, NotADatabaseUrl> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        match text.strip_prefix("sqlite://") {
            None => Err(NotADatabaseUrl::Scheme),
            Some("") => Err(NotADatabaseUrl::NoFile),
            Some(path) if path.contains(":memory:") || path.contains("mode=memory") => Err(NotADatabaseUrl::Memory),
            Some(path) => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }

    /// The URL as it may be shown: without password.
    pub fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            // A password may stand before the host or in the query; neither is shown.
            Self::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", ""));
                let rest = rest.split('?').next().unwrap_or_default();
                let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                format!("{scheme}://{host}/{database}")
            }
        }
    }
}

/// A pooled connection, with the memory of whether something on it broke.
pub struct Conn {
    pub(super) any: AnyConn,
    pub(super) broken: bool,
}

impl Conn {
    /// Waits for another process's writer no longer than until then. PostgreSQL's claims never wait.
    pub(super) fn set_busy_timeout(&mut self, until: Instant) -> Result<&mut Self, StoreError> {
        if let AnyConn::Sqlite(sqlite) = &mut self.any {
            let left = until.saturating_duration_since(Instant::now()).as_millis().clamp(1, u128::from(SQLITE_BUSY_TIMEOUT_MS));
            sqlite.batch_execute(&format!("PRAGMA busy_timeout = {left}")).map_err(|e| StoreError::of_statement(&e))?;
        }
        Ok(self)
    }
}

/// What the connections of a pool are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Statements of every kind.
    Any,
    /// A few statements over and over, each of which finds its rows by an index: claims, and polls for changes.
    FewStatements,
}

/// Makes PostgreSQL plan such statements once, and by their indexes.
///
/// A statement that is prepared while its tables are nearly empty is planned to read them whole, and the plan is kept while
/// they grow, those of foreign keys included: a third of the bookings a second on a new database. And left to choose,
/// PostgreSQL plans the statement of a batch anew two times out of three, because it knows the length of the arrays then,
/// which takes as long as carrying it out.
const PLANNED_ONCE: &str = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";

/// Opens connections for a pool.
pub struct Manager {
    purpose: Purpose,
    url: DatabaseUrl,
    /// Told whether connections can be made.
    outage: Arc<Outage>,
}

impl Manager {
    /// Opens one connection and sets it up.
    pub(super) fn open(url: &DatabaseUrl) -> Result<AnyConn, StoreError> {
        match url {
            DatabaseUrl::Postgres(text) => {
                let mut conn = establish_postgres(&with_timeouts(text))?;
                // Compiling a statement pays for reports. Ours are short, and one whose cost is overestimated would be compiled
                // with every search.
                let setup = format!(
                    "SET application_name = 'slotkeeper'; SET statement_timeout = {STATEMENT_TIMEOUT_MS}; \
                     SET lock_timeout = {LOCK_TIMEOUT_MS}; SET jit = off"
                );
                conn.batch_execute(&setup).map_err(|e| StoreError::of_statement(&e))?;
                Ok(AnyConn::Pg(conn))
            }
            DatabaseUrl::Sqlite(path) => {
                let mut conn = establish_sqlite(&path.to_string_lossy())?;
                let setup = format!(
                    "PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; \
                     PRAGMA wal_autocheckpoint = 4000;"
                );
                conn.batch_execute(&setup).map_err(|e| match e {
                    // Readable, but no SQLite file at all.
                    diesel::result::Error::DatabaseError(_, info) if info.message().contains("not a database") => {
                        SchemaError::NotOurs.into()
                    }
                    e => StoreError::of_statement(&e),
                })?;
                Ok(AnyConn::Sqlite(conn))
            }
        }
    }
}

impl Manager {
    /// As [`Manager::open`], of a database that is there: an SQLite file that is not is no new one.
    pub(super) fn open_there(url: &DatabaseUrl) -> Result<AnyConn, StoreError> {
        match url {
            DatabaseUrl::Sqlite(path) if !path.exists() => Err(StoreError::NoFile(path.display().to_string())),
            _ => Self::open(url),
        }
    }
}

/// The URL with what it does not say itself of [`LIBPQ_TIMEOUTS`].
fn with_timeouts(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in LIBPQ_TIMEOUTS {
        if !url.contains(&format!("{name}=")) {
            let separator = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{separator}{name}={value}"));
        }
    }
    url
}

/// Turns SQLite's write-ahead log on; PostgreSQL has one in any case.
pub(super) fn write_ahead(conn: &mut AnyConn) -> Result<(), StoreError> {
    match conn {
        AnyConn::Sqlite(sqlite) => sqlite.batch_execute("PRAGMA journal_mode = WAL").map_err(|e| StoreError::of_statement(&e)),
        AnyConn::Pg(_) => Ok(()),
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where connections are made")]
fn establish_postgres(url: &str) -> Result<PgConnection, StoreError> {
    PgConnection::establish(url).map_err(|e| StoreError::Unavailable(one_line(&e.to_string())))
}

#[expect(clippy::disallowed_methods, reason = "the one place where connections are made")]
fn establish_sqlite(path: &str) -> Result<SqliteConnection, StoreError> {
    SqliteConnection::establish(path).map_err(|e| StoreError::Unavailable(format!("{path}: {e}")))
}

impl Manager {
    fn made(&self) -> Result<Conn, StoreError> {
        let mut any = Self::open(&self.url)?;
        if let (AnyConn::Pg(pg), Purpose::FewStatements) = (&mut any, self.purpose) {
            pg.batch_execute(PLANNED_ONCE).map_err(|e| StoreError::of_statement(&e))?;
        }
        Ok(Conn { any, broken: false })
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Conn;
    type Error = StoreError;

    fn connect(&self) -> Result<Conn, StoreError> {
        let made = self.made();
        match &made {
            Ok(_) => self.outage.answered(),
            // Without the URL, which may hold a password.
            Err(error) if error.is_out_of_reach() => self.outage.failed(&error.to_string()),
            Err(error) => log::warn!("opening a database connection failed: {error}"),
        }
        made
    }
    /// Never asked: a check costs a round trip on every loan, and a broken connection shows when it is used.
    fn is_valid(&self, _: &mut Conn) -> Result<(), StoreError> {
        Ok(())
    }
    fn has_broken(&self, conn: &mut Conn) -> bool {
        conn.broken || std::thread::panicking()
    }
}

/// A pool of connections.
pub type Pool = r2d2::Pool<Manager>;

/// A pool that opens connections when they are first needed.
pub(super) fn pool(url: &DatabaseUrl, outage: &Arc<Outage>, connections_max: u32, purpose: Purpose) -> Pool {
    r2d2::Pool::builder()
        .max_size(connections_max)
        .min_idle(Some(0))
        .test_on_check_out(false)
        .connection_timeout(CHECKOUT_TIMEOUT)
        .error_handler(Box::new(r2d2::NopErrorHandler))
        .build_unchecked(Manager { purpose, url: url.clone(), outage: Arc::clone(outage) })
}

/// A single connection that is kept until it breaks, for looks.
pub(super) fn pool_of_one(url: &DatabaseUrl, outage: &Arc<Outage>) -> Pool {
    r2d2::Pool::builder()
        .max_size(1)
        .min_idle(Some(0))
        .max_lifetime(None)
        .idle_timeout(None)
        .test_on_check_out(false)
        .connection_timeout(CHECKOUT_TIMEOUT)
        .error_handler(Box::new(r2d2::NopErrorHandler))
        .build_unchecked(Manager { purpose: Purpose::FewStatements, url: url.clone(), outage: Arc::clone(outage) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_whatever_may_be_a_password() {
        for (url, shown) in [
            ("postgres://u:secret@host:5432/db", "postgres://host:5432/db"),
            ("postgresql://host/db?user=u&password=secret", "postgresql://host/db"),
            ("postgres://u:p@ss@host/db?sslpassword=s@cret", "postgres://host/db"),
            ("postgres:///db", "postgres:///db"),
            ("sqlite://slotkeeper.db", "sqlite://slotkeeper.db"),
        ] {
            assert_eq!(DatabaseUrl::parse(url).unwrap().shown(), shown);
        }
    }

    #[test]
    fn the_scheme_alone_chooses_the_database() {
        assert_eq!(DatabaseUrl::parse("sqlite:///var/x.db"), Ok(DatabaseUrl::Sqlite(PathBuf::from("/var/x.db"))));
        for (url, refused) in [
            ("slotkeeper.db", NotADatabaseUrl::Scheme),
            ("mysql://host/db", NotADatabaseUrl::Scheme),
            ("sqlite://", NotADatabaseUrl::NoFile),
            ("sqlite://:memory:", NotADatabaseUrl::Memory),
            ("sqlite://file:x?mode=memory", NotADatabaseUrl::Memory),
        ] {
            assert_eq!(DatabaseUrl::parse(url), Err(refused));
        }
    }

    #[test]
    fn what_the_url_says_itself_is_left_as_it_is() {
        assert_eq!(with_timeouts("postgres://h/d?connect_timeout=60").matches("connect_timeout").count(), 1);
        assert!(with_timeouts("postgres://h/d").starts_with("postgres://h/d?connect_timeout=3&keepalives_idle"));
    }
}
