//! What is looked up after the clients have stopped: the open requests are settled, the winners are read, cancelled, and the
//! slots looked at again, through every server.
//!
//! Collects; `judge` decides. What a reader would get wrong: settling sends the same request again and may book, which is
//! allowed where no answer was given (`decisions.md` 6, invariant 4); so it comes before anything is counted.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attack::Attempt;
use super::client::{Client, Shared, in_parallel};
use super::judge::Winner;
use super::options::RaceError;
use super::plan::Plan;
use super::verify::{appointment_stands, cancel, slot_stands};

/// How many requests are under way at once while checking.
const HANDS: usize = 16;

/// One thing to be looked at.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub kind: CheckKind,
    /// Place in the list of servers.
    pub server: usize,
    /// The appointment or the slot.
    pub id: String,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckKind {
    /// The appointment is readable and booked.
    Booked,
    /// The slot is busy.
    Busy,
    /// The appointment can be cancelled.
    Cancel,
    /// The appointment is readable and cancelled.
    Cancelled,
    /// The appointment is readable, booked or cancelled.
    Readable,
    /// The slot is free.
    Free,
}

/// A check and how it went.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub check: Check,
    pub result: Result<(), String>,
}

async fn look(client: &Client, check: Check) -> Finding {
    let (server, id) = (check.server, check.id.as_str());
    let result = match check.kind {
        CheckKind::Booked => appointment_stands(client, server, id, &["booked"]).await,
        CheckKind::Cancelled => appointment_stands(client, server, id, &["cancelled"]).await,
        CheckKind::Readable => appointment_stands(client, server, id, &["booked", "cancelled"]).await,
        CheckKind::Busy => slot_stands(client, server, id, "busy").await,
        CheckKind::Free => slot_stands(client, server, id, "free").await,
        CheckKind::Cancel => cancel(client, server, id, None).await,
    };
    Finding { check, result }
}

/// Looks at everything in `checks`, in no order.
pub(super) async fn look_at(shared: &Arc<Shared>, checks: Vec<Check>) -> Result<Vec<Finding>, RaceError> {
    in_parallel(shared, HANDS, checks, look).await
}

/// The same check through each of `servers`.
pub(super) fn everywhere(kind: CheckKind, id: &str, servers: usize) -> impl Iterator<Item = Check> {
    (0..servers).map(move |server| Check { kind, server, id: id.to_owned() })
}

/// Sends every open request of the round again, until each is decided.
pub(super) async fn settle_open(shared: &Arc<Shared>, plan: &Arc<Plan>, attempts: &mut [Attempt]) -> Result<(), RaceError> {
    let open: Vec<_> = attempts
        .iter()
        .enumerate()
        .filter(|(_, attempt)| attempt.settled.is_none() && attempt.answer.is_open())
        .map(|(index, attempt)| (index, attempt.turn, attempt.server))
        .collect();
    let plan = Arc::clone(plan);
    let answers = in_parallel(shared, HANDS, open, async move |client: &Client, (index, turn, server)| {
        let booking = plan.booking(turn)?;
        let slot = plan.slots.get(turn.slot)?;
        Some((index, client.settle(server, &slot.id, &booking.request_id, &booking.body).await))
    })
    .await?;
    for (index, answer) in answers.into_iter().flatten() {
        if let Some(attempt) = attempts.get_mut(index) {
            attempt.settled = Some(answer);
        }
    }
    Ok(())
}

/// Reads the winners and their slots; then, unless they are to be kept, cancels them and looks at everything again.
pub(super) async fn after(
    shared: &Arc<Shared>,
    plan: &Plan,
    winners: &[Winner],
    cancelled: &[String],
    keep: bool,
) -> Result<Vec<Finding>, RaceError> {
    let servers = shared.servers.len();
    let won_slots: BTreeSet<&str> = winners.iter().map(|winner| winner.slot.as_str()).collect();
    let mut checks: Vec<Check> = Vec::new();
    checks.extend(winners.iter().flat_map(|winner| everywhere(CheckKind::Booked, &winner.appointment, servers)));
    checks.extend(won_slots.iter().flat_map(|slot| everywhere(CheckKind::Busy, slot, servers)));
    let mut findings = look_at(shared, checks).await?;
    let mut gone: Vec<String> = cancelled.to_vec();
    if !keep {
        let cancels = winners.iter().map(|w| Check { kind: CheckKind::Cancel, server: w.server, id: w.appointment.clone() }).collect();
        let done = look_at(shared, cancels).await?;
        gone.extend(done.iter().filter(|finding| finding.result.is_ok()).map(|finding| finding.check.id.clone()));
        findings.extend(done);
    }
    let mut checks: Vec<Check> = gone.iter().flat_map(|id| everywhere(CheckKind::Cancelled, id, servers)).collect();
    let free = plan.slots.iter().filter(|slot| !keep || !won_slots.contains(slot.id.as_str()));
    checks.extend(free.flat_map(|slot| everywhere(CheckKind::Free, &slot.id, servers)));
    findings.extend(look_at(shared, checks).await?);
    Ok(findings)
}
