//! Dropping snapshots: never the only copy of something.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use task_runner::{AtomicSnapshot, Drop, DropError, Dropped, NothingShared, Snapshot};

use crate::ordinary::{busy, options, take};
use crate::repo::Repo;
use crate::seen::untouchable;

const README: &str = "README.md";

fn refs(repo: &Repo) -> String {
    repo.git(["for-each-ref", "--format=%(refname)", "refs/devs-snapshots"])
}

fn dropped(snapshots: &AtomicSnapshot, snapshot: &Snapshot) -> Dropped {
    let dropped = snapshots.drop(snapshot, Drop::IfSafe);
    dropped.expect("git answers")
}

fn kept(files: &[&str]) -> Dropped {
    Dropped::Kept {
        only_there: files.iter().map(PathBuf::from).collect(),
        commit: None,
    }
}

/// What somebody does before the snapshot, what the task does after it, and the files that only the snapshot has then.
type Case = (&'static str, fn(&Repo), fn(&Repo), &'static [&'static str]);

fn nothing(_: &Repo) {}

fn dirty(repo: &Repo) {
    repo.write(README, "changed by somebody\n");
}

fn edit(repo: &Repo) {
    repo.write(README, "changed by the task\n");
}

fn staged(repo: &Repo) {
    repo.write(README, "staged\n");
    repo.git(["add", README]);
    repo.write(README, "a project\n");
}

fn untracked(repo: &Repo) {
    repo.write("notes/new", "a thought\n");
}

fn lines_of_windows(repo: &Repo) {
    repo.git(["config", "core.autocrlf", "true"]);
    repo.write(README, "a project\r\n");
    repo.write("src/main.rs", "fn main() {}\r\n");
}

/// Tracked files, not staged.
const DIRTY: [Case; 15] = [
    ("a clean tree", nothing, nothing, &[]),
    ("a clean tree, changed", nothing, edit, &[]),
    ("a dirty file, untouched", dirty, nothing, &[]),
    ("a dirty file, changed", dirty, edit, &[README]),
    (
        "a dirty file, removed",
        dirty,
        |repo| remove(repo, README),
        &[README],
    ),
    (
        "a dirty file, checked out",
        dirty,
        |repo| drop(repo.git(["checkout", "-q", "."])),
        &[README],
    ),
    (
        "a dirty file, stashed",
        dirty,
        |repo| drop(repo.git(["stash", "-q"])),
        &[README],
    ),
    (
        "a dirty file, committed",
        dirty,
        |repo| repo.commit_all("done"),
        &[],
    ),
    (
        "committed, and changed again",
        dirty,
        |repo| {
            repo.commit_all("done");
            edit(repo);
        },
        &[],
    ),
    (
        "committed on a branch",
        dirty,
        |repo| {
            repo.git(["checkout", "-q", "-b", "side"]);
            repo.commit_all("done");
            repo.git(["checkout", "-q", "main"]);
        },
        &[],
    ),
    (
        "committed, and the branch deleted",
        dirty,
        |repo| {
            repo.git(["checkout", "-q", "-b", "side"]);
            repo.commit_all("done");
            repo.git(["checkout", "-q", "main"]);
            repo.git(["branch", "-q", "-D", "side"]);
        },
        &[README],
    ),
    (
        "committed, and tagged alone",
        dirty,
        |repo| {
            repo.commit_all("done");
            repo.git(["tag", "t"]);
            repo.git(["reset", "-q", "--hard", "HEAD~"]);
        },
        &[],
    ),
    (
        "a dirty file, staged and then changed",
        dirty,
        |repo| {
            repo.git(["add", README]);
            edit(repo);
        },
        &[],
    ),
    (
        "a dirty file, moved away",
        dirty,
        |repo| rename(repo, README, "moved"),
        &[],
    ),
    (
        "moved, and ignored",
        dirty,
        |repo| {
            repo.write(".gitignore", "*.log\n");
            rename(repo, README, "x.log");
        },
        &[README],
    ),
];

/// Staged contents, and untracked files.
const STAGED_OR_UNTRACKED: [Case; 9] = [
    ("staged alone, untouched", staged, nothing, &[]),
    (
        "staged alone, reset",
        staged,
        |repo| drop(repo.git(["reset", "-q"])),
        &[README],
    ),
    (
        "staged alone, written to the file",
        staged,
        |repo| {
            repo.git(["reset", "-q"]);
            repo.write(README, "staged\n");
        },
        &[],
    ),
    (
        "staged and dirty, only the stage lost",
        |repo| {
            staged(repo);
            dirty(repo);
        },
        |repo| drop(repo.git(["reset", "-q"])),
        &[README],
    ),
    ("an untracked file, untouched", untracked, nothing, &[]),
    (
        "an untracked file, ignored since",
        untracked,
        |repo| drop(repo.write(".gitignore", "/notes/\n")),
        &[],
    ),
    (
        "an untracked file, removed",
        untracked,
        |repo| remove(repo, "notes/new"),
        &["notes/new"],
    ),
    (
        "an untracked file, committed",
        untracked,
        |repo| repo.commit_all("done"),
        &[],
    ),
    (
        "an untracked file behind a link out of the tree",
        untracked,
        |repo| {
            let outside = repo.outside().join("elsewhere");
            fs::create_dir(&outside).expect("a sandbox takes folders");
            repo.write(outside.join("new"), "a thought\n");
            fs::remove_dir_all(repo.join("notes")).expect("it is there");
            symlink(&outside, repo.join("notes")).expect("a link");
        },
        &["notes/new"],
    ),
];

/// What is not a plain file, and what git converts.
const OTHERS: [Case; 8] = [
    (
        "a file, become a link as long as it was, to the same bytes elsewhere",
        untracked,
        |repo| {
            repo.write(repo.outside().join("twin"), "a thought\n");
            remove(repo, "notes/new");
            symlink("../../twin", repo.join("notes/new")).expect("a link");
        },
        &["notes/new"],
    ),
    (
        "a link, untouched",
        |repo| link(repo, "to/nothing"),
        nothing,
        &[],
    ),
    (
        "a link, led elsewhere",
        |repo| link(repo, "to/nothing"),
        |repo| {
            remove(repo, "link");
            link(repo, "to/something");
        },
        &["link"],
    ),
    (
        "a link, become a file of the same bytes",
        |repo| link(repo, "to/nothing"),
        |repo| {
            remove(repo, "link");
            repo.write("link", "to/nothing");
        },
        &["link"],
    ),
    ("a mode alone", |repo| executable(repo, README), edit, &[]),
    ("a deletion", |repo| remove(repo, README), edit, &[]),
    (
        "lines of Windows, as git checks them out",
        lines_of_windows,
        edit,
        &[],
    ),
    (
        "lines of Windows, dirty and committed",
        |repo| {
            lines_of_windows(repo);
            repo.write(README, "changed\r\n");
        },
        |repo| {
            repo.commit_all("done");
            edit(repo);
        },
        &[],
    ),
];

#[test]
fn drop_keeps_a_snapshot_exactly_as_long_as_it_has_the_only_copy() {
    let table = DIRTY.into_iter().chain(STAGED_OR_UNTRACKED).chain(OTHERS);
    for (name, before, task, only_there) in table {
        let repo = Repo::new();
        before(&repo);
        let (snapshots, taken) = take(&repo);
        task(&repo);
        let expected = if only_there.is_empty() {
            Dropped::Gone
        } else {
            kept(only_there)
        };
        assert_eq!(dropped(&snapshots, &taken.snapshot), expected, "{name}");
        let is_there = !refs(&repo).is_empty();
        assert_eq!(is_there, !only_there.is_empty(), "its ref: {name}");
        if is_there {
            let anyway = snapshots.drop(&taken.snapshot, Drop::Anyway);
            let anyway = anyway.expect("git answers");
            assert_eq!(anyway, Dropped::Gone, "it was asked for: {name}");
            assert_eq!(refs(&repo), "", "and it is done: {name}");
        }
    }
}

fn remove(repo: &Repo, name: &str) {
    fs::remove_file(repo.join(name)).expect("it is there");
}

fn rename(repo: &Repo, from: &str, to: &str) {
    repo.write(to, repo.read(from));
    remove(repo, from);
}

fn link(repo: &Repo, target: &str) {
    symlink(target, repo.join("link")).expect("a link");
}

fn executable(repo: &Repo, name: &str) {
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(repo.join(name), mode).expect("it is ours");
}

#[test]
fn drop_does_not_take_for_kept_what_git_would_not_check_out_again() {
    // Lines in disorder: git keeps them in order.
    let repo = Repo::new();
    repo.git(["config", "core.autocrlf", "input"]);
    repo.write(README, "a project\r\nand\nmore\r\n");
    let (snapshots, taken) = take(&repo);
    repo.commit_all("done");
    edit(&repo);
    let found = dropped(&snapshots, &taken.snapshot);
    assert_eq!(found, kept(&[README]), "history has other bytes");

    // A filter that leaves something out: to git the file is not changed.
    let repo = Repo::new();
    repo.write(".gitattributes", "*.out filter=strip\n");
    repo.git(["config", "filter.strip.clean", "sed /secret/d"]);
    repo.write("x.out", "kept\n");
    repo.commit_all("filtered");
    repo.write("x.out", "kept\nsecret\n");
    assert_eq!(repo.git(["diff"]), "", "to git nothing was changed");
    let (snapshots, taken) = take(&repo);
    repo.write("x.out", "kept\n");
    let found = dropped(&snapshots, &taken.snapshot);
    assert_eq!(found, kept(&["x.out"]), "what the filter leaves out");

    // A file that git was told not to look at.
    let repo = Repo::new();
    repo.git(["update-index", "--assume-unchanged", README]);
    dirty(&repo);
    let (snapshots, taken) = take(&repo);
    edit(&repo);
    let found = dropped(&snapshots, &taken.snapshot);
    assert_eq!(found, kept(&[README]), "nobody but the snapshot has it");
}

#[test]
fn drop_keeps_a_snapshot_whose_commit_nothing_leads_to_any_more() {
    let repo = Repo::new();
    repo.write("more", "more\n");
    repo.commit_all("second");
    let (snapshots, taken) = take(&repo);
    let head = repo.git(["rev-parse", "HEAD"]);
    repo.git(["commit", "-q", "--amend", "-m", "amended"]);
    let kept = Dropped::Kept {
        only_there: Vec::new(),
        commit: Some(head),
    };
    assert_eq!(dropped(&snapshots, &taken.snapshot), kept, "amended");
    repo.git(["branch", "old", &taken.snapshot.id.clone()]);
    repo.git(["branch", "-f", "old", "HEAD@{1}"]);
    let gone = dropped(&snapshots, &taken.snapshot);
    assert_eq!(gone, Dropped::Gone, "a branch leads to it again");
}

#[test]
fn drop_looks_at_submodules_and_first_commits() {
    let repo = Repo::unborn();
    repo.write("staged", "one\n");
    repo.git(["add", "staged"]);
    let (snapshots, taken) = take(&repo);
    repo.commit_all("first");
    repo.write("staged", "two\n");
    let gone = dropped(&snapshots, &taken.snapshot);
    assert_eq!(gone, Dropped::Gone, "the first commit has it");

    let inner = Repo::new();
    let repo = Repo::new();
    let from = inner.top().as_os_str();
    let words = ["submodule", "add", "-q"].map(AsRef::as_ref);
    repo.git(words.into_iter().chain([from, "sub".as_ref()]));
    let (snapshots, taken) = take(&repo);
    repo.commit_all("done");
    let gone = dropped(&snapshots, &taken.snapshot);
    assert_eq!(gone, Dropped::Gone, "its commits are another's");
}

#[test]
fn each_of_two_snapshots_of_the_same_is_judged_without_the_other() {
    let repo = Repo::new();
    dirty(&repo);
    let (snapshots, first) = take(&repo);
    let second = snapshots.take(&options("T-2"), &NothingShared);
    let second = second.expect("it can be taken").snapshot;
    edit(&repo);
    for snapshot in [&first.snapshot, &second] {
        let found = dropped(&snapshots, snapshot);
        assert_eq!(found, kept(&[README]), "the other may go as well");
    }
    dirty(&repo);
    for snapshot in [&first.snapshot, &second] {
        let found = dropped(&snapshots, snapshot);
        assert_eq!(found, Dropped::Gone, "the tree has it again");
    }
}

#[test]
fn drop_leaves_stashes_and_everything_of_the_users_as_they_are() {
    let repo = busy();
    repo.git(["stash", "push", "-q", "-m", "mine", "--", README]);
    let (snapshots, taken) = take(&repo);
    let id = taken.snapshot.id.as_str();
    repo.git(["stash", "store", "-m", "ours", id]);
    let before = untouchable(repo.top());
    assert_eq!(dropped(&snapshots, &taken.snapshot), Dropped::Gone, "safe");
    assert_eq!(untouchable(repo.top()), before, "nothing else was changed");
    let stashes = repo.git(["stash", "list", "--format=%gs"]);
    assert_eq!(stashes, "ours\nOn main: mine", "both stashes are there");
    assert_eq!(repo.git(["rev-parse", "stash@{0}"]), id, "with the commit");
    let again = snapshots.drop(&taken.snapshot, Drop::IfSafe);
    assert_eq!(again.expect("git answers"), Dropped::Gone, "gone is gone");
}

#[test]
fn drop_of_a_ref_that_names_another_snapshot_by_now_is_refused() {
    let repo = Repo::new();
    let (snapshots, taken) = take(&repo);
    let reference = taken.snapshot.reference.as_str();
    repo.git(["update-ref", reference, "HEAD"]);
    for when in [Drop::IfSafe, Drop::Anyway] {
        let refused = snapshots.drop(&taken.snapshot, when);
        assert!(
            matches!(refused, Err(DropError::Moved { .. })),
            "{when:?}: {refused:?}"
        );
    }
    assert_eq!(refs(&repo), reference, "it is there still");
}

#[test]
fn drop_finds_files_whose_names_are_hard_to_write_down() {
    let repo = Repo::new();
    let names = ["-dash", "new\nline", "quote\"d", "*", " space ", "a\tb"];
    for name in names {
        repo.write(name, format!("in {name}"));
    }
    let (snapshots, taken) = take(&repo);
    for name in names {
        repo.write(name, "other");
    }
    let mut sorted = names;
    sorted.sort_unstable();
    let found = dropped(&snapshots, &taken.snapshot);
    assert_eq!(found, kept(&sorted), "each is named");
    repo.commit_all("other");
    for name in names {
        repo.write(name, format!("in {name}"));
    }
    let found = dropped(&snapshots, &taken.snapshot);
    assert_eq!(found, Dropped::Gone, "each is found");
}
