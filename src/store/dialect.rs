//! Everything that differs between the two databases, but for the claims' own statements.
//!
//! diesel's connection enum cannot carry `ON CONFLICT` or batches; each wrapper here spells one of them in
//! the words both databases share, or once per arm.

use super::conn::AnyConn;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};

/// The backend of [`AnyConn`].
pub(super) type Db = <AnyConn as diesel::Connection>::Backend;

/// An insert that leaves an existing row as it is.
#[derive(Debug, Clone, Copy, diesel::query_builder::QueryId)]
pub(super) struct OrIgnore<Q>(pub(super) Q);

impl<Q> diesel::RunQueryDsl<AnyConn> for OrIgnore<Q> {}

impl<Q: QueryFragment<Db>> QueryFragment<Db> for OrIgnore<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" ON CONFLICT DO NOTHING");
        Ok(())
    }
}

/// Inserts many rows in one statement.
macro_rules! insert_many {
    ($conn:expr, $table:expr, $rows:expr) => {
        match $conn {
            AnyConn::Pg(pg) => diesel::insert_into($table).values($rows).execute(pg),
            AnyConn::Sqlite(sqlite) => diesel::insert_into($table).values($rows).execute(sqlite),
        }
    };
}

/// Inserts many rows in one statement and leaves existing ones as they are. Returns how many were new.
macro_rules! insert_many_or_ignore {
    ($conn:expr, $table:expr, $rows:expr) => {
        match $conn {
            AnyConn::Pg(pg) => diesel::insert_into($table).values($rows).on_conflict_do_nothing().execute(pg),
            AnyConn::Sqlite(sqlite) => diesel::insert_or_ignore_into($table).values($rows).execute(sqlite),
        }
    };
}

/// Narrows a boxed query to what lies in a half-open window.
macro_rules! within {
    ($query:ident, $column:expr, $window:expr) => {
        if let Some(from) = $window.from {
            $query = $query.filter($column.ge(from.ms()));
        }
        if let Some(until) = $window.until {
            $query = $query.filter($column.lt(until.ms()));
        }
    };
}

/// Orders a boxed query by start and id, either way round, and begins it after a cursor.
macro_rules! by_start {
    ($query:expr, $start:expr, $id:expr, $sort:expr, $after:expr) => {
        match $sort {
            SortDirection::Ascending => match &$after {
                Some(Cursor { start, id }) => {
                    $query.filter($start.ge(start.ms())).filter($start.gt(start.ms()).or($id.gt(id.clone()))).order(($start, $id))
                }
                None => $query.order(($start, $id)),
            },
            SortDirection::Descending => match &$after {
                Some(Cursor { start, id }) => $query
                    .filter($start.le(start.ms()))
                    .filter($start.lt(start.ms()).or($id.lt(id.clone())))
                    .order(($start.desc(), $id.desc())),
                None => $query.order(($start.desc(), $id.desc())),
            },
        }
    };
}

pub(super) use by_start;
pub(super) use insert_many;
pub(super) use insert_many_or_ignore;
pub(super) use within;
