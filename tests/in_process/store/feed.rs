//! Goal: whoever asks the store what has changed since it last looked is told every change, once, in whatever order
//! transactions commit; and is told when it had better begin anew.
//! Method: two stores or raw connections on one database, and looks between their commits.

use diesel::connection::SimpleConnection;
use domain::directory::{DirectoryKind, Service};
use domain::document::{Document, Release};
use domain::ids::{ResourceId, ScheduleId, ServiceId, SlotId};
use slotkeeper::store::{CHANGES_MAX, Lane, NewSlot, Poll, Store, StoreError};
use testkit::on_both;
use testkit::place::{NOW, Place, schedule};
use testkit::postgres::{Server, Settings};

trait WithSlots: Sized {
    /// A store with `slots` slots `s00000`, `s00001`… on offer.
    fn seeded(&self, slots: usize) -> Store;
}

impl WithSlots for Place {
    fn seeded(&self, slots: usize) -> Store {
        let store = Store::open(&self.url, true).unwrap();
        store.write_ahead().unwrap();
        let service = Service { id: service(), name: "Service".to_owned(), organization: None, ods: None, location: None };
        let (schedule, another) = (schedule("schedule", &["service"]), schedule("another", &["service"]));
        store
            .on(Lane::Maintenance)
            .write(|tx| {
                tx.service_put(&service)?;
                tx.schedule_put(&schedule, NOW)?;
                tx.schedule_put(&another, NOW)?;
                tx.slot_insert_missing(&(0..slots).map(slot).collect::<Vec<_>>(), NOW)
            })
            .unwrap();
        store
    }
}

fn service() -> ServiceId {
    ServiceId::parse("service").unwrap()
}

fn slot(n: usize) -> NewSlot {
    let start = NOW.plus_ms(3_600_000 + i64::try_from(n).unwrap() * 900_000);
    NewSlot {
        id: SlotId::parse(&format!("s{n:05}")).unwrap(),
        schedule: ScheduleId::parse("schedule").unwrap(),
        start,
        end: start.plus_ms(900_000),
        capacity: 1,
        blocked: false,
        channel: None,
    }
}

fn take(n: usize) -> String {
    format!("UPDATE slot SET taken = 1, version = version + 1 WHERE id = 's{n:05}'")
}

fn begin(store: &Store) -> Poll {
    store.on(Lane::Index).read(|tx| tx.feed_begin()).unwrap()
}

/// What a look after `last` tells; `last` becomes that look.
fn told(store: &Store, last: &mut Poll) -> Vec<(String, i32)> {
    *last = store.on(Lane::Index).query(|tx| tx.feed_poll(last)).unwrap();
    let mut told: Vec<_> = last.changed.iter().flatten().map(|slot| (slot.id.as_str().to_owned(), slot.taken)).collect();
    assert!(last.changed.is_some(), "the look tells nothing but doubt");
    told.sort();
    told
}

fn named(list: &[usize], taken: i32) -> Vec<(String, i32)> {
    list.iter().map(|n| (format!("s{n:05}"), taken)).collect()
}

#[on_both]
fn every_change_is_told_once(place: Place) {
    let store = place.seeded(5);
    let mut last = begin(&store);
    assert_eq!(told(&store, &mut last), [], "{}: nothing is new to whoever has just begun", place.kind);
    place.by_hand(&take(3));
    assert_eq!(told(&store, &mut last), named(&[3], 1), "{}", place.kind);
    assert_eq!(told(&store, &mut last), [], "{}", place.kind);
    place.by_hand(&take(1));
    place.by_hand("UPDATE slot SET taken = 0 WHERE id = 's00003'");
    assert_eq!(told(&store, &mut last), [("s00001".to_owned(), 1), ("s00003".to_owned(), 0)], "{}", place.kind);
    place.by_hand("UPDATE slot SET blocked = NOT blocked WHERE id = 's00004'");
    assert_eq!(told(&store, &mut last), named(&[4], 0), "{}: blocked by hand", place.kind);
    store.on(Lane::Maintenance).write(|tx| tx.slot_insert_missing(&[slot(4), slot(7)], NOW)).unwrap();
    assert_eq!(told(&store, &mut last), named(&[7], 0), "{}: only the one that is new", place.kind);
    assert_eq!(told(&store, &mut last), [], "{}", place.kind);
}

