//! Slots: finding them and laying out new ones. Taking and freeing them is the claims' business.

use super::conn::AnyConn;
use super::dialect::{Db, by_start, insert_many_or_ignore, within};
use super::free::has_room;
use super::schema::{slot, slot_ever};
use super::{StoreError, Tx};
use diesel::dsl::not;
use diesel::prelude::*;
use domain::ids::{ScheduleId, SlotId};
use domain::search::{Cursor, SlotSearch, SortDirection};
use domain::slot::{Channel, Slot, SlotStatus};
use domain::time::{Span, Timestamp};

/// Rows of one insert: ten values each, well below SQLite's 32,766 and PostgreSQL's 65,535 parameters.
const ROWS_PER_INSERT: usize = 500;
/// The advisory lock of seeds: "slotseed" as a number.
const SEEDING_LOCK: i64 = 0x736C_6F74_7365_6564;

#[derive(Debug, Clone, Queryable)]
pub(super) struct SlotRow {
    id: String,
    schedule_id: String,
    start_ms: i64,
    end_ms: i64,
    capacity: i32,
    taken: i32,
    blocked: bool,
    channel: Option<String>,
    version: i64,
    updated_ms: i64,
}

impl From<SlotRow> for Slot {
    fn from(row: SlotRow) -> Self {
        Self {
            id: SlotId::stored(row.id),
            schedule: ScheduleId::stored(row.schedule_id),
            start: Timestamp::from_ms(row.start_ms),
            end: Timestamp::from_ms(row.end_ms),
            capacity: row.capacity,
            taken: row.taken,
            blocked: row.blocked,
            channel: row.channel.as_deref().and_then(Channel::parse),
            version: row.version,
            updated: Timestamp::from_ms(row.updated_ms),
        }
    }
}

/// A slot to be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSlot {
    /// Its id, if it is new.
    pub id: SlotId,
    /// The schedule it belongs to.
    pub schedule: ScheduleId,
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// How many appointments it holds.
    pub capacity: i32,
    /// True when the provider keeps it back.
    pub blocked: bool,
    /// How the patient is seen.
    pub channel: Option<Channel>,
}

