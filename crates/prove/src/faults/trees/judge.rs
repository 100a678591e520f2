//! What must be true after one of the commands was disturbed.

use std::os::unix::process::ExitStatusExt as _;

use testkit::Finished;
use testkit::git_tree::{Name, Picture, Thing};

use super::subject::{Stage, Subject};
use super::tree::{Run, Tree};
use crate::faults::judge::said;
use crate::faults::operation::Judged;
use crate::faults::place::finish;
use crate::trees::{MADE, TASK, names_a_snapshot, same_files};

/// By which an error tells where it happened: in git's folder, in ours, or at one of the tree's files.
const NAMES: [&str; 8] = [
    "git",
    ".devs",
    "standard output",
    "/tree",
    "src/",
    "made",
    "new file",
    "the working folder",
];

/// A disturbed command tells what happened: by an exit code that is documented, and in words that name where.
pub fn told_truly(
    subject: &Subject,
    finished: &Finished,
    must_succeed: bool,
) -> Result<(), String> {
    let words = format!("{}{}", finished.stderr, finished.stdout);
    let wrong = match finished.status.code() {
        _ if words.contains("panicked") => "it panicked",
        None if finished.status.signal().is_some() => "it died of a signal",
        Some(code) if code == subject.exit => return Ok(()),
        _ if must_succeed => "EINTR is not retried",
        Some(0 | 1 | 8 | 9) if NAMES.iter().any(|name| words.contains(name)) => {
            return Ok(());
        }
        Some(0 | 1 | 8 | 9) => "the error names nothing",
        _ => "this exit is no true answer",
    };
    Err(format!("{wrong}: {}", said(finished)))
}

/// To record touches nothing, and what was told to be recorded comes back; else it is recorded by one more call.
pub fn taken(tree: &Tree<'_>, run: &Run) -> Judged {
    run.before.untouched(&tree.picture())?;
    let is_told = names_a_snapshot(&run.finished.stdout);
    if run.finished.status.success() && !is_told {
        return Err(format!("it names no snapshot: {}", said(&run.finished)));
    }
    let task = if is_told { "T-1" } else { "T-2" };
    if !is_told {
        succeeds(tree, &["snapshot", "take", "--task", task])?;
        run.before.untouched(&tree.picture())?;
    }
    finish(&mut tree.shell(TASK));
    comes_back(tree, &["snapshot", "restore", task])?;
    Ok(if is_told { "recorded" } else { "not yet" })
}

/// One more call brings everything back, and what it overwrote is kept.
pub fn restored(tree: &Tree<'_>, run: &Run) -> Judged {
    let halfway = tree.picture();
    run.before.same_history(&halfway)?;
    let was_done = is_fresh(tree, &halfway).is_ok();
    if run.finished.status.success() && !was_done {
        is_fresh(tree, &halfway).map_err(|wrong| format!("it says that it is done: {wrong}"))?;
    }
    comes_back(tree, &["snapshot", "restore", "T-1"])?;
    is_kept(tree)?;
    Ok(if was_done { "back" } else { "not yet" })
}

/// The tree is as it was, and the snapshot is there or can be let go of.
pub fn dropped(tree: &Tree<'_>, run: &Run) -> Judged {
    run.before.untouched(&tree.picture())?;
    let refs = tree.git(&["for-each-ref", "refs/devs-snapshots/"]).stdout;
    let is_gone = refs.is_empty();
    // A git that has ended well may not be heard of: what it did is told as an error then, and is done.
    if run.finished.status.success() && !is_gone {
        return Err(format!("its refs are {refs:?}: {}", said(&run.finished)));
    }
    if !is_gone {
        succeeds(tree, &["snapshot", "drop", "T-1"])?;
    }
    is_in_order(tree)?;
    Ok(if is_gone { "gone" } else { "there" })
}

/// One command brings the tree back, wherever the task was; then the next one can run.
pub fn ran(tree: &Tree<'_>, run: &Run) -> Judged {
    let halfway = tree.picture();
    run.before.same_history(&halfway)?;
    let was_back = is_fresh(tree, &halfway);
    let back = finish(&mut tree.story(&["run", "restore", "T-1"]));
    let now = tree.picture();
    is_fresh(tree, &now).map_err(|wrong| {
        format!(
            "{wrong} after {}, then {}",
            said(&run.finished),
            said(&back)
        )
    })?;
    run.before.same_history(&now)?;
    if tree.task_was_at_work() {
        is_kept(tree)?;
    }
    succeeds(tree, &["run", "--task", "T-2", "--", "true"])?;
    is_in_order(tree)?;
    Ok(if was_back.is_ok() {
        "as before"
    } else {
        "brought back"
    })
}

/// The control: its own way back.
pub fn stashed(tree: &Tree<'_>, _: &Run) -> Judged {
    tree.git(&["stash", "pop", "--quiet"]);
    is_fresh(tree, &tree.picture())?;
    Ok("as before")
}

fn comes_back(tree: &Tree<'_>, command: &[&str]) -> Result<(), String> {
    let before = tree.picture();
    let finished = succeeds(tree, command)?;
    let now = tree.picture();
    is_fresh(tree, &now).map_err(|wrong| format!("{wrong}, after {}", said(&finished)))?;
    before.same_history(&now)?;
    let ignored: Name = b"build/out".to_vec();
    if before.things.get(&ignored) != now.things.get(&ignored) {
        return Err("an ignored file was touched".to_owned());
    }
    is_in_order(tree)
}

fn is_fresh(tree: &Tree<'_>, now: &Picture) -> Result<(), String> {
    same_files(&tree.picture_of(Stage::Fresh), now)
}

/// What the task had made is in a snapshot.
fn is_kept(tree: &Tree<'_>) -> Result<(), String> {
    let ids = tree.git(&["rev-list", "--objects", "--all"]).stdout;
    let made = tree.picture_of(Stage::Damaged);
    for name in MADE {
        let Some(Thing::File { bytes, .. }) = made.things.get(name.as_bytes()) else {
            return Err(format!("the task has not made {name}"));
        };
        let id = tree.id_of(bytes);
        if !ids.contains(&id) {
            return Err(format!("the task's {name} is nowhere"));
        }
    }
    Ok(())
}

/// Git finds everything whole, and nothing of ours lies in its way.
fn is_in_order(tree: &Tree<'_>) -> Result<(), String> {
    let fsck = tree.git(&["fsck", "--full", "--no-dangling", "--no-progress"]);
    if !fsck.status.success() || !fsck.stderr.is_empty() {
        return Err(format!("git fsck: {}", said(&fsck)));
    }
    for name in ["index.lock", "HEAD.lock", "packed-refs.lock"] {
        if tree.top.join(".git").join(name).exists() {
            return Err(format!("{name} is left"));
        }
    }
    Ok(())
}

fn succeeds(tree: &Tree<'_>, command: &[&str]) -> Result<Finished, String> {
    let finished = finish(&mut tree.story(command));
    if finished.status.success() {
        return Ok(finished);
    }
    Err(format!("{command:?} fails: {}", said(&finished)))
}
