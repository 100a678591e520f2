//! `story run restore` and `abandon`: a task comes to its end by decision.

use std::path::PathBuf;

use serde_json::{Value, json};
use task_runner::{
    Decision, Drop, Dropped, HeadOutcome, RestoreOptions, Restored, Snapshot, TaskId, What,
};

use super::known::Known;
use super::tasks::{Tasks, release};
use crate::args::run_verbs::{AbandonArgs, RestoreArgs};
use crate::failure::{Code, Failure};
use crate::json::{object, success, text};
use crate::output::write_json;
use crate::shared_files::AppShared;
use crate::signals;
use crate::snapshot::{head, only_copy, policy, restored_to_json, short, tell_restored};

const RESTORE: &str = "story run restore";
const ABANDON: &str = "story run abandon";

/// What became of the snapshots of a task.
#[derive(Default)]
struct Settled {
    dropped: Vec<String>,
    kept: Vec<Kept>,
}

/// A snapshot that was not dropped.
struct Kept {
    id: String,
    only_there: Vec<PathBuf>,
    commit: Option<String>,
}

pub(super) fn restore(tasks: &Tasks<'_>, args: &RestoreArgs) -> Result<(), Failure> {
    signals::watch();
    let (guard, known) = tasks.settle(&args.task, RESTORE)?;
    // What was begun is brought to its end: a signal waits.
    signals::begin_end();
    let mut result = success();
    result.insert("task".to_owned(), args.task.as_str().into());
    let mut warnings = Vec::new();
    match snapshot_of(tasks, &known)? {
        Some(snapshot) => {
            let shared =
                AppShared::new(tasks.snapshots.repository().top(), RESTORE, tasks.settings)?;
            let options = RestoreOptions {
                head: head(args.head),
                shared: policy(args.shared),
                ..RestoreOptions::new(tasks.now())
            };
            let restored = tasks
                .snapshots
                .restore(&snapshot, &options, &shared)
                .map_err(|err| Failure::from_restore(&err, &snapshot))?;
            warnings = shared.take_notes();
            tasks
                .journal
                .decide(&args.task, Decision::Restored, tasks.now())?;
            let settled = drop_after(tasks, &known, &restored)?;
            tell_restored(&snapshot, &restored, &warnings, tasks.output);
            result.insert("snapshot".to_owned(), snapshot.id.into());
            result.extend(object(restored_to_json(&restored)));
            result.extend(object(settled.to_json()));
        }
        None if is_before_work(&known) => {
            tasks
                .journal
                .decide(&args.task, Decision::Restored, tasks.now())?;
            tasks
                .output
                .note("its command had not begun: there is nothing to bring back");
            result.extend(object(restored_to_json(&nothing())));
        }
        None => return Err(nothing_to_go_back_to(&known, &args.task)),
    }
    release(guard, tasks.output);
    if tasks.output.is_json() {
        result.insert("warnings".to_owned(), warnings.into());
        return write_json(result).map_err(|unwritten| unreported(&unwritten, &args.task));
    }
    Ok(())
}

fn nothing() -> Restored {
    Restored {
        written: Vec::new(),
        removed: Vec::new(),
        rescue: None,
        left: Vec::new(),
        head: HeadOutcome::Same,
        in_progress: Vec::new(),
    }
}

fn is_before_work(known: &Known) -> bool {
    let what = known.open.as_ref().map(|open| &open.what);
    matches!(what, Some(What::BeforeWork)) && known.gone().is_empty()
}

/// The state before everything of the task that is not finished; of one that was decided already: its snapshot that is kept.
fn snapshot_of(tasks: &Tasks<'_>, known: &Known) -> Result<Option<Snapshot>, Failure> {
    if let Some(open) = &known.open {
        return Ok(open.snapshot.clone());
    }
    let Some(id) = known.snapshot() else {
        return Ok(None);
    };
    let found = tasks.snapshots.find(id);
    found
        .map(Some)
        .map_err(|err| Failure::from_snapshot(&err, "find the snapshot of the task"))
}

