//! The store: everything that is kept, in SQLite or PostgreSQL.
//!
//! One funnel for transactions ([`OnLane::write`], [`OnLane::read`]) and one for single statements
//! ([`OnLane::query`]); one file per noun. Nothing above this layer sees a row or a diesel error.
//!
//! Pitfall: PostgreSQL answers the COMMIT of an aborted transaction with a quiet
//! ROLLBACK, and diesel passes that on as `Ok`. So [`Tx`] remembers that a statement failed, and a caller
//! who dropped the error still hears of it.

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
mod outage;
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
use outage::Outage;
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a transaction is tried when the database reports contention.
const WRITE_ATTEMPTS_MAX: u32 = 4;
/// How long a transaction without a deadline may wait to begin.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a read is tried again whose connection was cut (docs/contract.md#statuses).
pub const READ_TIMEOUT: Duration = Duration::from_secs(5);
/// The shortest time in which a connection must be free; a new one takes some milliseconds to be made.
const CHECKOUT_TIMEOUT_MIN: Duration = Duration::from_millis(100);
/// Pause between two tries, once every connection of the pool may have been found dead.
const READ_PAUSE: Duration = Duration::from_millis(20);
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
    outage: Arc<Outage>,
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
        let outage = Outage::of(url);
        Ok(Self {
            url: url.clone(),
            readers: conn::pool(url, &outage, READERS_MAX, Purpose::Any),
            claimants: conn::pool(url, &outage, CLAIMANTS_MAX, Purpose::FewStatements),
            maintainers: conn::pool(url, &outage, MAINTAINERS_MAX, Purpose::Any),
            index: conn::pool_of_one(url, &outage),
            outage,
        })
    }

    /// True while the database cannot be reached.
    pub fn is_out_of_reach(&self) -> bool {
        self.outage.lasts()
    }

    /// Says that the database left a question unanswered for that long, without a word of why.
    pub fn fell_silent(&self, waited: Duration) {
        self.outage.failed(&format!("it has not answered for {:.1} s", waited.as_secs_f64()));
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
        with_connection(&self.maintainers, &self.outage, in_time(), |conn| conn::write_ahead(&mut conn.any))
    }

    /// The database this store is on, without password.
    pub fn shown_url(&self) -> String {
        self.url.shown()
    }

    /// The connections of one lane.
    pub const fn on(&self, lane: Lane) -> OnLane<'_> {
        let pool = match lane {
            Lane::Reads => &self.readers,
            Lane::Claims => &self.claimants,
            Lane::Maintenance => &self.maintainers,
            Lane::Index => &self.index,
        };
        OnLane { lane, pool, outage: &self.outage }
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
    lane: Lane,
    pool: &'s Pool,
    outage: &'s Arc<Outage>,
}

impl OnLane<'_> {
    /// Runs `work` in one write transaction. `work` may run several times and must have no other effects.
    ///
    /// # Errors
    /// What `work` returns; [`StoreError::CommitUnknown`] when the commit's answer was lost.
    pub fn write<T>(self, work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.write_until(Instant::now() + WRITE_TIMEOUT, work)
    }

    /// The same for a caller who has a deadline to keep: nothing is begun after `until`, and a busy SQLite is not waited
    /// for any longer.
    ///
    /// # Errors
    /// As [`OnLane::write`]; [`StoreError::Contention`] when the database was busy until then.
    pub fn write_until<T>(self, until: Instant, mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let _open = OpenGuard::enter()?;
        // After the server restarted, every idle connection of the pool is dead.
        let (mut contended, mut dead) = (1, 0);
        loop {
            if Instant::now() >= until {
                return Err(StoreError::Contention("there was no time left to begin".to_owned()));
            }
            match with_connection(self.pool, self.outage, until, |conn| transact(conn.set_busy_timeout(until)?, &WRITE, &mut work)) {
                Err(StoreError::Contention(_)) if contended < WRITE_ATTEMPTS_MAX => contended += 1,
                Err(StoreError::Unavailable(_)) if dead < self.pool.max_size() && !self.outage.lasts() => dead += 1,
                outcome => return self.noted(outcome),
            }
        }
    }

    /// Runs `work` on one unchanging state of the database.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn read<T>(self, mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let _open = OpenGuard::enter()?;
        let read = |until| match with_connection(self.pool, self.outage, until, |conn| transact(conn, &READ, &mut work)) {
            // Nothing was written, so nothing is unknown: it can be read again.
            Err(StoreError::CommitUnknown(cause)) => Err(StoreError::Unavailable(cause)),
            outcome => outcome,
        };
        self.noted(retry_on_other_connections(self.pool, read))
    }

    /// Runs `work` without a transaction: for one statement, or several of which each may see a newer state. Pitfall: on the
    /// index's lane it is not tried again on another connection, whose session would know nothing of the polls before.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn query<T>(self, mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut query = |until| {
            with_connection(self.pool, self.outage, until, |conn| {
                let mut tx = Tx { conn: &mut conn.any, failure: None };
                let outcome = work(&mut tx);
                conn.broken |= tx.failure == Some(Failure::Spoiled);
                outcome
            })
        };
        match self.lane {
            Lane::Index => query(in_time()),
            Lane::Reads | Lane::Claims | Lane::Maintenance => self.noted(retry_on_other_connections(self.pool, query)),
        }
    }

    /// What was given up although it was tried again: then the database is out of reach, however connections are made.
    fn noted<T>(self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Unavailable(cause)) = &outcome {
            self.outage.failed(cause);
        }
        outcome
    }
}

/// Tries a read again on another connection when its own was cut, until its time is up. Many may be dead at once: after the
/// server restarted, every idle one of the pool is.
fn retry_on_other_connections<T>(pool: &Pool, mut read: impl FnMut(Instant) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let until = Instant::now() + READ_TIMEOUT;
    let mut quick = pool.max_size();
    loop {
        match read(until) {
            Err(StoreError::Unavailable(_)) if Instant::now() < until => {
                if quick == 0 {
                    std::thread::sleep(READ_PAUSE);
                }
                quick = quick.saturating_sub(1);
            }
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

/// By when somebody without a deadline wants a connection.
fn in_time() -> Instant {
    Instant::now() + conn::CHECKOUT_TIMEOUT
}

/// Lends a connection that is free by then, or soon. An outage ends with the first answer, whoever gets it.
fn with_connection<T>(
    pool: &Pool,
    outage: &Outage,
    until: Instant,
    work: impl FnOnce(&mut Conn) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let left = until.saturating_duration_since(Instant::now()).clamp(CHECKOUT_TIMEOUT_MIN, conn::CHECKOUT_TIMEOUT);
    let mut conn = pool.get_timeout(left).map_err(|e| match outage.lasts() {
        true => StoreError::Unavailable(error::one_line(&e.to_string())),
        false => StoreError::Exhausted,
    })?;
    let outcome = work(&mut conn);
    if outcome.is_ok() {
        outage.answered();
    }
    outcome
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