impl Tx<'_> {
    /// The slots that exist among `ids`, past ones too, in id order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn slot_find_many(&mut self, ids: &[&str]) -> Result<Vec<Slot>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows: Vec<SlotRow> = self.run(|c| slot::table.filter(slot::id.eq_any(ids)).select(slot::all_columns).load(c))?;
        // Nearly always all are there, so the archive is read only where one is missing: both tables then, in one statement,
        // so that a slot which moves meanwhile, whichever way, is found.
        let missing: Vec<&str> = ids.iter().copied().filter(|id| rows.iter().all(|row| row.id != *id)).collect();
        if !missing.is_empty() {
            let elsewhere = slot_ever::table.filter(slot_ever::id.eq_any(missing)).select(slot_ever::all_columns);
            rows.extend(self.run(|c| elsewhere.load::<SlotRow>(c))?);
        }
        rows.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The slots of `schedules` (of any, when `None`) that a search matches, by start and id as it is sorted, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn slot_search(
        &mut self,
        search: &SlotSearch,
        schedules: Option<&[ScheduleId]>,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Slot>, StoreError> {
        if search.is_for_free_slots() {
            return self.offered_search(search, schedules, now, limit);
        }
        let rows: Vec<SlotRow> = self.run(|c| {
            let query = slot_matches(search, schedules, now);
            let query = by_start!(query, slot_ever::start_ms, slot_ever::id, search.sort, search.paging.after);
            query.select(slot_ever::all_columns).limit(limit).load(c)
        })?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// How many slots a search matches, wherever its page begins.
    ///
    /// # Errors
    /// Those of the database.
    pub fn slot_count(&mut self, search: &SlotSearch, schedules: Option<&[ScheduleId]>, now: Timestamp) -> Result<i64, StoreError> {
        if search.is_for_free_slots() {
            return self.offered_count(search, schedules, now);
        }
        self.run(|c| slot_matches(search, schedules, now).count().get_result(c))
    }

    /// Lays out slots. One whose schedule has a slot at that start already, or had one that is archived, is left as it is.
    /// Returns how many are new.
    ///
    /// # Errors
    /// Those of the database.
    pub fn slot_insert_missing(&mut self, new: &[NewSlot], now: Timestamp) -> Result<usize, StoreError> {
        let mut inserted = 0;
        for chunk in self.slots_unknown(new, now)?.chunks(ROWS_PER_INSERT) {
            let rows: Vec<_> = chunk
                .iter()
                .map(|s| {
                    (
                        slot::id.eq(s.id.as_str()),
                        slot::schedule_id.eq(s.schedule.as_str()),
                        slot::start_ms.eq(s.start.ms()),
                        slot::end_ms.eq(s.end.ms()),
                        slot::capacity.eq(s.capacity),
                        slot::taken.eq(0),
                        slot::blocked.eq(s.blocked),
                        slot::channel.eq(s.channel.map(Channel::code)),
                        slot::version.eq(1i64),
                        slot::updated_ms.eq(now.ms()),
                    )
                })
                .collect();
            inserted += self.run(|c| insert_many_or_ignore!(c, slot::table, &rows))?;
        }
        Ok(inserted)
    }

    /// When the slots of a schedule are, or were, that touch `span`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn slot_spans(&mut self, schedule: &ScheduleId, span: Span) -> Result<Vec<Span>, StoreError> {
        let spans: Vec<(i64, i64)> = self.run(|c| {
            slot_ever::table
                .filter(slot_ever::schedule_id.eq(schedule.as_str()))
                .filter(slot_ever::start_ms.lt(span.until.ms()))
                .filter(slot_ever::end_ms.gt(span.from.ms()))
                .order(slot_ever::start_ms)
                .select((slot_ever::start_ms, slot_ever::end_ms))
                .load(c)
        })?;
        Ok(spans.into_iter().map(|(from, until)| Span { from: Timestamp::from_ms(from), until: Timestamp::from_ms(until) }).collect())
    }

    /// Lets only one transaction at a time create slots or load the directory; the lock is kept until it ends.
    ///
    /// # Errors
    /// Those of the database.
    pub fn seeding_lock(&mut self) -> Result<(), StoreError> {
        self.run(|c| match c {
            AnyConn::Pg(pg) => {
                // Another seed may take longer than a booking may wait.
                diesel::sql_query("SET LOCAL lock_timeout = 0").execute(pg)?;
                diesel::sql_query("SET LOCAL statement_timeout = 0").execute(pg)?;
                diesel::sql_query(format!("SELECT pg_advisory_xact_lock({SEEDING_LOCK})")).execute(pg).map(drop)
            }
            // BEGIN IMMEDIATE has seen to that.
            AnyConn::Sqlite(_) => Ok(()),
        })
    }
}

/// Every condition of a search but its page. It may be one of the past.
fn slot_matches<'a>(search: &'a SlotSearch, schedules: Option<&'a [ScheduleId]>, now: Timestamp) -> slot_ever::BoxedQuery<'a, Db> {
    let mut query = slot_ever::table.into_boxed::<Db>();
    if let Some(schedules) = schedules {
        query = query.filter(slot_ever::schedule_id.eq_any(schedules.iter().map(ScheduleId::as_str)));
    }
    if !search.ids.is_empty() {
        query = query.filter(slot_ever::id.eq_any(search.ids.iter().map(SlotId::as_str)));
    }
    within!(query, slot_ever::start_ms, search.start);
    within!(query, slot_ever::end_ms, search.end);
    within!(query, slot_ever::updated_ms, search.updated);
    if search.statuses.is_empty() { query } else { with_status(query, &search.statuses, now) }
}

/// The same distinction as `Slot::status`, in SQL.
fn with_status<'a>(query: slot_ever::BoxedQuery<'a, Db>, statuses: &[SlotStatus], now: Timestamp) -> slot_ever::BoxedQuery<'a, Db> {
    use SlotStatus::{Begun, Busy, Free};
    let open = || has_room!(slot_ever);
    let wants = |status| statuses.contains(&status);
    match (wants(Free), wants(Busy), wants(Begun)) {
        (true, true, true) => query,
        (true, false, false) => query.filter(open()).filter(slot_ever::start_ms.gt(now.ms())),
        (false, false, true) => query.filter(open()).filter(slot_ever::start_ms.le(now.ms())),
        (true, false, true) => query.filter(open()),
        (false, true, false) => query.filter(not(open())),
        (true, true, false) => query.filter(not(open()).or(slot_ever::start_ms.gt(now.ms()))),
        (false, true, true) => query.filter(not(open()).or(slot_ever::start_ms.le(now.ms()))),
        (false, false, false) => query.filter(slot_ever::capacity.lt(0)),
    }
}
