//! A slot, a request key or the whole database in a stranger's hands: who waits for it, how long, and what
//! is left behind.

use crate::world::{Place, Slot, book, cancel, free_slots, slot_status};
use std::thread::{scope, sleep, spawn};
use std::time::{Duration, Instant};
use testkit::os::wait_until;
use testkit::postgres::{Server, Settings};
use testkit::process::Spawned;
use testkit::proxy::{CutProxy, Mode, Pick, ServerSide};

/// How long the servers here let a claim wait.
const DEADLINE: Duration = Duration::from_millis(1_500);
/// How much later than its deadline an answer may come on a busy machine.
const GRACE: Duration = Duration::from_millis(700);
/// The bound for bookings that have nothing to do with what is held.
const BOUND: Duration = Duration::from_millis(200);

fn serve(place: &Place) -> Spawned {
    place.serve(&["--deadline-ms", "1500"])
}

/// Status and time of a booking.
fn timed(server: &Spawned, slot: &Slot, request_id: &str) -> (u16, Duration) {
    let begin = Instant::now();
    let reply = book(server.addr(), slot, request_id).unwrap();
    (reply.status, begin.elapsed())
}

/// Books each slot in turn and demands that half are within the bound and none is far from it.
fn assert_quick(server: &Spawned, slots: &[Slot], what: &str) {
    let mut took = Vec::new();
    for slot in slots {
        let (status, time) = timed(server, slot, &format!("{what}-{}", slot.id));
        assert_eq!(status, 201, "{what}: slot {} after {time:?}: {}", slot.id, server.stderr());
        took.push(time);
    }
    took.sort_unstable();
    let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    println!("{what}: {} bookings of other slots, median {median:?}, slowest {slowest:?}", took.len());
    assert!(median < BOUND, "{what}: the median is {median:?}");
    assert!(slowest < Duration::from_secs(1), "{what}: the slowest took {slowest:?}");
}

fn assert_ended_at_the_deadline((status, time): (u16, Duration), what: &str) {
    println!("{what}: answered {status} after {time:?}");
    assert_eq!(status, 503, "{what}");
    assert!(time >= DEADLINE - Duration::from_millis(50), "{what}: given up after {time:?} already");
    assert!(time <= DEADLINE + GRACE, "{what}: the answer took {time:?}");
}

/// What a refused booking leaves behind: nothing, also later; and its request id is as good as new.
fn assert_never_booked(place: &Place, server: &Spawned, slot: &Slot, request_id: &str) {
    sleep(Duration::from_secs(1));
    assert_eq!(place.number(&format!("SELECT count(*) AS n FROM appointment WHERE slot_id = '{}'", slot.id)), 0);
    assert_eq!(place.number(&format!("SELECT count(*) AS n FROM request_key WHERE request_id = '{request_id}'")), 0);
    assert_eq!(slot_status(server, slot), "free");
    let again = book(server.addr(), slot, request_id).unwrap();
    assert_eq!(again.status, 201, "{}", again.text());
    place.assert_clean();
}

#[test]
fn a_locked_slot_delays_only_its_own_claim() {
    let place = Place::postgres();
    let server = serve(&place);
    let slots = free_slots(&server, 21);
    let (held, others) = slots.split_first().unwrap();
    let mut stranger = place.connect();
    stranger.execute(&format!("BEGIN; SELECT * FROM slot WHERE id = '{}' FOR UPDATE", held.id));
    scope(|threads| {
        let waiting = threads.spawn(|| timed(&server, held, "held"));
        sleep(Duration::from_millis(50));
        assert_quick(&server, others, "a locked slot");
        assert_ended_at_the_deadline(waiting.join().unwrap(), "the locked slot");
    });
    stranger.execute("ROLLBACK");
    assert_never_booked(&place, &server, held, "held");
}

#[test]
fn a_cancel_on_a_locked_slot_ends_at_its_deadline() {
    let place = Place::postgres();
    let server = serve(&place);
    let slots = free_slots(&server, 21);
    let (held, others) = slots.split_first().unwrap();
    let booked = book(server.addr(), held, "booked").unwrap();
    assert_eq!(booked.status, 201, "{}", booked.text());
    let cancelled = || {
        let begin = Instant::now();
        (cancel(server.addr(), &booked, "cancel").unwrap().status, begin.elapsed())
    };
    let mut stranger = place.connect();
    stranger.execute(&format!("BEGIN; SELECT * FROM slot WHERE id = '{}' FOR UPDATE", held.id));
    scope(|threads| {
        let waiting = threads.spawn(cancelled);
        sleep(Duration::from_millis(50));
        assert_quick(&server, others, "a cancel of a locked slot");
        assert_ended_at_the_deadline(waiting.join().unwrap(), "the cancel");
    });
    stranger.execute("ROLLBACK");
    sleep(Duration::from_secs(1));
    assert_eq!(place.number(&format!("SELECT count(*) AS n FROM appointment WHERE slot_id = '{}' AND live", held.id)), 1);
    assert_eq!(cancelled().0, 200);
    assert_eq!(slot_status(&server, held), "free");
    place.assert_clean();
}

