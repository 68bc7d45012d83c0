//! What is looked up after the clients have stopped: the open requests are settled, the winners are read, cancelled, and the
//! slots looked at again, through every server.
//!
//! Collects; `judge` decides.
//! Pitfall: settling sends the same request again and may book, which is allowed where no answer was given
//! (docs/contract.md#invariants, invariant 4); so it comes before anything is counted.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::attempt::Attempt;
use crate::client::{RaceClient, Run, in_parallel};
use crate::error::RaceError;
use crate::judgement::Winner;
use crate::plan::Plan;
use crate::verify::{appointment_has_status, cancel, slot_has_status};

/// How many requests are under way at once while checking.
const WORKERS: usize = 16;

/// One thing to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub kind: CheckKind,
    /// Place in the list of servers.
    pub server: usize,
    /// The appointment or the slot.
    pub id: String,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckKind {
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
pub(crate) struct Finding {
    pub check: Check,
    pub result: Result<(), String>,
}

async fn run_check(client: &RaceClient, check: Check) -> Finding {
    let (server, id) = (check.server, check.id.as_str());
    let result = match check.kind {
        CheckKind::Booked => appointment_has_status(client, server, id, &["booked"]).await,
        CheckKind::Cancelled => appointment_has_status(client, server, id, &["cancelled"]).await,
        CheckKind::Readable => appointment_has_status(client, server, id, &["booked", "cancelled"]).await,
        CheckKind::Busy => slot_has_status(client, server, id, "busy").await,
        CheckKind::Free => slot_has_status(client, server, id, "free").await,
        CheckKind::Cancel => cancel(client, server, id, None).await,
    };
    Finding { check, result }
}

/// Looks at everything in `checks`, in no order.
pub(crate) async fn run_checks(run: &Arc<Run>, checks: Vec<Check>) -> Result<Vec<Finding>, RaceError> {
    in_parallel(run, WORKERS, checks, run_check).await
}

/// The same check through each of `servers`.
pub(crate) fn everywhere(kind: CheckKind, id: &str, servers: usize) -> impl Iterator<Item = Check> {
    (0..servers).map(move |server| Check { kind, server, id: id.to_owned() })
}

/// Sends every open request of the round again, until each is decided.
pub(crate) async fn settle_open(run: &Arc<Run>, plan: &Arc<Plan>, attempts: &mut [Attempt]) -> Result<(), RaceError> {
    let open: Vec<_> = attempts
        .iter()
        .enumerate()
        .filter(|(_, attempt)| attempt.settled.is_none() && attempt.answer.is_open())
        .map(|(index, attempt)| (index, attempt.turn, attempt.server))
        .collect();
    let plan = Arc::clone(plan);
    let answers = in_parallel(run, WORKERS, open, async move |client: &RaceClient, (index, turn, server)| {
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
pub(crate) async fn after(
    run: &Arc<Run>,
    plan: &Plan,
    winners: &[Winner],
    cancelled: &[String],
    keep: bool,
) -> Result<Vec<Finding>, RaceError> {
    let servers = run.servers.count();
    let won_slots: BTreeSet<&str> = winners.iter().map(|winner| winner.slot.as_str()).collect();
    let mut checks: Vec<Check> = Vec::new();
    checks.extend(winners.iter().flat_map(|winner| everywhere(CheckKind::Booked, &winner.appointment, servers)));
    checks.extend(won_slots.iter().flat_map(|slot| everywhere(CheckKind::Busy, slot, servers)));
    let mut findings = run_checks(run, checks).await?;
    let mut gone: Vec<String> = cancelled.to_vec();
    if !keep {
        let cancels = winners.iter().map(|w| Check { kind: CheckKind::Cancel, server: w.server, id: w.appointment.clone() }).collect();
        let done = run_checks(run, cancels).await?;
        gone.extend(done.iter().filter(|finding| finding.result.is_ok()).map(|finding| finding.check.id.clone()));
        findings.extend(done);
    }
    let mut checks: Vec<Check> = gone.iter().flat_map(|id| everywhere(CheckKind::Cancelled, id, servers)).collect();
    let free = plan.slots.iter().filter(|slot| !keep || !won_slots.contains(slot.id.as_str()));
    checks.extend(free.flat_map(|slot| everywhere(CheckKind::Free, &slot.id, servers)));
    findings.extend(run_checks(run, checks).await?);
    Ok(findings)
}
