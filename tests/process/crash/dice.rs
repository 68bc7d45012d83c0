//! The random moments: drawn from a seed that is printed, so that a run's choices can be had again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Says the seed of the test `what`.
    pub fn cast(what: &str) -> Self {
        let given = std::env::var("SLOTKEEPER_CRASH_SEED").ok().map(|text| text.parse().expect("SLOTKEEPER_CRASH_SEED is a number"));
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(what));
        println!("{what}: SLOTKEEPER_CRASH_SEED={seed}");
        Self(seed)
    }

    /// SplitMix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A time shorter than `end`.
    pub fn within(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(end.as_micros()).unwrap()))
    }
}
