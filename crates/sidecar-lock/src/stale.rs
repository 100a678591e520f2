//! When a lock of another tool counts as abandoned. Pure: evidence in, verdict out.

use std::time::Duration;

/// What is known about a lock that no kernel lock vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// How old its modification time is by the wall clock; `None` when it lies in the future.
    pub(crate) wall_age: Option<Duration>,
    /// How long we have seen it unchanged on our own monotonic clock.
    pub(crate) unchanged_for: Duration,
    /// It was last touched before this machine booted.
    pub(crate) before_boot: bool,
}

/// The limits that apply to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) stale_after: Duration,
    pub(crate) timeout: Duration,
}

/// Whether the lock may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Respect it. It can be stale this much later, if nobody touches it.
    Alive { stale_in: Duration },
    /// Both clocks say that its owner is gone.
    Stale,
}

/// The watch on our own clock is never shorter than this: it has to outlast a scheduling hiccup of
/// the holder (SL1, A4).
const SHORTEST_WATCH: Duration = Duration::from_millis(250);

impl Limits {
    /// How long a lock must be seen unchanged: a step of the wall clock alone never condemns it.
    pub(crate) fn watch(self) -> Duration {
        (self.stale_after / 2 + Duration::from_secs(1))
            .min(self.timeout / 2)
            .max(SHORTEST_WATCH)
    }
}

/// Judges a lock by two clocks.
pub(crate) fn verdict(evidence: Evidence, limits: Limits) -> Verdict {
    if evidence.before_boot {
        return Verdict::Stale;
    }
    let by_watch = limits.watch().saturating_sub(evidence.unchanged_for);
    let by_wall = match evidence.wall_age {
        Some(age) => limits.stale_after.saturating_sub(age),
        // A time in the future says nothing: our own clock has to cover the whole limit.
        None => limits.stale_after.saturating_sub(evidence.unchanged_for),
    };
    let wall_passed =
        evidence.wall_age.is_none_or(|age| age > limits.stale_after) && by_wall.is_zero();
    if wall_passed && by_watch.is_zero() {
        Verdict::Stale
    } else {
        Verdict::Alive {
            stale_in: by_wall.max(by_watch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn verdict_needs_both_clocks() {
        let limits = Limits {
            stale_after: ms(5000),
            timeout: ms(5000),
        };
        assert_eq!(
            limits.watch(),
            ms(2500),
            "half the timeout bounds the watch"
        );
        let cases = [
            ("fresh", Some(100), 100, false, Some(4900)),
            ("old, just seen", Some(60_000), 0, false, Some(2500)),
            ("old, seen long enough", Some(60_000), 2500, false, None),
            (
                "old enough only by our clock",
                Some(100),
                9000,
                false,
                Some(4900),
            ),
            ("exactly at the limit", Some(5000), 9000, false, Some(0)),
            ("from before the boot", Some(60_000), 0, true, None),
            ("in the future, just seen", None, 0, false, Some(5000)),
            ("in the future, seen long enough", None, 5000, false, None),
        ];
        for (name, wall, seen, before_boot, stale_in) in cases {
            let evidence = Evidence {
                wall_age: wall.map(ms),
                unchanged_for: ms(seen),
                before_boot,
            };
            let expected = match stale_in {
                Some(left) => Verdict::Alive { stale_in: ms(left) },
                None => Verdict::Stale,
            };
            assert_eq!(verdict(evidence, limits), expected, "{name}");
        }
    }

    #[test]
    fn watch_is_bounded_below() {
        let hasty = Limits {
            stale_after: ms(10),
            timeout: ms(20),
        };
        assert_eq!(
            hasty.watch(),
            SHORTEST_WATCH,
            "a hiccup of the holder is outlasted"
        );
    }
}
