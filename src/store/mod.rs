//! The store: everything that is kept, in SQLite or PostgreSQL.
//!
//! One funnel for transactions ([`OnLane::write`], [`OnLane::read`]) and one for single statements
//! ([`OnLane::query`]); one file per noun. Nothing above this layer sees a row or a diesel error.
//!
//! Pitfall: PostgreSQL answers the COMMIT of an aborted transaction with a quiet ROLLBACK, and diesel passes that
//! on as `Ok`. So [`Tx`] remembers that a statement failed, and a caller who dropped the error still gets one.

mod appointments;
mod archive;
mod audit;
mod ceilings;
mod claims;
mod conn;
mod dialect;
mod directory;
mod error;
mod feed;
mod free;
mod invariants;
mod keys;
mod migrate;
mod origin;
mod schedules;
mod schema;
mod settings;
mod slots;
mod slots_bulk;
mod slots_offered;

pub use appointments::{Owned, OwnedVersion};
pub use audit::AuditAction;
pub use claims::{Cancellation, NewAppointment, Settled};
pub use conn::{DatabaseUrl, NotADatabaseUrl};
pub use error::StoreError;
pub use feed::{CHANGES_MAX, FeedCursor, Poll};
pub use invariants::{Violation, rules as invariant_rules};
pub use migrate::{MigrationState, SchemaError};
pub use settings::Durability;
pub use slots::NewSlot;

use conn::{AnyConn, Conn, Manager, Pool, Purpose};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a transaction is tried when the database reports contention.
const WRITE_ATTEMPTS_MAX: u32 = 4;
/// How long a transaction without a deadline may wait to begin.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections for readers. More do not help on few cores (measured: 4 to 8).
pub const READERS_MAX: u32 = 8;
/// Connections for the allocator's own threads, so that they never wait for reads.
const CLAIMANTS_MAX: u32 = 3;
/// Connections for the other writers: a seed, the demo's filler.
const MAINTAINERS_MAX: u32 = 2;

/// Both databases behind one interface.
#[derive(Clone)]
pub struct Store {
    url: DatabaseUrl,
    readers: Pool,
    claimants: Pool,
    maintainers: Pool,
    index: Pool,
}

/// An open transaction, or a connection for single statements.
pub struct Tx<'c> {
    conn: &'c mut AnyConn,
    failure: Option<Failure>,
}

/// What the first failed statement means for its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Contention,
    Spoiled,
    Other,
}

struct Begin {
    postgres: &'static str,
    sqlite: &'static str,
}

