//! `race --settle FILE`: checks the journal of a run that was cut short against what the servers kept
//! (docs/contract.md#invariants, 3 and 4).
//!
//! Pitfall: an open request may find its slot taken only if the journal knows who took it; otherwise the
//! server says "taken" about a booking nobody has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::answer::Answer;
use crate::checks::{Check, CheckKind, everywhere, run_checks};
use crate::client::{RaceClient, Run, in_parallel};
use crate::error::RaceError;
use crate::journal::JournalLine;
use crate::judge::found;
use crate::judgement::{Judgement, Winner};
use crate::report::Report;

/// How many requests are under way at once.
const WORKERS: usize = 16;

/// What the journal knows of one request id.
#[derive(Debug, Clone, Default)]
struct JournalRequest {
    id: String,
    slot: String,
    server: usize,
    body: String,
    sent: usize,
    answered: usize,
    /// Answered 429 or 503, and nothing else since.
    refused: bool,
    /// The appointment of a 201, or the one a 409 named.
    appointment: Option<String>,
}

/// How far the cancel of an appointment got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CancelState {
    Sent,
    Answered,
}

/// What the journal says of a run.
#[derive(Debug, Default)]
struct JournalState {
    requests: BTreeMap<String, JournalRequest>,
    cancels: BTreeMap<String, CancelState>,
}

impl JournalState {
    fn of(lines: Vec<JournalLine>, run: &Run) -> Self {
        let mut state = Self::default();
        for line in lines {
            match line {
                JournalLine::Sent { sent, slot, server, body } => {
                    // Any server will do where that of the journal is not named: they share one database.
                    let server = run.servers.roots().iter().position(|known| *known == server).unwrap_or_default();
                    let request = state.requests.entry(sent.clone()).or_default();
                    *request = JournalRequest { id: sent, slot, server, body, sent: request.sent + 1, ..request.clone() };
                }
                JournalLine::Answered { answered, status, appointment, .. } => {
                    let request = state.requests.entry(answered).or_default();
                    request.answered += 1;
                    request.refused = matches!(status, 429 | 503);
                    request.appointment = appointment.or(request.appointment.take());
                }
                JournalLine::Cancelling { cancelling } => {
                    state.cancels.entry(cancelling).or_insert(CancelState::Sent);
                }
                JournalLine::Cancelled { cancelled } => {
                    state.cancels.insert(cancelled, CancelState::Answered);
                }
            }
        }
        state.requests.retain(|_, request| request.sent > 0);
        state
    }
}

/// Settles and judges the journal, and cancels what it booked unless that is to be kept.
pub(crate) async fn settle(run: &Arc<Run>, lines: Vec<JournalLine>, keep: bool, report: &mut Report) -> Result<(), RaceError> {
    let mut state = JournalState::of(lines, run);
    // A request that was sent by several connections is open as long as one of them heard nothing.
    let open: Vec<JournalRequest> =
        state.requests.values().filter(|request| request.sent > request.answered || request.refused).cloned().collect();
    let answers = in_parallel(run, WORKERS, open, async |client: &RaceClient, request: JournalRequest| {
        let answer = client.settle(request.server, &request.slot, &request.id, &request.body).await;
        (request, answer)
    })
    .await?;
    for (request, answer) in &answers {
        report.add_settled(answer);
        if let (Some(known), Some(appointment)) = (state.requests.get_mut(&request.id), answer.appointment())
            && known.appointment.is_none()
        {
            known.appointment = Some(appointment.to_owned());
        }
    }
    let taken_slots: BTreeSet<&str> =
        state.requests.values().filter(|request| request.appointment.is_some()).map(|request| request.slot.as_str()).collect();
    let offenders = answers.iter().filter_map(|(request, answer)| offence(request, answer, &taken_slots)).collect();
    let sentence = format!("of {} requests, {} were open and were sent again", state.requests.len(), answers.len());
    report.add_judgements(vec![Judgement::of("open", sentence, offenders), one_live(&state)]);
    check(run, &state, keep, report).await
}

