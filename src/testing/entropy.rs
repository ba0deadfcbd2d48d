//! Ids that are the same in every run from the same seed.

use std::cell::Cell;

use crate::ports::Entropy;

/// Everything it gives follows from its seed. Two contexts need two seeds.
#[derive(Debug)]
pub struct SeededEntropy {
    state: Cell<u64>,
    uuids: Cell<u64>,
}

impl SeededEntropy {
    /// The source that `seed` stands for.
    pub fn new(seed: u64) -> Self {
        Self { state: Cell::new(seed), uuids: Cell::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn uuid(&self) -> uuid::Uuid {
        // Its number in place of the time keeps them in order; the rest keeps seeds apart.
        let number = self.uuids.get();
        self.uuids.set(number + 1);
        let mut random = [0; 10];
        let bytes = self.random().to_be_bytes().into_iter().chain(self.random().to_be_bytes());
        for (to, from) in random.iter_mut().zip(bytes) {
            *to = from;
        }
        uuid::Builder::from_unix_timestamp_millis(1_750_000_000_000 + number, &random).into_uuid()
    }

    fn random(&self) -> u64 {
        // SplitMix64: every seed is a good one, 0 too.
        let state = self.state.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.state.set(state);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_rise_differ_by_seed_and_repeat_by_seed() {
        let of = |seed: u64| {
            let entropy = SeededEntropy::new(seed);
            (0..100).map(|_| entropy.uuid()).collect::<Vec<_>>()
        };
        let ids = of(7);
        assert!(ids.is_sorted());
        assert_eq!(ids[0].get_version_num(), 7);
        assert_eq!(ids, of(7));
        assert!(!ids.iter().any(|id| of(8).contains(id)));
    }
}
