//! Latencies, counted in buckets that are never coarser than one part in 64.
//!
//! A percentile is the upper edge of its bucket, so it is never flattered.

use std::time::Duration;

/// Buckets below 128 µs are one microsecond wide; above, every doubling has 64 of them.
const PER_DOUBLING_BITS: u32 = 6;
const DOUBLINGS: usize = 40;

/// How many answers took how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Latencies {
    counts: Vec<u64>,
    count: u64,
    max_us: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; (DOUBLINGS + 2) << PER_DOUBLING_BITS], count: 0, max_us: 0 }
    }
}

impl Latencies {
    /// Counts one.
    pub(crate) fn add(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let last = self.counts.len().saturating_sub(1);
        if let Some(count) = self.counts.get_mut(bucket_of(us).min(last)) {
            *count += 1;
        }
        self.count += 1;
        self.max_us = self.max_us.max(us);
    }

    /// Counts all that another has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// What so many in a thousand did not exceed, in milliseconds; `None` when there are none.
    pub(crate) fn permille_ms(&self, permille: u64) -> Option<f64> {
        let rank = self.count.saturating_mul(permille).div_ceil(1_000).max(1);
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        let us = upper_edge_us(bucket).min(self.max_us);
        // Longer than an hour is an hour and more.
        Some(f64::from(u32::try_from(us).unwrap_or(u32::MAX)) / 1_000.0)
    }
}

fn bucket_of(us: u64) -> usize {
    let shift = (u64::BITS - us.leading_zeros()).saturating_sub(PER_DOUBLING_BITS + 1);
    usize::try_from((u64::from(shift) << PER_DOUBLING_BITS) + (us >> shift)).unwrap_or(usize::MAX)
}

fn upper_edge_us(bucket: usize) -> u64 {
    let per_doubling = 1_usize << PER_DOUBLING_BITS;
    let shift = (bucket >> PER_DOUBLING_BITS).saturating_sub(1);
    let mantissa = bucket - shift * per_doubling;
    let next = u64::try_from(mantissa).unwrap_or_default().saturating_add(1);
    next.checked_shl(u32::try_from(shift).unwrap_or(u32::MAX)).unwrap_or(u64::MAX).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_gap_or_overlap() {
        for us in (0..5_000).chain([1 << 20, (1 << 20) + 1, 123_456_789]) {
            let bucket = bucket_of(us);
            assert!(us <= upper_edge_us(bucket), "{us}");
            assert!(bucket == 0 || us > upper_edge_us(bucket - 1), "{us}");
            assert!(upper_edge_us(bucket) - us <= us / 64, "{us}: {}", upper_edge_us(bucket));
        }
    }

    #[test]
    fn percentiles_hold_also_when_two_are_merged() {
        let (mut low, mut high) = (Latencies::default(), Latencies::default());
        (1..=500).for_each(|ms| low.add(Duration::from_millis(ms)));
        (501..=1_000).for_each(|ms| high.add(Duration::from_millis(ms)));
        low.merge(&high);
        for (permille, ms) in [(500, 500.0), (990, 990.0), (999, 999.0), (1_000, 1_000.0)] {
            let found = low.permille_ms(permille).unwrap();
            assert!(found >= ms && found <= ms * 1.016, "{permille}: {found}");
        }
        assert_eq!(low.count(), 1_000);
        assert_eq!(Latencies::default().permille_ms(500), None);
    }

    #[test]
    fn the_longest_time_there_is_has_a_bucket() {
        let mut latencies = Latencies::default();
        latencies.add(Duration::MAX);
        assert!(latencies.permille_ms(500).is_some());
    }
}
