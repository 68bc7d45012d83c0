//! Goal: what has ended leaves the diary once, whole and without anybody noticing, whoever holds, reads or archives
//! meanwhile; and it never comes back. Method: stores and raw connections on one database; nothing here goes over HTTP.

mod kept;

use crate::SLOTKEEPER;
use diesel::connection::SimpleConnection;
use domain::appointment::{Appointment, AppointmentStatus, Origin, Patient};
use domain::directory::Service;
use domain::document::{Document, Release};
use domain::ids::{AppointmentId, ScheduleId, ServiceId, SlotId};
use domain::time::{Clock, DAY_MS, LONDON, Timestamp};
use fhir::stu3::Stu3Documents;
use slotkeeper::cli::seed_files;
use slotkeeper::engine::{Maintenance, Ports, SeedContent, UuidIds};
use slotkeeper::store::{Cancellation, Lane, NewAppointment, NewSlot, Poll, Store};
use std::sync::Arc;
use std::time::Duration;
use testkit::os::wait_until;
use testkit::place::{NOW, Place, schedule};
use testkit::{Kind, on_both};

const MINUTES_MS: i64 = 60_000;
/// No command takes nearly as long.
const LIMIT: Duration = Duration::from_secs(120);

struct Standing(Timestamp);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn ports(now: Timestamp) -> Ports {
    Ports { clock: Arc::new(Standing(now)), ids: Arc::new(UuidIds), documents: Arc::new(Stu3Documents) }
}

trait WithDiary: Sized {
    /// A store with a service and two schedules.
    fn store(&self) -> Store;
    fn in_the_diary(&self) -> Vec<String>;
    fn archived(&self) -> Vec<String>;
}

impl WithDiary for Place {
    fn store(&self) -> Store {
        let store = Store::open(&self.url, true).unwrap();
        store.write_ahead().unwrap();
        let service = Service { id: service(), name: "Service".to_owned(), organization: None, ods: None, location: None };
        let laid = store.on(Lane::Maintenance).write(|tx| {
            tx.service_put(&service)?;
            tx.schedule_put(&schedule("one", &["service"]), NOW)?;
            tx.schedule_put(&schedule("two", &["service"]), NOW)
        });
        laid.unwrap();
        store
    }

    fn in_the_diary(&self) -> Vec<String> {
        self.told("SELECT id AS answer FROM slot ORDER BY id").lines().map(str::to_owned).collect()
    }

    fn archived(&self) -> Vec<String> {
        self.told("SELECT id AS answer FROM slot_past ORDER BY id").lines().map(str::to_owned).collect()
    }
}

fn service() -> ServiceId {
    ServiceId::parse("service").unwrap()
}

/// A slot of a schedule that ends so many minutes after `NOW`, and how long it lasts.
fn slot(id: &str, schedule: &str, end_minutes: i64, length_minutes: i64) -> NewSlot {
    let end = NOW.plus_ms(end_minutes * MINUTES_MS);
    NewSlot {
        id: SlotId::parse(id).unwrap(),
        schedule: ScheduleId::parse(schedule).unwrap(),
        start: end.plus_ms(-length_minutes * MINUTES_MS),
        end,
        capacity: 1,
        blocked: false,
        channel: None,
    }
}

/// Slots `s0`, `s1`… of a schedule, a quarter of an hour each, the last of them ending at `NOW`.
fn row(schedule: &str, count: i64) -> Vec<NewSlot> {
    (0..count).map(|n| slot(&format!("{schedule}-{n:05}"), schedule, (n + 1 - count) * 15, 15)).collect()
}

fn lay_out(store: &Store, slots: &[NewSlot]) {
    // Laid out when they were still to come.
    let then = NOW.plus_ms(-1_000 * DAY_MS);
    assert_eq!(store.on(Lane::Maintenance).write(|tx| tx.slot_insert_missing(slots, then)).unwrap(), slots.len());
}

/// Archives what ended a day before `now`; how many slots.
fn archive(store: &Store, now: Timestamp) -> usize {
    Maintenance::new(store.clone(), ports(now)).archive(1, &mut |_| true).unwrap().slots
}

fn tomorrow() -> Timestamp {
    NOW.plus_ms(DAY_MS)
}

fn booking(id: &str, of: &NewSlot) -> NewAppointment {
    NewAppointment {
        appointment: Appointment {
            id: AppointmentId::parse(id).unwrap(),
            slot: of.id.clone(),
            status: AppointmentStatus::Booked,
            version: 1,
            start: of.start,
            end: of.end,
            booked_by: None,
            service: service(),
            patient: Patient::default(),
            reason: "ear".to_owned(),
            clinical_document: None,
            updated: NOW,
        },
        document: Document { release: Release::Stu3, text: "{}".to_owned() },
        origin: Origin::default(),
        quotas: Vec::new(),
    }
}

