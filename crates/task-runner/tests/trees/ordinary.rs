//! Taking a snapshot of an ordinary tree, and finding it again.

use std::fs;

use task_runner::{
    AtomicSnapshot, Drop, Dropped, NothingShared, SnapshotError, TakeOptions, Taken, TaskId,
};

use crate::repo::Repo;
use crate::seen::{on_disk, recorded, untouchable};

pub fn options(task: &str) -> TakeOptions {
    let task = TaskId::new(task).expect("a good name");
    let now = "2026-11-22T10:00:00Z".parse().expect("a time");
    TakeOptions::new(task, now)
}

pub fn take(repo: &Repo) -> (AtomicSnapshot, Taken) {
    let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
    let taken = snapshots
        .take(&options("T-1"), &NothingShared)
        .expect("it can be taken");
    (snapshots, taken)
}

/// Staged, unstaged, untracked, deleted, renamed, executable, a link.
pub fn busy() -> Repo {
    let repo = Repo::new();
    repo.write(".gitignore", "*.log\n/target/\n");
    repo.write("old name", "moved\n");
    repo.write("deleted", "gone soon\n");
    repo.write("staged and changed", "one\n");
    repo.commit_all("more");
    repo.write("staged and changed", "two\n");
    repo.git(["add", "staged and changed"]);
    repo.write("staged and changed", "three\n");
    repo.write("README.md", "changed\n");
    repo.git(["mv", "old name", "new name"]);
    fs::remove_file(repo.join("deleted")).expect("it is there");
    repo.write("staged only", "staged\n");
    repo.git(["add", "staged only"]);
    repo.write("deep/er/untracked", "new\n");
    repo.write("noise.log", "ignored\n");
    repo.write("target/out", "ignored\n");
    std::os::unix::fs::symlink("nowhere", repo.join("link")).expect("a link");
    repo
}

#[test]
fn take_records_every_file_as_it_is_and_touches_nothing() {
    let repo = busy();
    repo.git(["stash", "push", "-q", "-m", "mine", "--", "README.md"]);
    repo.write("README.md", "changed again\n");
    let before = untouchable(repo.top());
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        untouchable(repo.top()),
        before,
        "nothing of the user's changed"
    );
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &["noise.log", "target"]),
        "the record is what is on the disk"
    );
    let record = snapshots.read(&taken.snapshot).expect("a record");
    let mut blobs = snapshots.repository().blobs().expect("a reader");
    let index = blobs
        .read(record.index().expect("an index"))
        .expect("its bytes");
    assert_eq!(index, repo.read(".git/index"), "and the index");
    assert_eq!(taken.left, [], "nothing was left out");
    assert_eq!(
        repo.git(["fsck", "--strict", "--no-dangling"]),
        "",
        "git finds no fault"
    );
}

#[test]
fn plain_git_applies_a_snapshot_as_a_stash() {
    let repo = busy();
    let status = repo.git(["status", "--porcelain"]);
    let disk = on_disk(repo.top(), &[]);
    let (_, taken) = take(&repo);
    let id = taken.snapshot.id.as_str();
    repo.git(["reset", "-q", "--hard"]);
    repo.git(["clean", "-qfd"]);
    repo.git(["stash", "apply", "-q", "--index", id]);
    assert_eq!(
        repo.git(["status", "--porcelain"]),
        status,
        "staged and unstaged alike"
    );
    assert_eq!(on_disk(repo.top(), &[]), disk, "and every file");
    let subject = repo.git(["log", "-1", "--format=%s", id]);
    assert_eq!(
        subject, "devs-snapshot-T-1:",
        "a subject in the shape of a stash's"
    );
}

#[test]
fn take_of_a_clean_tree_is_a_snapshot_like_any_other() {
    let repo = Repo::new();
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &[]),
        "all files"
    );
    let head = repo.git(["rev-parse", "HEAD"]);
    assert_eq!(
        taken.snapshot.head.as_deref(),
        Some(head.as_str()),
        "where HEAD was"
    );
    assert_eq!(
        taken.snapshot.branch.as_deref(),
        Some("refs/heads/main"),
        "on which branch"
    );
    assert_eq!(taken.snapshot.worktree, repo.top(), "in which tree");
}

#[test]
fn take_before_the_first_commit_records_staged_and_untracked_files() {
    let repo = Repo::unborn();
    let (snapshots, empty) = take(&repo);
    assert!(
        recorded(&snapshots, &empty.snapshot).is_empty(),
        "nothing is there yet"
    );
    repo.write("staged", "one\n");
    repo.git(["add", "staged"]);
    repo.write("untracked", "two\n");
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &[]),
        "all files"
    );
    assert_eq!(taken.snapshot.head, None, "there is no commit");
    assert_eq!(
        taken.snapshot.branch.as_deref(),
        Some("refs/heads/main"),
        "but a branch"
    );
}

#[test]
fn take_twice_for_one_task_keeps_both_and_find_means_the_latest() {
    let repo = Repo::new();
    let (snapshots, first) = take(&repo);
    let mut later = options("T-1");
    later.now = "2026-11-22T11:00:00Z".parse().expect("a time");
    later.label = "two\nlines".to_owned();
    let second = snapshots
        .take(&later, &NothingShared)
        .expect("it can be taken")
        .snapshot;
    assert_eq!(
        first.snapshot.reference, "refs/devs-snapshots/T-1",
        "the first has the task's name"
    );
    assert_eq!(
        second.reference, "refs/devs-snapshots/T-1+2",
        "the second a number"
    );
    let all = snapshots.list().expect("a list");
    assert_eq!(
        all,
        [first.snapshot.clone(), second.clone()],
        "the oldest first"
    );
    for text in [
        "T-1",
        second.id.as_str(),
        &second.id[..7],
        "refs/devs-snapshots/T-1+2",
        "T-1+2",
    ] {
        let found = snapshots.find(text).expect("it is found");
        assert_eq!(found, second, "{text}");
    }
    for text in ["T-2", &second.id[..6], "HEAD"] {
        let found = snapshots.find(text);
        assert!(
            matches!(found, Err(SnapshotError::NotFound { .. })),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn find_never_means_a_rescue_by_the_tasks_name() {
    let repo = Repo::new();
    let (snapshots, first) = take(&repo);
    let mut rescue = options("T-1");
    rescue.now = "2026-11-22T12:00:00Z".parse().expect("a time");
    rescue.rescue_of = Some(first.snapshot.id.clone());
    let rescue = snapshots
        .take(&rescue, &NothingShared)
        .expect("it can be taken")
        .snapshot;
    assert_eq!(
        rescue.reference, "refs/devs-snapshots/T-1+rescue",
        "named as what it is"
    );
    let found = snapshots.find("T-1").expect("it is found");
    assert_eq!(
        found, first.snapshot,
        "the task's own, though the rescue is later"
    );
    let gone = snapshots.drop(&first.snapshot, Drop::Anyway);
    assert_eq!(gone.expect("it can be dropped"), Dropped::Gone);
    match snapshots.find("T-1") {
        Err(SnapshotError::NotFound { rescues, .. }) => {
            assert_eq!(rescues, [rescue.id.as_str()], "named, but not taken for it");
        }
        other => panic!("a rescue is never meant by the task's name: {other:?}"),
    }
    assert_eq!(snapshots.find(&rescue.id).expect("by its id"), rescue);
}

#[test]
fn list_passes_over_refs_that_are_not_of_our_making() {
    let repo = Repo::new();
    repo.git(["update-ref", "refs/devs-snapshots/foreign", "HEAD"]);
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        snapshots.list().expect("a list"),
        [taken.snapshot],
        "only ours"
    );
}
