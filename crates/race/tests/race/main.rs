//! A race must find a clean server clean, and must be able to fail: here it races a small server in memory, over
//! real sockets, that behaves, or books twice, or breaks one promise at a time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    reason = "a test may panic"
)]

mod stub;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use domain::ids::Ids;
use domain::time::{Clock, Timestamp};
use race::{Mode, RaceError, RaceOptions, Verdict, run};
use serde_json::{Value, json};
use stub::{Fault, Memory, NOW, SEARCHES_REFUSED, SLOTS, Slot, Stub, serve};

struct FixedClock;
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

static DRAWN: AtomicU64 = AtomicU64::new(0);
struct CountedIds;
impl Ids for CountedIds {
    fn uuid(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", DRAWN.fetch_add(1, Ordering::SeqCst))
    }
}

const MODES: [Mode; 3] = [Mode::Book, Mode::BookCancel, Mode::SameRequest];

struct Ring {
    stub: Arc<Stub>,
    ports: [u16; 2],
    first: ServerHandle,
}

impl Ring {
    fn new(fault: Fault) -> Self {
        let slots = (0..SLOTS).map(|n| Slot { id: format!("slot-{n}"), start: NOW.plus_ms(86_400_000 + n * 900_000), busy: false });
        let memory = Mutex::new(Memory { slots: slots.collect(), ..Memory::default() });
        let stub = Arc::new(Stub { fault, memory, count: AtomicUsize::new(0) });
        let ((one, first), (two, _)) = (serve(&stub, false, 0), serve(&stub, true, 0));
        Self { stub, ports: [one, two], first }
    }

    /// What every race here is told, unless a test says otherwise.
    fn options(&self) -> RaceOptions {
        let servers = self.ports.map(|port| format!("http://127.0.0.1:{port}")).to_vec();
        RaceOptions { servers, clients: 8, slots: 10, seed: Some(3), ..RaceOptions::default() }
    }

    fn in_mode(&self, mode: Mode) -> RaceOptions {
        RaceOptions { mode, ..self.options() }
    }

    fn try_race(&self, options: &RaceOptions) -> (Result<Verdict, RaceError>, String) {
        let mut out = Vec::new();
        let verdict = run(options, &FixedClock, &CountedIds, &mut out);
        (verdict, String::from_utf8(out).unwrap())
    }

    fn race(&self, options: &RaceOptions) -> (Verdict, String) {
        let (verdict, text) = self.try_race(options);
        (verdict.unwrap(), text)
    }

    fn live(&self) -> usize {
        self.stub.memory.lock().unwrap().appointments.values().filter(|appointment| appointment["status"] == "booked").count()
    }
}

fn failed(verdict: &Verdict) -> Vec<&'static str> {
    verdict.report.judgements.iter().filter(|judgement| !judgement.ok).map(|judgement| judgement.name).collect()
}

#[test]
fn a_good_server_is_clean_in_every_mode_and_left_as_it_was() {
    for mode in MODES {
        let ring = Ring::new(Fault::None);
        let (verdict, text) = ring.race(&RaceOptions { rounds: 2, ..ring.in_mode(mode) });
        assert!(verdict.is_clean() && text.ends_with("verdict: clean\n"), "{mode:?}: {text}");
        assert_eq!(ring.live(), 0, "{mode:?}");
        let memory = ring.stub.memory.lock().unwrap();
        assert!(memory.slots.iter().all(|slot| !slot.busy), "{mode:?}");
        assert_eq!(memory.headers_missing, 0, "{mode:?}");
        let booked = memory.appointments.len();
        drop(memory);
        if mode == Mode::BookCancel {
            assert!(booked > 40, "several generations: {booked}");
        } else {
            assert_eq!(booked, 20, "{mode:?}");
            assert_eq!(verdict.report.slots.one, 20, "{mode:?}");
        }
    }
}

