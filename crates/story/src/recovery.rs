//! The counters of tries and their limits: retries of the cycle, retries of the implementation, recoveries in all. Pure.

use crate::document::Document;
use crate::limits::{Limit, Limits};
use crate::moment::Moment;
use crate::operation_error::OperationError;
use crate::value::Value;

const RETRIES: &str = "retry_count";
const MAX_RETRIES: &str = "max_retries";
const IMPLEMENTATION_RETRIES: &str = "implementation_retry_count";
const MAX_IMPLEMENTATION_RETRIES: &str = "max_implementation_retries";
const RECOVERIES: &str = "total_recovery_attempts";
const RESTARTED_AT: &str = "last_restart_timestamp";
const RESTART_REASON: &str = "last_restart_reason";

/// How much of a limit is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// What the counter says; missing and below 0 are 0.
    pub used: u64,
    /// The limit that counts for this story.
    pub limit: Limit,
    /// Whether there is nothing left. Never where the limit has no end.
    pub is_exhausted: bool,
}

impl Budget {
    /// Exhausted as soon as the limit is reached.
    pub(crate) fn up_to(used: u64, limit: Limit) -> Self {
        Self {
            used,
            limit,
            is_exhausted: Limit::Times(used) >= limit,
        }
    }

    /// Exhausted once the limit is passed: it counts the tries after the first one.
    fn beyond(used: u64, limit: Limit) -> Self {
        Self {
            used,
            limit,
            is_exhausted: Limit::Times(used) > limit,
        }
    }
}

/// The retries of the cycle up to a review: the story's own `max_retries`, 0 included, comes before the configuration's.
pub fn retries(story: &Document, limits: &Limits) -> Budget {
    retries_within(
        story,
        own_limit(story, MAX_RETRIES).unwrap_or(limits.retries),
    )
}

/// The same under a limit that the caller gives, which comes before all others.
pub fn retries_within(story: &Document, limit: Limit) -> Budget {
    Budget::up_to(counter(story, RETRIES), limit)
}

/// Counts one more retry of the cycle, and notes when.
///
/// # Errors
///
/// [`OperationError::Edit`] when something else than an integer stands there.
pub fn increment_retries(story: &mut Document, now: Moment) -> Result<(), OperationError> {
    story.increment(RETRIES, 1)?;
    story.set(RESTARTED_AT, now.stamp())?;
    Ok(())
}

/// Sends a story back to planning: plan, implementation and reviews are no longer complete, what was researched stays. It
/// counts as a retry, and says why and when.
///
/// # Errors
///
/// [`OperationError::Edit`] when one of these cannot be edited.
pub fn reset_cycle(story: &mut Document, reason: &str, now: Moment) -> Result<(), OperationError> {
    for flag in [
        "plan_complete",
        "implementation_complete",
        "reviews_complete",
    ] {
        story.set(flag, false)?;
    }
    story.set(RESTART_REASON, reason)?;
    increment_retries(story, now)
}

/// Writes the configuration's limit of retries into a story that has none, so that a later change of the configuration
/// does not reach a cycle under way. `true`: it was written.
///
/// # Errors
///
/// [`OperationError::Edit`] when it cannot be written.
pub fn snapshot_retries(story: &mut Document, limits: &Limits) -> Result<bool, OperationError> {
    match story.get(MAX_RETRIES)? {
        None | Some(Value::Null) => Ok(story.set(MAX_RETRIES, limits.retries.to_value())?),
        Some(_) => Ok(false),
    }
}

/// The retries of the implementation after its first try; none are left once there are **more** than the limit. The story's
/// own `max_implementation_retries` comes before the configuration's, as far as the upper bound allows.
pub fn implementation_retries(story: &Document, limits: &Limits) -> Budget {
    let limit = own_limit(story, MAX_IMPLEMENTATION_RETRIES)
        .map_or(limits.implementation_retries, |own| {
            own.min(limits.implementation_retries_upper_bound)
        });
    Budget::beyond(counter(story, IMPLEMENTATION_RETRIES), limit)
}

/// Counts one more retry of the implementation.
///
/// # Errors
///
/// As [`increment_retries`].
pub fn increment_implementation_retries(story: &mut Document) -> Result<(), OperationError> {
    story.increment(IMPLEMENTATION_RETRIES, 1)?;
    Ok(())
}

/// Sets the retries of the implementation to 0.
///
/// # Errors
///
/// [`OperationError::Edit`] when it cannot be edited.
pub fn reset_implementation_retries(story: &mut Document) -> Result<(), OperationError> {
    story.set(IMPLEMENTATION_RETRIES, 0)?;
    Ok(())
}

