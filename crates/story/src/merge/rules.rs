//! What a key's name says about how two changes of its value go together. Pure.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::value::Value;

/// How two changes of one value go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// It counts events: what each side added is added.
    Counter,
    /// It says when something happened last: the later one.
    Later,
    /// It says when something happened first: the earlier one.
    Earlier,
    /// It is the record of one event, so parts of two must not be mixed: the one with the later `timestamp`.
    LatestRecord,
    /// The record of one event that says nothing about which is to be kept.
    Record,
    /// Nothing more is known.
    Plain,
}

/// The rule for a key, by its name in the contract (section 3) or by how such names end.
pub(super) fn rule_of(name: &str) -> Rule {
    match name {
        "last_test_run" => Rule::LatestRecord,
        "blocked_diagnostic" => Rule::Record,
        "consecutiveCount" => Rule::Counter,
        "updated" | "timestamp" | "lastSeen" => Rule::Later,
        "firstSeen" => Rule::Earlier,
        // Limits and choices, whatever their names end in.
        _ if name.starts_with("max_") => Rule::Plain,
        _ if ends_in(name, &["_count", "_attempts", "_iteration"]) => Rule::Counter,
        _ if ends_in(name, &["_at", "_timestamp"]) => Rule::Later,
        _ => Rule::Plain,
    }
}

fn ends_in(name: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| name.ends_with(ending))
}

/// What two changes of a counter make together; `None`: that cannot be said.
///
/// A side that made it smaller has reset it, and what the other side added comes on top.
pub(super) fn sum(base: i128, ours: i128, theirs: i128) -> Option<i128> {
    match (ours.cmp(&base), theirs.cmp(&base)) {
        (Ordering::Less, Ordering::Less) => (ours == theirs).then_some(ours),
        _ => Some(ours + theirs - base),
    }
}

/// Compares the moments that two values name; `None`: one of them names none.
pub(super) fn compare_moments(a: &Value, b: &Value) -> Option<Ordering> {
    Some(moment(a)?.cmp(&moment(b)?))
}

fn moment(value: &Value) -> Option<Timestamp> {
    let (Value::String(text) | Value::Timestamp(text)) = value else {
        return None;
    };
    let midnight = |day: Date| day.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| {
        let day: Date = text.parse().ok()?;
        midnight(day).map(|midnight| midnight.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_of_a_key_is_told_by_its_name() {
        let table = [
            ("retry_count", Rule::Counter),
            ("refinement_count", Rule::Counter),
            ("implementation_retry_count", Rule::Counter),
            ("total_recovery_attempts", Rule::Counter),
            ("plan_review_iteration", Rule::Counter),
            ("max_refinement_attempts", Rule::Plain),
            ("max_retries", Rule::Plain),
            ("priority", Rule::Plain),
            ("updated", Rule::Later),
            ("blocked_at", Rule::Later),
            ("last_restart_timestamp", Rule::Later),
            ("created", Rule::Plain),
            ("claimed_until", Rule::Plain),
            ("last_test_run", Rule::LatestRecord),
        ];
        for (name, expected) in table {
            assert_eq!(rule_of(name), expected, "the rule of {name}");
        }
    }

    #[test]
    fn sum_adds_what_each_side_added_and_honours_a_reset() {
        let table = [
            ((0, 1, 1), Some(2)),
            ((3, 5, 4), Some(6)),
            ((3, 0, 4), Some(1)),
            ((3, 4, 0), Some(1)),
            ((3, 0, 0), Some(0)),
            ((3, 0, 1), None),
        ];
        for ((base, ours, theirs), expected) in table {
            assert_eq!(
                sum(base, ours, theirs),
                expected,
                "{base} became {ours} here and {theirs} there"
            );
        }
    }

    #[test]
    fn compare_moments_knows_days_and_instants() {
        let text = |text: &str| Value::String(text.to_owned());
        let day = Value::Timestamp("2026-01-15".to_owned());
        let table = [
            (text("2026-01-15"), text("2026-01-16"), Some(Ordering::Less)),
            (
                text("2026-01-15T10:00:00.000Z"),
                text("2026-01-15T11:00:00.000+02:00"),
                Some(Ordering::Greater),
            ),
            (day, text("2026-01-15"), Some(Ordering::Equal)),
            (text("soon"), text("2026-01-15"), None),
            (Value::Int(1), text("2026-01-15"), None),
        ];
        for (a, b, expected) in table {
            assert_eq!(compare_moments(&a, &b), expected, "{a:?} and {b:?}");
        }
    }
}