/// Being skipped is no answer in itself: the holder may give way, or keep what it holds.
#[test]
fn a_claim_on_a_locked_slot_is_decided_when_it_is_unlocked() {
    let place = Place::postgres();
    let server = serve(&place);
    let slots = free_slots(&server, 2);
    for (slot, statement, end, expected) in [
        (&slots[0], "SELECT * FROM slot WHERE id = 'ID' FOR UPDATE", "ROLLBACK", 201),
        (&slots[1], "UPDATE slot SET blocked = true WHERE id = 'ID'", "COMMIT", 422),
    ] {
        let mut stranger = place.connect();
        stranger.execute(&format!("BEGIN; {}", statement.replace("ID", &slot.id)));
        scope(|threads| {
            let waiting = threads.spawn(|| timed(&server, slot, &slot.id));
            sleep(Duration::from_millis(400));
            assert!(!waiting.is_finished(), "answered while the slot was locked");
            stranger.execute(end);
            let (status, time) = waiting.join().unwrap();
            assert_eq!(status, expected, "after {end}");
            assert!(time < Duration::from_millis(900), "after {end} the answer took {time:?}");
        });
    }
    place.assert_clean();
}

#[test]
fn a_locked_request_key_delays_only_its_own_request() {
    let place = Place::postgres();
    let server = serve(&place);
    let slots = free_slots(&server, 21);
    let (held, others) = slots.split_first().unwrap();
    let mut stranger = place.connect();
    // The key of a consumer without a token (`--auth off`) is its request id alone.
    stranger.execute("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('' || chr(31) || 'stuck', 0))");
    scope(|threads| {
        let waiting = threads.spawn(|| timed(&server, held, "stuck"));
        sleep(Duration::from_millis(50));
        assert_quick(&server, others, "a stuck request key");
        assert_ended_at_the_deadline(waiting.join().unwrap(), "the stuck key");
    });
    stranger.execute("ROLLBACK");
    assert_never_booked(&place, &server, held, "stuck");
}

#[test]
fn a_locked_database_file_ends_bookings_at_their_deadline() {
    let place = Place::sqlite();
    let server = serve(&place);
    let slots = free_slots(&server, 3);
    let mut stranger = place.connect();
    stranger.execute("BEGIN IMMEDIATE");
    scope(|threads| {
        let (server, slots) = (&server, &slots);
        let first: Vec<_> = slots.iter().map(|slot| threads.spawn(move || timed(server, slot, &slot.id))).collect();
        sleep(Duration::from_millis(100));
        assert_eq!(slot_status(server, &slots[0]), "free", "readers go on");
        for waiting in first {
            assert_ended_at_the_deadline(waiting.join().unwrap(), "the locked file");
        }
    });
    stranger.execute("ROLLBACK");
    for slot in &slots {
        assert_never_booked(&place, &server, slot, &slot.id);
    }
}

/// The stranger gives the file back before the deadline: nobody is refused.
#[test]
fn a_database_file_unlocked_in_time_costs_no_booking() {
    let place = Place::sqlite();
    let server = serve(&place);
    let slots = free_slots(&server, 1);
    let mut stranger = place.connect();
    stranger.execute("BEGIN IMMEDIATE");
    let addr = server.addr();
    let slot = slots[0].clone();
    let waiting = spawn(move || book(addr, &slot, "in-time").unwrap());
    sleep(Duration::from_millis(700));
    stranger.execute("ROLLBACK");
    assert_eq!(waiting.join().unwrap().status, 201);
    place.assert_clean();
}

/// The look-up of a lost commit may wait for the lost transaction, never for a stranger who holds another slot of the batch.
#[test]
fn a_lost_commit_is_looked_up_without_waiting_for_a_lock() {
    let mut place = Place::postgres();
    let proxy = CutProxy::start(Server::shared().addr());
    place.seen = proxy.url(&place.url);
    let server = serve(&place);
    let slots = free_slots(&server, 26);
    let (held, others) = slots.split_first().unwrap();
    let mut stranger = place.connect();
    stranger.execute(&format!("BEGIN; SELECT * FROM slot WHERE id = '{}' FOR UPDATE", held.id));
    proxy.set(Mode::CutAfterCommit(Pick::Every(2), ServerSide::AnswersFirst));
    scope(|threads| {
        let server = &server;
        let waiting = threads.spawn(move || timed(server, held, "held"));
        sleep(Duration::from_millis(30));
        let together: Vec<_> = others.iter().map(|slot| threads.spawn(move || timed(server, slot, &slot.id))).collect();
        let slowest = together.into_iter().map(|booking| {
            let (status, time) = booking.join().unwrap();
            assert_eq!(status, 201, "after {time:?}");
            time
        });
        let slowest = slowest.max().unwrap();
        println!("{} bookings with every second commit cut, beside a locked slot: the slowest took {slowest:?}", others.len());
        assert!(slowest < DEADLINE, "the slowest took {slowest:?}");
        assert_ended_at_the_deadline(waiting.join().unwrap(), "the locked slot");
    });
    assert!(proxy.counts().cut_after_committed > 0, "no commit was cut");
    proxy.set(Mode::Pass);
    stranger.execute("ROLLBACK");
    assert_never_booked(&place, &server, held, "held");
}

