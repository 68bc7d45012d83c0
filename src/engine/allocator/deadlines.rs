//! The thread that keeps deadlines.
//!
//! It answers everything in the queue whose deadline has passed, also what the decider is reading for, because
//! nothing was sent for it.
//!
//! Pitfall: a claim in the writer's hands is left alone, however late: its commit may be on the way, and only the
//! writer can know.

use super::AllocatorShared;
use parking_lot::MutexGuard;
use std::time::{Duration, Instant};

/// How late a deadline may be noticed.
const CHECK_EVERY: Duration = Duration::from_millis(20);
/// A snapshot that takes longer than this while deadlines pass means that the database is silent.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn run(shared: &AllocatorShared) {
    let mut queue = shared.queue.lock();
    while !queue.is_closed() {
        let expired = queue.take_expired(Instant::now());
        if !expired.is_empty() {
            if let Some(waited) = queue.reading_for(Instant::now()).filter(|waited| *waited > SNAPSHOT_TIMEOUT) {
                shared.store.fell_silent(waited);
            }
            // One of them may have blocked somebody.
            let waiting = queue.has_waiting(Instant::now());
            MutexGuard::unlocked(&mut queue, || shared.refuse_expired(expired));
            if waiting {
                shared.to_decide.notify_one();
            }
        } else if queue.has_deadlines() {
            shared.to_time.wait_for(&mut queue, CHECK_EVERY);
        } else {
            shared.to_time.wait(&mut queue);
        }
    }
}
