//! Judges a round: what the clients saw and what was found afterwards, against what may be (docs/contract.md#statuses,
//! #invariants).
//!
//! Pure; it talks to nobody.
//! Pitfall: a winner is a request, not an answer. A booking whose 201 was lost counts as won once settling names it; a 503
//! followed by a booking is a broken promise, not a late winner.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::{Answer, Won};
use crate::attempt::{Attempt, Hold};
use crate::checks::{CheckKind, Finding};
use crate::judgement::{Judgement, Winner};
use crate::options::Mode;
use crate::plan::Plan;

/// The bookings that stood when the clients stopped; in `book-cancel` those whose cancel failed.
pub(crate) fn winners(plan: &Plan, attempts: &[Attempt]) -> Vec<Winner> {
    let mut seen = BTreeSet::new();
    let mut winners = Vec::new();
    for attempt in attempts {
        let appointment = match &attempt.hold {
            Some(hold) => hold.cancel.is_err().then_some(hold.appointment.as_str()),
            None => won(&attempt.answer).map(|w| w.id.as_str()).or_else(|| attempt.settled.as_ref().and_then(Answer::appointment)),
        };
        let Some(appointment) = appointment else { continue };
        let slot = slot_id(plan, attempt);
        if seen.insert((slot, attempt.request_id.as_str(), appointment)) {
            winners.push(Winner {
                appointment: appointment.to_owned(),
                slot: slot.to_owned(),
                request_id: attempt.request_id.clone(),
                server: attempt.server,
            });
        }
    }
    winners
}

/// The appointments that their winners gave back themselves.
pub(crate) fn given_back(attempts: &[Attempt]) -> Vec<String> {
    holds(attempts).filter(|(_, hold)| hold.cancel.is_ok()).map(|(_, hold)| hold.appointment.clone()).collect()
}

const fn won(answer: &Answer) -> Option<&Won> {
    match answer {
        Answer::Won(won) => Some(won),
        _ => None,
    }
}

fn slot_id<'a>(plan: &'a Plan, attempt: &Attempt) -> &'a str {
    plan.slots.get(attempt.turn.slot).map(|slot| slot.id.as_str()).unwrap_or_default()
}

/// How often each slot was won, in the order of the plan.
pub(crate) fn wins_per_slot(plan: &Plan, attempts: &[Attempt], winners: &[Winner]) -> Vec<(String, Vec<String>)> {
    let mut wins: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for winner in winners.iter().filter(|_| plan.mode != Mode::BookCancel) {
        wins.entry(&winner.slot).or_default().push(winner.appointment.clone());
    }
    for (attempt, hold) in holds(attempts) {
        wins.entry(slot_id(plan, attempt)).or_default().push(hold.appointment.clone());
    }
    plan.slots.iter().map(|slot| (slot.id.clone(), wins.remove(slot.id.as_str()).unwrap_or_default())).collect()
}

fn holds(attempts: &[Attempt]) -> impl Iterator<Item = (&Attempt, &Hold)> {
    attempts.iter().filter_map(|attempt| Some((attempt, attempt.hold.as_ref()?)))
}

/// Everything there is to say about a round.
pub(crate) fn judge(plan: &Plan, attempts: &[Attempt], winners: &[Winner], findings: &[Finding], servers: usize) -> Vec<Judgement> {
    let wins = wins_per_slot(plan, attempts, winners);
    let mut judgements = match plan.mode {
        Mode::Book => vec![one_winner(&wins)],
        Mode::SameRequest => vec![one_winner(&wins), same_answers(plan, attempts)],
        Mode::BookCancel => vec![won_at_all(&wins), one_holder(plan, attempts), cancels_held(attempts)],
    };
    judgements.push(losers(plan, attempts));
    judgements.extend([refused_stays_refused(attempts), lost_are_settled(attempts)]);
    judgements.extend(found(findings, servers));
    judgements
}

fn one_winner(wins: &[(String, Vec<String>)]) -> Judgement {
    let offenders = wins.iter().filter(|(_, won)| won.len() != 1).map(|(slot, won)| match won.as_slice() {
        [] => format!("slot {slot} has no winner"),
        many => format!("slot {slot} has {} winners: {}", many.len(), many.join(", ")),
    });
    Judgement::of("winners", format!("each of {} slots has exactly one winner", wins.len()), offenders.collect())
}

