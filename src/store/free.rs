//! The one meaning of "free" in SQL: what [`Slot::status`](domain::slot::Slot::status) calls free.
//!
//! Every statement that searches, counts, indexes or takes free slots gets its condition here. A test holds it
//! equal to the domain.
//!
//! Pitfall: the index `slot_free` serves only a query that says its condition in the same words (`taken < capacity
//! AND NOT blocked`). A value that is bound in their place (`blocked = $1`) would lose the index as soon as the
//! database keeps a plan for all values.

/// True of a slot that has room and is not kept back, of whatever time; `$slot` is `slot` or `slot_ever`.
macro_rules! has_room {
    ($slot:ident) => {
        $slot::taken.lt($slot::capacity).and(diesel::dsl::not($slot::blocked))
    };
}

/// True of a slot that is free at an instant: it has room and has not begun.
macro_rules! is_free {
    ($slot:ident, $now:expr) => {
        $crate::store::free::has_room!($slot).and($slot::start_ms.gt($now.ms()))
    };
}

pub(super) use {has_room, is_free};

/// The same for a statement that is written as text, of a slot called `s`; the instant in milliseconds follows it.
pub(super) const IS_FREE_AT: &str = "s.taken < s.capacity AND NOT s.blocked AND s.start_ms > ";

#[cfg(test)]
mod tests {
    use super::super::conn::{AnyConn, DatabaseUrl, Manager};
    use super::super::schema::slot;
    use super::super::{Store, Tx};
    use super::*;
    use diesel::prelude::*;
    use diesel::sql_types::{BigInt, Text};
    use domain::ids::ScheduleId;
    use domain::search::{SlotSearch, Window};
    use domain::slot::{Slot, SlotStatus};
    use domain::time::Timestamp;
    use proptest::prelude::*;

    #[derive(QueryableByName)]
    struct FreeRow {
        #[diesel(sql_type = Text)]
        id: String,
    }

    fn ids_by_text(conn: &mut AnyConn, now: Timestamp) -> Vec<String> {
        let rows: Vec<FreeRow> = diesel::sql_query(format!("SELECT s.id FROM slot s WHERE {IS_FREE_AT} ? ORDER BY s.id"))
            .bind::<BigInt, _>(now.ms())
            .load(conn)
            .unwrap();
        rows.into_iter().map(|row| row.id).collect()
    }

    fn ids(mut slots: Vec<Slot>) -> Vec<String> {
        slots.sort_by(|a, b| a.id.cmp(&b.id));
        slots.into_iter().map(|slot| slot.id.as_str().to_owned()).collect()
    }

    /// Slots around an instant: (start, capacity, taken, blocked).
    fn slots() -> impl Strategy<Value = Vec<(i64, i32, i32, bool)>> {
        let slot = (-2_i64..3, 1..4_i32, 0..4_i32, any::<bool>());
        prop::collection::vec(slot.prop_map(|(start, capacity, taken, blocked)| (start, capacity, taken.min(capacity), blocked)), 0..12)
    }

    fn status_search(statuses: Vec<SlotStatus>) -> SlotSearch {
        SlotSearch { statuses, ..SlotSearch::default() }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn sql_and_domain_mean_the_same_by_free(rows in slots()) {
            let dir = tempfile::tempdir().unwrap();
            let url = DatabaseUrl::Sqlite(dir.path().join("slotkeeper.db"));
            drop(Store::open(&url, true).unwrap());
            let mut conn = Manager::open(&url).unwrap();
            let now = Timestamp::from_ms(1_000_000);
            diesel::sql_query("PRAGMA foreign_keys = OFF").execute(&mut conn).unwrap();
            for (at, (start, capacity, taken, blocked)) in rows.iter().enumerate() {
                let start = now.ms() + start * 1_000;
                // One schedule each: a schedule has at most one slot that begins at an instant.
                diesel::sql_query(format!(
                    "INSERT INTO slot (id, schedule_id, start_ms, end_ms, capacity, taken, blocked, version, updated_ms) \
                     VALUES ('s{at:02}', 'p{at:02}', {start}, {start} + 600000, {capacity}, {taken}, {blocked}, 1, 0)"
                )).execute(&mut conn).unwrap();
            }
            let by_text = ids_by_text(&mut conn, now);
            let mut tx = Tx { conn: &mut conn, failure: None };
            let all = tx.slot_search(&status_search(vec![]), None, now, 100).unwrap();
            prop_assert_eq!(all.len(), rows.len());
            for status in [SlotStatus::Free, SlotStatus::Busy, SlotStatus::Begun] {
                let naive = ids(all.iter().filter(|slot| slot.status(now) == status).cloned().collect());
                // The general search, and the one that reads the index alone.
                let updated = Window { from: Some(Timestamp::from_ms(-1)), until: None };
                let general = SlotSearch { updated, ..status_search(vec![status]) };
                prop_assert_eq!(&ids(tx.slot_search(&general, None, now, 100).unwrap()), &naive);
                prop_assert_eq!(&ids(tx.slot_search(&status_search(vec![status]), None, now, 100).unwrap()), &naive);
                if status == SlotStatus::Free {
                    let first = ScheduleId::stored(String::new());
                    prop_assert_eq!(&ids(tx.feed_offered((&first, Timestamp::from_ms(0)), now, 100).unwrap()), &naive);
                    prop_assert_eq!(&by_text, &naive);
                }
            }
        }
    }

    #[test]
    fn the_text_says_what_the_expression_says() {
        let query = slot::table.filter(is_free!(slot, Timestamp::from_ms(0))).select(slot::id);
        let said = diesel::debug_query::<diesel::pg::Pg, _>(&query).to_string();
        let plain: String = said.split("WHERE").nth(1).unwrap().chars().filter(|c| !matches!(c, '(' | ')' | '"')).collect();
        let plain = plain.split("$1").next().unwrap().replace("slot.", "s.");
        assert_eq!(plain.split_whitespace().collect::<Vec<_>>(), IS_FREE_AT.split_whitespace().collect::<Vec<_>>());
    }
}
