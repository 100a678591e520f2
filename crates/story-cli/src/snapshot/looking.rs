//! `story snapshot list` and `show`.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use task_runner::{Snapshot, TakeOptions};

use super::Desk;
use super::changes::{self, Change};
use super::json::kept_to_json;
use super::kept::Kept;
use super::table::{branch_name, snapshots};
use crate::args::snapshot::ShowArgs;
use crate::diff;
use crate::durations::rough_since;
use crate::failure::Failure;
use crate::json::{success, text};
use crate::output::{write_json, write_stdout};
use crate::shared_files::AppShared;
use crate::sys;
use crate::table::{self, short};
use crate::terminal::escape_line;
use crate::transaction::chain;

pub(super) fn list(desk: &Desk<'_>) -> Result<(), Failure> {
    let listed = desk
        .snapshots
        .list()
        .map_err(|err| Failure::from_snapshot(&err, "list the snapshots"))?;
    let (tasks, top) = (desk.tasks(), desk.snapshots.repository().top());
    let listed: Vec<(Snapshot, Kept)> = listed
        .into_iter()
        .map(|snapshot| {
            let kept = Kept::judge(&snapshot, &tasks, top);
            (snapshot, kept)
        })
        .collect();
    if desk.output.is_json() {
        for (snapshot, kept) in &listed {
            let mut result = success();
            result.extend(kept_to_json(snapshot, kept));
            write_json(result)?;
        }
        return Ok(());
    }
    if listed.is_empty() {
        desk.output.note("no snapshots");
        return Ok(());
    }
    let canvas = desk.output.canvas(desk.settings);
    write_stdout(snapshots(&listed, desk.settings.now(), canvas).as_bytes())
}

pub(super) fn show(desk: &Desk<'_>, args: &ShowArgs) -> Result<(), Failure> {
    let snapshot = desk.find(&args.id)?;
    let top = desk.snapshots.repository().top();
    let kept = Kept::judge(&snapshot, &desk.tasks(), top);
    let held = Held {
        desk,
        snapshot,
        kept,
    };
    if desk.output.is_json() {
        return held.tell_programs(args);
    }
    if args.diff {
        return diff::print(&held.patch()?, desk.output);
    }
    if args.files {
        return held.files()?.iter().try_for_each(|file| {
            let line = escape_line(&file.to_string_lossy()).into_owned();
            desk.output.line(None, &line)
        });
    }
    let changes = held.changes()?;
    if args.stat {
        return write_stdout(changes::to_text(&changes).as_bytes());
    }
    held.tell_people(&changes)
}

/// A snapshot, by what plain git says of it.
struct Held<'a> {
    desk: &'a Desk<'a>,
    snapshot: Snapshot,
    kept: Kept,
}

impl Held<'_> {
    fn git(&self, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
        let git = self.desk.snapshots.repository().git(arguments);
        git.run().map_err(|err| {
            Failure::from_git(&err).headline(format!("cannot show {}", short(&self.snapshot.id)))
        })
    }

    /// What `git diff-tree` says of tracked files against the commit that HEAD was at, then of untracked ones.
    fn diff_tree(&self, format: &[&str]) -> Result<Vec<u8>, Failure> {
        let id = &self.snapshot.id;
        let always = [
            "diff-tree",
            "-r",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
        ];
        let tracked = [format!("{id}^1"), id.clone()];
        let tracked = tracked.each_ref().map(String::as_str);
        let mut answer = self.git(&[&always[..], format, &tracked].concat())?;
        let untracked = format!("{id}^3");
        let against_nothing = ["--root", "--no-commit-id", &untracked];
        answer.extend(self.git(&[&always[..], format, &against_nothing].concat())?);
        Ok(answer)
    }

    fn changes(&self) -> Result<Vec<Change>, Failure> {
        let answer = self.diff_tree(&["--raw", "--numstat", "-z", "--abbrev=64"])?;
        Ok(changes::parse(&answer))
    }

    fn patch(&self) -> Result<Vec<u8>, Failure> {
        self.diff_tree(&["--patch", "--binary"])
    }

    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let tree = format!("{}^4:files", self.snapshot.id);
        let names = self.git(&["ls-tree", "-r", "-z", "--name-only", &tree])?;
        let names = names.split(|byte| *byte == 0);
        let names = names.filter(|name| !name.is_empty());
        Ok(names.map(sys::path_of_bytes).collect())
    }

    /// What has changed in the tree since; else why that is not known.
    fn since(&self) -> Result<Vec<Change>, String> {
        let snapshots = &self.desk.snapshots;
        let top = snapshots.repository().top();
        if self.snapshot.worktree != top {
            let there = self.snapshot.worktree.display();
            return Err(format!("it was taken in {there}"));
        }
        let options = TakeOptions::new(self.snapshot.task.clone(), self.desk.settings.now());
        let shared = AppShared::new(top, "story snapshot show", self.desk.settings)
            .map_err(|failure| failure.message())?;
        let look = || {
            let now = snapshots.record(&options, &shared)?;
            let then = snapshots.read(&self.snapshot)?;
            snapshots.differences(&then, &now)
        };
        let found = look().map_err(|err| chain(&err))?;
        Ok(found.into_iter().map(Change::from).collect())
    }

    fn tell_programs(&self, args: &ShowArgs) -> Result<(), Failure> {
        let mut result = success();
        result.extend(kept_to_json(&self.snapshot, &self.kept));
        result.insert("changed".to_owned(), changes::to_json(&self.changes()?));
        if !(args.diff || args.stat || args.files) {
            let since = self.since().ok();
            let since = since.map(|since| changes::names_to_json(&since));
            result.insert("since".to_owned(), since.into());
        }
        if args.diff {
            let patch = String::from_utf8_lossy(&self.patch()?).into_owned();
            result.insert("diff".to_owned(), patch.into());
        }
        if args.files {
            let files: Value = self.files()?.iter().map(|file| text(file)).collect();
            result.insert("files".to_owned(), files);
        }
        result.insert("warnings".to_owned(), json!([]));
        write_json(result)
    }

    fn tell_people(&self, changes: &[Change]) -> Result<(), Failure> {
        let mut text = about(&self.snapshot, &self.kept, self.desk.settings.now());
        text.push('\n');
        if changes.is_empty() {
            text.push_str("the same files as its commit\n");
        } else {
            text.push_str("against its commit:\n");
            text.push_str(&changes::to_text(changes));
        }
        match self.since() {
            Ok(since) if since.is_empty() => text.push_str("nothing has changed since\n"),
            Ok(since) => {
                text.push_str("changed since:\n");
                text.push_str(&changes::names_to_text(&since));
            }
            Err(reason) => self
                .desk
                .output
                .warning(&format!("what has changed since is not known: {reason}")),
        }
        write_stdout(text.as_bytes())
    }
}

/// What a snapshot is, one line for each fact.
fn about(snapshot: &Snapshot, kept: &Kept, now: Timestamp) -> String {
    let age = rough_since(snapshot.taken_at, now);
    let head = snapshot.head.as_deref().map_or("no commit yet", short);
    let facts = [
        ("snapshot", snapshot.id.clone()),
        ("ref", snapshot.reference.clone()),
        ("task", snapshot.task.to_string()),
        ("run", snapshot.run.clone().unwrap_or_default()),
        ("label", snapshot.label.clone()),
        ("taken", format!("{age} ago, {:.0}", snapshot.taken_at)),
        ("tree", snapshot.worktree.display().to_string()),
        ("head", format!("{head}, {}", branch_name(snapshot))),
        ("kept", kept.to_string()),
    ];
    table::facts(&facts)
}