fn won_at_all(wins: &[(String, Vec<String>)]) -> Judgement {
    let offenders = wins.iter().filter(|(_, won)| won.is_empty()).map(|(slot, _)| format!("slot {slot} was never won")).collect();
    let total: usize = wins.iter().map(|(_, won)| won.len()).sum();
    Judgement::of("winners", format!("each of {} slots was won at least once, {total} times in all", wins.len()), offenders)
}

/// No two clients may hold one slot at the same time: from hearing 201 to sending the cancel.
fn one_holder(plan: &Plan, attempts: &[Attempt]) -> Judgement {
    let mut by_slot: BTreeMap<&str, Vec<&Hold>> = BTreeMap::new();
    for (attempt, hold) in holds(attempts) {
        by_slot.entry(slot_id(plan, attempt)).or_default().push(hold);
    }
    let mut offenders = Vec::new();
    let mut count = 0;
    for (slot, mut held) in by_slot {
        held.sort_by_key(|hold| hold.from);
        count += held.len();
        let mut last: Option<&Hold> = None;
        for hold in held {
            if let Some(before) = last.filter(|before| before.until > hold.from) {
                offenders.push(format!("slot {slot} was held by {} and {} at the same time", before.appointment, hold.appointment));
            }
            if last.is_none_or(|before| before.until <= hold.until) {
                last = Some(hold);
            }
        }
    }
    Judgement::of("holders", format!("of {count} times a slot was held, no two overlap"), offenders)
}

fn cancels_held(attempts: &[Attempt]) -> Judgement {
    let failed = holds(attempts).filter_map(|(_, hold)| Some(format!("{}: {}", hold.appointment, hold.cancel.as_ref().err()?)));
    Judgement::of("give-backs", format!("all {} winners could cancel", holds(attempts).count()), failed.collect())
}

/// Every first answer is one of those its mode allows; the others are grouped by what they were.
fn losers(plan: &Plan, attempts: &[Attempt]) -> Judgement {
    let mut odd: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut taken = 0;
    for attempt in attempts {
        let what = match &attempt.answer {
            Answer::Taken => {
                taken += 1;
                continue;
            }
            Answer::Unexpected { status, what } => format!("{status} {what}"),
            Answer::Duplicate(_) if plan.mode != Mode::SameRequest => "409 duplicate of a request that was never sent before".to_owned(),
            Answer::Duplicate(_) | Answer::Won(_) | Answer::Busy(_) | Answer::Lost(_) => continue,
        };
        let entry = odd.entry(attempt.answer.label()).or_insert_with(|| (0, format!("{what} (slot {})", slot_id(plan, attempt))));
        entry.0 += 1;
    }
    let offenders = odd.into_values().map(|(count, first)| format!("{count} × neither booked nor slot taken; the first: {first}"));
    Judgement::of("losers", format!("every loser was told exactly that the slot is taken, {taken} times"), offenders.collect())
}

/// Within one request id: one 201, every other 409 naming the same appointment, or all slot taken.
fn same_answers(plan: &Plan, attempts: &[Attempt]) -> Judgement {
    let mut groups: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts {
        groups.entry(&attempt.request_id).or_default().push(attempt);
    }
    let mut offenders = Vec::new();
    let mut won_groups = 0;
    for (request_id, group) in &groups {
        let answers: Vec<&Answer> = group.iter().flat_map(|a| std::iter::once(&a.answer).chain(a.settled.as_ref())).collect();
        let slot = group.first().map(|attempt| slot_id(plan, attempt)).unwrap_or_default();
        let booked = answers.iter().filter(|answer| won(answer).is_some()).count();
        let named: BTreeSet<&str> = answers.iter().filter_map(|answer| answer.appointment()).collect();
        let nameless = answers.iter().filter(|answer| matches!(answer, Answer::Duplicate(None))).count();
        let taken = answers.iter().filter(|answer| matches!(answer, Answer::Taken)).count();
        let lost = answers.iter().any(|answer| matches!(answer, Answer::Lost(_)));
        let mut offend = |what: String| offenders.push(format!("slot {slot}, request {request_id}: {what}"));
        if named.is_empty() && nameless == 0 {
            continue;
        }
        won_groups += 1;
        if booked > 1 || (booked == 0 && !lost) {
            offend(format!("{booked} answers were 201 instead of one"));
        }
        if named.len() > 1 {
            offend(format!("its answers name different appointments: {}", named.iter().copied().collect::<Vec<_>>().join(", ")));
        }
        if nameless > 0 {
            offend(format!("{nameless} answers 409 name no appointment"));
        }
        if taken > 0 {
            offend(format!("{taken} answers said that the slot is taken, about its own booking"));
        }
    }
    let sentence = format!("of {} requests sent by several connections at once, {won_groups} were booked, each once", groups.len());
    Judgement::of("same-request", sentence, offenders)
}