#[on_both]
fn what_was_read_at_first_is_told_only_if_it_changed(place: Place) {
    let store = place.seeded(3);
    place.by_hand(&take(0));
    let (mut last, offered) = store
        .on(Lane::Index)
        .read(|tx| {
            let last = tx.feed_begin()?;
            // Committed after the state was fixed and before the slots are read.
            place.by_hand(&take(2));
            Ok((last, tx.feed_offered((&ScheduleId::stored(String::new()), NOW), NOW, 10)?))
        })
        .unwrap();
    let ids: Vec<&str> = offered.iter().map(|slot| slot.id.as_str()).collect();
    // SQLite fixes the state with the first statement as well.
    assert_eq!(ids, ["s00001", "s00002"], "{}", place.kind);
    assert_eq!(told(&store, &mut last), named(&[2], 1), "{}", place.kind);
}

#[on_both]
fn what_is_on_offer_is_read_page_by_page_whole_and_once(place: Place) {
    let store = place.seeded(25);
    place.by_hand(&take(7));
    place.by_hand("UPDATE slot SET blocked = true WHERE id = 's00011'");
    place.by_hand("UPDATE slot SET schedule_id = 'another' WHERE id > 's00013'");
    for page in [1, 4, 100] {
        let read = store.on(Lane::Index).read(|tx| {
            let (mut after, mut read) = ((ScheduleId::stored(String::new()), NOW), Vec::new());
            loop {
                let found = tx.feed_offered((&after.0, after.1), NOW.plus_ms(3_600_000), page)?;
                let Some(last) = found.last() else { return Ok(read) };
                after = (last.schedule.clone(), last.start);
                read.extend(found.into_iter().map(|slot| (slot.schedule.as_str().to_owned(), slot.id.as_str().to_owned())));
            }
        });
        let named = |n: usize| (if n > 13 { "another" } else { "schedule" }.to_owned(), format!("s{n:05}"));
        // The first slot begins now, and has begun.
        let wanted: Vec<_> = (14..25).chain(1..14).filter(|n| ![7, 11].contains(n)).map(named).collect();
        assert_eq!(read.unwrap(), wanted, "{}: {page} a page", place.kind);
    }
}

#[test]
fn on_postgresql_a_late_commit_is_told_when_it_commits() {
    let place = Place::postgresql(Server::shared());
    let store = place.seeded(4);
    let mut early = place.database.as_ref().unwrap().connect();
    let before = early.batch_execute("BEGIN").and_then(|()| early.batch_execute(&take(0)));
    before.unwrap();
    let mut last = begin(&store);
    place.by_hand(&take(1));
    assert_eq!(told(&store, &mut last), named(&[1], 1));
    assert_eq!(told(&store, &mut last), []);
    early.batch_execute("COMMIT").unwrap();
    assert_eq!(told(&store, &mut last), named(&[0], 1));
    assert_eq!(told(&store, &mut last), []);
    early.batch_execute(&format!("BEGIN; {}; ROLLBACK", take(2))).unwrap();
    assert_eq!(told(&store, &mut last), [], "what was rolled back never was");
}

#[test]
fn on_postgresql_transactions_in_any_order_are_told_once_each() {
    let place = Place::postgresql(Server::shared());
    let store = place.seeded(200);
    let mut connections: Vec<_> = (0..8).map(|_| (place.database.as_ref().unwrap().connect(), None)).collect();
    let mut last = begin(&store);
    let (mut committed, mut seen, mut next) = (Vec::new(), Vec::new(), 0);
    let mut dice: u64 = 0x5EED;
    for _ in 0..600 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (conn, open) = &mut connections[usize::try_from(dice >> 33).unwrap() % 8];
        match open.take() {
            None if next < 200 => {
                conn.batch_execute(&format!("BEGIN; {}", take(next))).unwrap();
                *open = Some(next);
                next += 1;
            }
            None => {}
            Some(n) if (dice >> 40).is_multiple_of(5) => {
                conn.batch_execute("ROLLBACK").unwrap();
                let _: usize = n;
            }
            Some(n) => {
                conn.batch_execute("COMMIT").unwrap();
                committed.push(n);
            }
        }
        if (dice >> 50).is_multiple_of(3) {
            seen.extend(told(&store, &mut last));
            assert_eq!(seen.len(), committed.len(), "a look tells what is committed and nothing else");
        }
    }
    seen.extend(told(&store, &mut last));
    committed.sort_unstable();
    seen.sort();
    assert!(committed.len() > 50, "too few transactions for the test to mean anything");
    assert_eq!(seen, named(&committed, 1));
}

