//! The decider: one look at the database for everything that waits, and an answer for whoever has lost.

use super::super::failure::report;
use super::Shared;
use super::claim::{BookClaim, Claim, Hold, POISONED_MAX, Work};
use super::desk::{Decided, Order, Questions};
use super::look::{Look, look};
use crate::store::{NewAppointment, StoreError};
use domain::appointment::decide::{Wish, decide_book};
use domain::appointment::{Appointment, AppointmentStatus};
use domain::fault::{Fault, Refusal};
use domain::ids::{AppointmentId, ServiceId};
use domain::policy::{Quota, ceiling_reached};
use domain::slot::Slot;
use domain::time::Timestamp;
use std::time::Instant;

/// Most claims looked at together.
const LOOK_MAX: usize = 256;

/// What becomes of a claim after the look.
enum Verdict {
    Refused(Fault),
    Survived(Order, Vec<Hold>),
    Known(Option<AppointmentId>),
    Undecided,
}

pub(super) fn run(shared: &Shared) {
    while let Some(questions) = next(shared) {
        if questions.claims == 0 {
            continue;
        }
        match shared.store.look(|tx| look(tx, &questions)) {
            Ok(found) => route(shared, &found),
            Err(error) => put_off(shared, &error),
        }
    }
}

/// Waits for claims to look at. `None` when the desk is closed.
fn next(shared: &Shared) -> Option<Questions> {
    let mut desk = shared.desk.lock();
    loop {
        if desk.is_closed() {
            return None;
        }
        let now = Instant::now();
        if desk.has_waiting(now) {
            return Some(desk.begin_look(LOOK_MAX, now));
        }
        match desk.next_wake() {
            Some(wake) => drop(shared.to_decide.wait_until(&mut desk, wake)),
            None => shared.to_decide.wait(&mut desk),
        }
    }
}

/// The look failed: everybody tries again later. A database that answers and still fails is not waited for for ever.
fn put_off(shared: &Shared, error: &StoreError) {
    let silent = error.may_pass();
    let now = Instant::now();
    let mut desk = shared.desk.lock();
    let claims = desk.end_look();
    report(&format!("looking at {} claims", claims.len()), error);
    let (mut turned_away, mut given_up) = (Vec::new(), Vec::new());
    for mut claim in claims {
        claim.poisoned += u32::from(!silent);
        if claim.poisoned < POISONED_MAX { turned_away.extend(desk.rest(claim, now)) } else { given_up.push(claim) }
    }
    drop(desk);
    shared.refuse_busy(turned_away);
    for claim in given_up {
        shared.refuse(claim, Fault::Internal);
    }
}

fn route(shared: &Shared, found: &Look) {
    let now = shared.clock.now();
    let (mut answers, mut turned_away) = (Vec::new(), Vec::new());
    let mut desk = shared.desk.lock();
    for claim in desk.end_look() {
        // A request whose key another one is being decided under waits for that one, whatever it asks.
        if desk.key_is_held(&claim) {
            desk.put_behind(claim);
            continue;
        }
        match judge(&claim, found, now) {
            Verdict::Survived(order, holds) => turned_away.extend(desk.make_ready(Decided { claim, order, holds })),
            Verdict::Undecided => turned_away.extend(desk.rest(claim, Instant::now())),
            verdict => answers.push((claim, verdict)),
        }
    }
    let ready = desk.has_ready();
    drop(desk);
    if ready {
        shared.to_write.notify_one();
    }
    shared.refuse_busy(turned_away);
    for (claim, verdict) in answers {
        shared.answer(claim, |claim| match (verdict, claim.work) {
            (Verdict::Known(id), Work::Ask(_, answer)) => answer(Ok(id)),
            (Verdict::Refused(fault), Work::Book(_, answer) | Work::Cancel(_, answer)) => answer(Err(fault)),
            // The verdict of a question is an answer, and that of a claim is not.
            (_, Work::Ask(_, answer)) => answer(Err(Fault::Internal)),
            (_, Work::Book(_, answer) | Work::Cancel(_, answer)) => answer(Err(Fault::Internal)),
        });
    }
}

fn judge(claim: &Claim, found: &Look, now: Timestamp) -> Verdict {
    let key = claim.key();
    let known = key.as_ref().and_then(|key| found.keys.get(key));
    match (&claim.work, known) {
        (Work::Ask(key, _), None) if found.undecided.contains(key) => return Verdict::Undecided,
        (Work::Ask(..), known) => return Verdict::Known(known.cloned()),
        (_, Some(appointment)) => {
            let request_id = key.map(|key| key.request_id).unwrap_or_default();
            return Verdict::Refused(Fault::Duplicate { request_id, appointment: appointment.clone() });
        }
        (_, None) => {}
    }
    let verdict = match &claim.work {
        Work::Book(book, _) => judge_booking(book, found, now).map(|order| {
            let hold = Hold::Slot(order.appointment.slot.clone());
            (Order::Book(Box::new(order)), vec![hold])
        }),
        Work::Cancel(cancel, _) => {
            let cancellation = &cancel.cancellation;
            match found.appointments.get(&cancellation.id).map(|owned| &owned.appointment) {
                None => Err(Fault::NotFound { kind: "Appointment", id: cancellation.id.to_string() }),
                // Only a cancel makes a new version, so whoever did not name one comes too late.
                Some(stored) if stored.status == AppointmentStatus::Cancelled && cancel.any_version => {
                    Err(Fault::Refused(Refusal::AlreadyCancelled))
                }
                Some(stored) if stored.version != cancellation.decided_on => {
                    Err(Fault::VersionStale { given: cancellation.decided_on.to_string(), current: stored.version })
                }
                Some(stored) => Ok((
                    Order::Cancel(Box::new(cancellation.clone())),
                    vec![Hold::Slot(stored.slot.clone()), Hold::Appointment(stored.id.clone())],
                )),
            }
        }
        Work::Ask(..) => return Verdict::Known(None),
    };
    match verdict {
        Ok((order, mut holds)) => {
            holds.extend(key.map(Hold::Key));
            Verdict::Survived(order, holds)
        }
        Err(fault) => Verdict::Refused(fault),
    }
}

/// A booking against what was found, in the order of the contract: unknown, contradicting, taken, and only then what
/// the provider's policy says of a slot that could be had (`decisions.md` 5, "Order of checks").
pub(super) fn judge_booking(book: &BookClaim, found: &Look, now: Timestamp) -> Result<NewAppointment, Fault> {
    let wish = Wish { slot: &book.slot, start: book.start, end: book.end };
    let unknown = || Fault::Refused(Refusal::SlotUnknown { expression: book.slot.expression.clone() });
    let meant = found.meant(book);
    let service = decide_book(wish, meant.as_ref().map(|meant| meant.offer()), now).map_err(Fault::Refused)?;
    let meant = meant.ok_or_else(unknown)?;
    let offered = meant.offered(&service).ok_or_else(unknown)?;
    book.access.may_book(offered.provider.as_ref()).map_err(Fault::NotPermitted)?;
    let quotas = book.access.quotas(offered, book.start, meant.offering.zone);
    match ceiling_reached(&quotas, &found.tallies) {
        Some(reached) => Err(Fault::Refused(reached)),
        None => Ok(appointment(book, meant.slot, service, quotas)),
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
