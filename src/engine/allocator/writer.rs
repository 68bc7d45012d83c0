//! The writer: carries out what was decided, as many claims as there are in one transaction, and answers after the
//! commit.

use super::super::failure::report;
use super::AllocatorShared;
use super::claim::POISONED_MAX;
use super::queue::{Decided, WriteOp};
use crate::store::{Cancellation, Lane, NewAppointment, Settled, StoreError};
use domain::appointment::{AppointmentStatus, AppointmentVersion};
use domain::fault::Fault;
use std::time::{Duration, Instant};

/// How long the outcome of a lost commit is looked up before the answer is that it is unknown.
pub(super) const COMMIT_LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause between two such look-ups, and after the database was out of reach.
const COMMIT_LOOKUP_PAUSE: Duration = Duration::from_millis(100);

pub(super) fn run(shared: &AllocatorShared) {
    while let Some(batch) = next(shared) {
        carry_out(shared, batch);
    }
}

fn next(shared: &AllocatorShared) -> Option<Vec<Decided>> {
    let mut queue = shared.queue.lock();
    loop {
        if queue.has_ready() {
            return Some(queue.take_ready(shared.limits.batch_max));
        }
        if queue.is_closed() {
            return None;
        }
        shared.to_write.wait(&mut queue);
    }
}

/// Bookings and cancels of a batch, apart, as the store takes them.
fn operations(batch: &[Decided]) -> (Vec<NewAppointment>, Vec<Cancellation>) {
    let (mut bookings, mut cancels) = (Vec::new(), Vec::new());
    for decided in batch {
        match &decided.op {
            WriteOp::Book(new) => bookings.push(new.as_ref().clone()),
            WriteOp::Cancel(cancel) => cancels.push(cancel.as_ref().clone()),
        }
    }
    (bookings, cancels)
}

fn carry_out(shared: &AllocatorShared, batch: Vec<Decided>) {
    let now = Instant::now();
    let (late, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(|decided| decided.claim.is_expired(now));
    give_up(shared, late, &shared.too_late());
    let (mut bookings, mut cancels) = operations(&batch);
    let Some(until) = batch.iter().map(|decided| decided.claim.deadline).min() else { return };
    let mut sent = Settled::default();
    let outcome = shared.store.on(Lane::Claims).write_until(until, |tx| {
        let settled = tx.claims_settle(&bookings, &cancels, shared.clock.now())?;
        sent.clone_from(&settled);
        Ok(settled)
    });
    match outcome {
        Ok(settled) => conclude(shared, batch, &settled),
        Err(StoreError::CommitUnknown(cause)) => {
            log::warn!("a commit of {} claims was sent and its answer lost ({cause}); asking again", batch.len());
            // Whatever the transaction had skipped it did not carry out: nobody waits for a stranger who holds that.
            bookings.retain(|new| sent.booked.contains(&new.appointment.id));
            cancels.retain(|cancel| sent.cancelled.contains(&cancel.id));
            match committed(shared, &bookings, &cancels) {
                Some(settled) => conclude(shared, batch, &settled),
                None => give_up(shared, batch, &Fault::OutcomeUnknown),
            }
        }
        Err(error) if error.may_pass() => {
            report(&format!("carrying out {} claims", batch.len()), &error);
            put_back(shared, batch);
        }
        Err(error) => isolate(shared, batch, &error),
    }
}

/// One member of the batch is poisoned: each is tried alone, and only the poisoned one suffers.
fn isolate(shared: &AllocatorShared, batch: Vec<Decided>, error: &StoreError) {
    log::warn!("{} claims failed together: {error}", batch.len());
    if batch.len() > 1 {
        for decided in batch {
            carry_out(shared, vec![decided]);
        }
        return;
    }
    for mut decided in batch {
        decided.claim.poisoned += 1;
        if decided.claim.poisoned < POISONED_MAX {
            put_back(shared, vec![decided]);
        } else {
            log::error!("a claim failed {POISONED_MAX} times: {error}");
            give_up(shared, vec![decided], &Fault::Internal);
        }
    }
}

/// Answers those that were carried out; the others go back to be decided again.
fn conclude(shared: &AllocatorShared, batch: Vec<Decided>, settled: &Settled) {
    let (mut done, mut skipped) = (Vec::new(), Vec::new());
    for decided in batch {
        let carried_out = match &decided.op {
            WriteOp::Book(new) => settled.booked.contains(&new.appointment.id),
            WriteOp::Cancel(cancel) => settled.cancelled.contains(&cancel.id),
        };
        if carried_out { done.push(decided) } else { skipped.push(decided) }
    }
    let now = Instant::now();
    let mut queue = shared.queue.lock();
    queue.release(done.iter().chain(&skipped).flat_map(|decided| &decided.holds));
    let refused: Vec<_> = skipped.into_iter().filter_map(|decided| queue.back_off(decided.claim, now)).collect();
    drop(queue);
    shared.to_decide.notify_one();
    shared.refuse_busy(refused);
    for decided in done {
        let version = version_of(decided.op);
        shared.answer(decided.claim, Ok(version));
    }
}

fn version_of(op: WriteOp) -> AppointmentVersion {
    match op {
        WriteOp::Book(new) => AppointmentVersion {
            id: new.appointment.id,
            version: 1,
            status: AppointmentStatus::Booked,
            recorded: new.appointment.updated,
            document: new.document,
        },
        WriteOp::Cancel(cancel) => AppointmentVersion {
            id: cancel.id,
            version: cancel.decided_on + 1,
            status: AppointmentStatus::Cancelled,
            recorded: cancel.at,
            document: cancel.document,
        },
    }
}

/// Which claims of a lost commit were committed; `None` when the look-up failed for [`COMMIT_LOOKUP_TIMEOUT`].
fn committed(shared: &AllocatorShared, bookings: &[NewAppointment], cancels: &[Cancellation]) -> Option<Settled> {
    let until = Instant::now() + COMMIT_LOOKUP_TIMEOUT;
    while Instant::now() < until {
        match shared.store.on(Lane::Claims).write_until(until, |tx| tx.claims_committed(bookings, cancels)) {
            Ok(settled) => return Some(settled),
            Err(error) => report("asking what became of a lost commit", &error),
        }
        std::thread::sleep(COMMIT_LOOKUP_PAUSE);
    }
    None
}

/// Sends claims back to be decided again, a little later.
fn put_back(shared: &AllocatorShared, batch: Vec<Decided>) {
    conclude(shared, batch, &Settled::default());
}

fn give_up(shared: &AllocatorShared, batch: Vec<Decided>, fault: &Fault) {
    if batch.is_empty() {
        return;
    }
    shared.queue.lock().release(batch.iter().flat_map(|decided| &decided.holds));
    shared.to_decide.notify_one();
    for decided in batch {
        shared.refuse(decided.claim, fault.clone());
    }
}