/// The network stands still for longer than any deadline, with transactions at every stage: whoever hears 503 is not booked later.
#[test]
fn a_network_that_stands_still_leaves_every_answer_true() {
    let mut place = Place::postgres();
    let proxy = CutProxy::start(Server::shared().addr());
    place.seen = proxy.url(&place.url);
    let server = serve(&place);
    let slots = free_slots(&server, 96);
    let answers: Vec<(&Slot, (u16, Duration))> = scope(|threads| {
        let server = &server;
        let commits = proxy.counts().commits;
        let book_in_turn =
            |slots| move || -> Vec<_> { Iterator::map(slots, |slot: &Slot| (slot, timed(server, slot, &slot.id))).collect() };
        let waiting: Vec<_> = slots.chunks(6).map(|slots| threads.spawn(book_in_turn(slots.iter()))).collect();
        // The first are answered, the next are on their way.
        wait_until(Duration::from_secs(5), || proxy.counts().commits > commits + 1);
        proxy.stall(Duration::from_millis(2_500));
        waiting.into_iter().flat_map(|bookings| bookings.join().unwrap()).collect()
    });
    sleep(Duration::from_secs(1));
    let refused = answers.iter().filter(|(_, (status, _))| *status == 503).count();
    println!("{refused} of {} bookings were refused while the network stood still", answers.len());
    assert!(answers.iter().any(|(_, (_, time))| *time > DEADLINE), "the network did not stand still");
    for (slot, (status, _)) in answers {
        assert!(matches!(status, 201 | 503), "{status}");
        let live = place.number(&format!("SELECT count(*) AS n FROM appointment WHERE slot_id = '{}' AND live", slot.id));
        assert_eq!(live, i64::from(status == 201), "answered {status}");
    }
    place.assert_clean();
}

/// PostgreSQL out of reach is a 503, and the server is well again as soon as the database is.
#[test]
fn an_unreachable_postgresql_means_503_until_it_is_back() {
    let mut place = Place::postgres();
    let proxy = CutProxy::start(Server::shared().addr());
    place.seen = proxy.url(&place.url);
    let server = serve(&place);
    let slots = free_slots(&server, 2);
    proxy.refuse_new(true);
    proxy.cut_all();
    let (status, time) = timed(&server, &slots[0], "away");
    println!("an unreachable database: answered {status} after {time:?}");
    assert_eq!(status, 503);
    assert!(time <= DEADLINE + GRACE, "the answer took {time:?}");
    proxy.refuse_new(false);
    let well =
        wait_until(Duration::from_secs(10), || book(server.addr(), &slots[1], "back").is_ok_and(|reply| matches!(reply.status, 201 | 409)));
    assert!(well, "no booking within 10 s of the database's return: {}", server.stderr());
    assert_never_booked(&place, &server, &slots[0], "away");
}

#[test]
fn nobody_waits_past_the_deadline_for_a_silent_postgresql() {
    let database_server = Server::start(Settings::default());
    let place = Place::durable(&database_server);
    let server = serve(&place);
    let slots = free_slots(&server, 4);
    assert_eq!(timed(&server, &slots[3], "before").0, 201);
    database_server.freeze();
    // Each in its own time: nobody waits for the look that never ends.
    let answers: Vec<(u16, Duration)> = scope(|scope| {
        let asked = slots.iter().take(3).enumerate();
        let asking: Vec<_> = asked
            .map(|(n, slot)| {
                scope.spawn({
                    let server = &server;
                    move || timed(server, slot, &format!("silent-{n}"))
                })
            })
            .collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    println!("a silent database: answered {answers:?}");
    for (status, time) in answers {
        assert_eq!(status, 503);
        assert!(time >= DEADLINE - Duration::from_millis(50) && time <= DEADLINE + GRACE, "the answer took {time:?}");
    }
    assert_eq!(server.get("/health/ready").status, 503);
    database_server.thaw();
    let well = wait_until(Duration::from_secs(10), || server.get("/health/ready").status == 200);
    assert!(well, "not ready within 10 s: {}", server.stderr());
    for (n, slot) in slots.iter().take(3).enumerate() {
        assert_never_booked(&place, &server, slot, &format!("silent-{n}"));
    }
}
