//! The allocator: everything that takes or frees the capacity of a slot passes through it.
//!
//! Three threads work on one queue of claims. The **decider** takes everything that waits, reads one snapshot for
//! all of it, and refuses at once what has lost: a loser costs a share of one read, writes nothing and waits for no
//! other claim's flush. A claim that may go ahead holds its slot and its request key within this process and goes
//! to the **writer**, which carries out as much as it can in one transaction and answers after the commit. Claims
//! on what is held are blocked, first come first served. The **deadlines** thread never talks to the database, so
//! that deadlines are kept even when the database falls silent.
//!
//! Pitfall: the writer never says no. A claim it could not carry out (its slot is locked elsewhere, or was taken
//! meanwhile) backs off and goes to the decider again, until a snapshot of the committed state says why, or its
//! deadline passes. Being skipped is never an answer in itself, and a row that somebody holds in `psql` delays
//! nobody but the claims on it.

mod backoff;
mod claim;
mod deadlines;
mod decider;
mod dry_run;
mod key_lookup;
mod queue;
mod snapshot;
mod writer;

pub use claim::Answer;
pub(super) use claim::{BookClaim, CancelClaim, Claim, Work};
pub(super) use dry_run::dry_run;
pub(super) use key_lookup::KeyAnswer;

use super::failure;
use crate::store::Store;
use domain::appointment::{AppointmentVersion, RequestKey};
use domain::fault::Fault;
use domain::ids::AppointmentId;
use domain::time::Clock;
use key_lookup::KeyLookup;
use parking_lot::{Condvar, Mutex};
use queue::{ClaimQueue, Expired};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bounds of the allocator. Each is a flag of `serve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocatorLimits {
    /// Most claims under way at once; one more is answered 503.
    pub queue_max: usize,
    /// How long a claim may wait to be carried out, in milliseconds.
    pub deadline_ms: u64,
    /// Most claims in one transaction.
    pub batch_max: usize,
}

impl Default for AllocatorLimits {
    fn default() -> Self {
        Self { queue_max: 2_048, deadline_ms: 5_000, batch_max: 64 }
    }
}

/// How long after its deadline a claim in the writer's hands may still be answered: the transaction it is in ends
/// within a statement's time (unless its commit waits for a standby that is away), and its outcome is
/// looked up for as long as [`writer::COMMIT_LOOKUP_TIMEOUT`].
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// When to come again after the queue was full or a deadline passed, in seconds.
pub(super) const RETRY_AFTER_S: u32 = 1;

/// What the threads and every caller share.
struct AllocatorShared {
    store: Store,
    clock: Arc<dyn Clock>,
    limits: AllocatorLimits,
    queue: Mutex<ClaimQueue>,
    /// Something waits to be decided.
    to_decide: Condvar,
    /// Something is decided and waits to be carried out.
    to_write: Condvar,
    /// Something has a deadline to be kept.
    to_time: Condvar,
    /// Claims under way, from `submit` to their answer.
    under_way: AtomicUsize,
}

/// The entrance of claims. Dropping it answers what still waits with 503 and ends the threads.
pub(super) struct Allocator {
    shared: Arc<AllocatorShared>,
    threads: Vec<JoinHandle<()>>,
}

impl Allocator {
    pub(super) fn start(store: Store, clock: Arc<dyn Clock>, limits: AllocatorLimits) -> std::io::Result<Self> {
        let shared = Arc::new(AllocatorShared {
            store,
            clock,
            limits,
            queue: Mutex::new(ClaimQueue::default()),
            to_decide: Condvar::new(),
            to_write: Condvar::new(),
            to_time: Condvar::new(),
            under_way: AtomicUsize::new(0),
        });
        let threads = vec![
            thread("decider", &shared, decider::run)?,
            thread("writer", &shared, writer::run)?,
            thread("deadlines", &shared, deadlines::run)?,
        ];
        Ok(Self { shared, threads })
    }

    /// Puts a claim into the queue. Its answer comes through its callback, exactly once, after the commit.
    pub(super) fn submit(&self, work: Work) {
        let Admission { full, first, deadline } = self.admit();
        let claim = Claim::new(work, deadline);
        if full {
            return self.shared.refuse_busy([claim]);
        }
        let closed = self.shared.queue.lock().enter(claim);
        self.shared.refuse_busy(closed);
        self.shared.notify_entered(first);
    }

    /// Answers which appointment a request under `key` has made or changed, if any, as soon as nothing is being decided
    /// under it.
    pub(super) fn look_up(&self, key: RequestKey, answer: KeyAnswer) {
        let Admission { full, first, deadline } = self.admit();
        let lookup = KeyLookup::new(key, answer, deadline);
        let refused = if full { Some(lookup) } else { self.shared.queue.lock().enter_lookup(lookup) };
        self.shared.refuse_expired(Expired { claims: Vec::new(), lookups: refused.into_iter().collect() });
        self.shared.notify_entered(first);
    }

    /// Counts one more in.
    fn admit(&self) -> Admission {
        let limits = &self.shared.limits;
        let before = self.shared.under_way.fetch_add(1, Ordering::AcqRel);
        let deadline = Instant::now() + Duration::from_millis(limits.deadline_ms);
        Admission { full: before >= limits.queue_max, first: before == 0, deadline }
    }
}

/// How a claim or a lookup was let in.
struct Admission {
    /// Too many are under way.
    full: bool,
    /// No other is under way, so nobody keeps deadlines yet.
    first: bool,
    deadline: Instant,
}

/// Runs one of the loops on a thread of its own. A panic would leave claims held for ever and the process looking
/// well; it is built to be restarted instead.
fn thread(name: &'static str, shared: &Arc<AllocatorShared>, work: fn(&AllocatorShared)) -> std::io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        if std::panic::catch_unwind(AssertUnwindSafe(|| work(&shared))).is_err() {
            log::error!("the allocator's {name} panicked; ending the process");
            std::process::abort();
        }
    })
}

impl Drop for Allocator {
    fn drop(&mut self) {
        let left = self.shared.queue.lock().close();
        self.shared.refuse_expired(left);
        self.shared.to_decide.notify_all();
        self.shared.to_write.notify_all();
        self.shared.to_time.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                log::error!("an allocator thread ended in a panic");
            }
        }
    }
}

impl AllocatorShared {
    /// Wakes the threads that work on what has just entered the queue.
    fn notify_entered(&self, first: bool) {
        self.to_decide.notify_one();
        if first {
            self.to_time.notify_one();
        }
    }

    /// Ends a claim: counts it out and calls its callback.
    fn answer(&self, claim: Claim, outcome: Result<AppointmentVersion, Fault>) {
        self.under_way.fetch_sub(1, Ordering::AcqRel);
        claim.answer(outcome);
    }

    fn answer_lookup(&self, lookup: KeyLookup, outcome: Result<Option<AppointmentId>, Fault>) {
        self.under_way.fetch_sub(1, Ordering::AcqRel);
        (lookup.answer)(outcome);
    }

    fn refuse(&self, claim: Claim, fault: Fault) {
        self.answer(claim, Err(fault));
    }

    /// Says that there was no time, or that there is none left.
    fn refuse_busy(&self, claims: impl IntoIterator<Item = Claim>) {
        let fault = self.too_late();
        for claim in claims {
            self.refuse(claim, fault.clone());
        }
    }

    /// Why claims were not carried out in time.
    fn too_late(&self) -> Fault {
        match self.store.is_out_of_reach() {
            true => Fault::DatabaseUnreachable { retry_after_s: failure::RETRY_AFTER_S },
            false => Fault::Busy { retry_after_s: RETRY_AFTER_S },
        }
    }

    /// The same for claims and lookups.
    fn refuse_expired(&self, expired: Expired) {
        self.refuse_busy(expired.claims);
        for lookup in expired.lookups {
            self.answer_lookup(lookup, Err(self.too_late()));
        }
    }
}
