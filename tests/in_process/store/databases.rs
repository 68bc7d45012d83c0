//! Goal: the traps of two databases behind one door stay closed. Each test runs on both where both can fall in.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use domain::appointment::{Appointment, AppointmentStatus, Origin, Patient};
use domain::directory::{DirectoryKind, Service};
use domain::document::{Document, Release};
use domain::ids::{AppointmentId, OdsCode, ResourceId, ScheduleId, ServiceId, SlotId};
use domain::policy::{Quota, Tally};
use domain::time::{LONDON, Span};
use slotkeeper::store::{DatabaseUrl, Lane, NewAppointment, NewSlot, SchemaError, Store, StoreError, Tx};
use std::panic::AssertUnwindSafe;
use tempfile::TempDir;
use testkit::place::{NOW, Place, schedule};
use testkit::postgres::Server;
use testkit::{Kind, on_both};

trait WithStore {
    fn store(&self) -> Store;
}

impl WithStore for Place {
    fn store(&self) -> Store {
        Store::open(&self.url, true).unwrap()
    }
}

fn directory(tx: &mut Tx<'_>, id: &str) -> Result<bool, StoreError> {
    tx.directory_put(
        DirectoryKind::Organization,
        &ResourceId::parse(id).unwrap(),
        &Document { release: Release::Stu3, text: "{}".to_owned() },
        NOW,
    )
}

/// One service, one schedule and slots `s0`, `s1`… of the given capacity.
fn slots(store: &Store, count: i64, capacity: i32) {
    let service =
        Service { id: ServiceId::parse("service").unwrap(), name: "Service".to_owned(), organization: None, ods: None, location: None };
    let new: Vec<NewSlot> = (0..count)
        .map(|n| NewSlot {
            id: SlotId::parse(&format!("s{n}")).unwrap(),
            schedule: ScheduleId::parse("schedule").unwrap(),
            start: NOW.plus_ms(3_600_000 + n * 900_000),
            end: NOW.plus_ms(4_500_000 + n * 900_000),
            capacity,
            blocked: false,
            channel: None,
        })
        .collect();
    store
        .on(Lane::Maintenance)
        .write(|tx| {
            tx.service_put(&service)?;
            tx.schedule_put(&schedule("schedule", &["service"]), NOW)?;
            tx.slot_insert_missing(&new, NOW).map(drop)
        })
        .unwrap();
}

fn booking(id: &str, slot: &str) -> NewAppointment {
    NewAppointment {
        appointment: Appointment {
            id: AppointmentId::parse(id).unwrap(),
            slot: SlotId::parse(slot).unwrap(),
            status: AppointmentStatus::Booked,
            version: 1,
            start: NOW.plus_ms(3_600_000),
            end: NOW.plus_ms(4_500_000),
            booked_by: None,
            service: ServiceId::parse("service").unwrap(),
            patient: Patient::default(),
            reason: "ear".to_owned(),
            clinical_document: None,
            updated: NOW,
        },
        document: Document { release: Release::Stu3, text: "{}".to_owned() },
        origin: Origin { request_id: Some(format!("request-{id}")), ..Origin::default() },
        quotas: Vec::new(),
    }
}

/// A booking of an organisation that may have `per_day` appointments on a day.
fn limited(id: &str, slot: &str, per_day: u32) -> NewAppointment {
    let mut new = booking(id, slot);
    let organisation = OdsCode::parse("X9T20").unwrap();
    new.origin.consumer = Some(organisation.clone());
    new.appointment.booked_by = Some(organisation.clone());
    let day = new.appointment.start.local(LONDON).date();
    let tally = Tally { organisation, service: None, day, span: Span::of_day(day, LONDON) };
    new.quotas = vec![Quota { tally, per_day }];
    new
}

fn won(store: &Store, bookings: &[NewAppointment]) -> Vec<String> {
    let settled = store.on(Lane::Maintenance).write(|tx| tx.claims_settle(bookings, &[], NOW)).unwrap();
    let mut ids: Vec<String> = settled.booked.iter().map(ToString::to_string).collect();
    ids.sort();
    ids
}

#[on_both]
fn a_dropped_error_is_not_a_commit(place: Place) {
    let store = place.store();
    let outcome = store.on(Lane::Maintenance).write(|tx| {
        directory(tx, "kept")?;
        // No such service: the foreign key refuses it, and the caller does not care.
        let _ = tx.schedule_put(&schedule("schedule", &["nobody"]), NOW);
        Ok(())
    });
    assert!(matches!(outcome, Err(StoreError::Poisoned)), "{}: {outcome:?}", place.kind);
    assert_eq!(store.on(Lane::Reads).query(|tx| tx.directory_count()).unwrap(), 0, "{}: nothing is half written", place.kind);
}

