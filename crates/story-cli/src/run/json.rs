//! Tasks and their attempts in JSON. Pure.

use std::ffi::OsString;

use serde_json::{Map, Value, json};
use task_runner::{Attempt, TaskId};

use super::known::{Known, verb};
use crate::json::{object, text};

/// A task, with what can be done about it.
pub fn known_to_json(known: &Known) -> Map<String, Value> {
    let record = known.record.as_ref();
    let open = known.open.as_ref();
    let last = known.last();
    let command = record.map(|record| words(&record.command));
    object(json!({
        "task": known.task().map(TaskId::as_str),
        "run": open.map(|open| open.run.clone()).or(last.map(Attempt::run)),
        "state": known.state(),
        "exit_code": last.and_then(|last| last.exit_code),
        "signal": last.and_then(|last| last.signal),
        "label": record.map(|record| &record.label),
        "command": command.or(open.map(|open| words(&open.command))),
        "folder": record.map(|record| text(&record.folder)),
        "created_at": record.map(|record| time(record.created_at)),
        "changed_at": record.map(|record| time(record.changed_at)),
        "snapshot": known.snapshot(),
        "gone": open.map(|open| open.gone.clone()).unwrap_or_default(),
        "what": open.map(ToString::to_string),
        "can": known.can().iter().map(|can| verb(*can)).collect::<Vec<_>>(),
    }))
}

/// One attempt.
pub fn attempt_to_json(attempt: &Attempt) -> Value {
    json!({
        "run": attempt.run(),
        "state": attempt.state.name(),
        "label": attempt.label,
        "command": words(&attempt.command),
        "folder": text(&attempt.folder),
        "owner": attempt.owner,
        "pid": attempt.pid,
        "began_at": time(attempt.began_at),
        "ended_at": attempt.ended_at.map(time),
        "exit_code": attempt.exit_code,
        "signal": attempt.signal,
        "snapshot": attempt.snapshot,
        "snapshot_kept": attempt.is_snapshot_kept,
    })
}

/// The words of a command; bytes that are no text are replaced.
fn words(command: &[OsString]) -> Vec<String> {
    let words = command.iter();
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

fn time(at: jiff::Timestamp) -> String {
    format!("{at:.3}")
}
