//! Migrations: what the database holds, what this binary expects, and how one becomes the other.
//!
//! A database that is not ours is left untouched.
//!
//! Pitfall: on PostgreSQL two servers that start together would both migrate; an advisory lock lets one wait for
//! the other.

use super::conn::AnyConn;
use super::error::{StoreError, one_line};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRESQL: EmbeddedMigrations = embed_migrations!("migrations/postgresql");

/// Marks an SQLite file as ours: "SLOT" in ASCII (`PRAGMA application_id`).
const APPLICATION_ID: i32 = 0x534C_4F54;
/// The advisory lock that lets one migration run at a time: "slotkeep" as a number.
const MIGRATION_LOCK: i64 = 0x736C_6F74_6B65_6570;

/// How long an SQLite migration waits for another one, in milliseconds.
const MIGRATION_WAIT_MS: u32 = 30_000;

/// What stands between a database and this binary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Somebody else's data.
    #[error("this database holds something else than slotkeeper's data; it was left untouched")]
    NotOurs,
    /// The database lacks migrations.
    #[error("the database is older than this binary ({missing} migrations are missing): run `slotkeeper migrate`, or serve with --migrate")]
    Older {
        /// How many migrations it lacks.
        missing: usize,
    },
    /// The database is ahead.
    #[error("the database is newer than this binary (it has migration {version}): use a newer slotkeeper")]
    Newer {
        /// The migration this binary does not know.
        version: String,
    },
}

/// One migration and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its name.
    pub name: String,
    /// True when the database has it.
    pub applied: bool,
}

#[derive(QueryableByName)]
struct Tables {
    #[diesel(sql_type = BigInt)]
    n: i64,
    #[diesel(sql_type = BigInt)]
    ours: i64,
    #[diesel(sql_type = BigInt)]
    migrations: i64,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(QueryableByName)]
struct File {
    #[diesel(sql_type = Integer)]
    application_id: i32,
    #[diesel(sql_type = BigInt)]
    tables: i64,
}

#[derive(QueryableByName)]
struct Dangling {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    parent: String,
}

/// What a database is to us before anything is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Nobody,
    Us,
    SomebodyElse,
}

/// Applies what is missing. Returns the names of what was applied.
pub(super) fn run(conn: &mut AnyConn) -> Result<Vec<String>, StoreError> {
    // The lock comes before the check, so that another server's half-made tables are never taken for another program's.
    lock(conn, "SELECT pg_advisory_lock")?;
    let done = apply(conn);
    lock(conn, "SELECT pg_advisory_unlock")?;
    done
}

fn apply(conn: &mut AnyConn) -> Result<Vec<String>, StoreError> {
    if owner(conn)? == Owner::SomebodyElse {
        return Err(SchemaError::NotOurs.into());
    }
    refuse_newer(conn)?;
    match conn {
        AnyConn::Pg(_) => pending(conn),
        AnyConn::Sqlite(_) => apply_sqlite(conn),
    }
}

/// SQLite changes a table's constraints only by making the table anew, which must not count as deleting its rows. So
/// foreign keys are off meanwhile, which SQLite heeds outside a transaction only, and are proven before the commit instead.
fn apply_sqlite(conn: &mut AnyConn) -> Result<Vec<String>, StoreError> {
    super::conn::write_ahead(conn)?;
    run_pragmas(conn, &format!("PRAGMA busy_timeout = {MIGRATION_WAIT_MS}; PRAGMA foreign_keys = OFF"))?;
    let applied = apply_at_once(conn);
    run_pragmas(conn, "PRAGMA foreign_keys = ON")?;
    applied
}

/// All that is pending or nothing. The writer's lock lets one migration run at a time; what is pending is read under it.
fn apply_at_once(conn: &mut AnyConn) -> Result<Vec<String>, StoreError> {
    let broken = |e: diesel::result::Error| StoreError::of_statement(&e);
    if let AnyConn::Sqlite(sqlite) = conn {
        AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE").map_err(broken)?;
    }
    let applied =
        run_pragmas(conn, &format!("PRAGMA application_id = {APPLICATION_ID}")).and_then(|()| pending(conn)).and_then(|applied| {
            if !applied.is_empty() {
                references_hold(conn)?;
            }
            Ok(applied)
        });
    match &applied {
        Ok(_) => <AnyConn as TransactionManager<AnyConn>>::commit_transaction(conn).map_err(broken)?,
        // What stopped the migration is the news; that it was rolled back goes without saying.
        Err(_) => drop(<AnyConn as TransactionManager<AnyConn>>::rollback_transaction(conn)),
    }
    applied
}

/// Proves that no row refers to one that is not there.
fn references_hold(conn: &mut AnyConn) -> Result<(), StoreError> {
    let dangling: Vec<Dangling> = diesel::sql_query("SELECT \"table\" AS child, parent FROM pragma_foreign_key_check LIMIT 1")
        .load(conn)
        .map_err(|e| StoreError::of_statement(&e))?;
    match dangling.first() {
        Some(Dangling { child, parent }) => {
            Err(StoreError::Broken(format!("a row of {child} refers to one of {parent} that is not there; nothing was migrated")))
        }
        None => Ok(()),
    }
}