#[test]
fn a_server_that_books_twice_is_found_out_in_every_mode() {
    for (mode, judgement) in [(Mode::Book, "winners"), (Mode::BookCancel, "holders"), (Mode::SameRequest, "winners")] {
        let ring = Ring::new(Fault::BooksTwice);
        let (verdict, text) = ring.race(&ring.in_mode(mode));
        assert!(failed(&verdict).contains(&judgement), "{mode:?}: {text}");
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("verdict: ") && last.contains("deviation"), "{mode:?}: {last}");
    }
}

#[test]
fn each_broken_promise_is_named_by_its_judgement() {
    for (fault, mode, judgement) in [
        (Fault::WrongOutcome, Mode::Book, "losers"),
        (Fault::LosesBooking, Mode::Book, "readable"),
        (Fault::LosesBooking, Mode::BookCancel, "give-backs"),
        (Fault::ForgetsRequests, Mode::SameRequest, "same-request"),
        (Fault::NamesAnother, Mode::SameRequest, "same-request"),
        (Fault::BooksAndRefuses, Mode::Book, "refused"),
        (Fault::BooksAndRefuses, Mode::BookCancel, "refused"),
        (Fault::KeepsSlot, Mode::Book, "free"),
        (Fault::SecondServerIsBehind, Mode::Book, "busy"),
    ] {
        let ring = Ring::new(fault);
        let (verdict, text) = ring.race(&ring.in_mode(mode));
        assert!(failed(&verdict).contains(&judgement), "{fault:?} in {mode:?}: {text}");
    }
}

#[test]
fn late_answers_are_settled_by_sending_the_request_again() {
    for mode in [Mode::Book, Mode::SameRequest] {
        let ring = Ring::new(Fault::AnswersLate);
        let (verdict, text) = ring.race(&RaceOptions { timeout_s: 1, slots: 3, ..ring.in_mode(mode) });
        assert!(verdict.is_clean(), "{mode:?}: {text}");
        assert!(verdict.report.answers.contains_key("no answer in time"), "{mode:?}: {text}");
        assert_eq!(ring.live(), 0, "{mode:?}");
    }
}

#[test]
fn requests_refused_for_load_are_no_deviation() {
    for mode in MODES {
        let ring = Ring::new(Fault::RefusesForLoad);
        let (verdict, text) = ring.race(&ring.in_mode(mode));
        assert!(verdict.is_clean(), "{mode:?}: {text}");
        assert!(verdict.report.answers["503 refused for load"] > 0, "{mode:?}: {text}");
    }
}

/// Without the list of slots there is no race, so it is waited for longer than any single answer.
#[test]
fn the_list_of_slots_is_waited_for_by_time() {
    let ring = Ring::new(Fault::RefusesFirstSearches);
    let (verdict, text) = ring.race(&RaceOptions { timeout_s: 1, slots: 3, ..ring.options() });
    assert!(verdict.is_clean(), "{text}");
    assert!(ring.stub.count.load(Ordering::SeqCst) > SEARCHES_REFUSED);
}

#[test]
fn an_open_loop_keeps_its_rate() {
    let ring = Ring::new(Fault::None);
    let (verdict, text) = ring.race(&RaceOptions { rate: Some(200), ..ring.options() });
    assert!(verdict.is_clean(), "{text}");
    assert!((150..=205).contains(&verdict.report.requests_per_s), "{text}");
}

#[test]
fn a_server_that_stops_and_comes_back_is_found_clean() {
    for mode in MODES {
        let ring = Ring::new(Fault::None);
        let (stub, handle, port) = (Arc::clone(&ring.stub), ring.first.clone(), ring.ports[0]);
        let restart = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            actix_web::rt::System::new().block_on(handle.stop(false));
            std::thread::sleep(Duration::from_millis(300));
            serve(&stub, false, port);
        });
        let (verdict, text) = ring.race(&RaceOptions { rate: Some(if mode == Mode::BookCancel { 320 } else { 80 }), ..ring.in_mode(mode) });
        assert!(verdict.is_clean() && verdict.report.took_us > 900_000, "{mode:?}: {text}");
        restart.join().unwrap();
    }
}

