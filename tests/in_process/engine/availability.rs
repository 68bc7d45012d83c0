//! Goal: a search answered from memory shows what was committed before it, by whomever, on both databases; and where
//! the index cannot know, it says so and is right again soon after.
//! Method: an engine with the index, and other stores and raw connections that change its database behind its back.
//!
//! Pitfall: `None` from [`held`] is a good answer. It sends the search to the database.

use diesel::connection::SimpleConnection;
use domain::appointment::{Appointment, AppointmentStatus, Origin, Patient};
use domain::directory::Service;
use domain::document::{Document, Release};
use domain::ids::{AppointmentId, ServiceId, SlotId};
use domain::policy::Access;
use domain::schedule::Schedule;
use domain::search::{SlotSearch, Window};
use domain::slot::SlotStatus;
use domain::time::{Clock, Timestamp};
use fhir::stu3::Stu3Documents;
use slotkeeper::engine::{Engine, Limits, Maintenance, Ports, UuidIds};
use slotkeeper::store::{CHANGES_MAX, Cancellation, Lane, NewAppointment, NewSlot, Store};
use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use testkit::on_both;
use testkit::os::wait_until;
use testkit::place::{NOW, Place};
use testkit::postgres::{Server, Settings};

/// Beginning anew takes seconds at most, on a machine that has other things to do.
const SOON: Duration = Duration::from_secs(90);

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        NOW
    }
}

trait WithEngine: Sized {
    /// A store of its own, as another process has one.
    fn store(&self) -> Store;
    /// Lays out schedule `n` with as many slots.
    fn lay_out(&self, n: usize, slots: usize);
    /// An engine whose index is ready.
    fn engine(&self) -> Engine;
    fn engine_with(&self, limits: Limits) -> Engine;
}

impl WithEngine for Place {
    fn store(&self) -> Store {
        let store = Store::open(&self.url, true).unwrap();
        store.write_ahead().unwrap();
        store
    }

    fn lay_out(&self, n: usize, slots: usize) {
        let service = Service { id: service(), name: "Service".to_owned(), organization: None, ods: None, location: None };
        let new: Vec<NewSlot> = (0..slots).map(|place| slot(n, place)).collect();
        let outcome = self.store().on(Lane::Maintenance).write(|tx| {
            tx.service_put(&service)?;
            tx.schedule_put(&schedule(n), NOW)?;
            tx.slot_insert_missing(&new, NOW).map(drop)
        });
        outcome.unwrap();
    }

    fn engine(&self) -> Engine {
        let engine = self.engine_with(Limits::default());
        settled(&engine);
        engine
    }

    fn engine_with(&self, limits: Limits) -> Engine {
        let ports = Ports { clock: Arc::new(Standing), ids: Arc::new(UuidIds), documents: Arc::new(Stu3Documents) };
        Engine::start(self.store(), ports, limits).unwrap()
    }
}

fn service() -> ServiceId {
    ServiceId::parse("service").unwrap()
}

fn schedule(n: usize) -> Schedule {
    testkit::place::schedule(&format!("schedule-{n}"), &["service"])
}

fn slot_id(n: usize, place: usize) -> SlotId {
    SlotId::parse(&format!("{n:08x}-0000-4000-8000-{place:012x}")).unwrap()
}

fn slot(n: usize, place: usize) -> NewSlot {
    let start = NOW.plus_ms(3_600_000 + i64::try_from(place).unwrap() * 900_000);
    let schedule = schedule(n).id;
    NewSlot { id: slot_id(n, place), schedule, start, end: start.plus_ms(900_000), capacity: 1, blocked: false, channel: None }
}

