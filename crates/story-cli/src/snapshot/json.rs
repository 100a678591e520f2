//! Snapshots, and what was left, in JSON. Pure.

use serde_json::{Map, Value, json};
use task_runner::{Left, Snapshot};

use super::kept::Kept;
use crate::json::{object, text};

/// What names a snapshot, and what it is about.
pub fn snapshot_to_json(snapshot: &Snapshot) -> Map<String, Value> {
    object(json!({
        "snapshot": snapshot.id,
        "ref": snapshot.reference,
        "task": snapshot.task.as_str(),
        "run": snapshot.run,
        "rescue_of": snapshot.rescue_of,
        "label": snapshot.label,
        "taken_at": format!("{:.3}", snapshot.taken_at),
        "worktree": text(&snapshot.worktree),
        "head": snapshot.head,
        "branch": snapshot.branch,
    }))
}

/// The same, with why it is still there.
pub fn kept_to_json(snapshot: &Snapshot, kept: &Kept) -> Map<String, Value> {
    let mut result = snapshot_to_json(snapshot);
    result.insert("kept".to_owned(), kept.name().into());
    result.insert("kept_because".to_owned(), kept.to_string().into());
    result
}

/// What was left alone, and why.
pub fn left_to_json(left: &[Left]) -> Value {
    left.iter()
        .map(|left| json!({ "path": text(&left.path), "reason": left.reason }))
        .collect()
}
