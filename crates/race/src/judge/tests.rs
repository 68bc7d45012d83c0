use std::time::Duration;

use super::*;
use crate::answer::NoAnswer;
use crate::checks::Check;
use crate::plan::Turn;
use domain::time::Timestamp;
use load::client::SendError;
use load::patient::{FoundSlot, invent};

fn plan(mode: Mode) -> Plan {
    let slot = FoundSlot {
        id: "s".into(),
        identifier: "s".into(),
        schedule: "Schedule/a".into(),
        start: "2026-02-11T09:30:00.000+00:00".into(),
        end: "2026-02-11T09:45:00.000+00:00".into(),
    };
    let written = Timestamp::from_ms(0);
    Plan { round: 1, mode, slots: vec![slot], people: invent(4, 1), clients: 4, servers: 1, rate: None, run_seed: 1, written }
}

fn attempt(client: usize, request_id: &str, answer: Answer) -> Attempt {
    let turn = Turn { client, slot: 0, generation: 0 };
    Attempt { turn, server: 0, request_id: request_id.into(), latency: Duration::ZERO, answer, settled: None, hold: None }
}

fn settled(client: usize, request_id: &str, answer: Answer, settled: Answer) -> Attempt {
    Attempt { settled: Some(settled), ..attempt(client, request_id, answer) }
}

fn booked(id: &str) -> Answer {
    Answer::Won(Won { id: id.into(), etag: None, body: String::new() })
}

fn duplicate(id: &str) -> Answer {
    Answer::Duplicate(Some(id.into()))
}

/// Names of what failed.
fn failed(mode: Mode, attempts: &[Attempt]) -> Vec<&'static str> {
    let plan = plan(mode);
    let winners = winners(&plan, attempts);
    judge(&plan, attempts, &winners, &[], 1).into_iter().filter(|judgement| !judgement.ok).map(|judgement| judgement.name).collect()
}

#[test]
fn a_booking_whose_answer_was_lost_wins_once_it_is_named() {
    let lost = settled(0, "r0", Answer::Lost(NoAnswer::Send(SendError::Timeout)), duplicate("a"));
    assert!(failed(Mode::Book, &[lost.clone(), attempt(1, "r1", Answer::Taken)]).is_empty());
    assert_eq!(failed(Mode::Book, &[lost, attempt(1, "r1", booked("b"))]), ["winners"]);
}

#[test]
fn a_refused_request_may_book_later_but_not_have_booked() {
    let busy = Answer::Busy(503);
    assert!(failed(Mode::Book, &[settled(0, "r0", busy.clone(), booked("a"))]).is_empty());
    assert_eq!(failed(Mode::Book, &[settled(0, "r0", busy.clone(), duplicate("a"))]), ["refused"]);
    let both = [settled(0, "r0", busy, duplicate("a")), attempt(1, "r0", booked("a"))];
    assert!(failed(Mode::SameRequest, &both).is_empty(), "another connection booked it under the same id");
}

#[test]
fn open_requests_and_slots_nobody_won_are_deviations() {
    let open = settled(0, "r0", Answer::Lost(NoAnswer::Send(SendError::Dropped)), Answer::Lost(NoAnswer::Send(SendError::Unreachable)));
    assert_eq!(failed(Mode::Book, &[open, attempt(1, "r1", booked("a"))]), ["unanswered"]);
    assert_eq!(failed(Mode::Book, &[attempt(0, "r0", Answer::Taken)]), ["winners"]);
    let fault = Answer::Unexpected { status: 500, what: "exception: ".into() };
    let judged = failed(Mode::Book, &[settled(0, "r0", fault, Answer::Taken), attempt(1, "r1", booked("a"))]);
    assert_eq!(judged, ["losers"], "a fault is a deviation even when it is settled");
}

#[test]
fn a_duplicate_is_no_answer_to_a_request_that_was_sent_once() {
    assert_eq!(failed(Mode::Book, &[attempt(0, "r0", booked("a")), attempt(1, "r1", duplicate("a"))]), ["losers"]);
}

#[test]
fn one_request_on_several_connections_is_booked_once() {
    let won = || attempt(0, "r0", booked("a"));
    let judged = |second: Answer| failed(Mode::SameRequest, &[won(), attempt(1, "r0", second)]);
    assert!(judged(duplicate("a")).is_empty());
    assert_eq!(judged(Answer::Taken), ["same-request"]);
    assert_eq!(judged(Answer::Duplicate(None)), ["same-request"]);
    assert_eq!(judged(booked("a")), ["same-request"], "a 201 is answered once");
    assert_eq!(judged(booked("b")), ["winners", "same-request"]);
    assert_eq!(judged(duplicate("b")), ["same-request"]);
    assert!(failed(Mode::SameRequest, &[won(), attempt(1, "r1", Answer::Taken)]).is_empty(), "another group's loser");
    let unheard = [attempt(0, "r0", duplicate("a")), settled(1, "r0", Answer::Lost(NoAnswer::Send(SendError::Timeout)), duplicate("a"))];
    assert_eq!(failed(Mode::SameRequest, &[attempt(0, "r0", duplicate("a"))]), ["winners", "same-request"]);
    assert!(failed(Mode::SameRequest, &unheard).is_empty(), "the one 201 was lost on its way");
}

#[test]
fn two_holders_of_one_slot_may_meet_but_not_overlap() {
    let holding = |client, id: &str, from, until| {
        let (from, until) = (Duration::from_millis(from), Duration::from_millis(until));
        let hold = Hold { appointment: id.into(), from, until, cancel: Ok(()) };
        Attempt { hold: Some(hold), ..attempt(client, id, booked(id)) }
    };
    assert!(failed(Mode::BookCancel, &[holding(0, "a", 0, 5), holding(1, "b", 5, 9)]).is_empty());
    assert_eq!(failed(Mode::BookCancel, &[holding(0, "a", 0, 6), holding(1, "b", 5, 9)]), ["holders"]);
    let inside = [holding(0, "a", 0, 20), holding(1, "b", 5, 9), holding(2, "c", 12, 14)];
    let judged = judge(&plan(Mode::BookCancel), &inside, &[], &[], 1);
    let holders = judged.iter().find(|judgement| judgement.name == "holders").unwrap();
    assert_eq!(holders.offenders.len(), 2, "a long hold is compared with all that follow: {:?}", holders.offenders);
}

#[test]
fn a_failed_check_names_its_subject_and_its_server() {
    let finding = |server, result: Result<(), String>| Finding { check: Check { kind: CheckKind::Busy, server, id: "s".into() }, result };
    let judged = found(&[finding(0, Ok(())), finding(1, Err("it is `free`, not busy".into()))], 2);
    assert_eq!(judged.len(), 1);
    assert_eq!((judged[0].name, judged[0].ok), ("busy", false));
    assert_eq!(judged[0].offenders, ["s (server 2): it is `free`, not busy"]);
}