fn booking(slot: &SlotId, round: usize) -> NewAppointment {
    NewAppointment {
        appointment: Appointment {
            id: AppointmentId::parse(&format!("{slot}-{round}")).unwrap(),
            slot: slot.clone(),
            status: AppointmentStatus::Booked,
            version: 1,
            start: NOW.plus_ms(3_600_000),
            end: NOW.plus_ms(4_500_000),
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

/// Books as the allocator does; true once it is committed.
fn book(store: &Store, slot: &SlotId, round: usize) {
    let settled = store.on(Lane::Maintenance).write(|tx| tx.claims_settle(&[booking(slot, round)], &[], NOW)).unwrap();
    assert_eq!(settled.booked.len(), 1, "{slot} is booked");
}

fn cancel(store: &Store, slot: &SlotId, round: usize) {
    let cancellation = Cancellation {
        id: booking(slot, round).appointment.id,
        slot: slot.clone(),
        decided_on: 1,
        at: NOW,
        document: Document { release: Release::Stu3, text: "{}".to_owned() },
        origin: Origin::default(),
    };
    let settled = store.on(Lane::Maintenance).write(|tx| tx.claims_settle(&[], std::slice::from_ref(&cancellation), NOW)).unwrap();
    assert_eq!(settled.cancelled.len(), 1, "{slot} is cancelled");
}

fn settled(engine: &Engine) {
    assert!(wait_until(SOON, || engine.is_settled()), "the index is never ready");
}

fn question() -> SlotSearch {
    SlotSearch { services: vec![service()], statuses: vec![SlotStatus::Free], ..SlotSearch::default() }
}

/// What a search that begins now finds in memory.
fn held(engine: &Engine, search: &SlotSearch) -> Option<BTreeSet<SlotId>> {
    let (tell, told) = mpsc::channel();
    engine.when_fresh(Box::new(move |fresh| tell.send(fresh).unwrap()));
    let fresh = told.recv_timeout(SOON).expect("whoever waits is told");
    let found = if fresh { engine.search_slots_indexed(search, &Access::Everyone)? } else { return None };
    Some(found.unwrap().slots.into_iter().map(|slot| slot.id).collect())
}

/// The same from the database.
fn stored(engine: &Engine, search: &SlotSearch) -> BTreeSet<SlotId> {
    engine.search_slots(search, &Access::Everyone).unwrap().slots.into_iter().map(|slot| slot.id).collect()
}

/// What a search that begins now shows, wherever it finds it.
fn shown(engine: &Engine, search: &SlotSearch) -> BTreeSet<SlotId> {
    held(engine, search).unwrap_or_else(|| stored(engine, search))
}

#[on_both]
fn a_search_that_begins_after_a_commit_shows_it(place: Place) {
    place.lay_out(1, 20);
    let (other, engine) = (place.store(), place.engine());
    for round in 0..1_000 {
        let slot = slot_id(1, round % 20);
        book(&other, &slot, round);
        let found = held(&engine, &question()).expect("nothing gives cause for doubt");
        assert!(!found.contains(&slot), "{}: {slot} is booked and shown as free, round {round}", place.kind);
        assert_eq!(found.len(), 19);
        cancel(&other, &slot, round);
        let found = held(&engine, &question()).expect("nothing gives cause for doubt");
        assert_eq!(found.len(), 20, "{}: {slot} is free again, round {round}", place.kind);
    }
}

#[on_both]
fn many_who_book_and_search_at_once_all_see_their_own_bookings(place: Place) {
    place.lay_out(1, 8);
    let engine = place.engine();
    std::thread::scope(|scope| {
        for mine in 0..8 {
            let (engine, store) = (&engine, place.store());
            scope.spawn(move || {
                let slot = slot_id(1, mine);
                for round in 0..60 {
                    book(&store, &slot, round);
                    assert!(!held(engine, &question()).unwrap().contains(&slot), "round {round}");
                    cancel(&store, &slot, round);
                    assert!(held(engine, &question()).unwrap().contains(&slot), "round {round}");
                }
            });
        }
    });
}

#[test]
fn on_postgresql_a_late_commit_is_shown_when_it_is_one() {
    let place = Place::postgresql(Server::shared());
    place.lay_out(1, 3);
    let engine = place.engine();
    let mut early = place.database.as_ref().unwrap().connect();
    early.batch_execute("BEGIN").unwrap();
    early.batch_execute(&format!("UPDATE slot SET taken = 1 WHERE id = '{}'", slot_id(1, 0))).unwrap();
    place.by_hand(&format!("UPDATE slot SET taken = 1 WHERE id = '{}'", slot_id(1, 1)));
    assert_eq!(held(&engine, &question()), Some(BTreeSet::from([slot_id(1, 0), slot_id(1, 2)])));
    early.batch_execute("COMMIT").unwrap();
    assert_eq!(held(&engine, &question()), Some(BTreeSet::from([slot_id(1, 2)])));
}

#[on_both]
fn memory_and_database_show_the_same(place: Place) {
    for n in 0..4 {
        place.lay_out(n, 30);
    }
    let engine = place.engine();
    place.by_hand("UPDATE slot SET blocked = NOT blocked WHERE id LIKE '%3'");
    place.by_hand("UPDATE slot SET taken = 1 WHERE id LIKE '%5'");
    for (from, until) in [(None, None), (Some(0), Some(5)), (Some(4), None), (None, Some(9)), (Some(9), Some(9))] {
        let at = |place: i64| NOW.plus_ms(3_600_000 + place * 900_000);
        let start = Window { from: from.map(at), until: until.map(at) };
        for schedules in [vec![], vec![schedule(2).id], vec![schedule(3).id, schedule(1).id, schedule(3).id], vec![schedule(9).id]] {
            for services in [vec![], vec![service()]] {
                let search = SlotSearch { schedules: schedules.clone(), services, start, ..question() };
                assert_eq!(held(&engine, &search).unwrap(), stored(&engine, &search), "{}: {search:?}", place.kind);
            }
        }
    }
    let unknown = SlotSearch { services: vec![ServiceId::parse("nobody").unwrap()], ..question() };
    let told = |outcome: Result<_, _>| format!("{:?}", outcome.map(|_: slotkeeper::engine::SlotMatches| ()));
    assert_eq!(
        told(engine.search_slots_indexed(&unknown, &Access::Everyone).unwrap()),
        told(engine.search_slots(&unknown, &Access::Everyone))
    );
    assert!(!engine.is_indexed(&SlotSearch { statuses: Vec::new(), ..question() }));
    assert!(engine.is_indexed(&question()));
}

#[on_both]
fn too_many_are_too_many_for_memory_too(place: Place) {
    place.lay_out(1, 30);
    for (slots_max, fits) in [(29, false), (30, true)] {
        let engine = place.engine_with(Limits { slots_max, ..Limits::default() });
        settled(&engine);
        let told = |outcome: Result<slotkeeper::engine::SlotMatches, _>| format!("{:?}", outcome.map(|found| found.total));
        let told =
            [engine.search_slots_indexed(&question(), &Access::Everyone).unwrap(), engine.search_slots(&question(), &Access::Everyone)]
                .map(told);
        assert_eq!(told[0], told[1]);
        assert_eq!(told[0] == "Ok(30)", fits, "{}: {told:?}", place.kind);
    }
}

#[on_both]
fn more_changes_than_one_look_tells_are_read_anew(place: Place) {
    place.lay_out(1, CHANGES_MAX + 10);
    let engine = place.engine();
    let first = SlotSearch { start: Window { from: None, until: Some(NOW.plus_ms(3_600_000 + 900_000)) }, ..question() };
    place.by_hand("UPDATE slot SET taken = 1");
    assert_eq!(held(&engine, &first), None, "{}", place.kind);
    settled(&engine);
    assert_eq!(held(&engine, &first), Some(BTreeSet::new()), "{}", place.kind);
    place.by_hand(&format!("UPDATE slot SET taken = 0 WHERE id = '{}'", slot_id(1, 0)));
    assert_eq!(held(&engine, &first), Some(BTreeSet::from([slot_id(1, 0)])), "{}", place.kind);
}

#[on_both]
fn a_schedule_that_is_new_is_shown_at_once_and_held_soon(place: Place) {
    place.lay_out(1, 2);
    let engine = place.engine();
    place.lay_out(2, 2);
    assert_eq!(shown(&engine, &question()).len(), 4, "{}", place.kind);
    settled(&engine);
    assert_eq!(held(&engine, &question()).map(|found| found.len()), Some(4), "{}", place.kind);
    place.by_hand("DELETE FROM slot WHERE schedule_id = 'schedule-1'");
    assert_eq!(shown(&engine, &question()).len(), 2, "{}", place.kind);
}

#[on_both]
fn archiving_gives_no_cause_for_doubt(place: Place) {
    place.lay_out(1, 4);
    place.lay_out(2, 3);
    let past = "SET start_ms = start_ms - 864000000000, end_ms = end_ms - 864000000000 WHERE schedule_id = 'schedule-2'";
    place.by_hand(&format!("UPDATE slot {past}"));
    let (other, engine) = (place.store(), place.engine());
    let ports = Ports { clock: Arc::new(Standing), ids: Arc::new(UuidIds), documents: Arc::new(Stu3Documents) };
    for round in 0..3 {
        let archived = Maintenance::new(other.clone(), ports.clone()).archive(7, &mut |_| true).unwrap();
        assert_eq!(archived.slots, if round == 0 { 3 } else { 0 }, "{}", place.kind);
        let found = held(&engine, &question()).expect("nothing gives cause for doubt");
        assert_eq!(found.len(), 4, "{}", place.kind);
        let slot = slot_id(1, round);
        book(&other, &slot, round);
        let found = held(&engine, &question()).expect("nothing gives cause for doubt");
        assert!(!found.contains(&slot), "{}: {slot} is booked and shown as free, round {round}", place.kind);
        cancel(&other, &slot, round);
    }
}

#[test]
fn a_database_that_was_restarted_is_followed_again() {
    let server = Server::start(Settings { fsync: false, extra: &[] });
    let place = Place::postgresql(&server);
    place.lay_out(1, 3);
    let engine = place.engine();
    assert_eq!(held(&engine, &question()).map(|found| found.len()), Some(3));
    server.stop();
    assert_eq!(held(&engine, &question()), None, "nobody is told of a database that is away");
    server.restart();
    place.by_hand(&format!("UPDATE slot SET taken = 1 WHERE id = '{}'", slot_id(1, 1)));
    assert_eq!(shown(&engine, &question()).len(), 2);
    settled(&engine);
    assert_eq!(held(&engine, &question()), Some(BTreeSet::from([slot_id(1, 0), slot_id(1, 2)])));
}

#[test]
fn where_it_is_off_nothing_is_held() {
    let place = Place::sqlite();
    place.lay_out(1, 3);
    let engine = place.engine_with(Limits { availability: false, ..Limits::default() });
    assert!(engine.is_settled() && !engine.is_indexed(&question()));
    assert_eq!(held(&engine, &question()), None);
    assert_eq!(shown(&engine, &question()).len(), 3);
}