fn nothing_to_go_back_to(known: &Known, task: &TaskId) -> Failure {
    let failure = Failure::new(
        Code::Refused,
        format!("cannot restore the tree before {task}"),
    );
    let gone = known.gone();
    match gone.first() {
        Some(id) => failure
            .cause(format!("somebody has deleted the ref of its snapshot {id}"))
            .hint(format!(
                "if `git cat-file -t {id}` still knows it: `git stash apply {id}` brings back what it holds"
            )),
        None => failure
            .cause(format!("it is {}, and has no snapshot any more", known.outcome()))
            .hint("`story snapshot list` shows those that there are"),
    }
}

/// Once the tree is as it was, its snapshot holds nothing else.
fn drop_after(tasks: &Tasks<'_>, known: &Known, restored: &Restored) -> Result<Settled, Failure> {
    if restored.is_whole() {
        drop_all(tasks, known, Drop::IfSafe)
    } else {
        Ok(Settled::default())
    }
}

pub(super) fn abandon(tasks: &Tasks<'_>, args: &AbandonArgs) -> Result<(), Failure> {
    signals::watch();
    let (guard, known) = tasks.settle(&args.task, ABANDON)?;
    signals::begin_end();
    if known.open.is_some() {
        tasks
            .journal
            .decide(&args.task, Decision::Abandoned, tasks.now())?;
    }
    let how = if args.force {
        Drop::Anyway
    } else {
        Drop::IfSafe
    };
    let settled = drop_all(tasks, &known, how)?;
    release(guard, tasks.output);
    tell_abandoned(tasks, &args.task, &settled);
    if tasks.output.is_json() {
        let mut result = success();
        result.insert("task".to_owned(), args.task.as_str().into());
        result.extend(object(settled.to_json()));
        result.insert("warnings".to_owned(), json!([]));
        return write_json(result).map_err(|unwritten| unreported(&unwritten, &args.task));
    }
    Ok(())
}

fn tell_abandoned(tasks: &Tasks<'_>, task: &TaskId, settled: &Settled) {
    let output = tasks.output;
    output.note(&format!(
        "task {task} is given up; the files are left as they are"
    ));
    for kept in &settled.kept {
        let id = short(&kept.id);
        output.note(&format!(
            "its snapshot {id} is kept, for it holds {}",
            only_copy(&kept.only_there, kept.commit.as_deref())
        ));
        output.hint(&format!(
            "`story snapshot show {id}` shows it, `story snapshot drop {id} --force` loses it"
        ));
    }
}

/// Drops the snapshots of all attempts that are kept.
fn drop_all(tasks: &Tasks<'_>, known: &Known, how: Drop) -> Result<Settled, Failure> {
    let mut settled = Settled::default();
    for id in known.kept_snapshots() {
        let Ok(snapshot) = tasks.snapshots.find(id) else {
            continue;
        };
        let dropped = tasks
            .snapshots
            .drop(&snapshot, how)
            .map_err(|err| Failure::from_drop(&err, &snapshot))?;
        match dropped {
            Dropped::Gone => {
                tasks
                    .journal
                    .forget_snapshot(&snapshot.task, &snapshot.id, tasks.now())?;
                settled.dropped.push(snapshot.id);
            }
            Dropped::Kept { only_there, commit } => settled.kept.push(Kept {
                id: snapshot.id,
                only_there,
                commit,
            }),
        }
    }
    Ok(settled)
}

impl Settled {
    fn to_json(&self) -> Value {
        let kept = |kept: &Kept| {
            json!({
                "snapshot": kept.id,
                "only_there": kept.only_there.iter().map(|path| text(path)).collect::<Vec<_>>(),
                "commit": kept.commit,
            })
        };
        json!({
            "dropped": self.dropped,
            "kept": self.kept.iter().map(kept).collect::<Vec<_>>(),
        })
    }
}

fn unreported(unwritten: &Failure, task: &TaskId) -> Failure {
    Failure::new(
        Code::Unsynced,
        format!("committed, not reported: what was decided about task {task} is done"),
    )
    .cause(unwritten.message())
    .hint("`story run show` tells how it stands")
}
