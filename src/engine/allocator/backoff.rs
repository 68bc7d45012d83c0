//! Backoff: how long something waits before it is tried again.

use std::time::{Duration, Instant};

/// The first pause; doubled every time.
const BACKOFF_FIRST: Duration = Duration::from_millis(2);
/// The longest pause: how late a claim may learn that a lock it waits for is gone.
const BACKOFF_MAX: Duration = Duration::from_millis(50);

/// How often something was tried in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backoff(u32);

impl Backoff {
    pub(super) const fn new() -> Self {
        Self(0)
    }

    /// When to try again; later every time.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        let pause = BACKOFF_FIRST.saturating_mul(1 << self.0.min(8)).min(BACKOFF_MAX);
        self.0 = self.0.saturating_add(1);
        now + pause
    }
}