/// Books a slot at a time before it begins; true when it is booked.
fn book(store: &Store, id: &str, of: &NewSlot) -> bool {
    let before = of.start.plus_ms(-1);
    store.on(Lane::Maintenance).write(|tx| tx.claims_settle(&[booking(id, of)], &[], before)).unwrap().booked.len() == 1
}

fn broken(store: &Store) -> Vec<String> {
    store.on(Lane::Reads).read(|tx| tx.invariants_broken()).unwrap().into_iter().map(|v| format!("{}: {}", v.rule, v.subject)).collect()
}

#[on_both]
fn what_has_ended_is_moved_once_and_nothing_else(place: Place) {
    let store = place.store();
    lay_out(
        &store,
        &[
            slot("long-ago", "one", -9_000, 15),
            slot("just-ended", "one", 0, 15),
            slot("not-yet", "one", 1, 15),
            slot("long-one", "two", 60, 9_000),
            slot("ended-within", "two", -60, 15),
            slot("to-come", "two", 9_000, 15),
        ],
    );
    let steps = std::cell::RefCell::new(Vec::new());
    let done = Maintenance::new(store.clone(), ports(tomorrow())).archive(1, &mut |so_far| {
        steps.borrow_mut().push((so_far.slots, so_far.schedules_done, so_far.schedules));
        true
    });
    assert_eq!(done.unwrap().slots, 3, "{}", place.kind);
    assert_eq!(steps.into_inner(), [(2, 1, 2), (3, 2, 2)], "{}", place.kind);
    assert_eq!(place.archived(), ["ended-within", "just-ended", "long-ago"], "{}", place.kind);
    assert_eq!(place.in_the_diary(), ["long-one", "not-yet", "to-come"], "{}", place.kind);
    assert_eq!(archive(&store, tomorrow()), 0, "{}: nothing is moved twice", place.kind);
    let trail = place.told("SELECT action || ' ' || subject AS answer FROM audit ORDER BY seq");
    assert_eq!(trail, "archive one\narchive two", "{}: a row for each transaction", place.kind);
    assert_eq!(broken(&store), [""; 0]);
}

#[on_both]
fn archiving_moves_250_slots_at_a_time_and_may_be_stopped(place: Place) {
    let store = place.store();
    lay_out(&store, &row("one", 600));
    let mut asked = 0;
    let stopped = Maintenance::new(store.clone(), ports(tomorrow())).archive(1, &mut |_| {
        asked += 1;
        asked < 2
    });
    assert_eq!(stopped.unwrap().slots, 500, "{}", place.kind);
    assert_eq!((archive(&store, tomorrow()), place.count("slot")), (100, 0), "{}", place.kind);
    assert_eq!(place.count("audit WHERE action = 'archive'"), 3, "{}", place.kind);
}

#[test]
fn on_postgresql_a_held_slot_is_left_for_the_next_time() {
    let place = Place::of(Kind::Postgresql);
    let store = place.store();
    lay_out(&store, &row("one", 4));
    let mut stranger = place.database.as_ref().unwrap().connect();
    stranger.batch_execute("BEGIN; SELECT 1 FROM slot WHERE id = 'one-00001' FOR UPDATE").unwrap();
    assert_eq!(archive(&store, tomorrow()), 3);
    assert_eq!(place.in_the_diary(), ["one-00001"]);
    // What the holder changes goes with the slot.
    stranger.batch_execute("UPDATE slot SET blocked = true WHERE id = 'one-00001'; COMMIT").unwrap();
    assert_eq!(archive(&store, tomorrow()), 1);
    assert_eq!(place.told("SELECT id AS answer FROM slot_past WHERE blocked"), "one-00001");
}

#[on_both]
fn several_who_archive_at_once_move_everything_once(place: Place) {
    let store = place.store();
    for name in ["one", "two"] {
        lay_out(&store, &row(name, 2_500));
    }
    let booked = row("one", 2_500)[1_200].clone();
    assert!(book(&store, "a", &booked));
    let (moved, checks) = std::thread::scope(|scope| {
        let archivers: Vec<_> = (0..3).map(|_| scope.spawn(|| archive(&Store::open(&place.url, false).unwrap(), tomorrow()))).collect();
        let mut checks = 0;
        while archivers.iter().any(|archiver| !archiver.is_finished()) {
            let report = Maintenance::new(store.clone(), slotkeeper::cli::ports()).check().unwrap();
            assert_eq!((report.violations, report.scope[0]), (Vec::new(), 5_000), "{}", place.kind);
            checks += 1;
        }
        (archivers.into_iter().map(|archiver| archiver.join().unwrap()).sum::<usize>(), checks)
    });
    assert!(checks > 0);
    assert_eq!((moved, place.count("slot_past"), place.count("slot")), (5_000, 5_000, 0), "{}", place.kind);
    assert_eq!(broken(&store), [""; 0], "{}", place.kind);
}

