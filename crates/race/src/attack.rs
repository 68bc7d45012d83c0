//! The race itself: all clients at once, on a few threads.
//!
//! Collects what came back and judges nothing.
//! Pitfall: in an open loop the latency counts from when a request was due, not from when its client got round to sending it;
//! else a stalled server would look quick.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use actix_rt::time;
use load::client::Request;
use tokio::sync::Barrier;

use crate::answer::{Answer, Won};
use crate::attempt::{Attempt, Hold, RoundResult};
use crate::client::{RaceClient, Run};
use crate::error::RaceError;
use crate::options::Mode;
use crate::plan::{Booking, Plan, Turn};
use crate::verify::cancel;

/// How long a won slot is held in `book-cancel` before it is given back.
const HOLD: Duration = Duration::from_millis(3);

/// What the clients of one round meet at.
struct Round {
    plan: Arc<Plan>,
    run: Arc<Run>,
    start: Barrier,
    started: OnceLock<Instant>,
    /// One for each group of `same-request`, by asker.
    groups: Vec<Barrier>,
}

/// Runs all clients of `plan` to the end.
pub(crate) fn run_clients(plan: &Arc<Plan>, run: &Arc<Run>) -> Result<RoundResult, RaceError> {
    let round = Arc::new(Round {
        plan: Arc::clone(plan),
        run: Arc::clone(run),
        start: Barrier::new(plan.clients),
        started: OnceLock::new(),
        groups: plan.asker_sizes().into_iter().map(Barrier::new).collect(),
    });
    let threads = thread::available_parallelism().map_or(1, usize::from).min(plan.clients);
    let mut running = Vec::new();
    for number in 0..threads {
        let round = Arc::clone(&round);
        let thread = thread::Builder::new().name(format!("race-{number}")).spawn(move || {
            let mine = (number..round.plan.clients).step_by(threads).collect();
            actix_rt::System::new().block_on(run_thread(round, mine))
        });
        running.push(thread.map_err(|error| RaceError::Failed(format!("cannot start a thread: {error}")))?);
    }
    let mut attempts = Vec::with_capacity(plan.request_count());
    for thread in running {
        let ended = || RaceError::Failed("a client ended early; there is no verdict".to_owned());
        attempts.extend(thread.join().map_err(|_| ended())?.ok_or_else(ended)?);
    }
    let took = round.started.get().map(Instant::elapsed).unwrap_or_default();
    Ok(RoundResult { attempts, took })
}

async fn run_thread(round: Arc<Round>, clients: Vec<usize>) -> Option<Vec<Attempt>> {
    let tasks: Vec<_> = clients.into_iter().map(|client| actix_rt::spawn(run_client(Arc::clone(&round), client))).collect();
    let mut attempts = Vec::new();
    for task in tasks {
        attempts.extend(task.await.ok()?);
    }
    Some(attempts)
}

async fn run_client(round: Arc<Round>, number: usize) -> Vec<Attempt> {
    let plan = &round.plan;
    let client = RaceClient::new(&round.run);
    let server = plan.server(number);
    // Opens the connection, so that the first booking of each client does not wait for it. The answer does not matter.
    let _ = client.http.send(&Request::get(server, "/metadata", "read:metadata")).await;
    // The wait has an end, so that clients are not held up for good by one that never comes.
    let longest = round.run.servers.timeout() * 2;
    let _ = time::timeout(longest, round.start.wait()).await;
    let start = *round.started.get_or_init(Instant::now);
    let mut attempts = Vec::with_capacity(plan.slots.len() * plan.generations());
    for slot in 0..plan.slots.len() {
        for generation in 0..plan.generations() {
            let turn = Turn { client: number, slot, generation };
            let Some(booking) = plan.booking(turn) else { continue };
            let due = plan.due(turn).map(|due| start + due);
            match due {
                Some(due) => time::sleep(due.saturating_duration_since(Instant::now())).await,
                None if plan.mode == Mode::SameRequest => {
                    if let Some(group) = round.groups.get(plan.asker(number)) {
                        let _ = time::timeout(longest, group.wait()).await;
                    }
                }
                None => {}
            }
            let asked = due.unwrap_or_else(Instant::now);
            attempts.push(attempt(&round, &client, turn, &booking, asked, start).await);
            round.run.bar.inc(1);
        }
    }
    attempts
}

async fn attempt(round: &Round, client: &RaceClient, turn: Turn, booking: &Booking, asked: Instant, start: Instant) -> Attempt {
    let plan = &round.plan;
    let server = plan.server(turn.client);
    let slot = plan.slots.get(turn.slot).map(|slot| slot.id.as_str()).unwrap_or_default();
    let answer = client.book(server, slot, &booking.request_id, &booking.body).await;
    let latency = asked.elapsed();
    let mut attempt = Attempt { turn, server, request_id: booking.request_id.clone(), latency, answer, settled: None, hold: None };
    if plan.mode == Mode::BookCancel {
        // An open request would keep the slot from everybody else for the rest of the round, so it is settled at once.
        if attempt.answer.is_open() {
            attempt.settled = Some(client.settle(server, slot, &booking.request_id, &booking.body).await);
        }
        attempt.hold = hold(client, server, &attempt, start).await;
    }
    attempt
}

async fn hold(client: &RaceClient, server: usize, attempt: &Attempt, start: Instant) -> Option<Hold> {
    let last = attempt.settled.as_ref().unwrap_or(&attempt.answer);
    let (id, known): (String, Option<&Won>) = match last {
        Answer::Won(won) => (won.id.clone(), Some(won)),
        // Booked by the first sending, of which only the settling told.
        Answer::Duplicate(Some(id)) if attempt.settled.is_some() => (id.clone(), None),
        _ => return None,
    };
    let from = start.elapsed();
    // Held for a moment on purpose: two holders at once are only seen when holding takes time.
    time::sleep(HOLD).await;
    let until = start.elapsed();
    let cancel = cancel(client, server, &id, known).await;
    Some(Hold { appointment: id, from, until, cancel })
}
