//! The claim queue: where claims are while they wait. Data only; all threads work on it under one lock.
//!
//! A claim is in exactly one place, or in a thread's hands: `waiting` to be decided, `in_snapshot` while the
//! decider reads for it, `ready` to be carried out, `blocked` by another that holds what it needs, or `backing_off`
//! until it is tried again.
//!
//! Pitfall: blocked claims are not decided; when a holder is done they all go back to the front of the queue, in
//! the order in which they came.

use super::claim::{BookClaim, Claim, Hold, Work};
use super::key_lookup::{KeyLookup, KeyLookups};
use crate::store::{Cancellation, NewAppointment};
use domain::appointment::RequestKey;
use domain::ids::{AppointmentId, ServiceId, SlotId};
use domain::policy::Access;
use domain::time::Timestamp;
use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// What must be read to decide claims and to answer key lookups.
#[derive(Debug, Default)]
pub(super) struct SnapshotQuery {
    /// Slots that bookings name.
    pub(super) slots: Vec<SlotId>,
    /// Appointments that cancels name.
    pub(super) appointments: Vec<AppointmentId>,
    /// Keys under which requests came, and those that are looked up.
    pub(super) keys: Vec<RequestKey>,
    /// Keys that are looked up.
    pub(super) lookups: Vec<RequestKey>,
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

impl SnapshotQuery {
    fn of(claims: &[Claim], lookups: Vec<RequestKey>) -> Self {
        let mut query = Self { claims: claims.len(), ..Self::default() };
        for claim in claims {
            query.keys.extend(claim.key());
            match &claim.work {
                Work::Book(book, _) => {
                    query.slots.extend(book.slot.ids.iter().cloned());
                    query.limited.extend(Limited::of(book));
                }
                Work::Cancel(cancel, _) => query.appointments.push(cancel.cancellation.id.clone()),
            }
        }
        query.keys.extend(lookups.iter().cloned());
        query.lookups = lookups;
        // Many want the same slot; it is read once.
        query.slots.sort_unstable();
        query.slots.dedup();
        query
    }

    /// True when there is nothing to be read.
    pub(super) const fn is_empty(&self) -> bool {
        self.claims == 0 && self.lookups.is_empty()
    }
}

/// What the writer is to do for a claim.
#[derive(Debug, Clone)]
pub(super) enum WriteOp {
    Book(Box<NewAppointment>),
    Cancel(Box<Cancellation>),
}

/// A claim that may be carried out, with what it holds.
pub(super) struct Decided {
    pub(super) claim: Claim,
    pub(super) op: WriteOp,
    pub(super) holds: Vec<Hold>,
}

/// Everything whose deadline has passed before it was carried out.
#[derive(Default)]
pub(super) struct Expired {
    pub(super) claims: Vec<Claim>,
    pub(super) lookups: Vec<KeyLookup>,
}

impl Expired {
    pub(super) const fn is_empty(&self) -> bool {
        self.claims.is_empty() && self.lookups.is_empty()
    }
}

#[derive(Default)]
pub(super) struct ClaimQueue {
    waiting: VecDeque<Claim>,
    /// What the decider is reading for. It stays here, so that its deadline is kept even if the read never ends.
    in_snapshot: Vec<Claim>,
    /// When that read began.
    reading_since: Option<Instant>,
    blocked: VecDeque<Claim>,
    backing_off: Vec<(Instant, Claim)>,
    ready: VecDeque<Decided>,
    held: HashSet<Hold>,
    lookups: KeyLookups,
    closed: bool,
}

impl ClaimQueue {
    /// Takes a claim in; gives it back when the queue is closed.
    pub(super) fn enter(&mut self, claim: Claim) -> Option<Claim> {
        if self.closed {
            return Some(claim);
        }
        self.waiting.push_back(claim);
        None
    }

    /// Takes a key lookup in; gives it back when the queue is closed.
    pub(super) fn enter_lookup(&mut self, lookup: KeyLookup) -> Option<KeyLookup> {
        if self.closed {
            return Some(lookup);
        }
        self.lookups.enter(lookup);
        None
    }

    /// Closes the queue and gives back everything in it.
    pub(super) fn close(&mut self) -> Expired {
        self.closed = true;
        let mut claims: Vec<Claim> = self.waiting.drain(..).chain(self.blocked.drain(..)).collect();
        claims.append(&mut self.in_snapshot);
        claims.extend(self.backing_off.drain(..).map(|(_, claim)| claim));
        claims.extend(self.ready.drain(..).map(|decided| decided.claim));
        Expired { claims, lookups: self.lookups.take_all() }
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Begins a snapshot: what must be read for at most `most` claims, and for the key lookups that are due.
    pub(super) fn begin_snapshot(&mut self, most: usize, now: Instant) -> SnapshotQuery {
        self.in_snapshot = self.take_waiting(most, now);
        let lookups = if self.lookups.is_due(now) { self.lookups.begin_snapshot(&self.undecided_keys(), now) } else { Vec::new() };
        let query = SnapshotQuery::of(&self.in_snapshot, lookups);
        self.reading_since = (!query.is_empty()).then_some(now);
        query
    }

    /// Ends a snapshot: the claims and lookups that were read for, but for those whose deadline passed meanwhile.
    pub(super) fn end_snapshot(&mut self) -> (Vec<Claim>, Vec<KeyLookup>) {
        self.reading_since = None;
        (std::mem::take(&mut self.in_snapshot), self.lookups.end_snapshot())
    }

    /// How long the read that is under way has taken.
    pub(super) fn reading_for(&self, now: Instant) -> Option<Duration> {
        self.reading_since.map(|since| now.saturating_duration_since(since))
    }

    /// The keys under which something is being decided: in the queue or in the writer's hands.
    fn undecided_keys(&self) -> HashSet<RequestKey> {
        let backing_off = self.backing_off.iter().map(|(_, claim)| claim);
        let claims = self.waiting.iter().chain(&self.in_snapshot).chain(&self.blocked).chain(backing_off);
        let held = self.held.iter().filter_map(|hold| if let Hold::Key(key) = hold { Some(key.clone()) } else { None });
        claims.filter_map(Claim::key).chain(held).collect()
    }

    /// The claims to be decided now. Those whose slot or key is held are blocked instead.
    fn take_waiting(&mut self, most: usize, now: Instant) -> Vec<Claim> {
        self.wake(now);
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(claim) = self.waiting.pop_front() else { break };
            if self.is_held(&claim.wants()) { self.blocked.push_back(claim) } else { taken.push(claim) }
        }
        taken
    }

