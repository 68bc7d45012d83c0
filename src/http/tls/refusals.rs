//! The log of connections that were refused: why each one was, and no more lines than anybody can read.
//!
//! The lines are bounded because whoever can reach the port decides how many connections are
//! refused; what was not told is counted and told with the next line.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// How many refusals are told in one window.
const TOLD_MAX: u32 = 10;
/// How long a window is.
const WINDOW: Duration = Duration::from_secs(10);

/// What was told of late.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    told: u32,
    kept_back: u64,
}

impl Refusals {
    /// Tells why a connection was refused, unless enough was told already.
    pub fn tell(&self, why: &str) {
        if let Some(kept_back) = self.0.lock().turn(Instant::now()) {
            let more = if kept_back == 0 { String::new() } else { format!(" ({kept_back} more refusals were not logged)") };
            log::info!("TLS connection refused: {why}{more}");
        }
    }
}

impl Window {
    /// Whether this one is told, and with how many that were not.
    fn turn(&mut self, now: Instant) -> Option<u64> {
        if self.began.is_none_or(|began| now.duration_since(began) >= WINDOW) {
            self.began = Some(now);
            self.told = 0;
        }
        if self.told >= TOLD_MAX {
            self.kept_back = self.kept_back.saturating_add(1);
            return None;
        }
        self.told = self.told.saturating_add(1);
        Some(std::mem::take(&mut self.kept_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_told_at_a_time_and_the_rest_is_counted() {
        let (mut window, start) = (Window::default(), Instant::now());
        let told = (0..25).filter(|_| window.turn(start) == Some(0)).count();
        assert_eq!(told, usize::try_from(TOLD_MAX).unwrap());
        assert_eq!(window.turn(start + WINDOW), Some(15));
        assert_eq!(window.turn(start + WINDOW), Some(0));
    }
}
