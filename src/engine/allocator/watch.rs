//! The watch: keeps deadlines.
//!
//! It answers whatever lies on the desk when its time is up, and what the decider is looking at, because nothing
//! was sent for it. What a reader would get wrong: a claim in the writer's hands is left alone, however late: its
//! commit may be on the way, and only the writer can know.

use super::Shared;
use std::time::{Duration, Instant};

/// How late a deadline may be noticed.
const WATCH_EVERY: Duration = Duration::from_millis(20);
/// A look that takes longer than this while deadlines pass means that the database is silent.
const LOOK_MAX: Duration = Duration::from_secs(1);

pub(super) fn run(shared: &Shared) {
    let mut desk = shared.desk.lock();
    while !desk.is_closed() {
        let late = desk.take_late(Instant::now());
        if !late.is_empty() {
            if let Some(waited) = desk.looked_for(Instant::now()).filter(|waited| *waited > LOOK_MAX) {
                shared.store.fell_silent(waited);
            }
            // Somebody may have lain behind one of them.
            let waiting = desk.has_waiting(Instant::now());
            parking_lot::MutexGuard::unlocked(&mut desk, || shared.refuse_busy(late));
            if waiting {
                shared.to_decide.notify_one();
            }
        } else if desk.needs_watching() {
            shared.to_watch.wait_for(&mut desk, WATCH_EVERY);
        } else {
            shared.to_watch.wait(&mut desk);
        }
    }
}
