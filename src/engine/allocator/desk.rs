//! The desk: where claims lie while they wait. Data only; all threads work on it under one lock.
//!
//! A claim lies in exactly one place, or is in a thread's hands. What a reader would get wrong: claims lie
//! *behind* a holder without being looked at; when the holder is done they go back to the front of the
//! queue, in the order in which they came.

use super::claim::{BookClaim, Claim, Hold, Work};
use crate::store::{Cancellation, NewAppointment};
use domain::appointment::RequestKey;
use domain::ids::{AppointmentId, ServiceId, SlotId};
use domain::policy::Access;
use domain::time::Timestamp;
use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// How long a claim rests that was skipped for the first time; doubled every time.
const REST_FIRST: Duration = Duration::from_millis(2);
/// The longest rest: how late a claim may learn that a lock it waits for is gone.
const REST_MAX: Duration = Duration::from_millis(50);

/// What must be known to judge claims.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// Slots that bookings name.
    pub(super) slots: Vec<SlotId>,
    /// Appointments that cancels name.
    pub(super) appointments: Vec<AppointmentId>,
    /// Keys under which requests came.
    pub(super) keys: Vec<RequestKey>,
    /// Those of them that are only asked for.
    pub(super) asked: Vec<RequestKey>,
    /// Bookings under a ceiling.
    pub(super) limited: Vec<Limited>,
    /// How many claims it is about.
    pub(super) claims: usize,
}

/// What decides which ceilings a booking comes under.
#[derive(Debug)]
pub(super) struct Limited {
    /// Ids its slot may have, best first.
    pub(super) slots: Vec<SlotId>,
    /// The service it names.
    pub(super) service: Option<ServiceId>,
    /// Its organisation's ceilings.
    pub(super) access: Access,
    /// When it begins.
    pub(super) start: Timestamp,
}

impl Limited {
    pub(super) fn of(book: &BookClaim) -> Option<Self> {
        let BookClaim { slot, access, start, .. } = book;
        let limited = || Self { slots: slot.ids.clone(), service: slot.service.clone(), access: access.clone(), start: *start };
        access.has_ceilings().then(limited)
    }
}

impl Questions {
    fn of(claims: &[Claim]) -> Self {
        let mut questions = Self { claims: claims.len(), ..Self::default() };
        for claim in claims {
            questions.keys.extend(claim.key());
            match &claim.work {
                Work::Book(book, _) => {
                    questions.slots.extend(book.slot.ids.iter().cloned());
                    questions.limited.extend(Limited::of(book));
                }
                Work::Cancel(cancel, _) => questions.appointments.push(cancel.cancellation.id.clone()),
                Work::Ask(key, _) => questions.asked.push(key.clone()),
            }
        }
        // Many want the same slot; it is looked up once.
        questions.slots.sort_unstable();
        questions.slots.dedup();
        questions
    }
}

/// What the writer is to do for a claim.
#[derive(Debug, Clone)]
pub(super) enum Order {
    Book(Box<NewAppointment>),
    Cancel(Box<Cancellation>),
}

/// A claim that survived the look, with what it holds.
pub(super) struct Decided {
    pub(super) claim: Claim,
    pub(super) order: Order,
    pub(super) holds: Vec<Hold>,
}

#[derive(Default)]
pub(super) struct Desk {
    waiting: VecDeque<Claim>,
    /// What the decider is looking at. It stays here, so that its deadline is kept even if the look never ends.
    looking: Vec<Claim>,
    /// When that look began.
    looking_since: Option<Instant>,
    behind: VecDeque<Claim>,
    resting: Vec<(Instant, Claim)>,
    ready: VecDeque<Decided>,
    held: HashSet<Hold>,
    closed: bool,
}

impl Desk {
    /// Takes a claim in; gives it back when the desk is closed.
    pub(super) fn enter(&mut self, claim: Claim) -> Option<Claim> {
        if self.closed {
            return Some(claim);
        }
        self.waiting.push_back(claim);
        None
    }

    /// Closes the desk and gives back everything that lies on it.
    pub(super) fn close(&mut self) -> Vec<Claim> {
        self.closed = true;
        let mut left: Vec<Claim> = self.waiting.drain(..).chain(self.behind.drain(..)).collect();
        left.append(&mut self.looking);
        left.extend(self.resting.drain(..).map(|(_, claim)| claim));
        left.extend(self.ready.drain(..).map(|decided| decided.claim));
        left
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Begins a look: what must be known of the claims to be looked at now, at most `most`.
    pub(super) fn begin_look(&mut self, most: usize, now: Instant) -> Questions {
        self.looking = self.take_waiting(most, now);
        self.looking_since = (!self.looking.is_empty()).then_some(now);
        Questions::of(&self.looking)
    }

    /// Ends a look: the claims that were looked at, but for those whose time ran out meanwhile.
    pub(super) fn end_look(&mut self) -> Vec<Claim> {
        self.looking_since = None;
        std::mem::take(&mut self.looking)
    }

    /// How long the look that is under way has taken.
    pub(super) fn looked_for(&self, now: Instant) -> Option<Duration> {
        self.looking_since.map(|since| now.saturating_duration_since(since))
    }

    /// The claims to be looked at now. Those whose slot or key is held go behind instead.
    fn take_waiting(&mut self, most: usize, now: Instant) -> Vec<Claim> {
        self.wake(now);
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(claim) = self.waiting.pop_front() else { break };
            if self.is_held(&claim.wants()) { self.behind.push_back(claim) } else { taken.push(claim) }
        }
        taken
    }

