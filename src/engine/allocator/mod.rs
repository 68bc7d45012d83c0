//! The allocator: the one door to every slot. Whatever takes or frees capacity passes through it.
//!
//! Two threads work on a *desk* of claims. The **decider** takes everything that waits, looks at the
//! database once for all of it, and answers at once whoever has lost: a loser costs a share of one read,
//! writes nothing and waits for nobody's flush. What survives holds its slot and its request key within this
//! process and goes to the **writer**, which carries out as much as it can in one transaction and answers
//! after the commit. Claims on the same slot or key wait behind the holder, first come first served.
//!
//! What a reader would get wrong: the writer never says no. A claim it could not carry out (its slot is
//! locked elsewhere, or was taken meanwhile) goes back to the decider, a little later each time, until a look
//! at the committed state says why, or its deadline passes. So being skipped is never an answer in itself,
//! and a row that somebody holds in `psql` delays nobody but the claims on it.

mod claim;
mod decider;
mod desk;
mod writer;

pub use claim::Answer;
pub(super) use claim::{BookClaim, CancelClaim, Claim, KeyAnswer, Work};

use crate::domain::fault::Fault;
use crate::domain::time::Clock;
use crate::store::Store;
use desk::Desk;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Moment};

/// Bounds of the allocator. Each is a flag of `serve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most claims under way at once; one more is answered 503.
    pub queue_max: usize,
    /// How long a claim may wait to be carried out, in milliseconds.
    pub deadline_ms: u64,
    /// Most claims in one transaction.
    pub batch_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { queue_max: 2_048, deadline_ms: 5_000, batch_max: 64 }
    }
}

/// When to come again after the queue was full or a deadline passed, in seconds.
pub(super) const RETRY_AFTER_S: u32 = 1;

/// What both threads and every caller share.
struct Shared {
    store: Store,
    clock: Arc<dyn Clock>,
    limits: Limits,
    desk: Mutex<Desk>,
    /// Something waits to be looked at.
    to_decide: Condvar,
    /// Something is decided and waits to be carried out.
    to_write: Condvar,
    /// Claims under way, from `submit` to their answer.
    under_way: AtomicUsize,
}

/// The door. Dropping it answers what still waits with 503 and ends both threads.
pub(super) struct Allocator {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Allocator {
    pub(super) fn start(store: Store, clock: Arc<dyn Clock>, limits: Limits) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            store,
            clock,
            limits,
            desk: Mutex::new(Desk::default()),
            to_decide: Condvar::new(),
            to_write: Condvar::new(),
            under_way: AtomicUsize::new(0),
        });
        let (deciding, writing) = (Arc::clone(&shared), Arc::clone(&shared));
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let threads =
            vec![thread("decider").spawn(move || decider::run(&deciding))?, thread("writer").spawn(move || writer::run(&writing))?];
        Ok(Self { shared, threads })
    }

    /// Puts a claim on the desk. Its answer comes through its callback, exactly once, after the commit.
    pub(super) fn submit(&self, work: Work) {
        let shared = &self.shared;
        let deadline = Moment::now() + Duration::from_millis(shared.limits.deadline_ms);
        let full = shared.under_way.fetch_add(1, Ordering::AcqRel) >= shared.limits.queue_max;
        let claim = Claim::new(work, deadline);
        if full {
            shared.answer(claim, |claim| claim.refuse(Fault::Busy { retry_after_s: RETRY_AFTER_S }));
            return;
        }
        if let Some(claim) = shared.desk.lock().enter(claim) {
            shared.answer(claim, |claim| claim.refuse(Fault::Busy { retry_after_s: RETRY_AFTER_S }));
        }
        shared.to_decide.notify_one();
    }
}

impl Drop for Allocator {
    fn drop(&mut self) {
        let left = self.shared.desk.lock().close();
        for claim in left {
            self.shared.answer(claim, |claim| claim.refuse(Fault::Busy { retry_after_s: RETRY_AFTER_S }));
        }
        self.shared.to_decide.notify_all();
        self.shared.to_write.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                log::error!("an allocator thread ended in a panic");
            }
        }
    }
}

impl Shared {
    /// Ends a claim: counts it out and lets `say` answer it.
    fn answer(&self, claim: Claim, say: impl FnOnce(Claim)) {
        self.under_way.fetch_sub(1, Ordering::AcqRel);
        say(claim);
    }

    fn refuse(&self, claim: Claim, fault: Fault) {
        self.answer(claim, |claim| claim.refuse(fault));
    }
}
