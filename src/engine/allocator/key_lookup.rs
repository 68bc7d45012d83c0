//! A key lookup: has a request under this key succeeded before?
//!
//! It takes no slot and frees none, so it is no claim and has a queue of its own. It waits while a claim under its
//! key is in the queue or in the writer's hands, because the answer is not known before that claim is decided
//! (docs/contract.md#resent-requests).

use super::backoff::Backoff;
use domain::appointment::RequestKey;
use domain::fault::Fault;
use domain::ids::AppointmentId;
use std::collections::HashSet;
use std::time::Instant;

/// The callback of a key lookup, given the appointment of the key, if any. Called exactly once, on a thread of the allocator.
pub type KeyAnswer = Box<dyn FnOnce(Result<Option<AppointmentId>, Fault>) + Send>;

/// One lookup on its way.
pub(super) struct KeyLookup {
    pub(super) key: RequestKey,
    pub(super) answer: KeyAnswer,
    pub(super) deadline: Instant,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl KeyLookup {
    pub(super) const fn new(key: RequestKey, answer: KeyAnswer, deadline: Instant) -> Self {
        Self { key, answer, deadline, backoff: Backoff::new(), not_before: None }
    }
}

/// Lookups that wait, and those that the decider is reading for.
#[derive(Default)]
pub(super) struct KeyLookups {
    waiting: Vec<KeyLookup>,
    /// They stay here while they are read for, so that their deadlines are kept even if the read never ends.
    in_snapshot: Vec<KeyLookup>,
}

impl KeyLookups {
    pub(super) fn enter(&mut self, lookup: KeyLookup) {
        self.waiting.push(lookup);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_snapshot.is_empty()
    }

    /// True when one waits that is not backing off.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.waiting.iter().any(|lookup| lookup.not_before.is_none_or(|at| at <= now))
    }

    /// When the next one has backed off long enough.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|lookup| lookup.not_before).min()
    }

    /// The keys to be read now: those that are due and under which nothing is being decided here. A lookup whose key is
    /// being decided under backs off.
    pub(super) fn begin_snapshot(&mut self, undecided: &HashSet<RequestKey>, now: Instant) -> Vec<RequestKey> {
        let due: Vec<_> = self.waiting.extract_if(.., |lookup| lookup.not_before.is_none_or(|at| at <= now)).collect();
        for lookup in due {
            if undecided.contains(&lookup.key) { self.back_off(lookup, now) } else { self.in_snapshot.push(lookup) }
        }
        self.in_snapshot.iter().map(|lookup| lookup.key.clone()).collect()
    }

    /// The lookups that were read for, but for those whose deadline passed meanwhile.
    pub(super) fn end_snapshot(&mut self) -> Vec<KeyLookup> {
        std::mem::take(&mut self.in_snapshot)
    }

    /// Puts one back, to be read for again a little later.
    pub(super) fn back_off(&mut self, mut lookup: KeyLookup, now: Instant) {
        lookup.not_before = Some(lookup.backoff.next(now).min(lookup.deadline));
        self.waiting.push(lookup);
    }

    /// Removes those whose deadline has passed.
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<KeyLookup> {
        let mut expired = Vec::new();
        for lookups in [&mut self.waiting, &mut self.in_snapshot] {
            expired.extend(lookups.extract_if(.., |lookup| now >= lookup.deadline));
        }
        expired
    }

    /// Removes all.
    pub(super) fn take_all(&mut self) -> Vec<KeyLookup> {
        self.waiting.drain(..).chain(self.in_snapshot.drain(..)).collect()
    }
}
