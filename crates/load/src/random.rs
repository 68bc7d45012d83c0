//! Random numbers that repeat: a small generator (splitmix64), and ids and orders drawn from it.
//!
//! Pitfall: these ids look like UUIDs v4 and are not secret; they only have to differ.

/// A repeatable sequence of numbers.
#[derive(Debug, Clone)]
pub struct SeededRng(u64);

impl SeededRng {
    /// The sequence that belongs to these numbers, in this order.
    pub fn of(parts: &[u64]) -> Self {
        let mut rng = Self(0x5107_CEE9);
        for part in parts {
            rng.0 = rng.next_u64() ^ *part;
        }
        rng
    }

    /// The sequence that belongs to a text.
    pub fn number_of(text: &str) -> u64 {
        text.bytes()
            .fold(Self(0), |mut rng, byte| {
                rng.0 = rng.next_u64() ^ u64::from(byte);
                rng
            })
            .next_u64()
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        self.next_u64().checked_rem(bound).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    }

    /// One of `choices`.
    pub fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices.get(self.below(choices.len())).copied().unwrap_or_default()
    }

    /// A text of the shape of a UUID v4.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.next_u64(), self.next_u64());
        let version = (high & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000;
        let variant = (low & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            version >> 32,
            (version >> 16) & 0xFFFF,
            version & 0xFFFF,
            variant >> 48,
            variant & 0xFFFF_FFFF_FFFF
        )
    }

    /// Brings `items` into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_uuid_v4_and_repeat_with_their_seed() {
        let id = SeededRng::of(&[7, 1]).uuid();
        assert_eq!(id, SeededRng::of(&[7, 1]).uuid());
        assert_ne!(id, SeededRng::of(&[1, 7]).uuid());
        let shape: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(shape, [8, 4, 4, 4, 12]);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]));
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<usize> = (0..50).collect();
        SeededRng::of(&[3]).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
