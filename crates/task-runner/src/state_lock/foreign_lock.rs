//! Another tool's lock of the tree: what its file says, and when nobody has it any more. Pure.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::ABANDONED_AFTER;
use crate::process::Process;

/// What another tool's lock file says, as far as it can be understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ForeignRecord {
    pub(crate) pid: Option<u32>,
    pub(crate) written_at: Option<Timestamp>,
    pub(crate) task_id: Option<String>,
    pub(crate) host: Option<String>,
}

impl ForeignRecord {
    /// Reads `{ pid, timestamp, task_id }`, in either spelling of its members, or a bare process id.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
            return Self::default();
        };
        if value.is_number() {
            return Self {
                pid: to_pid(&value),
                ..Self::default()
            };
        }
        let text = |names: [&str; 2]| {
            let member = names.iter().find_map(|name| value.get(name));
            member.and_then(Value::as_str).map(str::to_owned)
        };
        Self {
            pid: value.get("pid").and_then(to_pid),
            written_at: value.get("timestamp").and_then(to_timestamp),
            task_id: text(["task_id", "taskId"]),
            host: text(["host", "hostname"]),
        }
    }
}

fn to_pid(value: &Value) -> Option<u32> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u32::try_from(number).ok()
}

/// Seconds since 1970 have ten digits until 2286, milliseconds twelve and more since 1973.
const FIRST_MILLISECOND: i64 = 100_000_000_000;

fn to_timestamp(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        return text.parse().ok();
    }
    match value.as_i64()? {
        seconds if seconds < FIRST_MILLISECOND => Timestamp::from_second(seconds).ok(),
        milliseconds => Timestamp::from_millisecond(milliseconds).ok(),
    }
}

/// What is known about a lock without a kernel lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// What runs under its number.
    pub(crate) process: Process,
    /// When its file says that it was taken.
    pub(crate) written_at: Option<Timestamp>,
    /// How long ago its file was last touched; zero where that lies in the future.
    pub(crate) untouched_for: Duration,
    pub(crate) now: Timestamp,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its holder runs: respected, however old it is.
    Alive,
    /// Its holder is gone, or cannot be known, and it is younger than the limit: respected so much longer.
    Young { freed_in: Duration },
    /// Nobody has it any more.
    Abandoned,
}

/// A process that began so much later than the lock has only inherited its holder's number (chosen: clocks are corrected by
/// seconds; a wrong "alive" costs a message, a wrong "gone" costs work).
const CLOCK_MARGIN: Duration = Duration::from_mins(1);

/// Judges a lock: a live holder keeps it; only of others the age counts, by whichever of its two times is later.
pub(crate) fn verdict(evidence: &Evidence) -> Verdict {
    if is_alive(evidence) {
        return Verdict::Alive;
    }
    match ABANDONED_AFTER.saturating_sub(evidence.age()) {
        Duration::ZERO => Verdict::Abandoned,
        freed_in => Verdict::Young { freed_in },
    }
}

fn is_alive(evidence: &Evidence) -> bool {
    match evidence.process {
        Process::Gone | Process::Unknown => false,
        Process::Runs { started_at } => {
            // Without the start of the one, or the time of the other, the number itself is all there is.
            let later_by = started_at
                .zip(evidence.written_at)
                .map(|(started_at, written_at)| age_at(written_at, started_at));
            later_by.is_none_or(|later_by| later_by <= CLOCK_MARGIN)
        }
    }
}

impl Evidence {
    /// How old it is; zero for one from the future.
    pub(crate) fn age(&self) -> Duration {
        let by_text = self.written_at.map(|at| age_at(at, self.now));
        by_text.map_or(self.untouched_for, |age| age.min(self.untouched_for))
    }
}

/// How long `at` was ago at `now`; zero when it lies in the future.
pub(crate) fn age_at(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn minutes(count: u64) -> Duration {
        Duration::from_mins(count)
    }

    #[test]
    fn verdict_asks_for_a_live_holder_first_and_for_the_age_only_then() {
        let now = at("2026-01-12T12:00:00Z");
        let ago = |count| Some(now - minutes(count));
        let runs = |since| Process::Runs {
            started_at: ago(since),
        };
        let no_start = Process::Runs { started_at: None };
        let young = |freed_in| Verdict::Young {
            freed_in: minutes(freed_in),
        };
        let (alive, gone) = (Verdict::Alive, Verdict::Abandoned);
        let table = [
            ("a long task", runs(700), ago(600), 600, alive),
            ("began with the lock", runs(600), ago(600), 600, alive),
            ("a clock was corrected", runs(599), ago(600), 600, alive),
            ("its number, used again", runs(500), ago(600), 600, gone),
            ("again, but young", runs(1), ago(4), 4, young(1)),
            ("start not known", no_start, ago(600), 600, alive),
            ("no time in the file", runs(1), None, 600, alive),
            ("dead and old", Process::Gone, ago(6), 6, gone),
            ("dead and young", Process::Gone, ago(3), 3, young(2)),
            ("dead, at the limit", Process::Gone, ago(5), 5, gone),
            ("dead, but touched", Process::Gone, ago(60), 1, young(4)),
            ("dead, file copied", Process::Gone, ago(2), 60, young(3)),
            ("dead, no time in it", Process::Gone, None, 7, gone),
            ("hidden and old", Process::Unknown, ago(6), 6, gone),
            ("hidden and young", Process::Unknown, ago(1), 1, young(4)),
        ];
        for (name, process, written_at, untouched, expected) in table {
            let evidence = Evidence {
                process,
                written_at,
                untouched_for: minutes(untouched),
                now,
            };
            assert_eq!(verdict(&evidence), expected, "{name}");
        }
        let of_tomorrow = Evidence {
            process: Process::Gone,
            written_at: Some(now + minutes(1440)),
            untouched_for: minutes(60),
            now,
        };
        assert_eq!(
            verdict(&of_tomorrow),
            young(5),
            "a wrong clock frees nothing"
        );
    }

    #[test]
    fn record_of_another_tool_is_read_in_every_spelling_or_not_at_all() {
        let noon = Some(at("2026-01-12T12:00:00Z"));
        let full = |pid, written_at, task_id: Option<&str>| ForeignRecord {
            pid,
            written_at,
            task_id: task_id.map(str::to_owned),
            host: None,
        };
        let table = [
            (
                r#"{"pid":4711,"timestamp":"2026-01-12T12:00:00.000Z","task_id":"T-1"}"#,
                full(Some(4711), noon, Some("T-1")),
            ),
            (
                r#"{ "taskId": "T-1", "timestamp": 1768219200000, "pid": "4711" }"#,
                full(Some(4711), noon, Some("T-1")),
            ),
            (r#"{"timestamp":1768219200}"#, full(None, noon, None)),
            ("4711\n", full(Some(4711), None, None)),
            ("", ForeignRecord::default()),
            ("{\"pid\":", ForeignRecord::default()),
            ("[1]", ForeignRecord::default()),
            (r#"{"pid":-1,"timestamp":true}"#, ForeignRecord::default()),
            (r#"{"pid":4294967296}"#, ForeignRecord::default()),
        ];
        for (text, expected) in table {
            assert_eq!(ForeignRecord::parse(text.as_bytes()), expected, "{text}");
        }
    }
}