/// SQLite takes the writer's lock at once: a deferred transaction that upgrades later fails whatever the timeout.
const WRITE: Begin = Begin { postgres: "BEGIN ISOLATION LEVEL READ COMMITTED", sqlite: "BEGIN IMMEDIATE" };
const READ: Begin = Begin { postgres: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", sqlite: "BEGIN DEFERRED" };

thread_local! {
    /// True while this thread is inside a transaction. A second one would take another connection and wait
    /// for the first, for ever.
    static OPEN: Cell<bool> = const { Cell::new(false) };
}

struct OpenGuard;

impl OpenGuard {
    fn enter() -> Result<Self, StoreError> {
        if OPEN.replace(true) { Err(StoreError::Nested) } else { Ok(Self) }
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        OPEN.set(false);
    }
}

impl Store {
    /// Opens the database and proves that it is ours and of this version. With `migrate`, what is missing
    /// is applied first, and an SQLite file that is not there is created.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when it is not ours, older (without `migrate`) or newer; `Unavailable` when
    /// it cannot be reached.
    pub fn open(url: &DatabaseUrl, migrate: bool) -> Result<Self, StoreError> {
        if let DatabaseUrl::Sqlite(path) = url {
            sqlite_file_fits(path, migrate)?;
        }
        let mut first = Manager::open(url)?;
        if migrate {
            let applied = migrate::run(&mut first)?;
            for name in applied {
                log::info!("applied migration {name}");
            }
        }
        migrate::prove(&mut first)?;
        Ok(Self {
            url: url.clone(),
            readers: conn::pool(url, READERS_MAX, Purpose::Any),
            claimants: conn::pool(url, CLAIMANTS_MAX, Purpose::FewStatements),
            maintainers: conn::pool(url, MAINTAINERS_MAX, Purpose::Any),
            index: conn::pool_of_one(url),
        })
    }

    /// Applies what is missing and returns the names of what was applied.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, StoreError> {
        migrate::run(&mut Manager::open(url)?)
    }

    /// Which migrations the database has. Writes nothing.
    ///
    /// # Errors
    /// As [`Store::open`]; an SQLite file that is not there is an error, not a new file.
    pub fn migration_status(url: &DatabaseUrl) -> Result<Vec<MigrationState>, StoreError> {
        if let DatabaseUrl::Sqlite(path) = url {
            sqlite_file_fits(path, false)?;
        }
        migrate::status(&mut Manager::open(url)?)
    }

    /// Turns SQLite's write-ahead log on, which the file remembers: a restored backup may have lost it. For
    /// servers; a command that only reads leaves the file as it is.
    ///
    /// # Errors
    /// Those of the database.
    pub fn write_ahead(&self) -> Result<(), StoreError> {
        with_connection(&self.maintainers, |conn| conn::write_ahead(&mut conn.any))
    }

    /// The database this store is on, without password.
    pub fn shown_url(&self) -> String {
        self.url.shown()
    }

    /// The connections of one lane.
    pub const fn on(&self, lane: Lane) -> OnLane<'_> {
        OnLane {
            pool: match lane {
                Lane::Reads => &self.readers,
                Lane::Claims => &self.claimants,
                Lane::Maintenance => &self.maintainers,
                Lane::Index => &self.index,
            },
        }
    }
}

/// Who uses the database. Each lane has connections of its own, so that none waits for another's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Reads and searches.
    Reads,
    /// The allocator, which never waits for reads.
    Claims,
    /// The other writers: a seed, the filling of the diary, the archive.
    Maintenance,
    /// The availability index: one connection that is never given back for its age, because a [`FeedCursor`] belongs to its
    /// session.
    Index,
}

/// The connections of one lane, on which work is done.
#[derive(Clone, Copy)]
pub struct OnLane<'s> {
    pool: &'s Pool,
}

impl OnLane<'_> {
    /// Runs `work` in one write transaction. `work` may run several times and must have no other effects.
    ///
    /// # Errors
    /// What `work` returns; [`StoreError::CommitUnknown`] when the commit's answer was lost.
    pub fn write<T>(self, work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        write_through(self.pool, Instant::now() + WRITE_TIMEOUT, work)
    }

    /// The same for a caller who has a deadline to keep: nothing is begun after `until`, and a busy SQLite is not waited
    /// for any longer.
    ///
    /// # Errors
    /// As [`OnLane::write`]; [`StoreError::Contention`] when the database was busy until then.
    pub fn write_until<T>(self, until: Instant, work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        write_through(self.pool, until, work)
    }

    /// Runs `work` on one unchanging state of the database.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn read<T>(self, mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        read_whole(self.pool, &mut work)
    }

    /// Runs `work` without a transaction: for one statement, or several of which each may see a newer state.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn query<T>(self, work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        read_through(self.pool, work)
    }
}

fn write_through<T>(pool: &Pool, until: Instant, mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let _open = OpenGuard::enter()?;
    let mut attempt = 1;
    loop {
        if Instant::now() >= until {
            return Err(StoreError::Contention("there was no time left to begin".to_owned()));
        }
        match with_connection(pool, |conn| transact(conn.set_busy_timeout(until)?, &WRITE, &mut work)) {
            Err(StoreError::Contention(_)) if attempt < WRITE_ATTEMPTS_MAX => attempt += 1,
            outcome => return outcome,
        }
    }
}

