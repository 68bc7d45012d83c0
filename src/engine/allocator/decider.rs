//! The decider: reads once for everything that waits, decides it, and refuses at once what has lost.

use super::super::failure::report;
use super::AllocatorShared;
use super::claim::{BookClaim, CancelClaim, Claim, Hold, POISONED_MAX, Work};
use super::key_lookup::KeyLookup;
use super::queue::{Decided, Expired, SnapshotQuery, WriteOp};
use super::snapshot::{Snapshot, read_snapshot};
use crate::store::{Lane, NewAppointment, StoreError};
use domain::appointment::decide::{RequestedBooking, decide_book};
use domain::appointment::{Appointment, AppointmentStatus};
use domain::fault::{Fault, Refusal};
use domain::ids::ServiceId;
use domain::policy::{Quota, ceiling_reached};
use domain::slot::Slot;
use domain::time::Timestamp;
use std::time::Instant;

/// Most claims decided on one snapshot.
const SNAPSHOT_CLAIMS_MAX: usize = 256;

/// What is decided about a claim.
enum Decision {
    Refuse(Fault),
    CarryOut(WriteOp, Vec<Hold>),
}

pub(super) fn run(shared: &AllocatorShared) {
    while let Some(query) = next(shared) {
        if query.is_empty() {
            continue;
        }
        match shared.store.on(Lane::Claims).query(|tx| read_snapshot(tx, &query)) {
            Ok(snapshot) => decide_all(shared, &snapshot),
            Err(error) => put_off(shared, &error),
        }
    }
}

/// Waits for something to decide. `None` when the queue is closed.
fn next(shared: &AllocatorShared) -> Option<SnapshotQuery> {
    let mut queue = shared.queue.lock();
    loop {
        if queue.is_closed() {
            return None;
        }
        let now = Instant::now();
        if queue.has_waiting(now) {
            return Some(queue.begin_snapshot(SNAPSHOT_CLAIMS_MAX, now));
        }
        match queue.next_wake() {
            Some(wake) => drop(shared.to_decide.wait_until(&mut queue, wake)),
            None => shared.to_decide.wait(&mut queue),
        }
    }
}

/// The read failed: everybody backs off. A database that answers and still fails is not waited for for ever.
fn put_off(shared: &AllocatorShared, error: &StoreError) {
    let silent = error.may_pass();
    let now = Instant::now();
    let mut queue = shared.queue.lock();
    let (claims, lookups) = queue.end_snapshot();
    report(&format!("reading for {} claims and {} key lookups", claims.len(), lookups.len()), error);
    let (mut closed, mut failed) = (Expired::default(), Vec::new());
    for mut claim in claims {
        claim.poisoned += u32::from(!silent);
        if claim.poisoned < POISONED_MAX { closed.claims.extend(queue.back_off(claim, now)) } else { failed.push(claim) }
    }
    closed.lookups.extend(lookups.into_iter().filter_map(|lookup| queue.back_off_lookup(lookup, now)));
    drop(queue);
    shared.refuse_expired(closed);
    for claim in failed {
        shared.refuse(claim, Fault::Internal);
    }
}

fn decide_all(shared: &AllocatorShared, snapshot: &Snapshot) {
    let now = shared.clock.now();
    let (mut refused, mut closed) = (Vec::new(), Expired::default());
    let mut queue = shared.queue.lock();
    let (claims, lookups) = queue.end_snapshot();
    for claim in claims {
        // A request whose key another one holds waits for that one, whatever it wants.
        if queue.key_is_held(&claim) {
            queue.block(claim);
            continue;
        }
        match decide(&claim, snapshot, now) {
            Decision::CarryOut(op, holds) => closed.claims.extend(queue.make_ready(Decided { claim, op, holds })),
            Decision::Refuse(fault) => refused.push((claim, fault)),
        }
    }
    // A key that another process is deciding under is read again a little later.
    let undecided = |lookup: &KeyLookup| snapshot.undecided.contains(&lookup.key) && !snapshot.keys.contains_key(&lookup.key);
    let (undecided, known): (Vec<_>, Vec<_>) = lookups.into_iter().partition(undecided);
    closed.lookups.extend(undecided.into_iter().filter_map(|lookup| queue.back_off_lookup(lookup, Instant::now())));
    let ready = queue.has_ready();
    drop(queue);
    if ready {
        shared.to_write.notify_one();
    }
    shared.refuse_expired(closed);
    for (claim, fault) in refused {
        shared.refuse(claim, fault);
    }
    for lookup in known {
        let earlier = snapshot.keys.get(&lookup.key).cloned();
        shared.answer_lookup(lookup, Ok(earlier));
    }
}

