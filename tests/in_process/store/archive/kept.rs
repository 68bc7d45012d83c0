//! What archiving leaves as it was: nobody who follows the diary is told, nothing comes back, nothing is lost.

use super::*;
use domain::document::{Document, Release};
use domain::time::Span;
use testkit::place::NOW;

fn begin(store: &Store) -> Poll {
    store.on(Lane::Index).read(|tx| tx.feed_begin()).unwrap()
}

/// What a look after `last` tells; `last` becomes that look.
fn told(store: &Store, last: &mut Poll) -> Vec<(String, i32)> {
    let look = store.on(Lane::Index).query(|tx| tx.feed_poll(last)).unwrap();
    assert_eq!(look.catalogue, last.catalogue, "the catalogue was raised");
    *last = look;
    let changed = last.changed.as_ref().expect("the look tells nothing but doubt");
    changed.iter().map(|slot| (slot.id.as_str().to_owned(), slot.taken)).collect()
}

/// A look asks for numbers larger than the largest it has seen, and on SQLite the next number is one more than the largest
/// there is: it must not become smaller when the slot that has it is archived.
#[on_both]
fn who_follows_the_diary_hears_nothing_of_archiving(place: Place) {
    let store = place.store();
    let (past, open) = (row("one", 20), [slot("open-1", "two", 9_000, 15), slot("open-2", "two", 9_015, 15)]);
    lay_out(&store, &open);
    lay_out(&store, &past);
    let mut last = begin(&store);
    assert_eq!(told(&store, &mut last), [], "{}", place.kind);
    assert!(book(&store, "a", &past[19]));
    let unseen = last.clone();
    assert_eq!(told(&store, &mut last), [("one-00019".to_owned(), 1)], "{}", place.kind);
    assert_eq!(archive(&store, tomorrow()), 20, "{}", place.kind);
    assert_eq!(told(&store, &mut last), [], "{}: archiving is no news", place.kind);
    assert!(book(&store, "b", &open[0]));
    assert_eq!(told(&store, &mut last), [("open-1".to_owned(), 1)], "{}: whoever had seen the last change", place.kind);
    let mut unseen = unseen;
    assert!(told(&store, &mut unseen).contains(&("open-1".to_owned(), 1)), "{}: and whoever had not", place.kind);
}

#[test]
fn on_sqlite_a_diary_that_was_archived_whole_is_read_anew() {
    let place = Place::of(Kind::Sqlite);
    let store = place.store();
    lay_out(&store, &row("one", 5));
    let last = begin(&store);
    assert_eq!(archive(&store, tomorrow()), 5);
    // The numbers of changes begin again, and soon are larger than those that were told: nothing may be told by them.
    let new: Vec<NewSlot> = (0..6).map(|n| slot(&format!("new-{n}"), "one", 9_000 + n * 15, 15)).collect();
    assert_eq!(store.on(Lane::Maintenance).write(|tx| tx.slot_insert_missing(&new, tomorrow())).unwrap(), 6);
    let look = store.on(Lane::Index).query(|tx| tx.feed_poll(&last)).unwrap();
    assert!(look.catalogue != last.catalogue || look.changed.is_none());
}

/// As docs/operations.md says, after a clock went wrong.
#[on_both]
fn what_was_archived_too_early_can_be_brought_back_by_hand(place: Place) {
    let store = place.store();
    let slots = row("one", 4);
    lay_out(&store, &slots);
    lay_out(&store, &[slot("open", "two", 90_000, 15)]);
    assert!(book(&store, "a", &slots[3]));
    let mut last = begin(&store);
    assert_eq!(archive(&store, tomorrow()), 4);
    let now = slots[1].start.ms();
    place.by_hand(&format!(
        "BEGIN;
             INSERT INTO slot (id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms)
                 SELECT * FROM slot_past WHERE start_ms > {now};
             DELETE FROM slot_past WHERE start_ms > {now};
             COMMIT"
    ));
    let mut back = told(&store, &mut last);
    back.sort();
    assert_eq!(back, [("one-00002".to_owned(), 0), ("one-00003".to_owned(), 1)], "{}", place.kind);
    assert_eq!(place.archived(), ["one-00000", "one-00001"], "{}", place.kind);
    assert_eq!(broken(&store), [""; 0], "{}", place.kind);
}

#[on_both]
fn what_was_archived_is_not_laid_out_again(place: Place) {
    let store = place.store();
    let slots = row("one", 30);
    lay_out(&store, &slots);
    let whole = Span { from: slots[0].start, until: slots[29].end };
    let spans = |store: &Store| store.on(Lane::Reads).query(|tx| tx.slot_spans(&slots[0].schedule, whole)).unwrap();
    let before = spans(&store);
    assert_eq!(archive(&store, tomorrow()), 30);
    assert_eq!((before.len(), spans(&store)), (30, before), "{}: nothing is laid out across it either", place.kind);
    let renamed: Vec<NewSlot> =
        slots.iter().map(|s| NewSlot { id: SlotId::parse(&format!("{}-again", s.id)).unwrap(), ..s.clone() }).collect();
    let later = NewSlot { id: SlotId::parse("later").unwrap(), ..slot("later", "one", 90_000, 15) };
    let mixed: Vec<NewSlot> = renamed.iter().chain(std::slice::from_ref(&later)).cloned().collect();
    assert_eq!(store.on(Lane::Maintenance).write(|tx| tx.slot_insert_missing(&mixed, tomorrow())).unwrap(), 1, "{}", place.kind);
    assert_eq!(store.on(Lane::Maintenance).write(|tx| tx.slot_insert_bulk(&mixed, tomorrow())).unwrap(), 0, "{}", place.kind);
    assert_eq!(place.in_the_diary(), ["later"], "{}", place.kind);
    assert_eq!(broken(&store), [""; 0], "{}", place.kind);
}

