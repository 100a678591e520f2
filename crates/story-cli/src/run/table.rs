//! Tasks and their attempts as tables for people. Pure.

use std::ffi::OsString;

use jiff::Timestamp;
use task_runner::Attempt;

use super::known::{Known, outcome, verb};
use crate::durations::rough_since;
use crate::table::{self, short};
use crate::terminal::{Canvas, escape_line};

/// The tasks, one a line.
pub fn tasks(shown: &[Known], now: Timestamp, canvas: Canvas) -> String {
    let row = |known: &Known| {
        let began_at = known.last().map(|last| last.began_at);
        let began_at = began_at.or(known.open.as_ref().map(|open| open.began_at));
        let can: Vec<_> = known.can().iter().map(|can| verb(*can)).collect();
        [
            name(known),
            known.outcome(),
            began_at.map(|at| rough_since(at, now)).unwrap_or_default(),
            snapshot(known.snapshot()),
            can.join(" "),
            command(words(known)),
        ]
    };
    let rows: Vec<_> = shown.iter().map(row).collect();
    let headings = ["TASK", "STATE", "BEGAN", "SNAPSHOT", "CAN", "COMMAND"];
    table::render(headings, &rows, canvas)
}

fn name(known: &Known) -> String {
    let name = known.task().map(ToString::to_string).unwrap_or_default();
    escape_line(&name).into_owned()
}

fn words(known: &Known) -> &[OsString] {
    let written = known.record.as_ref().map(|record| &record.command[..]);
    written.unwrap_or_default()
}

/// What is known of a task, one line for each fact.
pub fn about(known: &Known) -> String {
    let record = known.record.as_ref();
    let folder = record.map(|record| record.folder.to_string_lossy());
    let facts = [
        ("task", name(known)),
        ("state", known.outcome()),
        (
            "what",
            known
                .open
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        (
            "label",
            record
                .map(|record| record.label.clone())
                .unwrap_or_default(),
        ),
        ("command", command(words(known))),
        ("folder", folder.unwrap_or_default().into_owned()),
        ("snapshot", known.snapshot().unwrap_or_default().to_owned()),
    ];
    table::facts(&facts)
}

/// The attempts at a task, one a line.
pub fn attempts(attempts: &[Attempt], now: Timestamp, canvas: Canvas) -> String {
    let row = |attempt: &Attempt| {
        let ended_at = attempt.ended_at.unwrap_or(now);
        let kept = attempt.snapshot.as_deref();
        [
            escape_line(&attempt.run()).into_owned(),
            outcome(Some(attempt)),
            rough_since(attempt.began_at, now),
            rough_since(attempt.began_at, ended_at),
            snapshot(kept.filter(|_| attempt.is_snapshot_kept)),
            escape_line(attempt.owner.as_deref().unwrap_or_default()).into_owned(),
        ]
    };
    let rows: Vec<_> = attempts.iter().map(row).collect();
    let headings = ["RUN", "STATE", "BEGAN", "TOOK", "SNAPSHOT", "OWNER"];
    table::render(headings, &rows, canvas)
}

fn snapshot(id: Option<&str>) -> String {
    id.map(short).unwrap_or_default().to_owned()
}

/// A command on one line, as a shell would read it where its words are plain.
fn command(words: &[OsString]) -> String {
    let word = |word: &OsString| {
        let text = word.to_string_lossy();
        let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
        if !text.is_empty() && text.chars().all(is_plain) {
            return text.into_owned();
        }
        format!("'{}'", text.replace('\'', "'\\''"))
    };
    let words: Vec<_> = words.iter().map(word).collect();
    escape_line(&words.join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_quoted_where_a_shell_would_split_it() {
        let table: [(&[&str], &str); 4] = [
            (&["make", "-j4", "src/a.rs"], "make -j4 src/a.rs"),
            (&["sh", "-c", "a b"], "sh -c 'a b'"),
            (&["echo", ""], "echo ''"),
            (&["echo", "it's\n"], "echo 'it'\\''s\\n'"),
        ];
        for (words, expected) in table {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert_eq!(command(&words), expected, "{words:?}");
        }
    }
}
