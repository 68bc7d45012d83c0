//! Creating very many slots: for benchmarks, where a diary has millions of them.
//!
//! These are the same rows through the same constraints as [`super::slots`] makes, only more of them in one
//! statement; nothing is switched off and rebuilt, so a server may run meanwhile.

use super::conn::AnyConn;
use super::dialect::insert_many_or_ignore;
use super::schema::{appointment, slot, slot_ever};
use super::{Lane, NewSlot, Store, StoreError, Tx};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use domain::slot::Channel;
use domain::time::Timestamp;

/// BulkSlots of one insert into SQLite: ten values each, below its 32,766 parameters.
const SQLITE_ROWS: usize = 3_000;
/// Memory for pages while slots are laid out: the indexes of a million slots.
const SQLITE_CACHE_KIB: u32 = 262_144;

/// One statement for any number of rows: arrays cost one parameter a column, and PostgreSQL reads them faster than rows.
#[derive(Debug, QueryId)]
struct BulkSlots {
    id: Vec<String>,
    schedule_id: Vec<String>,
    start_ms: Vec<i64>,
    end_ms: Vec<i64>,
    channel: Vec<Option<String>>,
    updated_ms: i64,
}

impl QueryFragment<Pg> for BulkSlots {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO slot (id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms) \
             SELECT r.id, r.schedule_id, r.start_ms, r.end_ms, 1, 0, false, r.channel, 1, ",
        );
        out.push_bind_param::<BigInt, _>(&self.updated_ms)?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.schedule_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.start_ms)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.end_ms)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.channel)?;
        out.push_sql(") AS r(id, schedule_id, start_ms, end_ms, channel) ON CONFLICT DO NOTHING");
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for BulkSlots {}

impl Tx<'_> {
    /// Creates slots of capacity 1 that are not blocked. One that is there already, or was and is archived, is left as it
    /// is. Returns how many are new.
    ///
    /// # Errors
    /// Those of the database.
    pub fn slot_insert_bulk(&mut self, new: &[NewSlot], now: Timestamp) -> Result<usize, StoreError> {
        let new = self.slots_unknown(new, now)?;
        self.run(|c| match c {
            AnyConn::Pg(pg) => {
                let rows = BulkSlots {
                    id: new.iter().map(|s| s.id.as_str().to_owned()).collect(),
                    schedule_id: new.iter().map(|s| s.schedule.as_str().to_owned()).collect(),
                    start_ms: new.iter().map(|s| s.start.ms()).collect(),
                    end_ms: new.iter().map(|s| s.end.ms()).collect(),
                    channel: new.iter().map(|s| s.channel.map(|channel| channel.code().to_owned())).collect(),
                    updated_ms: now.ms(),
                };
                rows.execute(pg)
            }
            sqlite => {
                // Ids come in no order, so every page of their index is met again and again: it must not be read again.
                diesel::sql_query(format!("PRAGMA cache_size = -{SQLITE_CACHE_KIB}")).execute(sqlite)?;
                let mut inserted = 0;
                for chunk in new.chunks(SQLITE_ROWS) {
                    let rows: Vec<_> = chunk.iter().map(|s| row(s, now)).collect();
                    inserted += insert_many_or_ignore!(sqlite, slot::table, &rows)?;
                }
                Ok(inserted)
            }
        })
    }

    /// How much capacity is taken, over all slots there ever were; on ten million of them this takes longer than a request may.
    ///
    /// # Errors
    /// Those of the database.
    pub fn capacity_taken(&mut self) -> Result<i64, StoreError> {
        self.run(unhurried)?;
        let taken: Option<i64> = self.run(|c| slot_ever::table.select(diesel::dsl::sum(slot_ever::taken)).get_result(c))?;
        Ok(taken.unwrap_or_default())
    }

    /// How many appointments are live.
    ///
    /// # Errors
    /// Those of the database.
    pub fn appointments_live(&mut self) -> Result<i64, StoreError> {
        self.run(|c| appointment::table.filter(appointment::live.eq(true)).count().get_result(c))
    }
}

/// Lifts the limit on a statement's time for this transaction.
fn unhurried(conn: &mut AnyConn) -> QueryResult<()> {
    match conn {
        AnyConn::Pg(pg) => diesel::sql_query("SET LOCAL statement_timeout = 0").execute(pg).map(drop),
        AnyConn::Sqlite(_) => Ok(()),
    }
}

impl Store {
    /// Has the database count what it holds, so that it plans by what is there now. SQLite plans without.
    ///
    /// # Errors
    /// Those of the database.
    pub fn recount(&self) -> Result<(), StoreError> {
        self.on(Lane::Maintenance).write(|tx| {
            tx.run(unhurried)?;
            tx.run(|c| match c {
                AnyConn::Pg(pg) => {
                    diesel::sql_query("ANALYZE slot, slot_past, schedule, schedule_service, service, directory").execute(pg).map(drop)
                }
                AnyConn::Sqlite(_) => Ok(()),
            })
        })
    }
}

type SlotValues<'a> = (
    diesel::dsl::Eq<slot::id, &'a str>,
    diesel::dsl::Eq<slot::schedule_id, &'a str>,
    diesel::dsl::Eq<slot::start_ms, i64>,
    diesel::dsl::Eq<slot::end_ms, i64>,
    diesel::dsl::Eq<slot::capacity, i32>,
    diesel::dsl::Eq<slot::taken, i32>,
    diesel::dsl::Eq<slot::blocked, bool>,
    diesel::dsl::Eq<slot::channel, Option<&'static str>>,
    diesel::dsl::Eq<slot::version, i64>,
    diesel::dsl::Eq<slot::updated_ms, i64>,
);

fn row(s: &NewSlot, now: Timestamp) -> SlotValues<'_> {
    (
        slot::id.eq(s.id.as_str()),
        slot::schedule_id.eq(s.schedule.as_str()),
        slot::start_ms.eq(s.start.ms()),
        slot::end_ms.eq(s.end.ms()),
        slot::capacity.eq(1),
        slot::taken.eq(0),
        slot::blocked.eq(false),
        slot::channel.eq(s.channel.map(Channel::code)),
        slot::version.eq(1),
        slot::updated_ms.eq(now.ms()),
    )
}
