//! Random numbers that a seed repeats.

/// A generator of random numbers, `SplitMix64`.
pub(super) struct Random(u64);

impl Random {
    /// The generator of one worker. Each worker draws other numbers.
    pub(super) fn new(seed: u64, worker: u64) -> Self {
        Self(seed ^ worker.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, or 0 if the limit is 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// Whether something happens that happens `percent` times of a hundred.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, each as often as its weight says.
    pub(super) fn pick<'a, T>(
        &mut self,
        choices: &'a [T],
        weight: impl Fn(&T) -> u64,
    ) -> Option<&'a T> {
        let mut drawn = self.below(choices.iter().map(&weight).sum());
        choices.iter().find(|choice| {
            let (weight, before) = (weight(choice), drawn);
            drawn = drawn.saturating_sub(weight);
            before < weight
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_the_numbers_and_workers_differ() {
        let draw = |seed, worker| {
            let mut random = Random::new(seed, worker);
            [(); 8].map(|()| random.below(1000))
        };
        assert_eq!(draw(1, 1), draw(1, 1));
        assert_ne!(draw(1, 1), draw(1, 2));
        assert_ne!(draw(1, 1), draw(2, 1));
    }

    #[test]
    fn a_choice_of_no_weight_is_never_picked() {
        let mut random = Random::new(7, 0);
        let choices = [("never", 0), ("often", 3), ("seldom", 1)];
        let mut seen = [0; 3];
        for _ in 0..1000 {
            let picked = random.pick(&choices, |choice| choice.1).unwrap();
            seen[choices.iter().position(|choice| choice == picked).unwrap()] += 1;
        }
        assert_eq!(seen[0], 0);
        assert!(seen[1] > 2 * seen[2] && seen[2] > 100, "{seen:?}");
        assert!(random.pick(&[("never", 0)], |choice| choice.1).is_none());
    }
}