#[on_both]
fn a_killed_archiver_leaves_every_slot_in_one_place(place: Place) {
    let store = place.store();
    for name in ["one", "two"] {
        lay_out(&store, &row(name, 4_000));
    }
    drop(store);
    let url = place.typed();
    let folder = tempfile::tempdir().unwrap();
    let job = SLOTKEEPER.start_in(folder.path(), &["archive", "--database-url", &url, "--archive-after-days", "1"], &[]);
    assert!(wait_until(LIMIT, || place.count("slot_past") > 0), "{}", job.stderr());
    job.kill_9();
    let left = place.count("slot");
    assert!(left > 0, "{}: it was over before it was killed", place.kind);
    assert_eq!(place.count("slot_past") + left, 8_000, "{}", place.kind);
    assert_eq!(SLOTKEEPER.run(&["check", "--database-url", &url], LIMIT).code, Some(0), "{}", place.kind);
    let ended = SLOTKEEPER.run(&["archive", "--database-url", &url, "--archive-after-days", "1"], LIMIT);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.starts_with(&format!("archived {left} slots of ")), "{}", ended.stdout);
    assert_eq!((place.count("slot_past"), place.count("slot")), (8_000, 0), "{}", place.kind);
}

#[on_both]
fn the_command_says_what_it_did_and_refuses_what_cannot_be(place: Place) {
    let store = place.store();
    let url = place.typed();
    lay_out(&store, &row("one", 3));
    let ended = SLOTKEEPER.run(&["archive", "--database-url", &url, "--archive-after-days", "36525"], LIMIT);
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.starts_with("nothing to do: no slot in the diary ended by "), "{}", ended.stdout);
    let ended = SLOTKEEPER.run(&["archive", "--database-url", &url], LIMIT);
    assert!(ended.stdout.starts_with("archived 3 slots of 1 schedules that ended by "), "{}", ended.stdout);
    assert_eq!(
        SLOTKEEPER.run(&["archive", "--database-url", &url, "--archive-after-days", "0"], LIMIT).code,
        Some(2),
        "what has not ended stays"
    );
}

#[test]
fn the_command_needs_a_file_that_is_there() {
    let ended = SLOTKEEPER.run(&["archive", "--database-url", "sqlite:///nowhere/slotkeeper.db"], LIMIT);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("there is no file"), "{}", ended.stderr);
}

#[on_both]
fn a_server_archives_at_its_start_unless_it_is_told_never_to(place: Place) {
    let store = place.store();
    lay_out(&store, &row("one", 30));
    let url = place.typed();
    for (days, left) in [("0", 30), ("36525", 30), ("7", 0)] {
        let mut server = SLOTKEEPER.serve(&["--database-url", &url, "--auth", "off", "--accept-data-loss", "--archive-after-days", days]);
        if left == 0 {
            assert!(wait_until(LIMIT, || place.count("slot") == 0), "{}: {}", place.kind, server.stderr());
        }
        assert!(server.stop().success(), "{}", server.stderr());
        assert_eq!(place.count("slot"), left, "{}: {days} days", place.kind);
    }
}

#[test]
fn a_server_archives_after_no_negative_number_of_days() {
    let ended = SLOTKEEPER.run(&["serve", "--archive-after-days", "-1"], LIMIT);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}

#[on_both]
fn a_schedule_whose_slots_are_refused_does_not_keep_the_others(place: Place) {
    let store = place.store();
    lay_out(&store, &row("one", 3));
    lay_out(&store, &row("two", 3));
    place.by_hand(
        "INSERT INTO slot_past (id, schedule_id, start_ms, end_ms, capacity, taken, blocked, version, updated_ms)
             SELECT id, schedule_id, start_ms, end_ms, capacity, taken, blocked, version, updated_ms FROM slot WHERE id = 'one-00001'",
    );
    let url = place.typed();
    let ended = SLOTKEEPER.run(&["archive", "--database-url", &url], LIMIT);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", place.kind);
    assert!(ended.stderr.contains("slots of schedule one cannot be archived"), "{}", ended.stderr);
    assert_eq!(place.count("slot WHERE schedule_id = 'two'"), 0, "{}", place.kind);
    assert_eq!(place.count("slot WHERE schedule_id = 'one'"), 3, "{}: all or nothing", place.kind);
    place.by_hand("DELETE FROM slot_past WHERE id = 'one-00001'");
    assert_eq!(archive(&store, tomorrow()), 3, "{}", place.kind);
}
