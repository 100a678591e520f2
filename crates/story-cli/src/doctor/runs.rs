//! What tasks leave: the lock of the tree, interrupted tasks, snapshots that nobody needs any more, a journal that cannot be
//! read, folders of calls that were killed.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use task_runner::{
    AtomicSnapshot, GitError, JOURNAL_NAME, Snapshot, SnapshotError, StateLock, TreeLock, What,
};

use super::Mode;
use super::report::{Finding, Report};
use crate::failure::Failure;
use crate::output::Output;
use crate::places::{git_top_level, project_root};
use crate::run::{Known, Tasks};
use crate::settings::Settings;
use crate::table::short;
use crate::transaction::chain;

const CHECK: &str = "task";
const SNAPSHOT: &str = "snapshot";

/// After how long a snapshot is named. Chosen: whoever wanted it back has come.
const OLD: Duration = Duration::from_hours(30 * 24);

/// Looks at the tree that holds the project.
///
/// # Errors
///
/// When it cannot be found out where that is.
pub fn check(
    root: &Path,
    mode: Mode,
    settings: &Settings,
    output: &Output,
    report: &mut Report,
) -> Result<(), Failure> {
    let project = project_root(root)?;
    let top = git_top_level(&project)?;
    let now = settings.now();
    // Another tool may have its lock at the top of a project that is no repository, or a part of one.
    check_lock(&project, now, mode, report);
    let Some(top) = top else {
        return Ok(());
    };
    if top != project {
        check_lock(&top, now, mode, report);
    }
    let snapshots = match AtomicSnapshot::open(&top) {
        Ok(snapshots) => snapshots,
        // No task can have run here; that git is missing, another check tells.
        Err(SnapshotError::Git(
            GitError::NotInstalled { .. } | GitError::NoRepository { .. } | GitError::Bare { .. },
        )) => return Ok(()),
        Err(err) => {
            let message = format!("no task can be run here: {}", chain(&err));
            report.add(Finding::warning(CHECK, &top, message));
            return Ok(());
        }
    };
    check_left_behind(&snapshots, mode, report);
    check_snapshots(&snapshots, now, report);
    let tasks = Tasks::of(snapshots, settings, output).and_then(|tasks| tasks.list());
    match tasks {
        Ok(tasks) => tasks
            .iter()
            .for_each(|known| check_task(known, &top, report)),
        Err(failure) => {
            let place = top.join(JOURNAL_NAME);
            report.add(Finding::problem(CHECK, &place, failure.message()));
        }
    }
    Ok(())
}

/// The lock of a tree whose holder is gone.
fn check_lock(top: &Path, now: Timestamp, mode: Mode, report: &mut Report) {
    let looked = StateLock::new(top).and_then(|lock| Ok((lock.inspect(now)?, lock)));
    let (state, lock) = match looked {
        Ok(looked) => looked,
        Err(err) => {
            report.add(Finding::problem(CHECK, top, chain(&err)));
            return;
        }
    };
    let message = match state {
        TreeLock::Leftover(Some(holder)) => format!("left over by a dead process: {holder}"),
        TreeLock::Leftover(None) => "left over by a dead process".to_owned(),
        TreeLock::Obstructed(what) => {
            let message = format!(
                "{what} stands where the lock of the tree belongs; look at it and remove it by hand"
            );
            report.add(Finding::problem(CHECK, lock.path(), message));
            return;
        }
        _ => return,
    };
    let fixed = mode == Mode::Mend && lock.release(now).is_ok_and(|freed| freed.is_some());
    report.add(Finding::problem(CHECK, lock.path(), message).fixed(fixed));
}

/// What a call that was killed has left inside git's folder.
fn check_left_behind(snapshots: &AtomicSnapshot, mode: Mode, report: &mut Report) {
    let index_lock = snapshots.repository().git_dir().join("index.lock");
    let left = match snapshots.left_behind() {
        Ok(left) => left,
        Err(err) => {
            let place = snapshots.repository().git_dir();
            report.add(Finding::problem(SNAPSHOT, place, chain(&err)));
            return;
        }
    };
    if left.is_empty() {
        return;
    }
    let is_index_locked = index_lock.exists();
    let is_tidied = mode == Mode::Mend && snapshots.tidy().is_ok();
    for folder in left {
        let message = if is_index_locked {
            "left over by a snapshot or restore that was killed, and with it perhaps the lock of git's index"
        } else {
            "left over by a snapshot or restore that was killed"
        };
        let fixed = is_tidied && !folder.exists();
        report.add(Finding::problem(SNAPSHOT, &folder, message).fixed(fixed));
    }
}

fn check_snapshots(snapshots: &AtomicSnapshot, now: Timestamp, report: &mut Report) {
    let place = snapshots.repository().common_dir();
    match snapshots.list() {
        Ok(listed) => {
            for snapshot in listed.iter().filter(|one| is_old(one, now)) {
                let id = short(&snapshot.id);
                let message = format!(
                    "snapshot {id} of task {} is older than 30 days; `story snapshot drop {id}` drops it unless something is lost",
                    snapshot.task
                );
                report.add(Finding::warning(SNAPSHOT, place, message));
            }
        }
        Err(err) => report.add(Finding::problem(SNAPSHOT, place, chain(&err))),
    }
}

fn is_old(snapshot: &Snapshot, now: Timestamp) -> bool {
    let age = Duration::try_from(now.duration_since(snapshot.taken_at));
    age.is_ok_and(|age| age > OLD)
}

fn check_task(known: &Known, top: &Path, report: &mut Report) {
    let Some(open) = &known.open else {
        return;
    };
    let message = format!(
        "{open}; `story run show {}` tells what can be done",
        open.task
    );
    report.add(match open.what {
        What::Kept { .. } | What::Outlived { .. } if open.gone.is_empty() => {
            Finding::warning(CHECK, top, message)
        }
        _ => Finding::problem(CHECK, top, message),
    });
}
