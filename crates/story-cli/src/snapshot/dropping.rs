//! `story snapshot drop`, and what a snapshot that is kept holds.

use std::path::PathBuf;

use serde_json::json;
use task_runner::{Drop, Dropped, Snapshot};

use super::Desk;
use super::json::snapshot_to_json;
use crate::app;
use crate::args::snapshot::DropArgs;
use crate::failure::{Code, Failure};
use crate::json::{object, success, text};
use crate::output::write_json;
use crate::run::named;
use crate::table::short;

/// Drops one after the other, and returns the exit code of the first that failed.
pub(super) fn drop_all(desk: &Desk<'_>, args: &DropArgs) -> u8 {
    let how = if args.force {
        Drop::Anyway
    } else {
        Drop::IfSafe
    };
    let mut exit = 0;
    for id in &args.ids {
        if let Err(failure) = drop_one(desk, id, how) {
            app::tell(&failure, desk.output);
            if exit == 0 {
                exit = failure.exit();
            }
        }
    }
    exit
}

fn drop_one(desk: &Desk<'_>, id: &str, how: Drop) -> Result<(), Failure> {
    let snapshot = desk.find(id)?;
    let dropped = desk
        .snapshots
        .drop(&snapshot, how)
        .map_err(|err| Failure::from_drop(&err, &snapshot))?;
    match dropped {
        Dropped::Gone => tell_dropped(desk, &snapshot),
        Dropped::Kept { only_there, commit } => {
            Err(kept(&snapshot, &only_there, commit.as_deref()))
        }
    }
}

fn tell_dropped(desk: &Desk<'_>, snapshot: &Snapshot) -> Result<(), Failure> {
    desk.output
        .note(&format!("dropped {}", short(&snapshot.id)));
    if !desk.output.is_json() {
        return Ok(());
    }
    let mut result = success();
    result.extend(snapshot_to_json(snapshot));
    result.extend(object(json!({ "dropped": true, "warnings": [] })));
    write_json(result)
}

fn kept(snapshot: &Snapshot, only_there: &[PathBuf], commit: Option<&str>) -> Failure {
    let id = short(&snapshot.id);
    let mut failure = Failure::new(Code::Refused, format!("snapshot {id} is kept"))
        .cause(format!("it holds {}", only_copy(only_there, commit)));
    let files = only_there.iter().map(|path| json!({ "file": text(path) }));
    let commit = commit.map(|commit| json!({ "commit": commit }));
    failure.conflicts = files.chain(commit).collect();
    failure.hint(format!(
        "`story snapshot show {id}` shows it, `story snapshot drop {id} --force` loses it"
    ))
}

/// What would be lost with a snapshot.
pub fn only_copy(only_there: &[PathBuf], commit: Option<&str>) -> String {
    match commit {
        Some(commit) => format!(
            "commit {}, which no branch leads to any more",
            short(commit)
        ),
        None => format!("the only copy of {}", named(only_there)),
    }
}
