//! The allocator: the one door to every slot. Whatever takes or frees capacity passes through it.
//!
//! Three threads work on a *desk* of claims. The **decider** takes everything that waits, looks at the
//! database once for all of it, and answers at once whoever has lost: a loser costs a share of one read,
//! writes nothing and waits for nobody's flush. What survives holds its slot and its request key within this
//! process and goes to the **writer**, which carries out as much as it can in one transaction and answers
//! after the commit. Claims on the same slot or key wait behind the holder, first come first served. The **watch**
//! never talks to the database, so that deadlines are kept even when the database falls silent.
//!
//! What a reader would get wrong: the writer never says no. A claim it could not carry out (its slot is
//! locked elsewhere, or was taken meanwhile) goes back to the decider, a little later each time, until a look
//! at the committed state says why, or its deadline passes. So being skipped is never an answer in itself,
//! and a row that somebody holds in `psql` delays nobody but the claims on it.

mod claim;
mod decider;
mod desk;
mod look;
mod rehearse;
mod watch;
mod writer;

pub use claim::Answer;
pub(super) use claim::{BookClaim, CancelClaim, Claim, KeyAnswer, Work};
pub(super) use rehearse::rehearse;

use super::failure;
use crate::store::Store;
use desk::Desk;
use domain::fault::Fault;
use domain::time::Clock;
use parking_lot::{Condvar, Mutex};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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

/// How long after its deadline a claim in the writer's hands may still be answered: the transaction it is in ends
/// within a statement's time (unless its commit waits for a standby that is away), and its fate is looked up for as long as [`writer::FATE_TIMEOUT`].
pub(super) const LATEST: Duration = Duration::from_secs(30);

/// When to come again after the queue was full or a deadline passed, in seconds.
pub(super) const RETRY_AFTER_S: u32 = 1;

/// What the threads and every caller share.
struct Shared {
    store: Store,
    clock: Arc<dyn Clock>,
    limits: Limits,
    desk: Mutex<Desk>,
    /// Something waits to be looked at.
    to_decide: Condvar,
    /// Something is decided and waits to be carried out.
    to_write: Condvar,
    /// Something has a deadline to be kept.
    to_watch: Condvar,
    /// Claims under way, from `submit` to their answer.
    under_way: AtomicUsize,
}

/// The door. Dropping it answers what still waits with 503 and ends the threads.
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
            to_watch: Condvar::new(),
            under_way: AtomicUsize::new(0),
        });
        let threads =
            vec![thread("decider", &shared, decider::run)?, thread("writer", &shared, writer::run)?, thread("watch", &shared, watch::run)?];
        Ok(Self { shared, threads })
    }

    /// Puts a claim on the desk. Its answer comes through its callback, exactly once, after the commit.
    pub(super) fn submit(&self, work: Work) {
        let shared = &self.shared;
        let deadline = Instant::now() + Duration::from_millis(shared.limits.deadline_ms);
        let before = shared.under_way.fetch_add(1, Ordering::AcqRel);
        let full = before >= shared.limits.queue_max;
        let claim = Claim::new(work, deadline);
        if full {
            return shared.refuse_busy([claim]);
        }
        let turned_away = shared.desk.lock().enter(claim);
        shared.refuse_busy(turned_away);
        shared.to_decide.notify_one();
        if before == 0 {
            shared.to_watch.notify_one();
        }
    }
}

/// Runs one of the loops on a thread of its own. A panic would leave claims held for ever and the process looking
/// well; it is built to be restarted instead.
fn thread(name: &'static str, shared: &Arc<Shared>, work: fn(&Shared)) -> std::io::Result<JoinHandle<()>> {
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
        let left = self.shared.desk.lock().close();
        self.shared.refuse_busy(left);
        self.shared.to_decide.notify_all();
        self.shared.to_write.notify_all();
        self.shared.to_watch.notify_all();
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
}