    /// Moves claims that have backed off long enough to the waiting ones.
    fn wake(&mut self, now: Instant) {
        let (due, backing_off) = std::mem::take(&mut self.backing_off).into_iter().partition(|(at, _)| *at <= now);
        self.backing_off = backing_off;
        self.waiting.extend(Vec::into_iter(due).map(|(_, claim)| claim));
    }

    pub(super) fn has_waiting(&self, now: Instant) -> bool {
        !self.waiting.is_empty() || self.backing_off.iter().any(|(at, _)| *at <= now) || self.lookups.is_due(now)
    }

    /// True while something is here whose deadline may pass.
    pub(super) fn has_deadlines(&self) -> bool {
        let queued = self.waiting.is_empty() && self.blocked.is_empty() && self.ready.is_empty();
        !(queued && self.backing_off.is_empty() && self.in_snapshot.is_empty() && self.lookups.is_empty())
    }

    /// When the next claim or lookup has backed off long enough.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.backing_off.iter().map(|(at, _)| *at).chain(self.lookups.next_wake()).min()
    }

    fn is_held(&self, holds: &[Hold]) -> bool {
        holds.iter().any(|hold| self.held.contains(hold))
    }

    /// True while the key of a claim is held by another.
    pub(super) fn key_is_held(&self, claim: &Claim) -> bool {
        claim.key().is_some_and(|key| self.held.contains(&Hold::Key(key)))
    }

    /// Hands a claim to the writer, unless another holds what it needs: then it is blocked. Gives the claim back when the
    /// queue is closed.
    pub(super) fn make_ready(&mut self, decided: Decided) -> Option<Claim> {
        if self.closed {
            return Some(decided.claim);
        }
        if self.is_held(&decided.holds) {
            self.blocked.push_back(decided.claim);
        } else {
            self.held.extend(decided.holds.iter().cloned());
            self.ready.push_back(decided);
        }
        None
    }

    /// Lets a claim wait until the holder of what it needs is done.
    pub(super) fn block(&mut self, claim: Claim) {
        self.blocked.push_back(claim);
    }

    /// The next batch for the writer.
    pub(super) fn take_ready(&mut self, most: usize) -> Vec<Decided> {
        let count = self.ready.len().min(most);
        self.ready.drain(..count).collect()
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Releases the holds of claims. What was blocked is decided next.
    pub(super) fn release<'h>(&mut self, holds: impl IntoIterator<Item = &'h Hold>) {
        for hold in holds {
            self.held.remove(hold);
        }
        while let Some(claim) = self.blocked.pop_back() {
            self.waiting.push_front(claim);
        }
    }

    /// Lets a claim back off, the longer the more often it was skipped, but never beyond its deadline. Gives it back when
    /// the queue is closed.
    pub(super) fn back_off(&mut self, mut claim: Claim, now: Instant) -> Option<Claim> {
        if self.closed {
            return Some(claim);
        }
        let wake = claim.backoff.next(now).min(claim.deadline);
        self.backing_off.push((wake, claim));
        None
    }

    /// The same for a key lookup.
    pub(super) fn back_off_lookup(&mut self, lookup: KeyLookup, now: Instant) -> Option<KeyLookup> {
        if self.closed {
            return Some(lookup);
        }
        self.lookups.back_off(lookup, now);
        None
    }

    /// Removes everything whose deadline has passed before it was carried out.
    pub(super) fn take_expired(&mut self, now: Instant) -> Expired {
        let mut expired = Vec::new();
        for queue in [&mut self.waiting, &mut self.blocked] {
            let (gone, kept): (VecDeque<_>, _) = std::mem::take(queue).into_iter().partition(|claim| claim.is_expired(now));
            *queue = kept;
            expired.extend(gone);
        }
        expired.extend(self.in_snapshot.extract_if(.., |claim| claim.is_expired(now)));
        expired.extend(self.backing_off.extract_if(.., |(_, claim)| claim.is_expired(now)).map(|(_, claim)| claim));
        let (gone, kept): (VecDeque<_>, _) = std::mem::take(&mut self.ready).into_iter().partition(|decided| decided.claim.is_expired(now));
        self.ready = kept;
        if !gone.is_empty() {
            self.release(gone.iter().flat_map(|decided| &decided.holds));
        }
        expired.extend(gone.into_iter().map(|decided| decided.claim));
        Expired { claims: expired, lookups: self.lookups.take_expired(now) }
    }
}

#[cfg(test)]
mod tests;
