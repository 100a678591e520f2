//! Chance that can be repeated.

use std::time::Duration;

/// A small generator (splitmix64): the same seed and lane give the same numbers.
pub(crate) struct Rng(u64);

impl Rng {
    /// The generator of one actor; each actor of an epoch has a lane of its own.
    pub(crate) fn new(seed: u64, epoch: u64, lane: u64) -> Self {
        let mut rng = Self(seed ^ epoch.rotate_left(24) ^ lane.rotate_left(48));
        rng.next();
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of these.
    pub(crate) fn one_of<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(things.len())
            .ok()
            .filter(|&count| count > 0)?;
        things.get(usize::try_from(self.below(count)).ok()?)
    }

    /// True `percent` times of a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A time between two numbers of milliseconds.
    pub(crate) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_micros(from * 1000 + self.below((to - from) * 1000 + 1))
    }

    /// A time between two numbers of milliseconds, each order of magnitude as likely as the other.
    pub(crate) fn magnitude(&mut self, from: u64, to: u64) -> Duration {
        let mut top = from;
        while top * 2 < to && self.chance(70) {
            top *= 2;
        }
        self.millis(from, (top * 2).min(to))
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn same_seed_gives_the_same_numbers_and_another_lane_others() {
        let take = |lane| {
            let mut rng = Rng::new(7, 1, lane);
            [rng.below(1000), rng.below(1000), rng.below(1000)]
        };
        assert_eq!(take(1), take(1), "a run can be repeated");
        assert_ne!(take(1), take(2), "actors do not move in step");
    }
}