fn read_whole<T>(pool: &Pool, work: &mut impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let _open = OpenGuard::enter()?;
    retry_on_other_connections(pool, || match with_connection(pool, |conn| transact(conn, &READ, work)) {
        // Nothing was written, so nothing is unknown: it can be read again.
        Err(StoreError::CommitUnknown(cause)) => Err(StoreError::Unavailable(cause)),
        outcome => outcome,
    })
}

fn read_through<T>(pool: &Pool, mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    retry_on_other_connections(pool, || {
        with_connection(pool, |conn| {
            let mut tx = Tx { conn: &mut conn.any, failure: None };
            let outcome = work(&mut tx);
            conn.broken |= tx.failure == Some(Failure::Spoiled);
            outcome
        })
    })
}

/// After the server restarted, every idle connection of the pool is dead; a read is simply tried again until it
/// meets a live one.
fn retry_on_other_connections<T>(pool: &Pool, mut read: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut left = pool.max_size();
    loop {
        match read() {
            Err(StoreError::Unavailable(_)) if left > 0 => left -= 1,
            outcome => return outcome,
        }
    }
}

/// A file that is not there is only created when migrating; one that is there must be an SQLite file.
fn sqlite_file_fits(path: &Path, may_create: bool) -> Result<(), StoreError> {
    if may_create || path.exists() {
        return Ok(());
    }
    Err(StoreError::NoFile(path.display().to_string()))
}

fn with_connection<T>(pool: &Pool, work: impl FnOnce(&mut Conn) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut conn = pool.get().map_err(|e| StoreError::Exhausted(error::one_line(&e.to_string())))?;
    work(&mut conn)
}

fn transact<T>(conn: &mut Conn, begin: &Begin, work: &mut impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let begun = match &mut conn.any {
        AnyConn::Pg(pg) => AnsiTransactionManager::begin_transaction_sql(pg, begin.postgres),
        AnyConn::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, begin.sqlite),
    };
    if let Err(error) = begun {
        let error = StoreError::of_statement(&error);
        conn.broken |= error.spoils_connection();
        return Err(error);
    }
    let mut tx = Tx { conn: &mut conn.any, failure: None };
    let outcome = work(&mut tx);
    let failure = tx.failure;
    let outcome = match (outcome, failure) {
        // The caller may have wrapped or dropped the error; the decision to try again is not theirs to lose.
        (_, Some(Failure::Contention)) => Err(StoreError::Contention("a statement met contention".to_owned())),
        (Ok(_), Some(_)) => Err(StoreError::Poisoned),
        (outcome, _) => outcome,
    };
    match outcome {
        Ok(value) => match <AnyConn as TransactionManager<AnyConn>>::commit_transaction(&mut conn.any) {
            Ok(()) => Ok(value),
            Err(error) => {
                conn.broken = true;
                Err(commit_failed(&conn.any, &error))
            }
        },
        Err(error) => {
            let rolled_back = <AnyConn as TransactionManager<AnyConn>>::rollback_transaction(&mut conn.any);
            conn.broken |= rolled_back.is_err() || failure == Some(Failure::Spoiled);
            Err(error)
        }
    }
}

/// SQLite reports a busy database before anything is written. Everything else leaves the outcome open.
fn commit_failed(conn: &AnyConn, error: &diesel::result::Error) -> StoreError {
    match (conn, StoreError::of_statement(error)) {
        (AnyConn::Sqlite(_), busy @ StoreError::Contention(_)) => busy,
        (_, error) => StoreError::CommitUnknown(error.to_string()),
    }
}

impl Tx<'_> {
    /// Every statement passes here, so that a failure is never forgotten.
    fn run<T>(&mut self, statement: impl FnOnce(&mut AnyConn) -> QueryResult<T>) -> Result<T, StoreError> {
        statement(self.conn).map_err(|error| {
            let error = StoreError::of_statement(&error);
            self.failure.get_or_insert(match &error {
                StoreError::Contention(_) => Failure::Contention,
                error if error.spoils_connection() => Failure::Spoiled,
                _ => Failure::Other,
            });
            error
        })
    }
}
