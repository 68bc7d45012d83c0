//! Goal: what is on offer is read from its index alone, on PostgreSQL also by a plan that is kept for all values. Method: the
//! database counts what it reads. (SQLite does not; its plans are asked in `store/slots_offered.rs`.)

use domain::directory::Service;
use domain::ids::{ScheduleId, ServiceId, SlotId};
use domain::search::{Paging, SlotSearch, Window};
use domain::slot::SlotStatus;
use domain::time::DAY_MS;
use slotkeeper::store::{Lane, NewSlot, Store, Tx};
use std::time::Duration;
use testkit::os::wait_until;
use testkit::place::{NOW, Place, schedule};
use testkit::postgres::{Server, Settings};

const QUARTER_MS: i64 = 900_000;
/// Numbers of a session are added up a second after it was last asked, at the latest.
const SOON: Duration = Duration::from_secs(30);

fn slot(n: i64) -> NewSlot {
    let start = NOW.plus_ms(DAY_MS + n / 20 * QUARTER_MS);
    NewSlot {
        id: SlotId::parse(&format!("s{n:05}")).unwrap(),
        schedule: ScheduleId::parse(&format!("schedule-{:02}", n % 20)).unwrap(),
        start,
        end: start.plus_ms(QUARTER_MS),
        capacity: 1,
        blocked: false,
        channel: None,
    }
}

/// A diary of twenty schedules with a thousand slots each.
fn laid_out(place: &Place) -> Store {
    let store = Store::open(&place.url, true).unwrap();
    let service =
        Service { id: ServiceId::parse("service").unwrap(), name: "Service".to_owned(), organization: None, ods: None, location: None };
    let laid = store.on(Lane::Maintenance).write(|tx| {
        tx.service_put(&service)?;
        for n in 0..20 {
            tx.schedule_put(&schedule(&format!("schedule-{n:02}"), &["service"]), NOW)?;
        }
        tx.slot_insert_bulk(&(0..20_000).map(slot).collect::<Vec<_>>(), NOW)
    });
    assert_eq!(laid.unwrap(), 20_000);
    store
}

/// Asks for the offer of two schedules on a day, for their number, and for a page of all there is.
fn ask(tx: &mut Tx<'_>) -> usize {
    let schedules = ["schedule-03", "schedule-17"].map(|id| ScheduleId::parse(id).unwrap());
    let start = Window { from: Some(NOW.plus_ms(2 * DAY_MS)), until: Some(NOW.plus_ms(3 * DAY_MS)) };
    let search = SlotSearch { statuses: vec![SlotStatus::Free], start, paging: Paging::default(), ..SlotSearch::default() };
    let found = tx.slot_search(&search, Some(&schedules), NOW, 500).unwrap();
    assert_eq!(tx.slot_count(&search, Some(&schedules), NOW).unwrap(), 192);
    assert_eq!(tx.feed_offered((&schedules[0], NOW.plus_ms(5 * DAY_MS)), NOW, 30).unwrap().len(), 30);
    found.len()
}

#[test]
fn on_postgresql_the_offer_is_read_from_its_index_alone() {
    // A database server of its own: one that others load too would not vacuum what they may still see.
    let server = Server::start(Settings { fsync: false, extra: &[("plan_cache_mode", "force_generic_plan"), ("autovacuum", "off")] });
    let place = Place::postgresql(&server);
    drop(laid_out(&place));
    place.by_hand("VACUUM ANALYZE slot");
    let numbers = |what: &str| -> i64 {
        let of = "FROM pg_stat_user_indexes WHERE indexrelname = 'slot_free'";
        let from = if what == "seq_scan" { "FROM pg_stat_user_tables WHERE relname = 'slot'" } else { of };
        place.told(&format!("SELECT {what}::text AS answer {from}")).parse().unwrap()
    };
    let (scans, fetched, whole) = (numbers("idx_scan"), numbers("idx_tup_fetch"), numbers("seq_scan"));
    let store = Store::open(&place.url, false).unwrap();
    for _ in 0..10 {
        assert_eq!(store.on(Lane::Reads).read(|tx| Ok(ask(tx))).unwrap(), 192);
    }
    drop(store);
    assert!(wait_until(SOON, || numbers("idx_scan") >= scans + 30), "the index is not used: {}", numbers("idx_scan") - scans);
    assert_eq!(numbers("idx_tup_fetch"), fetched, "rows of the table were read as well");
    assert_eq!(numbers("seq_scan"), whole, "the whole table was read");
}