#[on_both]
fn all_but_bookings_raises_the_version_of_the_catalogue(place: Place) {
    let store = place.seeded(3);
    let mut last = begin(&store);
    let mut raised = |doing: &str, wanted: bool| {
        let before = last.catalogue;
        told(&store, &mut last);
        assert_eq!(last.catalogue != before, wanted, "{}: {doing}", place.kind);
    };
    place.by_hand(&take(0));
    raised("a slot is taken", false);
    store.on(Lane::Maintenance).write(|tx| tx.slot_insert_missing(&[slot(9)], NOW)).unwrap();
    raised("a slot is laid out", false);
    store
        .on(Lane::Maintenance)
        .write(|tx| {
            tx.directory_put(
                DirectoryKind::Location,
                &ResourceId::stored("l".to_owned()),
                &Document { release: Release::Stu3, text: "{}".to_owned() },
                NOW,
            )
        })
        .unwrap();
    raised("a place is new", true);
    store
        .on(Lane::Maintenance)
        .write(|tx| {
            tx.directory_put(
                DirectoryKind::Location,
                &ResourceId::stored("l".to_owned()),
                &Document { release: Release::Stu3, text: "{}".to_owned() },
                NOW,
            )
        })
        .unwrap();
    raised("a place stays what it is", false);
    for sql in [
        "UPDATE service SET name = 'Another name'",
        "UPDATE schedule SET name = 'Another name'",
        "UPDATE schedule_service SET rank = 5",
        "DELETE FROM schedule_service",
        "UPDATE slot SET start_ms = start_ms - 1 WHERE id = 's00001'",
        "DELETE FROM slot WHERE id = 's00002'",
        "DELETE FROM directory",
    ] {
        place.by_hand(sql);
        raised(sql, true);
    }
}

#[on_both]
fn more_changes_than_one_look_tells_are_doubt(place: Place) {
    let store = place.seeded(CHANGES_MAX + 1);
    let mut last = begin(&store);
    place.by_hand("UPDATE slot SET taken = 1 WHERE id <> 's00000'");
    assert_eq!(told(&store, &mut last).len(), CHANGES_MAX, "{}: as many as one look tells", place.kind);
    place.by_hand("UPDATE slot SET taken = 0");
    let look = store.on(Lane::Index).query(|tx| tx.feed_poll(&last)).unwrap();
    assert_eq!(look.changed, None, "{}", place.kind);
}

#[test]
fn another_session_of_the_server_is_doubt() {
    let server = Server::start(Settings { fsync: false, extra: &[] });
    let place = Place::postgresql(&server);
    let store = place.seeded(2);
    let mut last = begin(&store);
    assert_eq!(told(&store, &mut last), []);
    server.stop();
    server.restart();
    // The old session is gone, and a poll is not tried again in another.
    let cut = store.on(Lane::Index).query(|tx| tx.feed_poll(&last));
    assert!(matches!(cut, Err(StoreError::Unavailable(_))), "{cut:?}");
    let look = store.on(Lane::Index).query(|tx| tx.feed_poll(&last)).unwrap();
    assert_eq!(look.changed, None);
    last = begin(&store);
    assert_eq!(told(&store, &mut last), []);
}

#[test]
fn on_postgresql_a_diary_restored_elsewhere_is_followed() {
    let place = Place::postgresql(Server::shared());
    let store = place.seeded(3);
    place.by_hand(
        "ALTER TABLE slot DISABLE TRIGGER slot_changed; UPDATE slot SET changed = 4000000000000; ALTER TABLE slot ENABLE TRIGGER slot_changed",
    );
    let mut last = begin(&store);
    assert_eq!(told(&store, &mut last), []);
    place.by_hand(&take(1));
    assert_eq!(told(&store, &mut last), named(&[1], 1));
    assert_eq!(told(&store, &mut last), []);
}

#[test]
fn on_sqlite_a_file_that_was_set_back_is_doubt() {
    let place = Place::sqlite();
    let store = place.seeded(2);
    place.by_hand(&take(0));
    let last = begin(&store);
    place.by_hand("UPDATE slot SET changed = 1");
    assert_eq!(store.on(Lane::Index).query(|tx| tx.feed_poll(&last)).unwrap().changed, None);
}