#[on_both]
fn a_nested_transaction_and_a_panic_leave_the_store_usable(place: Place) {
    let store = place.store();
    let nested = store.on(Lane::Maintenance).write(|_| store.on(Lane::Maintenance).write(|_| Ok(())));
    assert!(matches!(nested, Err(StoreError::Nested)), "{}: {nested:?}", place.kind);
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| store.on(Lane::Maintenance).write::<()>(|_| panic!("on purpose"))));
    assert!(panicked.is_err());
    assert!(store.on(Lane::Maintenance).write(|tx| directory(tx, "after")).unwrap(), "{}", place.kind);
}

#[on_both]
fn a_read_sees_one_state_of_the_database(place: Place) {
    let store = place.store();
    let seen = store.on(Lane::Reads).read(|tx| {
        let before = tx.directory_count()?;
        std::thread::scope(|scope| scope.spawn(|| store.on(Lane::Maintenance).write(|tx| directory(tx, "meanwhile"))).join().unwrap())?;
        Ok((before, tx.directory_count()?))
    });
    assert_eq!(seen.unwrap(), (0, 0), "{}", place.kind);
    assert_eq!(store.on(Lane::Reads).query(|tx| tx.directory_count()).unwrap(), 1, "{}", place.kind);
}

#[on_both]
fn servers_that_start_together_migrate_once(place: Place) {
    let outcomes: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6).map(|_| scope.spawn(|| Store::open(&place.url, true).map(drop).map_err(|e| e.to_string()))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(outcomes.iter().all(Result::is_ok), "{}: {outcomes:?}", place.kind);
    assert!(Store::migration_status(&place.url).unwrap().iter().all(|m| m.applied));
}

#[test]
fn a_database_never_migrated_is_older_and_left_alone() {
    let [sqlite, postgresql] = [Kind::Sqlite, Kind::Postgresql].map(Place::of);
    let DatabaseUrl::Sqlite(file) = &sqlite.url else { panic!() };
    assert!(matches!(Store::open(&sqlite.url, false), Err(StoreError::NoFile(_))));
    assert!(!file.exists(), "asking must not make a file");
    let older = Store::open(&postgresql.url, false);
    assert!(matches!(older, Err(StoreError::Schema(SchemaError::Older { .. }))), "{:?}", older.err());
}

#[on_both]
fn a_newer_database_is_refused(place: Place) {
    let store = place.store();
    drop(store);
    let forge = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')";
    place.by_hand(forge);
    for migrate in [false, true] {
        let refused = Store::open(&place.url, migrate);
        assert!(matches!(refused, Err(StoreError::Schema(SchemaError::Newer { .. }))), "{}: {:?}", place.kind, refused.err());
    }
}