#[on_both]
fn a_seed_of_days_that_are_archived_adds_nothing(place: Place) {
    let store = place.store();
    let plan = seed_files::demo().unwrap();
    let content = SeedContent { directory: plan.directory, schedules: plan.schedules, working_times: plan.working_times };
    let first = NOW.local(LONDON).date();
    let seeded = Maintenance::new(store.clone(), ports(NOW)).seed(&content, first, 3).unwrap();
    let later = NOW.plus_ms(10 * DAY_MS);
    assert_eq!(archive(&store, later), seeded.slots_new, "{}", place.kind);
    let again = Maintenance::new(store.clone(), ports(later)).seed(&content, first, 3).unwrap();
    assert_eq!(again.slots_new, 0, "{}", place.kind);
    let filled = Maintenance::new(store.clone(), ports(later)).fill(&content.working_times, first, 3).unwrap();
    assert_eq!((filled.slots_new, place.count("slot")), (0, 0), "{}", place.kind);
}

#[on_both]
fn a_slot_with_appointments_goes_nowhere_but_into_the_archive(place: Place) {
    let store = place.store();
    let slots = row("one", 3);
    lay_out(&store, &slots);
    assert!(book(&store, "a", &slots[1]));
    for sql in ["DELETE FROM slot WHERE id = 'one-00001'", "DELETE FROM slot", "UPDATE slot SET id = 'other' WHERE id = 'one-00001'"] {
        assert!(place.try_by_hand(sql).is_err(), "{}: {sql}", place.kind);
    }
    assert_eq!(place.count("slot"), 3, "{}", place.kind);
    place.by_hand("DELETE FROM slot WHERE id = 'one-00000'");
    assert_eq!(archive(&store, tomorrow()), 2, "{}", place.kind);
    for sql in ["DELETE FROM slot_past", "UPDATE slot_past SET id = 'other' WHERE id = 'one-00001'"] {
        assert!(place.try_by_hand(sql).is_err(), "{}: {sql}", place.kind);
    }
    if place.database.is_some() {
        assert!(place.try_by_hand("TRUNCATE slot_past").is_err());
        assert!(place.try_by_hand("TRUNCATE slot").is_err());
    }
    place.by_hand("DELETE FROM slot_past WHERE id = 'one-00002'");
    assert_eq!(place.archived(), ["one-00001"], "{}", place.kind);
    assert_eq!(broken(&store), [""; 0], "{}", place.kind);
}

#[on_both]
fn a_check_finds_a_lost_slot_and_a_slot_in_two_places(place: Place) {
    let store = place.store();
    let slots = row("one", 3);
    lay_out(&store, &slots);
    assert!(book(&store, "a", &slots[1]));
    place.by_hand("UPDATE appointment SET slot_id = 'nowhere'");
    let found = broken(&store).join("; ");
    assert!(found.contains("the slot of every appointment is there: a"), "{}: {found}", place.kind);
    place.by_hand("UPDATE appointment SET slot_id = 'one-00001'");
    assert_eq!(archive(&store, tomorrow()), 3);
    place.by_hand(
        "INSERT INTO slot (id, schedule_id, start_ms, end_ms, capacity, taken, blocked, version, updated_ms)
             SELECT 'another', schedule_id, start_ms, end_ms, 1, 0, blocked, version, updated_ms FROM slot_past WHERE id = 'one-00001'",
    );
    let found = broken(&store).join("; ");
    assert!(found.contains("no slot is in the archive and in the diary as well: one-00001"), "{}: {found}", place.kind);
    place.by_hand("UPDATE slot_past SET taken = 0 WHERE id = 'one-00001'; DELETE FROM slot");
    let found = broken(&store).join("; ");
    assert!(found.contains("taken capacity is the number of its live appointments: one-00001"), "{}: {found}", place.kind);
}

/// Only a server whose clock is days behind the archiver's could ask for either.
#[on_both]
fn what_is_archived_is_neither_booked_nor_given_back(place: Place) {
    let store = place.store();
    let slots = row("one", 2);
    lay_out(&store, &slots);
    assert!(book(&store, "a", &slots[0]));
    assert_eq!(archive(&store, tomorrow()), 2);
    assert!(!book(&store, "b", &slots[1]), "{}", place.kind);
    let cancel = Cancellation {
        id: AppointmentId::parse("a").unwrap(),
        slot: slots[0].id.clone(),
        decided_on: 1,
        at: NOW,
        document: Document { release: Release::Stu3, text: "{}".to_owned() },
        origin: Origin::default(),
    };
    let settled = store.on(Lane::Maintenance).write(|tx| tx.claims_settle(&[], std::slice::from_ref(&cancel), NOW)).unwrap();
    assert!(settled.cancelled.is_empty(), "{}", place.kind);
    let fate = store
        .on(Lane::Maintenance)
        .write(|tx| tx.claims_committed(&[booking("a", &slots[0]), booking("b", &slots[1])], std::slice::from_ref(&cancel)))
        .unwrap();
    assert_eq!((fate.booked.len(), fate.cancelled.len()), (1, 0), "{}", place.kind);
    assert_eq!(broken(&store), [""; 0], "{}", place.kind);
}
