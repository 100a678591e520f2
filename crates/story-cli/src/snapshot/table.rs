//! Snapshots as a table for people. Pure.

use jiff::Timestamp;
use task_runner::Snapshot;

use super::kept::Kept;
use crate::durations::rough_since;
use crate::table::{self, short};
use crate::terminal::{Canvas, escape_line};

/// A branch as people call it.
pub fn branch_name(snapshot: &Snapshot) -> String {
    let Some(branch) = &snapshot.branch else {
        return "(detached)".to_owned();
    };
    let name = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    escape_line(name).into_owned()
}

/// The snapshots, one a line.
pub fn snapshots(shown: &[(Snapshot, Kept)], now: Timestamp, canvas: Canvas) -> String {
    let row = |(snapshot, kept): &(Snapshot, Kept)| {
        [
            short(&snapshot.id).to_owned(),
            escape_line(snapshot.task.as_str()).into_owned(),
            rough_since(snapshot.taken_at, now),
            branch_name(snapshot),
            escape_line(&kept.to_string()).into_owned(),
            escape_line(&snapshot.label).into_owned(),
        ]
    };
    let rows: Vec<_> = shown.iter().map(row).collect();
    table::render(
        ["ID", "TASK", "AGE", "BRANCH", "KEPT", "LABEL"],
        &rows,
        canvas,
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn snapshots_name_id_task_age_branch_and_reason() {
        let snapshot = |label: &str, rescue_of: Option<&str>| Snapshot {
            id: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            reference: "refs/devs-snapshots/parser".to_owned(),
            task: task_runner::TaskId::new("parser").expect("a good name"),
            run: None,
            rescue_of: rescue_of.map(str::to_owned),
            label: label.to_owned(),
            taken_at: "2026-01-12T10:00:00Z".parse().expect("a time"),
            worktree: "/x".into(),
            head: None,
            branch: Some("refs/heads/main".to_owned()),
        };
        let shown = [
            snapshot("before\nit", None),
            snapshot("", Some("fedcba9876543210")),
        ]
        .map(|snapshot| {
            let kept = Kept::judge(&snapshot, &[], Path::new("/x"));
            (snapshot, kept)
        });
        let canvas = Canvas {
            width: 100,
            has_colour: false,
        };
        let now = "2026-01-12T10:02:03Z".parse().expect("a time");
        assert_eq!(
            snapshots(&shown, now, canvas),
            "ID            TASK    AGE        BRANCH  KEPT                    LABEL\n\
             0123456789ab  parser  2 min 3 s  main    taken by hand           before\\nit\n\
             0123456789ab  parser  2 min 3 s  main    rescue of fedcba987654\n",
            "one line each"
        );
    }
}
