//! Which points of a case a run tries that does not try them all. Pure.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

/// Of so few points all are tried. Chosen: a share of fewer would hardly be more than its ends.
const FEW: usize = 25;

/// One of so many points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// 1: all of them.
    pub one_of: usize,
    /// Where to begin: with each next number at the next point.
    pub seed: u64,
}

/// A point, as far as a share must know.
pub trait Point {
    /// Whether it is tried in each run: something takes effect here.
    fn is_decisive(&self) -> bool {
        false
    }
}

impl<P: Point> Point for &P {
    fn is_decisive(&self) -> bool {
        (**self).is_decisive()
    }
}

impl Point for u64 {}

/// Whether a name appears, changes or is exchanged by this call: before it, at it and after it are three different worlds.
pub fn changes_a_name(call: &str) -> bool {
    call.starts_with("rename") || call.starts_with("link")
}

impl Share {
    /// All points.
    pub const ALL: Self = Self { one_of: 1, seed: 0 };

    /// Whether a row of points that are alike is shortened, and which of them are tried: the `at`-th from 0.
    pub fn takes(self, case: &str, at: usize) -> bool {
        self.one_of < 2 || at % self.one_of == self.offset(case)
    }

    /// Which of the points are tried: all of a few; else every so-manieth, the first and the last, and each decisive one with
    /// its neighbours.
    pub fn of<P: Point>(self, case: &str, points: &[P]) -> Vec<usize> {
        let is_near = |at: usize| {
            let near = at.saturating_sub(1)..=at + 1;
            near.filter_map(|at| points.get(at)).any(Point::is_decisive)
        };
        let is_end = |at: usize| at == 0 || at + 1 == points.len();
        let all = 0..points.len();
        all.filter(|&at| points.len() <= FEW || self.takes(case, at) || is_end(at) || is_near(at))
            .collect()
    }

    /// How many rounds of work by chance, each as good as another: so many of them, and never none.
    pub fn rounds(self, usual: u64) -> u64 {
        usual.div_ceil(self.one_of as u64)
    }

    /// Each case begins elsewhere, and each comes to all of its points with as many seeds in a row.
    fn offset(self, case: &str) -> usize {
        let mut hasher = DefaultHasher::new();
        case.hash(&mut hasher);
        let begin = hasher.finish().wrapping_add(self.seed) % self.one_of as u64;
        usize::try_from(begin).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    struct At(bool);

    impl Point for At {
        fn is_decisive(&self) -> bool {
            self.0
        }
    }

    fn row(length: usize, decisive: &[usize]) -> Vec<At> {
        (0..length).map(|at| At(decisive.contains(&at))).collect()
    }

    fn share(one_of: usize, seed: u64) -> Share {
        Share { one_of, seed }
    }

    #[test]
    fn shares_of_as_many_seeds_in_a_row_are_together_all_points() {
        let points = row(103, &[]);
        for first in [0, 7, u64::MAX - 1] {
            let tried: BTreeSet<usize> = (0..4)
                .flat_map(|more| share(4, first.wrapping_add(more)).of("kill: set", &points))
                .collect();
            assert_eq!(tried.len(), points.len(), "from seed {first}");
        }
        let one = share(4, 1).of("kill: set", &points).len();
        assert!((25..=28).contains(&one), "one of them is a fourth: {one}");
    }

    #[test]
    fn ends_and_decisive_points_with_their_neighbours_are_in_each_share() {
        let points = row(200, &[50, 120]);
        for seed in 0..9 {
            let tried = share(9, seed).of("kill: set", &points);
            for at in [0, 49, 50, 51, 119, 120, 121, 199] {
                assert!(tried.contains(&at), "seed {seed} leaves out {at}");
            }
        }
    }

    #[test]
    fn few_points_and_a_share_of_one_are_taken_whole() {
        let whole = |share: Share, length| share.of("any", &row(length, &[])).len() == length;
        assert!(whole(share(8, 3), FEW), "a few");
        assert!(!whole(share(8, 3), FEW + 1), "one more");
        assert!(whole(Share::ALL, 10_000), "all is all");
        assert!(
            (0..99).all(|at| Share::ALL.takes("any", at)),
            "one by one, too"
        );
    }

    #[test]
    fn rounds_are_never_none() {
        let table = [(1, 30, 30), (4, 30, 8), (4, 3, 1), (100, 3, 1)];
        for (one_of, usual, expected) in table {
            assert_eq!(share(one_of, 5).rounds(usual), expected, "one of {one_of}");
        }
    }
}