fn offence(request: &JournalRequest, answer: &Answer, taken_slots: &BTreeSet<&str>) -> Option<String> {
    let id = &request.id;
    let heard_nothing = request.sent > request.answered;
    match answer {
        Answer::Won(won) => {
            request.appointment.as_ref().map(|known| format!("request {id} had booked {known} and booked {} as well", won.id))
        }
        Answer::Duplicate(None) => Some(format!("request {id}: 409 naming no appointment")),
        Answer::Duplicate(Some(named)) => match &request.appointment {
            Some(known) if known != named => Some(format!("request {id} had booked {known}; now {named} is named")),
            Some(_) => None,
            None if heard_nothing => None,
            None => Some(format!("request {id} was refused for load and booked {named} all the same")),
        },
        Answer::Taken => match &request.appointment {
            Some(known) => Some(format!("request {id} had booked {known} and hears that the slot is taken")),
            None if taken_slots.contains(request.slot.as_str()) => None,
            None => Some(format!("request {id} hears that slot {} is taken, and no request of the journal has it", request.slot)),
        },
        Answer::Unexpected { status, what } => Some(format!("request {id}: {status} {what}")),
        Answer::Busy(_) | Answer::Lost(_) => Some(format!("request {id} stayed open: {}", answer.label())),
    }
}

/// Appointments that nobody has asked to cancel, by slot.
fn live(state: &JournalState) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut live: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for request in state.requests.values() {
        if let Some(id) = request.appointment.as_deref().filter(|id| !state.cancels.contains_key(*id)) {
            live.entry(&request.slot).or_default().insert(id);
        }
    }
    live
}

fn one_live(state: &JournalState) -> Judgement {
    let live = live(state);
    let several = live.iter().filter(|(_, ids)| ids.len() > 1);
    let offenders =
        several.map(|(slot, ids)| format!("slot {slot} has {} winners: {}", ids.len(), ids.iter().copied().collect::<Vec<_>>().join(", ")));
    Judgement::of("winners", format!("none of {} booked slots has two winners", live.len()), offenders.collect())
}

async fn check(run: &Arc<Run>, state: &JournalState, keep: bool, report: &mut Report) -> Result<(), RaceError> {
    let servers = run.servers.count();
    let live = live(state);
    let mut checks = Vec::new();
    for (slot, ids) in &live {
        checks.extend(everywhere(CheckKind::Busy, slot, servers));
        checks.extend(ids.iter().flat_map(|id| everywhere(CheckKind::Booked, id, servers)));
    }
    for (id, cancel) in &state.cancels {
        let kind = if *cancel == CancelState::Answered { CheckKind::Cancelled } else { CheckKind::Readable };
        checks.extend(everywhere(kind, id, servers));
    }
    report.add_judgements(found(&run_checks(run, checks).await?, servers));
    report.appointments = appointments(state);
    if keep {
        return Ok(());
    }
    let unfinished = state.cancels.iter().filter(|(_, cancel)| **cancel == CancelState::Sent).map(|(id, _)| id.as_str());
    let ids: BTreeSet<&str> = live.values().flatten().copied().chain(unfinished).collect();
    let cancels = ids.iter().map(|id| Check { kind: CheckKind::Cancel, server: 0, id: (*id).to_owned() }).collect();
    let mut findings = run_checks(run, cancels).await?;
    let slots: BTreeSet<&str> =
        state.requests.values().filter(|request| request.appointment.is_some()).map(|request| request.slot.as_str()).collect();
    let mut checks: Vec<Check> = slots.iter().flat_map(|slot| everywhere(CheckKind::Free, slot, servers)).collect();
    checks.extend(ids.iter().flat_map(|id| everywhere(CheckKind::Cancelled, id, servers)));
    findings.extend(run_checks(run, checks).await?);
    report.add_judgements(found(&findings, servers));
    Ok(())
}

fn appointments(state: &JournalState) -> Vec<Winner> {
    let of = |request: &JournalRequest| {
        let appointment = request.appointment.clone()?;
        Some(Winner { appointment, slot: request.slot.clone(), request_id: request.id.clone(), server: request.server })
    };
    state.requests.values().filter_map(of).collect()
}