/// Tells SQLite how to behave.
fn run_pragmas(conn: &mut AnyConn, pragmas: &str) -> Result<(), StoreError> {
    conn.batch_execute(pragmas).map_err(|e| StoreError::of_statement(&e))
}

fn pending(conn: &mut AnyConn) -> Result<Vec<String>, StoreError> {
    let migrations = source(conn);
    let applied = conn.run_pending_migrations(migrations).map_err(|e| StoreError::Broken(one_line(&e.to_string())))?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// Proves that the database is exactly what this binary expects.
pub(super) fn prove(conn: &mut AnyConn) -> Result<(), StoreError> {
    match owner(conn)? {
        Owner::SomebodyElse => return Err(SchemaError::NotOurs.into()),
        Owner::Nobody => return Err(SchemaError::Older { missing: known(conn)?.len() }.into()),
        Owner::Us => {}
    }
    refuse_newer(conn)?;
    let missing = status(conn)?.iter().filter(|m| !m.applied).count();
    if missing > 0 { Err(SchemaError::Older { missing }.into()) } else { Ok(()) }
}

/// Every migration this binary knows, and whether the database has it. Writes nothing.
pub(super) fn status(conn: &mut AnyConn) -> Result<Vec<MigrationState>, StoreError> {
    let applied = match owner(conn)? {
        Owner::SomebodyElse => return Err(SchemaError::NotOurs.into()),
        Owner::Nobody => Vec::new(),
        Owner::Us => applied(conn)?,
    };
    Ok(known(conn)?.into_iter().map(|(name, version)| MigrationState { applied: applied.contains(&version), name }).collect())
}

fn refuse_newer(conn: &mut AnyConn) -> Result<(), StoreError> {
    if owner(conn)? == Owner::Nobody {
        return Ok(());
    }
    let known: Vec<String> = known(conn)?.into_iter().map(|(_, version)| version).collect();
    match applied(conn)?.into_iter().find(|version| !known.contains(version)) {
        Some(version) => Err(SchemaError::Newer { version }.into()),
        None => Ok(()),
    }
}

/// The versions the database has. Asked without diesel's harness, which would first try to create its table: a
/// server may run as a role that may not.
fn applied(conn: &mut AnyConn) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Version> = diesel::sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version")
        .load(conn)
        .map_err(|e| StoreError::of_statement(&e))?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// Name and version of every migration in the binary, oldest first.
fn known(conn: &AnyConn) -> Result<Vec<(String, String)>, StoreError> {
    let migrations: Vec<Box<dyn Migration<diesel::sqlite::Sqlite>>> =
        source(conn).migrations().map_err(|e| StoreError::Broken(e.to_string()))?;
    let mut names: Vec<_> = migrations.iter().map(|m| (m.name().to_string(), m.name().version().to_string())).collect();
    names.sort();
    Ok(names)
}

const fn source(conn: &AnyConn) -> EmbeddedMigrations {
    match conn {
        AnyConn::Pg(_) => POSTGRESQL,
        AnyConn::Sqlite(_) => SQLITE,
    }
}

fn owner(conn: &mut AnyConn) -> Result<Owner, StoreError> {
    match conn {
        AnyConn::Sqlite(sqlite) => {
            // One statement, hence one snapshot: mark and tables come with one commit, which may be happening at this moment.
            let file: File =
                diesel::sql_query("SELECT application_id, (SELECT count(*) FROM sqlite_master) AS tables FROM pragma_application_id")
                    .get_result(sqlite)
                    .map_err(|e| StoreError::of_statement(&e))?;
            Ok(match (file.application_id, file.tables) {
                (APPLICATION_ID, tables) if tables > 0 => Owner::Us,
                (0 | APPLICATION_ID, 0) => Owner::Nobody,
                _ => Owner::SomebodyElse,
            })
        }
        AnyConn::Pg(pg) => {
            // One snapshot here too.
            let tables: Tables = diesel::sql_query(
                "SELECT count(*) AS n, count(*) FILTER (WHERE tablename IN \
                 ('__diesel_schema_migrations', 'appointment_version', 'request_key')) AS ours, \
                 count(*) FILTER (WHERE tablename = '__diesel_schema_migrations') AS migrations \
                 FROM pg_tables WHERE schemaname = current_schema()",
            )
            .get_result(pg)
            .map_err(|e| StoreError::of_statement(&e))?;
            Ok(match tables {
                Tables { n: 0, .. } => Owner::Nobody,
                Tables { ours: 3, .. } => Owner::Us,
                // The table of migrations alone is a first migration that was interrupted.
                Tables { n: 1, migrations: 1, .. } => Owner::Us,
                _ => Owner::SomebodyElse,
            })
        }
    }
}

fn lock(conn: &mut AnyConn, call: &str) -> Result<(), StoreError> {
    if let AnyConn::Pg(pg) = conn {
        // Another server's migration may take as long as it takes.
        pg.batch_execute(&format!("SET lock_timeout = 0; SET statement_timeout = 0; {call}({MIGRATION_LOCK})"))
            .map_err(|e| StoreError::of_statement(&e))?;
    }
    Ok(())
}
