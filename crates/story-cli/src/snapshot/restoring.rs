//! `story snapshot restore`, and how the outcome of any restore is told.

use std::path::PathBuf;

use serde_json::{Value, json};
use task_runner::{
    Elsewhere, Head, HeadAt, HeadOutcome, Operation, RestoreOptions, Restored, SharedPolicy,
    Snapshot, StateLock,
};

use super::Desk;
use super::json::{left_to_json, snapshot_to_json};
use crate::args::snapshot::RestoreArgs;
use crate::failure::{Code, Failure};
use crate::json::{object, success, text};
use crate::output::{Output, write_json};
use crate::run::{lock_tree, release};
use crate::shared_files::AppShared;
use crate::signals;
use crate::table::short;

const COMMAND: &str = "story snapshot restore";

pub(super) fn restore(desk: &Desk<'_>, args: &RestoreArgs) -> Result<(), Failure> {
    let top = desk.snapshots.repository().top();
    let snapshot = desk.find(&args.id)?;
    signals::watch();
    let lock = StateLock::new(top).map_err(Failure::from_state_lock)?;
    let guard = lock_tree(&lock, &snapshot.task, COMMAND, desk.settings, desk.output)?;
    let shared = AppShared::new(top, COMMAND, desk.settings)?;
    let options = RestoreOptions {
        head: head(args.head),
        elsewhere: if args.elsewhere {
            Elsewhere::Allow
        } else {
            Elsewhere::Refuse
        },
        shared: policy(args.shared),
        ..RestoreOptions::new(desk.settings.now())
    };
    // What was begun is brought to its end: a signal waits.
    signals::begin_end();
    let restored = desk
        .snapshots
        .restore(&snapshot, &options, &shared)
        .map_err(|err| Failure::from_restore(&err, &snapshot))?;
    let warnings = shared.take_notes();
    release(guard, desk.output);
    tell_restored(&snapshot, &restored, &warnings, desk.output);
    if !desk.output.is_json() {
        return Ok(());
    }
    let mut result = success();
    result.extend(snapshot_to_json(&snapshot));
    result.extend(object(restored_to_json(&restored)));
    result.insert("warnings".to_owned(), warnings.into());
    write_json(result).map_err(|unwritten| unreported(&unwritten, &snapshot))
}

/// What the switch for HEAD means.
pub fn head(goes_back: bool) -> Head {
    if goes_back { Head::Back } else { Head::Keep }
}

/// What the switch for shared files means.
pub fn policy(forced: bool) -> SharedPolicy {
    if forced {
        SharedPolicy::Force
    } else {
        SharedPolicy::IfOnlyTheRun
    }
}

/// Says of a restore what it did, what it left, and how to undo it.
pub fn tell_restored(
    snapshot: &Snapshot,
    restored: &Restored,
    warnings: &[String],
    output: &Output,
) {
    for left in &restored.left {
        output.warning(&format!("{left}: it is left as it is"));
    }
    for warning in warnings {
        output.warning(warning);
    }
    output.note(&headline(snapshot, restored));
    let (told, hint) = about_head(&restored.head);
    for text in told {
        output.note(&text);
    }
    if let Some(hint) = hint {
        output.hint(&hint);
    }
    for operation in &restored.in_progress {
        output.warning(&format!(
            "a git {operation} is still in progress, and git would go on with it"
        ));
        output.hint(&format!(
            "`{}` ends it, and leaves the files, the index and HEAD as they are; --abort would not",
            operation.quit_command()
        ));
    }
    if let Some(rescue) = &restored.rescue {
        output.hint(&format!(
            "what it has overwritten is in snapshot {}: `{}` undoes this",
            short(&rescue.id),
            undo(rescue)
        ));
    }
}

/// How much was done, in one line.
fn headline(snapshot: &Snapshot, restored: &Restored) -> String {
    let id = short(&snapshot.id);
    let (written, removed) = (restored.written.len(), restored.removed.len());
    if restored.rescue.is_none() {
        return format!("nothing to change: the files are as in snapshot {id}");
    }
    let files = if written == 1 { "file" } else { "files" };
    format!("restored snapshot {id}: {written} {files} written, {removed} removed")
}

/// What became of HEAD in words, and what to do about it.
fn about_head(head: &HeadOutcome) -> (Vec<String>, Option<String>) {
    match head {
        HeadOutcome::Back { from } => (
            vec![format!("HEAD is back; it was at {}", place(from))],
            None,
        ),
        HeadOutcome::Kept {
            then,
            now,
            commands,
            why,
        } => {
            let mut told = vec![format!(
                "HEAD is left at {}; it was at {}",
                place(now),
                place(then)
            )];
            if let Some(why) = why {
                told.push(format!("it was not moved back: {why}"));
            }
            let commands = commands.join(" && ");
            (
                told,
                Some(format!("`{commands}` moves it back, and changes no file")),
            )
        }
        _ => (Vec::new(), None),
    }
}

fn place(at: &HeadAt) -> String {
    let commit = at.commit.as_deref().map_or("no commit", short);
    match &at.branch {
        Some(branch) => {
            let name = branch.strip_prefix("refs/heads/").unwrap_or(branch);
            format!("{commit} on {name}")
        }
        None => commit.to_owned(),
    }
}

/// The command that goes back to a rescue.
fn undo(rescue: &Snapshot) -> String {
    format!("story snapshot restore {}", short(&rescue.id))
}

/// A restore for programs.
pub fn restored_to_json(restored: &Restored) -> Value {
    json!({
        "written": restored.written.len(),
        "removed": restored.removed.len(),
        "written_files": files(&restored.written),
        "removed_files": files(&restored.removed),
        "left": left_to_json(&restored.left),
        "rescue": restored.rescue.as_ref().map(|rescue| &rescue.id),
        "undo": restored.rescue.as_ref().map(undo),
        "head_outcome": head_to_json(&restored.head),
        "in_progress": in_progress_to_json(&restored.in_progress),
    })
}

fn in_progress_to_json(operations: &[Operation]) -> Value {
    let operations = operations.iter().map(|operation| {
        json!({ "operation": operation.to_string(), "command": operation.quit_command() })
    });
    operations.collect()
}

fn files(paths: &[PathBuf]) -> Value {
    paths.iter().map(|path| text(path)).collect()
}

fn head_to_json(head: &HeadOutcome) -> Value {
    let at = |at: &HeadAt| json!({ "commit": at.commit, "branch": at.branch });
    match head {
        HeadOutcome::Back { from } => json!({ "state": "back", "from": at(from) }),
        HeadOutcome::Kept {
            then,
            now,
            commands,
            why,
        } => json!({
            "state": "kept",
            "then": at(then),
            "now": at(now),
            "commands": commands,
            "why": why.as_ref().map(ToString::to_string),
        }),
        _ => json!({ "state": "same" }),
    }
}

fn unreported(unwritten: &Failure, snapshot: &Snapshot) -> Failure {
    let id = short(&snapshot.id);
    Failure::new(
        Code::Unsynced,
        format!("committed, not reported: the files are as in snapshot {id}"),
    )
    .cause(unwritten.message())
    .hint("`story snapshot list` shows the rescue, which has what was overwritten")
}
