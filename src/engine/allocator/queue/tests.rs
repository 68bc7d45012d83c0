//! Claims in the queue: who is blocked by whom, who comes back when, and that nobody is forgotten.

use super::super::claim::{CancelClaim, Work};
use super::*;
use domain::appointment::Origin;
use domain::document::{Document, Release};
use domain::ids::OdsCode;
use std::time::Duration;

fn origin(request_id: &str) -> Origin {
    Origin { consumer: OdsCode::parse("X9T20"), request_id: Some(request_id.to_owned()), ..Origin::default() }
}

fn cancellation(request_id: &str) -> Cancellation {
    Cancellation {
        id: AppointmentId::parse(request_id).unwrap(),
        slot: SlotId::parse(request_id).unwrap(),
        decided_on: 1,
        at: Timestamp::from_ms(0),
        document: Document { release: Release::Stu3, text: String::new() },
        origin: origin(request_id),
    }
}

fn claim(request_id: &str, deadline: Instant) -> Claim {
    let cancel = CancelClaim { cancellation: cancellation(request_id), any_version: false };
    Claim::new(Work::Cancel(Box::new(cancel), Box::new(drop)), deadline)
}

fn lookup(request_id: &str, deadline: Instant) -> KeyLookup {
    KeyLookup::new(origin(request_id).key().unwrap(), Box::new(drop), deadline)
}

fn key(request_id: &str) -> Hold {
    Hold::Key(RequestKey { consumer: "X9T20".to_owned(), request_id: request_id.to_owned() })
}

fn decided(claim: Claim, holds: Vec<Hold>) -> Decided {
    Decided { claim, op: WriteOp::Cancel(Box::new(cancellation("decided"))), holds }
}

fn request_id(claim: &Claim) -> String {
    claim.key().unwrap().request_id
}

fn ids(claims: &[Claim]) -> Vec<String> {
    claims.iter().map(request_id).collect()
}

#[test]
fn blocked_claims_come_back_in_the_order_they_came() {
    let now = Instant::now();
    let later = now + Duration::from_secs(9);
    let mut queue = ClaimQueue::default();
    assert!(queue.enter(claim("one", later)).is_none());
    let first = queue.take_waiting(10, now).pop().unwrap();
    let _ = queue.make_ready(decided(first, vec![key("one")]));
    for (id, other) in [("one", later), ("two", later), ("one", later)] {
        assert!(queue.enter(claim(id, other)).is_none());
    }
    assert_eq!(ids(&queue.take_waiting(10, now)), ["two"]);
    assert!(queue.take_waiting(10, now).is_empty(), "the others are blocked and are not read for");
    let batch = queue.take_ready(10);
    assert_eq!(batch.len(), 1);
    queue.release(&batch[0].holds);
    assert_eq!(ids(&queue.take_waiting(10, now)), ["one", "one"]);
}

#[test]
fn a_second_claim_for_a_held_slot_is_blocked() {
    let now = Instant::now();
    let later = now + Duration::from_secs(9);
    let mut queue = ClaimQueue::default();
    let hold = || vec![Hold::Slot(SlotId::parse("s").unwrap())];
    let _ = queue.make_ready(decided(claim("one", later), hold()));
    let _ = queue.make_ready(decided(claim("two", later), hold()));
    let batch = queue.take_ready(10);
    assert_eq!(batch.len(), 1, "only one of them may be in the writer's hands");
    queue.release(&batch[0].holds);
    assert_eq!(ids(&queue.take_waiting(10, now)), ["two"]);
}

#[test]
fn backoff_doubles_up_to_a_limit_and_ends_at_the_deadline() {
    let now = Instant::now();
    let mut queue = ClaimQueue::default();
    let mut pauses = Vec::new();
    let mut claim = claim("one", now + Duration::from_millis(120));
    let mut at = now;
    for _ in 0..8 {
        assert!(queue.back_off(claim, at).is_none());
        assert!(queue.take_waiting(1, at).is_empty(), "it backs off");
        let wake = queue.next_wake().unwrap();
        pauses.push((wake - at).as_millis());
        at = wake;
        let Some(woken) = queue.take_waiting(1, at).pop() else { break };
        claim = woken;
        if at >= now + Duration::from_millis(120) {
            break;
        }
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 50, 8], "doubled, then capped, then cut at the deadline");
}