#[test]
fn somebody_elses_data_is_left_untouched() {
    let dir = TempDir::new().unwrap();
    let (text, other) = (dir.path().join("notes.txt"), dir.path().join("other.db"));
    std::fs::write(&text, "this is no database, and long enough to be looked at as one: 0123456789 0123456789 0123456789").unwrap();
    SqliteConnection::establish(other.to_str().unwrap()).unwrap().batch_execute("CREATE TABLE theirs (a)").unwrap();
    for file in [text, other] {
        let before = std::fs::read(&file).unwrap();
        let refused = Store::open(&DatabaseUrl::Sqlite(file.clone()), true);
        assert!(matches!(refused, Err(StoreError::Schema(SchemaError::NotOurs))), "{:?}", refused.err());
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
    let database = Server::shared().create_database_from("template1");
    database.connect().batch_execute("CREATE TABLE theirs (a INTEGER)").unwrap();
    let refused = Store::open(&DatabaseUrl::parse(&database.url).unwrap(), true);
    assert!(matches!(refused, Err(StoreError::Schema(SchemaError::NotOurs))), "{:?}", refused.err());
}

#[test]
fn a_postgresql_that_is_down_does_not_become_a_file() {
    let port = testkit::os::free_port();
    let url = format!("postgres://nobody@127.0.0.1:{port}/slotkeeper");
    let refused = Store::open(&DatabaseUrl::parse(&url).unwrap(), true);
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{:?}", refused.err());
    assert!(!std::path::Path::new(&url).exists());
}

/// What cannot be written here may be written elsewhere, so that the connection is given up and not the claim.
#[test]
fn on_postgresql_a_server_that_takes_no_writes_is_out_of_reach() {
    let place = Place::postgresql(Server::shared());
    let store = Store::open(&place.url, true).unwrap();
    slots(&store, 1, 1);
    let as_to_writing = |what: &str| {
        let alter = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I ";
        place.by_hand(&format!("SET transaction_read_only = off; {alter} {what}', current_database()); END $$"));
    };
    as_to_writing("SET default_transaction_read_only = on");
    // Sessions that are open go on as they began.
    let store = Store::open(&place.url, false).unwrap();
    assert!(!store.takes_writes().unwrap());
    let refused = store.on(Lane::Maintenance).write(|tx| tx.claims_settle(&[booking("a", "s0")], &[], NOW)).unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    as_to_writing("RESET default_transaction_read_only");
    assert_eq!(won(&store, &[booking("a", "s0")]), ["a"], "the connection that could not write was not kept");
}

#[on_both]
fn a_slot_is_taken_by_seat_as_often_as_it_has_room(place: Place) {
    let store = place.store();
    slots(&store, 1, 3);
    for id in ["a", "b", "c"] {
        assert_eq!(won(&store, &[booking(id, "s0")]), [id], "{}", place.kind);
    }
    assert!(won(&store, &[booking("d", "s0")]).is_empty(), "{}: there is no fourth seat", place.kind);
    assert_eq!(store.on(Lane::Reads).read(|tx| tx.invariants_broken()).unwrap(), []);
}

#[on_both]
fn a_request_that_succeeded_takes_no_second_slot(place: Place) {
    let store = place.store();
    slots(&store, 2, 1);
    assert_eq!(won(&store, &[booking("a", "s0")]), ["a"]);
    let mut again = booking("b", "s1");
    again.origin.request_id = Some("request-a".to_owned());
    assert!(won(&store, &[again]).is_empty(), "{}", place.kind);
    assert_eq!(won(&store, &[booking("c", "s1")]), ["c"], "{}: and the slot is still free", place.kind);
}

#[on_both]
fn what_became_of_a_lost_commit_is_told_by_the_ids_it_carried(place: Place) {
    let store = place.store();
    slots(&store, 2, 1);
    let (there, lost) = (booking("there", "s0"), booking("lost", "s1"));
    assert_eq!(won(&store, std::slice::from_ref(&there)), ["there"]);
    let fate = store.on(Lane::Maintenance).write(|tx| tx.claims_committed(&[there.clone(), lost.clone()], &[])).unwrap();
    assert_eq!(fate.booked.iter().map(ToString::to_string).collect::<Vec<_>>(), ["there"], "{}", place.kind);
}

/// A commit whose flush failed may have left frames that recovery would take for committed; only frames written
/// over them remove them.
#[test]
fn on_sqlite_asking_what_became_of_a_commit_writes() {
    let place = Place::of(Kind::Sqlite);
    let store = place.store();
    slots(&store, 1, 1);
    let DatabaseUrl::Sqlite(file) = &place.url else { panic!() };
    let log = file.with_extension("db-wal");
    let before = std::fs::metadata(&log).unwrap().len();
    store.on(Lane::Maintenance).write(|tx| tx.claims_committed(&[booking("lost", "s0")], &[])).unwrap();
    assert!(std::fs::metadata(&log).unwrap().len() > before);
}

#[on_both]
fn a_poisoned_member_fails_its_batch_whole(place: Place) {
    let store = place.store();
    slots(&store, 2, 1);
    let mut poisoned = booking("bad", "s1");
    poisoned.appointment.id = AppointmentId::parse("good").unwrap();
    let outcome = store.on(Lane::Maintenance).write(|tx| tx.claims_settle(&[booking("good", "s0"), poisoned.clone()], &[], NOW));
    assert!(matches!(outcome, Err(StoreError::Constraint(_))), "{}: {outcome:?}", place.kind);
    assert_eq!(won(&store, &[booking("good", "s0")]), ["good"], "{}: nothing of the batch was kept", place.kind);
}

#[on_both]
fn a_ceiling_has_room_for_those_who_come_first(place: Place) {
    let store = place.store();
    slots(&store, 4, 1);
    let bookings = [limited("c", "s0", 2), limited("b", "s1", 2), limited("a", "s2", 2), booking("d", "s3")];
    assert_eq!(won(&store, &bookings), ["b", "c", "d"], "{}", place.kind);
    assert!(won(&store, &[limited("a", "s2", 2)]).is_empty(), "{}: what was booked before counts", place.kind);
    assert_eq!(won(&store, &[limited("a", "s2", 3)]), ["a"], "{}", place.kind);
    let tally = limited("x", "s0", 1).quotas[0].tally.clone();
    let counts = store.on(Lane::Reads).query(|tx| tx.tally_count_many(vec![tally.clone()])).unwrap();
    assert_eq!(counts.get(&tally), Some(&3), "{}: and those of nobody do not", place.kind);
}

/// Whoever counts does so alone until the commit: two transactions that cannot see each other's rows would both find room.
#[test]
fn on_postgresql_nobody_waits_for_another_that_counts() {
    let place = Place::of(Kind::Postgresql);
    let store = place.store();
    slots(&store, 3, 1);
    let meanwhile = |bookings: Vec<NewAppointment>| std::thread::scope(|scope| scope.spawn(|| won(&store, &bookings)).join().unwrap());
    store
        .on(Lane::Maintenance)
        .write(|tx| {
            assert_eq!(tx.claims_settle(&[limited("a", "s0", 1)], &[], NOW)?.booked.len(), 1);
            assert_eq!(meanwhile(vec![limited("b", "s1", 1), booking("c", "s2")]), ["c"]);
            Ok(())
        })
        .unwrap();
    assert!(won(&store, &[limited("b", "s1", 1)]).is_empty());
    assert_eq!(won(&store, &[limited("b", "s1", 2)]), ["b"]);
}