/// The recoveries of a story in all.
pub fn recoveries(story: &Document, limits: &Limits) -> Budget {
    Budget::up_to(counter(story, RECOVERIES), limits.recoveries)
}

/// Counts one more recovery.
///
/// # Errors
///
/// As [`increment_retries`].
pub fn increment_recoveries(story: &mut Document) -> Result<(), OperationError> {
    story.increment(RECOVERIES, 1)?;
    Ok(())
}

/// Sets the recoveries to 0.
///
/// # Errors
///
/// [`OperationError::Edit`] when it cannot be edited.
pub fn reset_recoveries(story: &mut Document) -> Result<(), OperationError> {
    story.set(RECOVERIES, 0)?;
    Ok(())
}

/// What a counter says; missing, below 0 and what is no integer count as 0.
pub(crate) fn counter(story: &Document, key: &str) -> u64 {
    let count = story.count(key).unwrap_or(0);
    u64::try_from(count.max(0)).unwrap_or(u64::MAX)
}

/// A limit that the story itself sets.
pub(crate) fn own_limit(story: &Document, key: &str) -> Option<Limit> {
    story
        .get(key)
        .ok()
        .flatten()
        .and_then(|value| Limit::of_value(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(yaml: &str) -> Document {
        Document::parse(format!("---\n{yaml}---\nbody\n")).expect("a story")
    }

    fn now() -> Moment {
        Moment::parse("2026-03-04T05:06:07.089Z").expect("an instant")
    }

    /// What an operation makes of a frontmatter, as text, or why it is refused.
    fn after(
        yaml: &str,
        operation: impl FnOnce(&mut Document) -> Result<(), OperationError>,
    ) -> Result<String, String> {
        let mut story = story(yaml);
        operation(&mut story).map_err(|err| err.to_string())?;
        assert!(story.as_bytes().ends_with(b"---\nbody\n"), "the body stays");
        Ok(story.frontmatter().to_owned())
    }

    const STAMP: &str = "last_restart_timestamp: '2026-03-04T05:06:07.089Z'\n";

    #[test]
    fn retries_are_exhausted_when_the_limit_is_reached() {
        let times = Limit::Times;
        let table = [
            ("a: 1\n", 0, times(3), false),
            ("retry_count: 2\n", 2, times(3), false),
            ("retry_count: 3\n", 3, times(3), true),
            ("retry_count: 4\n", 4, times(3), true),
            ("retry_count: -1\n", 0, times(3), false),
            ("retry_count: many\n", 0, times(3), false),
            ("max_retries: 0\n", 0, times(0), true),
            ("retry_count: 3\nmax_retries: 4\n", 3, times(4), false),
            ("retry_count: 30\nmax_retries: 20\n", 30, times(20), true),
            (
                "retry_count: 1000\nmax_retries: .inf\n",
                1000,
                Limit::Unlimited,
                false,
            ),
            ("retry_count: 3\nmax_retries:\n", 3, times(3), true),
            ("retry_count: 3\nmax_retries: lots\n", 3, times(3), true),
        ];
        for (yaml, used, limit, is_exhausted) in table {
            let expected = Budget {
                used,
                limit,
                is_exhausted,
            };
            let found = retries(&story(yaml), &Limits::default());
            assert_eq!(found, expected, "of {yaml:?}");
        }
        let given = retries_within(&story("retry_count: 3\nmax_retries: 1\n"), times(5));
        assert!(!given.is_exhausted, "the caller's limit comes first");
        let given = retries_within(&story("retry_count: 3\n"), Limit::Unlimited);
        assert!(!given.is_exhausted, "no end is never reached");
    }

    #[test]
    fn implementation_retries_are_exhausted_when_the_limit_is_passed() {
        let times = Limit::Times;
        let table = [
            ("a: 1\n", 0, times(3), false),
            ("implementation_retry_count: 3\n", 3, times(3), false),
            ("implementation_retry_count: 4\n", 4, times(3), true),
            ("max_implementation_retries: 0\n", 0, times(0), false),
            (
                "implementation_retry_count: 1\nmax_implementation_retries: 0\n",
                1,
                times(0),
                true,
            ),
            (
                "implementation_retry_count: 10\nmax_implementation_retries: 50\n",
                10,
                times(10),
                false,
            ),
            (
                "implementation_retry_count: 11\nmax_implementation_retries: .inf\n",
                11,
                times(10),
                true,
            ),
        ];
        for (yaml, used, limit, is_exhausted) in table {
            let expected = Budget {
                used,
                limit,
                is_exhausted,
            };
            let found = implementation_retries(&story(yaml), &Limits::default());
            assert_eq!(found, expected, "of {yaml:?}");
        }
        let unbounded = Limits {
            implementation_retries: Limit::Unlimited,
            ..Limits::default()
        };
        let found = implementation_retries(&story("implementation_retry_count: 99\n"), &unbounded);
        assert!(!found.is_exhausted, "a limit without end is never passed");
    }

    #[test]
    fn recoveries_are_exhausted_at_ten() {
        for (count, is_exhausted) in [(0, false), (9, false), (10, true), (11, true)] {
            let found = recoveries(
                &story(&format!("total_recovery_attempts: {count}\n")),
                &Limits::default(),
            );
            assert_eq!(
                (found.used, found.is_exhausted),
                (count, is_exhausted),
                "at {count}"
            );
        }
    }

    #[test]
    fn increment_retries_counts_and_notes_the_time() {
        let table = [
            ("id: S-1 # one\n", Ok(format!("id: S-1 # one\nretry_count: 1\n{STAMP}"))),
            (
                "last_restart_timestamp: old # when\nretry_count: 2 # times\nlast: x\n",
                Ok("last_restart_timestamp: '2026-03-04T05:06:07.089Z' # when\nretry_count: 3 # times\nlast: x\n"
                    .to_owned()),
            ),
            ("retry_count:\n", Ok(format!("retry_count: 1\n{STAMP}"))),
            (
                "retry_count: two\n",
                Err("retry_count is a text, not an integer (line 2, column 14)".to_owned()),
            ),
        ];
        for (before, expected) in table {
            let found = after(before, |story| increment_retries(story, now()));
            assert_eq!(found, expected, "from {before:?}");
        }
    }

    #[test]
    fn reset_cycle_keeps_the_research_and_counts_a_retry() {
        let before = "research_complete: true\nplan_complete: true # planned\nimplementation_complete: true\n\
                      reviews_complete: false\nretry_count: 1\nstatus: in-progress\n";
        let expected = "research_complete: true\nplan_complete: false # planned\nimplementation_complete: false\n\
                        reviews_complete: false\nretry_count: 2\nstatus: in-progress\n\
                        last_restart_reason: 'tests: 3 failed'\n";
        let found = after(before, |story| reset_cycle(story, "tests: 3 failed", now()));
        assert_eq!(
            found,
            Ok(format!("{expected}{STAMP}")),
            "the flags of three phases"
        );
        let refused = after("retry_count: [1]\n", |story| reset_cycle(story, "x", now()));
        assert!(
            refused.is_err(),
            "a counter that is none is not overwritten"
        );
    }

    #[test]
    fn snapshot_writes_the_limit_only_where_there_is_none() {
        let table = [
            ("a: 1\n", "a: 1\nmax_retries: 3\n", true),
            ("max_retries: 0\n", "max_retries: 0\n", false),
            ("max_retries: .inf\n", "max_retries: .inf\n", false),
            ("max_retries: lots\n", "max_retries: lots\n", false),
            ("max_retries:\n", "max_retries: 3\n", true),
        ];
        for (before, expected, is_written) in table {
            let mut written = None;
            let found = after(before, |story| {
                written = Some(snapshot_retries(story, &Limits::default())?);
                Ok(())
            });
            assert_eq!(found.as_deref(), Ok(expected), "from {before:?}");
            assert_eq!(written, Some(is_written), "and it says so");
        }
        let unlimited = Limits {
            retries: Limit::Unlimited,
            ..Limits::default()
        };
        let found = after("a: 1\n", |story| {
            snapshot_retries(story, &unlimited).map(|_| ())
        });
        assert_eq!(
            found.as_deref(),
            Ok("a: 1\nmax_retries: .inf\n"),
            "without end"
        );
    }

    #[test]
    fn counters_are_incremented_and_reset() {
        type Counting = fn(&mut Document) -> Result<(), OperationError>;
        let table: [(&str, Counting, Counting); 2] = [
            (
                IMPLEMENTATION_RETRIES,
                increment_implementation_retries,
                reset_implementation_retries,
            ),
            (RECOVERIES, increment_recoveries, reset_recoveries),
        ];
        for (key, increment, reset) in table {
            let line = |count: &str| format!("a: 1\n{key}: {count} # so far\n");
            assert_eq!(after(&line("4"), increment), Ok(line("5")), "one more");
            assert_eq!(after(&line("4"), reset), Ok(line("0")), "none");
            assert_eq!(after(&line("x"), reset), Ok(line("0")), "whatever it was");
            assert!(
                after(&line("x"), increment).is_err(),
                "a text cannot be counted"
            );
            assert_eq!(
                after("b: 1\n", increment),
                Ok(format!("b: 1\n{key}: 1\n")),
                "a first one"
            );
            assert_eq!(
                after("b: 1\n", reset),
                Ok(format!("b: 1\n{key}: 0\n")),
                "none yet"
            );
        }
    }
}
