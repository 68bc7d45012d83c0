//! Claims on the desk: who waits behind whom, who comes back when, and that nobody is forgotten.

use super::super::claim::Work;
use super::*;
use domain::appointment::RequestKey;
use domain::ids::{AppointmentId, SlotId};
use domain::time::Timestamp;
use std::sync::mpsc::{Receiver, channel};

fn claim(request_id: &str, deadline: Instant) -> (Claim, Receiver<()>) {
    let (tell, told) = channel();
    let key = RequestKey { consumer: "X9T20".to_owned(), request_id: request_id.to_owned() };
    let work = Work::Ask(key, Box::new(move |_| tell.send(()).unwrap_or_default()));
    (Claim::new(work, deadline), told)
}

fn key(request_id: &str) -> Hold {
    Hold::Key(RequestKey { consumer: "X9T20".to_owned(), request_id: request_id.to_owned() })
}

fn decided(claim: Claim, holds: Vec<Hold>) -> Decided {
    let cancel = Cancellation {
        id: AppointmentId::parse("a").unwrap(),
        slot: SlotId::parse("s").unwrap(),
        decided_on: 1,
        at: Timestamp::from_ms(0),
        document: String::new(),
        origin: domain::appointment::Origin::default(),
    };
    Decided { claim, order: Order::Cancel(Box::new(cancel)), holds }
}

fn request_id(claim: &Claim) -> String {
    claim.key().unwrap().request_id
}

fn ids(claims: &[Claim]) -> Vec<String> {
    claims.iter().map(request_id).collect()
}

#[test]
fn whoever_wants_what_another_holds_waits_behind_and_comes_back_in_order() {
    let now = Instant::now();
    let later = now + Duration::from_secs(9);
    let mut desk = Desk::default();
    assert!(desk.enter(claim("one", later).0).is_none());
    let first = desk.take_waiting(10, now).pop().unwrap();
    let _ = desk.make_ready(decided(first, vec![key("one")]));
    for (id, other) in [("one", later), ("two", later), ("one", later)] {
        assert!(desk.enter(claim(id, other).0).is_none());
    }
    assert_eq!(ids(&desk.take_waiting(10, now)), ["two"]);
    assert!(desk.take_waiting(10, now).is_empty(), "the others lie behind and are not looked at");
    let batch = desk.take_ready(10);
    assert_eq!(batch.len(), 1);
    desk.release(&batch[0].holds);
    assert_eq!(ids(&desk.take_waiting(10, now)), ["one", "one"]);
}

#[test]
fn a_second_survivor_for_a_held_slot_goes_behind_instead_of_to_the_writer() {
    let now = Instant::now();
    let later = now + Duration::from_secs(9);
    let mut desk = Desk::default();
    let hold = || vec![Hold::Slot(SlotId::parse("s").unwrap())];
    let _ = desk.make_ready(decided(claim("one", later).0, hold()));
    let _ = desk.make_ready(decided(claim("two", later).0, hold()));
    let batch = desk.take_ready(10);
    assert_eq!(batch.len(), 1, "only one of them may be in the writer's hands");
    desk.release(&batch[0].holds);
    assert_eq!(ids(&desk.take_waiting(10, now)), ["two"]);
}

#[test]
fn a_skipped_claim_rests_longer_every_time_but_not_beyond_its_deadline() {
    let now = Instant::now();
    let mut desk = Desk::default();
    let mut pauses = Vec::new();
    let (mut resting, _told) = claim("one", now + Duration::from_millis(120));
    let mut at = now;
    for _ in 0..8 {
        assert!(desk.rest(resting, at).is_none());
        assert!(desk.take_waiting(1, at).is_empty(), "it rests");
        let wake = desk.next_wake().unwrap();
        pauses.push((wake - at).as_millis());
        at = wake;
        let Some(woken) = desk.take_waiting(1, at).pop() else { break };
        resting = woken;
        if at >= now + Duration::from_millis(120) {
            break;
        }
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 50, 8], "doubled, then capped, then cut at the deadline");
}

#[test]
fn whatever_is_late_is_taken_off_wherever_it_lies_and_lets_go_of_what_it_held() {
    let now = Instant::now();
    let soon = now + Duration::from_millis(5);
    let later = now + Duration::from_secs(9);
    let mut desk = Desk::default();
    let _ = desk.make_ready(decided(claim("ready", soon).0, vec![key("ready")]));
    desk.put_behind(claim("behind", soon).0);
    assert!(desk.rest(claim("resting", soon).0, now).is_none());
    assert!(desk.enter(claim("waiting", soon).0).is_none());
    assert!(desk.enter(claim("ready", later).0).is_none());
    assert!(desk.take_late(now).is_empty());
    desk.looking = vec![claim("looking", soon).0];
    let mut late = ids(&desk.take_late(soon));
    late.sort();
    assert_eq!(late, ["behind", "looking", "ready", "resting", "waiting"]);
    assert_eq!(ids(&desk.take_waiting(10, soon)), ["ready"], "the key is free for the one that is not late");
    assert!(!desk.has_ready() && !desk.needs_watching());
}

#[test]
fn a_closed_desk_gives_everything_back_and_takes_nothing_in() {
    let later = Instant::now() + Duration::from_secs(9);
    let mut desk = Desk::default();
    let _ = desk.make_ready(decided(claim("one", later).0, vec![key("one")]));
    desk.put_behind(claim("two", later).0);
    assert!(desk.enter(claim("three", later).0).is_none());
    assert_eq!(desk.close().len(), 3);
    assert!(desk.enter(claim("four", later).0).is_some());
    assert!(desk.rest(claim("five", later).0, Instant::now()).is_some());
    assert!(desk.make_ready(decided(claim("six", later).0, vec![])).is_some());
    assert!(desk.is_closed() && !desk.has_ready());
}
