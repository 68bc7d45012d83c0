//! The archive: slots whose time is over move from `slot` to `slot_past`, where they are read and never written
//! again.
//!
//! Pitfall: a slot moves in one direction only. A reader of `slot` first and then of `slot_past` finds it, and one
//! statement over both (`slot_ever`) finds it once.

use super::conn::AnyConn;
use super::schema::{slot, slot_ever, slot_past};
use super::{NewSlot, StoreError, Tx};
use diesel::prelude::*;
use diesel::sql_types::Text;
use domain::ids::ScheduleId;
use domain::time::Timestamp;
use std::collections::{BTreeSet, HashSet};

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Moves the rows of these ids; the same words on both databases, once per arm.
macro_rules! move_rows {
    ($conn:expr, $ids:expr) => {{
        let kept = slot::table
            .filter(slot::id.eq_any($ids))
            .select(slot::all_columns)
            .insert_into(slot_past::table)
            .into_columns(slot_past::all_columns)
            .execute($conn)?;
        let gone = diesel::delete(slot::table.filter(slot::id.eq_any($ids))).execute($conn)?;
        Ok((kept, gone))
    }};
}

impl Tx<'_> {
    /// The schedules that have slots in the diary which ended by `before`, in id order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn schedule_with_ended(&mut self, before: Timestamp) -> Result<Vec<ScheduleId>, StoreError> {
        // One index lookup for each schedule, from its earliest slot on: a join would read the whole diary.
        let ms = before.ms();
        let sql = format!(
            "SELECT s.id AS id FROM schedule s WHERE (SELECT 1 FROM slot p WHERE p.schedule_id = s.id AND p.start_ms < {ms} \
             AND p.end_ms <= {ms} ORDER BY p.start_ms LIMIT 1) = 1 ORDER BY s.id"
        );
        let rows: Vec<Id> = self.run(|c| diesel::sql_query(sql).load(c))?;
        Ok(rows.into_iter().map(|row| ScheduleId::stored(row.id)).collect())
    }

    /// Moves slots of a schedule that ended by `before` to the archive, the earliest first, at most `limit`. One that
    /// another transaction holds is left for another time. Returns how many were moved.
    ///
    /// # Errors
    /// Those of the database.
    pub fn slot_archive(&mut self, schedule: &ScheduleId, before: Timestamp, limit: i64) -> Result<usize, StoreError> {
        let ended = slot::table
            .filter(slot::schedule_id.eq(schedule.as_str()))
            .filter(slot::start_ms.lt(before.ms()))
            .filter(slot::end_ms.le(before.ms()))
            .order(slot::start_ms)
            .limit(limit)
            .select(slot::id);
        let ids: Vec<String> = self.run(|c| match c {
            AnyConn::Pg(pg) => ended.for_update().skip_locked().load(pg),
            // BEGIN IMMEDIATE has made this the only writer.
            AnyConn::Sqlite(sqlite) => ended.load(sqlite),
        })?;
        if ids.is_empty() {
            return Ok(0);
        }
        let (kept, gone): (usize, usize) = self.run(|c| match c {
            AnyConn::Pg(pg) => move_rows!(pg, &ids),
            AnyConn::Sqlite(sqlite) => move_rows!(sqlite, &ids),
        })?;
        if kept == gone { Ok(kept) } else { Err(StoreError::Corrupt(format!("{kept} slots were archived and {gone} left the diary"))) }
    }

    /// Those of `new` that may be laid out. What begins in the future was never archived, so only what began before `now`
    /// is looked for. In both tables at once: a slot that another transaction is just moving is in one of them.
    pub(super) fn slots_unknown<'n>(&mut self, new: &'n [NewSlot], now: Timestamp) -> Result<Vec<&'n NewSlot>, StoreError> {
        let begun = || new.iter().filter(|slot| slot.start < now);
        let (Some(first), Some(last)) = (begun().map(|s| s.start).min(), begun().map(|s| s.start).max()) else {
            return Ok(new.iter().collect());
        };
        let schedules: BTreeSet<&str> = begun().map(|slot| slot.schedule.as_str()).collect();
        let known: Vec<(String, i64)> = self.run(|c| {
            slot_ever::table
                .filter(slot_ever::schedule_id.eq_any(schedules))
                .filter(slot_ever::start_ms.between(first.ms(), last.ms()))
                .select((slot_ever::schedule_id, slot_ever::start_ms))
                .load(c)
        })?;
        let known: HashSet<(&str, i64)> = known.iter().map(|(schedule, start_ms)| (schedule.as_str(), *start_ms)).collect();
        Ok(new.iter().filter(|slot| !known.contains(&(slot.schedule.as_str(), slot.start.ms()))).collect())
    }
}