#[test]
fn a_server_that_stops_for_good_ends_the_race_with_deviations() {
    let ring = Ring::new(Fault::None);
    let handle = ring.first.clone();
    let stop = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        actix_web::rt::System::new().block_on(handle.stop(false));
    });
    let begun = std::time::Instant::now();
    let (verdict, text) = ring.race(&RaceOptions { rate: Some(80), timeout_s: 1, ..ring.options() });
    stop.join().unwrap();
    assert!(verdict.report.answers["not connected"] > 0 && failed(&verdict).contains(&"unanswered"), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_journal_cut_short_is_settled_and_a_lost_booking_found() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, result) = (folder.path().join("journal"), folder.path().join("result.json"));
    let ring = Ring::new(Fault::None);
    let (verdict, text) =
        ring.race(&RaceOptions { keep: true, journal: Some(journal.clone()), json: Some(result.clone()), ..ring.options() });
    assert!(verdict.is_clean(), "{text}");
    assert_eq!(ring.live(), 10);
    let json: Value = serde_json::from_str(&std::fs::read_to_string(&result).unwrap()).unwrap();
    assert_eq!((&json["clean"], json["appointments"].as_array().unwrap().len()), (&json!(true), 10));
    for key in ["id", "slot", "request_id", "server"] {
        assert!(json["appointments"][0].get(key).is_some(), "{key}");
    }

    // As after a kill: half of the answers were never heard.
    let lines = std::fs::read_to_string(&journal).unwrap();
    let heard = lines.lines().enumerate().filter(|(n, line)| !(line.contains("\"answered\"") && n % 2 == 0)).map(|(_, line)| line);
    std::fs::write(&journal, heard.collect::<Vec<_>>().join("\n") + "\n").unwrap();
    let settle = RaceOptions { settle: Some(journal), keep: true, ..ring.options() };
    let (verdict, text) = ring.race(&settle);
    assert!(verdict.is_clean() && !verdict.report.settled.is_empty(), "{text}");
    assert_eq!(verdict.report.appointments.len(), 10);

    let victim = json["appointments"][0]["id"].as_str().unwrap();
    let kept = ring.stub.memory.lock().unwrap().appointments.insert(victim.to_owned(), Value::Null).unwrap();
    let (verdict, text) = ring.race(&settle);
    assert_eq!(failed(&verdict), ["readable"], "{text}");

    ring.stub.memory.lock().unwrap().appointments.insert(victim.to_owned(), kept);
    let (verdict, text) = ring.race(&RaceOptions { keep: false, ..settle });
    assert!(verdict.is_clean(), "{text}");
    assert_eq!(ring.live(), 0);
}

#[test]
fn a_slot_taken_by_nobody_the_journal_knows_is_a_deviation() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let ring = Ring::new(Fault::None);
    let _ = ring.race(&RaceOptions { journal: Some(journal.clone()), slots: 1, ..ring.options() });
    let lines = std::fs::read_to_string(&journal).unwrap();
    let sent = lines.lines().filter(|line| line.contains("\"sent\"")).take(1);
    std::fs::write(&journal, sent.collect::<String>().replace("\"sent\":\"", "\"sent\":\"other-") + "\n").unwrap();
    ring.stub.memory.lock().unwrap().slots.iter_mut().for_each(|slot| slot.busy = true);
    let (verdict, text) = ring.race(&RaceOptions { settle: Some(journal), ..ring.options() });
    assert_eq!(failed(&verdict), ["open"], "{text}");
}

#[test]
fn what_cannot_be_raced_ends_without_a_verdict() {
    let ring = Ring::new(Fault::None);
    let few = ring.try_race(&RaceOptions { slots: 40, ..ring.options() }).0.unwrap_err();
    assert!(!few.is_usage() && few.to_string().contains("has 12 free slots"), "{few}");
    let keep = ring.try_race(&RaceOptions { keep: true, ..ring.in_mode(Mode::BookCancel) }).0.unwrap_err();
    assert!(keep.is_usage(), "{keep}");
    let nobody = RaceOptions { servers: vec!["http://127.0.0.1:1".to_owned()], timeout_s: 1, ..RaceOptions::default() };
    let dead = ring.try_race(&nobody).0.unwrap_err();
    assert!(!dead.is_usage() && dead.to_string().contains("no answer"), "{dead}");
}