    /// Moves claims that have rested enough to the queue.
    fn wake(&mut self, now: Instant) {
        let (due, resting) = std::mem::take(&mut self.resting).into_iter().partition(|(at, _)| *at <= now);
        self.resting = resting;
        self.waiting.extend(Vec::into_iter(due).map(|(_, claim)| claim));
    }

    pub(super) fn has_waiting(&self, now: Instant) -> bool {
        !self.waiting.is_empty() || self.resting.iter().any(|(at, _)| *at <= now)
    }

    /// True while something lies here whose time may run out.
    pub(super) fn needs_watching(&self) -> bool {
        let queued = self.waiting.is_empty() && self.behind.is_empty() && self.ready.is_empty();
        !(queued && self.resting.is_empty() && self.looking.is_empty())
    }

    /// When the next claim has rested enough.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.resting.iter().map(|(at, _)| *at).min()
    }

    fn is_held(&self, holds: &[Hold]) -> bool {
        holds.iter().any(|hold| self.held.contains(hold))
    }

    /// True while the key of a claim is in another's hands.
    pub(super) fn key_is_held(&self, claim: &Claim) -> bool {
        claim.key().is_some_and(|key| self.held.contains(&Hold::Key(key)))
    }

    /// Hands a survivor to the writer, unless another holds what it needs: then it goes behind. Gives the claim
    /// back when the desk is closed.
    pub(super) fn make_ready(&mut self, decided: Decided) -> Option<Claim> {
        if self.closed {
            return Some(decided.claim);
        }
        if self.is_held(&decided.holds) {
            self.behind.push_back(decided.claim);
        } else {
            self.held.extend(decided.holds.iter().cloned());
            self.ready.push_back(decided);
        }
        None
    }

    /// Puts a claim behind whoever holds what it needs.
    pub(super) fn put_behind(&mut self, claim: Claim) {
        self.behind.push_back(claim);
    }

    /// The next batch for the writer.
    pub(super) fn take_ready(&mut self, most: usize) -> Vec<Decided> {
        let count = self.ready.len().min(most);
        self.ready.drain(..count).collect()
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Lets go of what claims held. Whoever lies behind is looked at next.
    pub(super) fn release<'h>(&mut self, holds: impl IntoIterator<Item = &'h Hold>) {
        for hold in holds {
            self.held.remove(hold);
        }
        while let Some(claim) = self.behind.pop_back() {
            self.waiting.push_front(claim);
        }
    }

    /// Lets a claim rest, the longer the more often it was skipped, but never beyond its deadline. Gives it back
    /// when the desk is closed.
    pub(super) fn rest(&mut self, mut claim: Claim, now: Instant) -> Option<Claim> {
        if self.closed {
            return Some(claim);
        }
        let pause = REST_FIRST.saturating_mul(1 << claim.skipped.min(8)).min(REST_MAX);
        claim.skipped = claim.skipped.saturating_add(1);
        self.resting.push(((now + pause).min(claim.deadline), claim));
        None
    }

    /// Removes every claim whose deadline has passed before it was carried out.
    pub(super) fn take_late(&mut self, now: Instant) -> Vec<Claim> {
        let mut late = Vec::new();
        for queue in [&mut self.waiting, &mut self.behind] {
            let (gone, kept): (VecDeque<_>, _) = std::mem::take(queue).into_iter().partition(|claim| claim.is_late(now));
            *queue = kept;
            late.extend(gone);
        }
        let (gone, kept): (Vec<_>, _) = std::mem::take(&mut self.looking).into_iter().partition(|claim| claim.is_late(now));
        self.looking = kept;
        late.extend(gone);
        let (gone, kept): (Vec<_>, _) = std::mem::take(&mut self.resting).into_iter().partition(|(_, claim)| claim.is_late(now));
        self.resting = kept;
        late.extend(gone.into_iter().map(|(_, claim)| claim));
        let (gone, kept): (VecDeque<_>, _) = std::mem::take(&mut self.ready).into_iter().partition(|decided| decided.claim.is_late(now));
        self.ready = kept;
        if !gone.is_empty() {
            self.release(gone.iter().flat_map(|decided| &decided.holds));
        }
        late.extend(gone.into_iter().map(|decided| decided.claim));
        late
    }
}

#[cfg(test)]
mod tests;