fn decide(claim: &Claim, snapshot: &Snapshot, now: Timestamp) -> Decision {
    let key = claim.key();
    if let Some((key, appointment)) = key.as_ref().and_then(|key| snapshot.keys.get_key_value(key)) {
        return Decision::Refuse(Fault::Duplicate { request_id: key.request_id.clone(), appointment: appointment.clone() });
    }
    let decided = match &claim.work {
        Work::Book(book, _) => decide_booking(book, snapshot, now).map(|new| {
            let hold = Hold::Slot(new.appointment.slot.clone());
            (WriteOp::Book(Box::new(new)), vec![hold])
        }),
        Work::Cancel(cancel, _) => decide_cancelling(cancel, snapshot),
    };
    match decided {
        Ok((op, mut holds)) => {
            holds.extend(key.map(Hold::Key));
            Decision::CarryOut(op, holds)
        }
        Err(fault) => Decision::Refuse(fault),
    }
}

fn decide_cancelling(cancel: &CancelClaim, snapshot: &Snapshot) -> Result<(WriteOp, Vec<Hold>), Fault> {
    let cancellation = &cancel.cancellation;
    match snapshot.appointments.get(&cancellation.id).map(|owned| &owned.appointment) {
        None => Err(Fault::NotFound { kind: "Appointment", id: cancellation.id.to_string() }),
        // Only a cancel makes a new version, so a cancel that names none comes too late.
        Some(stored) if stored.status == AppointmentStatus::Cancelled && cancel.any_version => {
            Err(Fault::Refused(Refusal::AlreadyCancelled))
        }
        Some(stored) if stored.version != cancellation.decided_on => {
            Err(Fault::VersionStale { given: cancellation.decided_on.to_string(), current: stored.version })
        }
        Some(stored) => Ok((
            WriteOp::Cancel(Box::new(cancellation.clone())),
            vec![Hold::Slot(stored.slot.clone()), Hold::Appointment(stored.id.clone())],
        )),
    }
}

/// A booking against what was found, in the order of the contract: unknown, contradicting, taken, and only then what
/// the provider's policy says of a slot that could be had (docs/contract.md#order-of-checks).
pub(super) fn decide_booking(book: &BookClaim, snapshot: &Snapshot, now: Timestamp) -> Result<NewAppointment, Fault> {
    let requested = RequestedBooking { slot: &book.slot, start: book.start, end: book.end };
    let unknown = || Fault::Refused(Refusal::SlotUnknown { expression: book.slot.expression.clone() });
    let visible = snapshot.visible_slot(book);
    let service = decide_book(requested, visible.as_ref().map(|visible| visible.candidate()), now).map_err(Fault::Refused)?;
    let visible = visible.ok_or_else(unknown)?;
    let offered = visible.offered(&service).ok_or_else(unknown)?;
    book.access.may_book(offered.provider.as_ref()).map_err(Fault::NotPermitted)?;
    let quotas = book.access.quotas(offered, book.start, visible.offering.zone);
    match ceiling_reached(&quotas, &snapshot.tallies) {
        Some(reached) => Err(Fault::Refused(reached)),
        None => Ok(appointment(book, visible.slot, service, quotas)),
    }
}

fn appointment(book: &BookClaim, slot: &Slot, service: ServiceId, quotas: Vec<Quota>) -> NewAppointment {
    NewAppointment {
        appointment: Appointment {
            id: book.id.clone(),
            slot: slot.id.clone(),
            status: AppointmentStatus::Booked,
            version: 1,
            start: book.start,
            end: book.end,
            booked_by: book.booked_by.clone(),
            service,
            patient: book.patient.clone(),
            reason: book.reason.clone(),
            clinical_document: book.clinical_document.clone(),
            updated: book.created,
        },
        document: book.document.clone(),
        origin: book.origin.clone(),
        quotas,
    }
}