/// What was answered 429 or 503 was not booked then (docs/contract.md#invariants, 4).
fn refused_stays_refused(attempts: &[Attempt]) -> Judgement {
    let refused: Vec<&Attempt> = attempts.iter().filter(|attempt| matches!(attempt.answer, Answer::Busy(_))).collect();
    // Another connection may have sent the same request; then its booking is not the refused one's.
    let explained = |attempt: &Attempt| {
        let same = attempts.iter().filter(|other| other.request_id == attempt.request_id && other.turn != attempt.turn);
        same.flat_map(|other| std::iter::once(&other.answer).chain(other.settled.as_ref()))
            .any(|answer| matches!(answer, Answer::Won(_) | Answer::Lost(_)))
    };
    let mut offenders = Vec::new();
    for attempt in &refused {
        match &attempt.settled {
            Some(Answer::Duplicate(_)) if !explained(attempt) => {
                offenders.push(format!("request {} was refused ({}) and booked all the same", attempt.request_id, attempt.answer.label()));
            }
            Some(Answer::Won(_) | Answer::Taken | Answer::Duplicate(_)) => {}
            other => offenders.push(unsettled(attempt, other.as_ref())),
        }
    }
    Judgement::of("refused", format!("of {} requests refused for load (429, 503), none was booked", refused.len()), offenders)
}

fn lost_are_settled(attempts: &[Attempt]) -> Judgement {
    let lost = attempts.iter().filter(|attempt| attempt.answer.is_open() && !matches!(attempt.answer, Answer::Busy(_)));
    let mut count = 0;
    let mut offenders = Vec::new();
    for attempt in lost {
        count += 1;
        match &attempt.settled {
            Some(Answer::Won(_) | Answer::Taken | Answer::Duplicate(Some(_))) => {}
            other => offenders.push(unsettled(attempt, other.as_ref())),
        }
    }
    Judgement::of("unanswered", format!("{count} requests without an answer, each settled by sending it again"), offenders)
}

fn unsettled(attempt: &Attempt, settled: Option<&Answer>) -> String {
    let then = match settled {
        None => "not sent again".to_owned(),
        Some(Answer::Unexpected { status, what }) => format!("{status} {what}"),
        Some(Answer::Duplicate(None)) => "409 naming no appointment".to_owned(),
        Some(answer) => answer.label(),
    };
    format!("request {} stayed open: first {}, then {then}", attempt.request_id, attempt.answer.label())
}

/// One judgement for each kind of check that was made.
pub(crate) fn found(findings: &[Finding], servers: usize) -> Vec<Judgement> {
    let through = if servers > 1 { format!(" through each of {servers} servers") } else { String::new() };
    let kinds = [
        (CheckKind::Booked, "readable", "booked appointments are readable"),
        (CheckKind::Readable, "readable-either", "appointments with an open cancel are readable"),
        (CheckKind::Busy, "busy", "booked slots are busy"),
        (CheckKind::Cancel, "cancels", "appointments were cancelled"),
        (CheckKind::Cancelled, "cancelled", "cancelled appointments are readable as cancelled"),
        (CheckKind::Free, "free", "slots are free at the end"),
    ];
    let mut judgements = Vec::new();
    for (kind, name, what) in kinds {
        let of_kind: Vec<&Finding> = findings.iter().filter(|finding| finding.check.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        let ids: BTreeSet<&str> = of_kind.iter().map(|finding| finding.check.id.as_str()).collect();
        let through = if kind == CheckKind::Cancel { "" } else { through.as_str() };
        let offenders = of_kind.iter().filter_map(|finding| {
            Some(format!("{} (server {}): {}", finding.check.id, finding.check.server + 1, finding.result.as_ref().err()?))
        });
        judgements.push(Judgement::of(name, format!("{} {what}{through}", ids.len()), offenders.collect()));
    }
    judgements
}

#[cfg(test)]
mod tests;
