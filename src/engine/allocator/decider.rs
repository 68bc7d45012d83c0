//! The decider: one look at the database for everything that waits, and an answer for whoever has lost.

use super::claim::{Claim, Hold, Work};
use super::desk::{Decided, Order};
use super::{RETRY_AFTER_S, Shared};
use crate::domain::appointment::decide::{Offer, Wish, decide_book};
use crate::domain::appointment::{Appointment, AppointmentStatus, RequestKey};
use crate::domain::fault::{Fault, Refusal};
use crate::domain::ids::{AppointmentId, ScheduleId, ServiceId, SlotId};
use crate::domain::slot::Slot;
use crate::domain::time::Instant;
use crate::store::{NewAppointment, Owned, StoreError, Tx};
use std::collections::HashMap;
use std::time::{Duration, Instant as Moment};

/// Most claims looked at together.
const LOOK_MAX: usize = 256;
/// How often deadlines are watched while claims lie on the desk.
const WATCH_EVERY: Duration = Duration::from_millis(20);

/// What one look found.
struct Look {
    slots: HashMap<SlotId, Slot>,
    services: HashMap<ScheduleId, Vec<ServiceId>>,
    appointments: HashMap<AppointmentId, Owned>,
    keys: HashMap<RequestKey, AppointmentId>,
}

/// What becomes of a claim after the look.
enum Verdict {
    Refused(Fault),
    Survived(Order, Vec<Hold>),
    Known(Option<AppointmentId>),
}

pub(super) fn run(shared: &Shared) {
    while let Some((claims, late)) = next(shared) {
        for claim in late {
            shared.refuse(claim, Fault::Busy { retry_after_s: RETRY_AFTER_S });
        }
        if claims.is_empty() {
            continue;
        }
        match shared.store.read_one(|tx| look(tx, &claims)) {
            Ok(found) => route(shared, claims, &found),
            Err(error) => {
                log::warn!("looking at {} claims: {error}", claims.len());
                let mut desk = shared.desk.lock();
                let now = Moment::now();
                for claim in claims {
                    desk.rest(claim, now);
                }
            }
        }
    }
}

/// Waits for something to do: claims to look at, and claims whose time is up. `None` when the desk is closed.
fn next(shared: &Shared) -> Option<(Vec<Claim>, Vec<Claim>)> {
    let mut desk = shared.desk.lock();
    loop {
        if desk.is_closed() {
            return None;
        }
        let now = Moment::now();
        let late = desk.take_late(now);
        if !late.is_empty() || desk.has_waiting(now) {
            return Some((desk.take_waiting(LOOK_MAX, now), late));
        }
        if desk.needs_watching() {
            let until = desk.next_wake().map_or(now + WATCH_EVERY, |wake| wake.min(now + WATCH_EVERY));
            shared.to_decide.wait_until(&mut desk, until);
        } else {
            shared.to_decide.wait(&mut desk);
        }
    }
}

/// The committed state of everything the claims name. Keys are read after slots and appointments: whoever
/// finds its slot taken by its own earlier request must find that request's key as well.
fn look(tx: &mut Tx<'_>, claims: &[Claim]) -> Result<Look, StoreError> {
    let (mut slots, mut appointments, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for claim in claims {
        keys.extend(claim.key());
        match &claim.work {
            Work::Book(book, _) => slots.extend(book.slot.ids.iter().map(SlotId::as_str)),
            Work::Cancel(cancel, _) => appointments.push(cancel.cancellation.id.as_str()),
            Work::Ask(..) => {}
        }
    }
    slots.sort_unstable();
    slots.dedup();
    let slots: HashMap<_, _> = tx.slot_find_many(&slots)?.into_iter().map(|slot| (slot.id.clone(), slot)).collect();
    let appointments = tx.appointment_find_many(&appointments)?.into_iter().map(|owned| (owned.appointment.id.clone(), owned)).collect();
    let mut schedules: Vec<ScheduleId> = slots.values().map(|slot| slot.schedule.clone()).collect();
    schedules.sort_unstable();
    schedules.dedup();
    Ok(Look { services: tx.schedule_services(&schedules)?, slots, appointments, keys: tx.key_find_many(&keys)? })
}

fn route(shared: &Shared, claims: Vec<Claim>, found: &Look) {
    let now = shared.clock.now();
    let mut answers = Vec::new();
    let mut desk = shared.desk.lock();
    for claim in claims {
        // A request whose key another one is being decided under waits for that one, whatever it asks.
        if desk.key_is_held(&claim) {
            desk.put_behind(claim);
            continue;
        }
        match judge(&claim, found, now) {
            Verdict::Survived(order, holds) => desk.make_ready(Decided { claim, order, holds }),
            verdict => answers.push((claim, verdict)),
        }
    }
    let ready = desk.has_ready();
    drop(desk);
    if ready {
        shared.to_write.notify_one();
    }
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

fn judge(claim: &Claim, found: &Look, now: Instant) -> Verdict {
    let key = claim.key();
    let known = key.as_ref().and_then(|key| found.keys.get(key));
    match (&claim.work, known) {
        (Work::Ask(..), known) => return Verdict::Known(known.cloned()),
        (_, Some(appointment)) => {
            let request_id = key.map(|key| key.request_id).unwrap_or_default();
            return Verdict::Refused(Fault::Duplicate { request_id, appointment: appointment.clone() });
        }
        (_, None) => {}
    }
    let verdict = match &claim.work {
        Work::Book(book, _) => {
            let slot = book.slot.ids.iter().find_map(|id| found.slots.get(id));
            let offer = slot.map(|slot| Offer { slot, services: found.services.get(&slot.schedule).map_or(&[], Vec::as_slice) });
            let wish = Wish { slot: &book.slot, start: book.start, end: book.end };
            match (decide_book(wish, offer, now), slot) {
                (Ok(service), Some(slot)) => {
                    Ok((Order::Book(Box::new(appointment(book, slot, service))), vec![Hold::Slot(slot.id.clone())]))
                }
                (Ok(_), None) => Err(Fault::Refused(Refusal::SlotUnknown { expression: book.slot.expression.clone() })),
                (Err(refusal), _) => Err(Fault::Refused(refusal)),
            }
        }
        Work::Cancel(cancel, _) => {
            let cancellation = &cancel.cancellation;
            match found.appointments.get(&cancellation.id).map(|owned| &owned.appointment) {
                None => Err(Fault::NotFound { kind: "Appointment", id: cancellation.id.to_string() }),
                Some(stored) if stored.version != cancellation.decided_on => {
                    Err(Fault::VersionStale { given: cancellation.decided_on.to_string(), current: stored.version })
                }
                Some(stored) if stored.status == AppointmentStatus::Cancelled => Err(Fault::Refused(Refusal::AlreadyCancelled)),
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

fn appointment(book: &super::BookClaim, slot: &Slot, service: ServiceId) -> NewAppointment {
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
    }
}
