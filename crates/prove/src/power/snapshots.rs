//! Snapshots of a git tree on a disk whose power is cut: what was told to be recorded comes back, and the tree is as it was.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use testkit::Finished;
use testkit::git_tree::{Picture, git};

use super::calls::{Call, baseline, run_killed};
use super::commands::{must, run};
use super::disk::{Cut, FileSystem};
use super::trial::{Trial, on_disks, wrong_at_once};
use crate::case::{Skip, Tally};
use crate::context::Context;
use crate::trees::{PREPARED, TASK, names_a_snapshot, same_files};

/// Of the calls of `story` and of each git it starts a usual run takes so many, evenly spread.
const POINTS: usize = 12;

/// A tree on a disk.
struct Tree<'a> {
    trial: &'a Trial<'a>,
    top: PathBuf,
}

/// Cuts the power when a snapshot was taken, in each way that there is, and where its making was killed.
pub fn take(context: &Context, fs: FileSystem) -> Result<Tally, Skip> {
    let calls = match calls_of(&Trial::new(context, fs, "baseline")?) {
        Ok(calls) => calls,
        Err(wrong) => return Ok(wrong_at_once(wrong)),
    };
    let kinds = fs.cuts();
    let step = match calls.len().div_ceil(POINTS) {
        _ if context.long => 1,
        step => step.max(1),
    };
    let killed = calls.iter().step_by(step).enumerate();
    let mut jobs: Vec<(Option<&Call>, Cut)> = killed
        .map(|(index, call)| (Some(call), kinds[index % kinds.len()]))
        .collect();
    jobs.extend(kinds.iter().map(|&cut| (None, cut)));
    let outcomes = on_disks(context, fs, &jobs, |trial, &(call, cut)| {
        point(trial, call, cut, &[])
    })?;
    Ok(tally(outcomes, calls.len()))
}

/// A snapshot whose syncs are a lie, git's too.
pub fn without_sync(context: &Context, fs: FileSystem) -> Result<Tally, Skip> {
    let lie: [OsString; 2] = [
        "-e".into(),
        "inject=fsync,fdatasync,syncfs,sync_file_range:retval=0".into(),
    ];
    let outcomes = on_disks(context, fs, fs.cuts(), |trial, &cut| {
        point(trial, None, cut, &lie)
    })?;
    // A control that fails for another reason proves nothing.
    let is_shown = |outcome: &Result<bool, String>| match outcome {
        Ok(_) => true,
        Err(wrong) => wrong.contains("LOST") || wrong.contains("TORN"),
    };
    Ok(tally(outcomes.into_iter().filter(is_shown).collect(), 0))
}

fn tally(outcomes: Vec<Result<bool, String>>, calls: usize) -> Tally {
    let mut tally = Tally::default();
    let told = outcomes.iter().filter(|told| **told == Ok(true)).count();
    for outcome in outcomes {
        tally.point(outcome.map(drop));
    }
    tally.note = format!("{calls} calls, {told} snapshots that were told");
    tally
}

fn calls_of(trial: &Trial<'_>) -> Result<Vec<Call>, String> {
    trial.point("its way, uncut", || {
        let tree = Tree::new(trial)?;
        let trace = trial.disk.aside.join("trace");
        let calls = baseline(&tree.take("T-1"), &trial.disk.at, &trace)?;
        tree.judge(Told::Yes)?;
        Ok(calls)
    })
}

/// Whether the snapshot was told to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Yes,
    No,
}

/// Says whether the snapshot had been told.
fn point(
    trial: &Trial<'_>,
    call: Option<&Call>,
    cut: Cut,
    extra: &[OsString],
) -> Result<bool, String> {
    let at = call.map_or("the end".to_owned(), Call::to_string);
    trial.point(&format!("take, killed at {at}, cut {cut:?}"), || {
        let tree = Tree::new(trial)?;
        let finished = run_killed(&tree.take("T-1"), call, extra);
        let is_told = names_a_snapshot(&finished.stdout);
        if call.is_none() && !is_told {
            return Err(format!("it failed by itself: {finished:?}"));
        }
        trial.disk.cut(cut, &tree.top)?;
        tree.judge(if is_told { Told::Yes } else { Told::No })?;
        Ok(is_told)
    })
}

impl<'a> Tree<'a> {
    /// A tree that is on the disk.
    fn new(trial: &'a Trial<'a>) -> Result<Self, String> {
        let kept = trial.disk.aside.join("tree");
        if !kept.exists() {
            std::fs::create_dir(&kept).map_err(|err| err.to_string())?;
            must(at_home(Command::new("sh").args(["-c", PREPARED])).current_dir(&kept))?;
        }
        let top = trial.disk.at.join("tree");
        must(Command::new("cp").arg("-a").arg(&kept).arg(&top))?;
        must(Command::new("sync").arg("-f").arg(&top))?;
        Ok(Self { trial, top })
    }

    fn take(&self, task: &str) -> Command {
        self.story(&["snapshot", "take", "--task", task])
    }

    /// `story WORDS` in the tree: under strace only the environment of a command is passed on.
    fn story(&self, words: &[&str]) -> Command {
        let story = self.trial.board.story();
        let mut command = Command::new("env");
        command
            .arg("-C")
            .arg(&self.top)
            .arg(story.get_program())
            .args(words);
        for (name, value) in story.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        at_home(&mut command);
        command
    }

    /// The tree is as it was, git finds its repository whole, and what was told to be recorded comes back. What was not is
    /// recorded by one more call.
    fn judge(&self, told: Told) -> Result<(), String> {
        let fresh = Picture::of(&self.trial.disk.aside.join("tree"));
        same_files(&fresh, &Picture::of(&self.top)).map_err(|wrong| format!("TORN: {wrong}"))?;
        let task = if told == Told::Yes { "T-1" } else { "T-2" };
        if told == Told::No {
            must(&mut self.take(task)).map_err(|wrong| format!("TORN: {wrong}"))?;
        }
        must(at_home(Command::new("sh").args(["-c", TASK])).current_dir(&self.top))?;
        let restored = run(&mut self.story(&["snapshot", "restore", task]));
        if !restored.status.success() {
            return Err(format!("the snapshot is LOST: {}", words(&restored)));
        }
        same_files(&fresh, &Picture::of(&self.top)).map_err(|wrong| format!("LOST: {wrong}"))?;
        let fsck = run(&mut git(&self.top, &["fsck", "--full", "--no-dangling"]));
        if fsck.status.success() {
            return Ok(());
        }
        Err(format!("TORN: git fsck: {}", words(&fsck)))
    }
}

fn words(finished: &Finished) -> String {
    format!("{} {}", finished.stdout.trim(), finished.stderr.trim())
}

fn at_home(command: &mut Command) -> &mut Command {
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
}
