//! The offered slots, read from the index `slot_free` alone: a diary of millions is searched without reading its
//! table.
//!
//! Pitfall: the index serves only if a query names no other columns, and says its condition as `free.rs` does.

use super::dialect::{Db, by_start, within};
use super::free::is_free;
use super::schema::slot;
use super::{StoreError, Tx};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use domain::ids::{ScheduleId, SlotId};
use domain::search::{Cursor, SlotSearch, SortDirection};
use domain::slot::{Channel, Slot};
use domain::time::Timestamp;

#[derive(Queryable, Selectable)]
#[diesel(table_name = slot)]
struct OfferedRow {
    id: String,
    schedule_id: String,
    start_ms: i64,
    end_ms: i64,
    channel: Option<String>,
}

impl From<OfferedRow> for Slot {
    fn from(row: OfferedRow) -> Self {
        Self::free(
            SlotId::stored(row.id),
            ScheduleId::stored(row.schedule_id),
            Timestamp::from_ms(row.start_ms),
            Timestamp::from_ms(row.end_ms),
            row.channel.as_deref().and_then(Channel::parse),
        )
    }
}

impl Tx<'_> {
    /// As [`Tx::slot_search`], for a search of nothing but free slots.
    pub(super) fn offered_search(
        &mut self,
        search: &SlotSearch,
        schedules: Option<&[ScheduleId]>,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Slot>, StoreError> {
        let rows: Vec<OfferedRow> = self.run(|c| {
            let query = by_start!(offered(search, schedules, now), slot::start_ms, slot::id, search.sort, search.paging.after);
            query.select(OfferedRow::as_select()).limit(limit).load(c)
        })?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// How many slots a search of nothing but free slots matches.
    pub(super) fn offered_count(
        &mut self,
        search: &SlotSearch,
        schedules: Option<&[ScheduleId]>,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        self.run(|c| offered(search, schedules, now).count().get_result(c))
    }

    /// The slots offered at `now` after the one of a schedule that begins then, by schedule and start, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn feed_offered(
        &mut self,
        (schedule, start): (&ScheduleId, Timestamp),
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Slot>, StoreError> {
        let rows: Vec<OfferedRow> = self.run(|c| {
            // A pair is compared as a whole, so that a page begins in the index where the one before ended.
            let after = sql::<Bool>("(slot.schedule_id, slot.start_ms) > (")
                .bind::<Text, _>(schedule.as_str())
                .sql(", ")
                .bind::<BigInt, _>(start.ms())
                .sql(")");
            slot::table
                .filter(after)
                .filter(is_free!(slot, now))
                .order((slot::schedule_id, slot::start_ms))
                .limit(limit)
                .select(OfferedRow::as_select())
                .load(c)
        })?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}

/// Every condition of such a search but its page.
fn offered<'a>(search: &SlotSearch, schedules: Option<&'a [ScheduleId]>, now: Timestamp) -> slot::BoxedQuery<'a, Db> {
    let mut query = slot::table.filter(is_free!(slot, now)).into_boxed::<Db>();
    if let Some(schedules) = schedules {
        query = query.filter(slot::schedule_id.eq_any(schedules.iter().map(ScheduleId::as_str)));
    }
    within!(query, slot::start_ms, search.start);
    within!(query, slot::end_ms, search.end);
    query
}

#[cfg(test)]
mod tests {
    use super::super::conn::{AnyConn, DatabaseUrl, Manager};
    use super::super::{Store, Tx};
    use super::*;
    use diesel::connection::InstrumentationEvent;
    use domain::search::{Paging, Window};
    use domain::slot::SlotStatus;
    use std::sync::mpsc;

    #[derive(QueryableByName)]
    struct PlanStep {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    /// What SQLite does for each statement that `work` runs.
    fn plans(work: impl FnOnce(&mut Tx<'_>)) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(dir.path().join("slotkeeper.db"));
        drop(Store::open(&url, true).unwrap());
        let mut any = Manager::open(&url).unwrap();
        let (sender, statements) = mpsc::channel();
        if let AnyConn::Sqlite(sqlite) = &mut any {
            sqlite.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { query, .. } = event {
                    sender.send(query.to_string()).unwrap();
                }
            });
        }
        work(&mut Tx { conn: &mut any, failure: None });
        drop(any);
        let mut conn = Manager::open(&url).unwrap();
        let explain = |statement: String| {
            let statement = statement.split(" -- binds").next().unwrap_or_default();
            let steps: Vec<PlanStep> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(&mut conn).unwrap();
            steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
        };
        statements.try_iter().map(explain).collect()
    }

    #[test]
    fn on_sqlite_the_offer_is_read_from_its_index_alone() {
        let [now, later] = [0, 86_400_000].map(Timestamp::from_ms);
        let start = Window { from: Some(now), until: Some(later) };
        let after = Cursor { start: now, id: "slot".to_owned() };
        let search = SlotSearch { statuses: vec![SlotStatus::Free], start, end: start, ..SlotSearch::default() };
        let paged = SlotSearch { paging: Paging { count: Some(10), after: Some(after) }, ..search.clone() };
        let schedules = ["a", "b"].map(|id| ScheduleId::stored(id.to_owned()));
        let plans = plans(|tx| {
            tx.slot_search(&search, Some(&schedules), now, 10).unwrap();
            tx.slot_search(&paged, Some(&schedules), now, 10).unwrap();
            tx.slot_count(&search, Some(&schedules), now).unwrap();
            tx.feed_offered((&schedules[0], now), now, 10).unwrap();
        });
        assert_eq!(plans.len(), 4, "{plans:?}");
        for plan in &plans {
            assert!(plan.starts_with("SEARCH slot USING COVERING INDEX slot_free"), "{plan}");
        }
        assert!(plans.iter().take(3).all(|plan| plan.contains("(schedule_id=? AND start_ms>? AND start_ms<?)")), "{plans:?}");
        assert!(plans.last().unwrap().ends_with("slot_free ((schedule_id,start_ms)>(?,?))"), "pages need no sorting: {plans:?}");
    }
}