#[test]
fn what_is_expired_is_taken_out_and_releases_its_holds() {
    let now = Instant::now();
    let soon = now + Duration::from_millis(5);
    let later = now + Duration::from_secs(9);
    let mut queue = ClaimQueue::default();
    let _ = queue.make_ready(decided(claim("ready", soon), vec![key("ready")]));
    queue.block(claim("blocked", soon));
    assert!(queue.back_off(claim("backing-off", soon), now).is_none());
    assert!(queue.enter(claim("waiting", soon)).is_none());
    assert!(queue.enter(claim("ready", later)).is_none());
    assert!(queue.take_expired(now).is_empty());
    queue.in_snapshot = vec![claim("in-snapshot", soon)];
    assert!(queue.enter_lookup(lookup("looked-up", soon)).is_none());
    let expired = queue.take_expired(soon);
    let mut late = ids(&expired.claims);
    late.sort();
    assert_eq!(late, ["backing-off", "blocked", "in-snapshot", "ready", "waiting"]);
    assert_eq!(expired.lookups.len(), 1);
    assert_eq!(ids(&queue.take_waiting(10, soon)), ["ready"], "the key is free for the one that is not late");
    assert!(!queue.has_ready() && !queue.has_deadlines());
}

#[test]
fn a_closed_queue_gives_everything_back_and_takes_nothing_in() {
    let later = Instant::now() + Duration::from_secs(9);
    let mut queue = ClaimQueue::default();
    let _ = queue.make_ready(decided(claim("one", later), vec![key("one")]));
    queue.block(claim("two", later));
    assert!(queue.enter(claim("three", later)).is_none());
    assert!(queue.enter_lookup(lookup("one", later)).is_none());
    let left = queue.close();
    assert_eq!((left.claims.len(), left.lookups.len()), (3, 1));
    assert!(queue.enter_lookup(lookup("one", later)).is_some());
    assert!(queue.enter(claim("four", later)).is_some());
    assert!(queue.back_off(claim("five", later), Instant::now()).is_some());
    assert!(queue.make_ready(decided(claim("six", later), vec![])).is_some());
    assert!(queue.is_closed() && !queue.has_ready());
}

fn looked_up(query: &SnapshotQuery) -> Vec<&str> {
    query.lookups.iter().map(|key| key.request_id.as_str()).collect()
}

#[test]
fn a_key_is_looked_up_only_while_nothing_is_decided_under_it() {
    let mut now = Instant::now();
    let later = now + Duration::from_secs(9);
    let mut queue = ClaimQueue::default();
    assert!(queue.back_off(claim("one", later), now + Duration::from_secs(1)).is_none());
    assert!(queue.enter_lookup(lookup("one", later)).is_none());
    assert!(queue.enter_lookup(lookup("two", later)).is_none());
    assert_eq!(looked_up(&queue.begin_snapshot(10, now)), ["two"], "a claim under the first key backs off");
    assert_eq!(queue.end_snapshot().1.len(), 1);
    assert!(!queue.has_waiting(now), "the decider does not spin on a key that is being decided under");
    now = queue.next_wake().unwrap();
    assert!(queue.begin_snapshot(10, now).is_empty());
    now += Duration::from_secs(2);
    let one = queue.take_waiting(10, now).pop().unwrap();
    assert!(queue.make_ready(decided(one, vec![key("one")])).is_none());
    assert!(looked_up(&queue.begin_snapshot(10, now)).is_empty(), "the writer has it");
    let batch = queue.take_ready(10);
    queue.release(&batch[0].holds);
    now += Duration::from_secs(1);
    assert_eq!(looked_up(&queue.begin_snapshot(10, now)), ["one"]);
}
