//! The change feed: what has changed since the last poll, for the index in memory.
//!
//! One statement a poll, whatever the number of slots.
//!
//! Pitfall: on PostgreSQL neither times nor numbers tell what is new, because transactions commit in another order
//! than they begin; a poll compares the transaction that changed a slot with the snapshot of the poll before. So
//! every change is reported once, at the first poll after its commit. Another session counts transactions anew
//! after a standby took over, so a cursor is good in its own session only.

use super::conn::AnyConn;
use super::slots::SlotRow;
use super::{StoreError, Tx};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use domain::slot::Slot;

/// The most changes one poll reports; after more, the index is built anew.
pub const CHANGES_MAX: usize = 10_000;

/// The position of a poller in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedCursor {
    /// The session of the database server that gave it.
    session: String,
    /// A snapshot on PostgreSQL, a number on SQLite.
    at: String,
    /// SQLite's number of what others have committed, as this connection sees it: while it stays, there is nothing new.
    commits: Option<i64>,
}

/// What one poll finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// Where the next poll begins.
    pub cursor: FeedCursor,
    /// Raised by changes of anything but slots that are taken and freed: what was known of services and schedules is old.
    pub catalogue: i64,
    /// The slots that changed, each as it is now; `None` when there are more than [`CHANGES_MAX`], or when the cursor is another session's.
    pub changed: Option<Vec<Slot>>,
}

impl Tx<'_> {
    /// Where polls begin after this transaction's state of the database has been read.
    ///
    /// # Errors
    /// Those of the database.
    pub fn feed_begin(&mut self) -> Result<Poll, StoreError> {
        let start = match self.conn {
            AnyConn::Pg(_) => "1:1:",
            AnyConn::Sqlite(_) => "9223372036854775807",
        };
        // The rows do not matter, only the head of the answer; on PostgreSQL an early snapshot would report every slot.
        let rows: Vec<FeedRow> = self.run(|c| match c {
            AnyConn::Pg(pg) => Changes { cursor: start.to_owned(), none: true }.load(pg),
            AnyConn::Sqlite(sqlite) => Changes { cursor: start.to_owned(), none: true }.load(sqlite),
        })?;
        let head = rows.into_iter().next().ok_or(StoreError::Poisoned)?;
        Ok(Poll { cursor: FeedCursor { session: head.0, at: head.1, commits: None }, catalogue: head.2, changed: Some(Vec::new()) })
    }

    /// What has changed since the poll before.
    ///
    /// # Errors
    /// Those of the database.
    pub fn feed_poll(&mut self, last: &Poll) -> Result<Poll, StoreError> {
        let cursor = &last.cursor;
        // Asked before the slots are: a commit in between is polled for once more, and never missed.
        let commits = self.commits()?;
        if commits.is_some() && commits == cursor.commits {
            return Ok(Poll { changed: Some(Vec::new()), ..last.clone() });
        }
        let changes = Changes { cursor: cursor.at.clone(), none: false };
        let rows: Vec<FeedRow> = self.run(|c| match c {
            AnyConn::Pg(pg) => changes.load(pg),
            AnyConn::Sqlite(sqlite) => changes.load(sqlite),
        })?;
        let Some((session, at, catalogue, _)) = rows.first().cloned() else { return Err(StoreError::Poisoned) };
        let whole = rows.len() <= CHANGES_MAX && session == cursor.session && !self.is_before(&at, cursor);
        let changed = whole.then(|| rows.into_iter().filter_map(|row| row.3.map(Slot::from)).collect());
        Ok(Poll { cursor: FeedCursor { session, at, commits }, catalogue, changed })
    }

    fn commits(&mut self) -> Result<Option<i64>, StoreError> {
        self.run(|c| match c {
            AnyConn::Pg(_) => Ok(None),
            AnyConn::Sqlite(sqlite) => {
                let DataVersion { data_version } = diesel::sql_query("PRAGMA data_version").get_result(sqlite)?;
                Ok(Some(data_version))
            }
        })
    }

    /// True when the database is older than the cursor: another file was put in its place.
    fn is_before(&self, at: &str, cursor: &FeedCursor) -> bool {
        matches!(self.conn, AnyConn::Sqlite(_)) && at.parse::<i64>().ok() < cursor.at.parse().ok()
    }
}

#[derive(QueryableByName)]
struct DataVersion {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

/// Session, cursor, catalogue, and a slot that changed, if there is one.
type FeedRow = (String, String, i64, Option<SlotRow>);

/// The statement of a poll; one text each, so it is prepared once a connection.
#[derive(Debug)]
struct Changes {
    cursor: String,
    /// True for the head alone.
    none: bool,
}

const COLUMNS: &str = "id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms";

impl QueryFragment<Pg> for Changes {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT pg_backend_pid()::text || ' since ' || pg_postmaster_start_time()::text, pg_current_snapshot()::text, c.version, s.* \
             FROM catalogue c LEFT JOIN (SELECT ",
        );
        out.push_sql(COLUMNS);
        // The limit stands in the text: with one that is bound the planner would not know how few rows are wanted.
        out.push_sql(" FROM slot WHERE changed >= pg_snapshot_xmin(");
        out.push_bind_param::<Text, _>(&self.cursor)?;
        out.push_sql("::text::pg_snapshot)::text::bigint AND NOT pg_visible_in_snapshot(changed::text::xid8, ");
        out.push_bind_param::<Text, _>(&self.cursor)?;
        // A diary restored into another server brings numbers that transactions here have yet to reach.
        out.push_sql("::text::pg_snapshot) AND changed < pg_snapshot_xmax(pg_current_snapshot())::text::bigint AND NOT ");
        out.push_bind_param::<Bool, _>(&self.none)?;
        out.push_sql(&format!(" ORDER BY changed LIMIT {}) s ON true WHERE c.id = 1", CHANGES_MAX + 1));
        Ok(())
    }
}

impl QueryFragment<Sqlite> for Changes {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "SELECT '', CAST((SELECT coalesce(max(changed), 0) FROM slot) AS TEXT), c.version, s.* FROM catalogue c LEFT JOIN (SELECT ",
        );
        out.push_sql(COLUMNS);
        out.push_sql(" FROM slot WHERE changed > CAST(");
        out.push_bind_param::<Text, _>(&self.cursor)?;
        out.push_sql(" AS INTEGER) AND NOT ");
        out.push_bind_param::<Bool, _>(&self.none)?;
        out.push_sql(&format!(" ORDER BY changed LIMIT {}) s ON true WHERE c.id = 1", CHANGES_MAX + 1));
        Ok(())
    }
}

impl QueryId for Changes {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Changes {
    type SqlType = (Text, Text, BigInt, Nullable<(Text, Text, BigInt, BigInt, Integer, Integer, Bool, Nullable<Text>, BigInt, BigInt)>);
}

impl RunQueryDsl<PgConnection> for Changes {}
impl RunQueryDsl<SqliteConnection> for Changes {}
