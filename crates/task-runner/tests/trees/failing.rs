//! Files that change while they are recorded, and what the dead leave.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use sidecar_lock::{LockOptions, SidecarLock};
use task_runner::{
    AtomicSnapshot, Authorship, Left, NothingShared, Reason, SharedFiles, SnapshotError, Taken,
};

use crate::ordinary::{options, take};
use crate::repo::Repo;
use crate::seen::{on_disk, recorded};

/// Changes a file each time that it is asked about another one for the second time: after the look, before the reading.
struct Meddler<'a> {
    repo: &'a Repo,
    asked: Cell<u32>,
    times: u32,
}

impl SharedFiles for Meddler<'_> {
    fn is_shared(&self, _: &Path) -> bool {
        false
    }

    fn is_apart(&self, path: &Path) -> bool {
        if path == Path::new("README.md") {
            let asked = self.asked.get() + 1;
            self.asked.set(asked);
            if asked.is_multiple_of(2) && asked / 2 <= self.times {
                self.repo
                    .write("src/main.rs", format!("changed {asked} times\n"));
            }
        }
        false
    }

    fn authorship(
        &self,
        _: &Path,
        _: Option<&[u8]>,
        _: Option<&[u8]>,
        _: Option<&str>,
    ) -> Authorship {
        Authorship::OthersToo
    }
}

fn take_while_meddled(repo: &Repo, times: u32) -> (AtomicSnapshot, Taken, u32) {
    let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
    let meddler = Meddler {
        repo,
        asked: Cell::new(0),
        times,
    };
    let taken = snapshots
        .take(&options("T-1"), &meddler)
        .expect("it can be taken");
    (snapshots, taken, meddler.asked.get())
}

#[test]
fn take_begins_again_when_a_file_changes_meanwhile() {
    let repo = Repo::new();
    let (snapshots, taken, asked) = take_while_meddled(&repo, 1);
    assert_eq!(asked, 4, "the change came between look and reading, once");
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &[]),
        "the new bytes"
    );
    assert_eq!(taken.left, [], "and nothing to tell");
}

#[test]
fn take_names_a_file_that_changes_again_and_again() {
    let repo = Repo::new();
    let (snapshots, taken, asked) = take_while_meddled(&repo, u32::MAX);
    assert_eq!(asked, 6, "three attempts");
    let expected = Left {
        path: PathBuf::from("src/main.rs"),
        reason: Reason::ChangedWhileRecorded,
    };
    assert_eq!(taken.left, [expected], "it is told");
    let files = recorded(&snapshots, &taken.snapshot);
    assert!(
        files.contains_key(Path::new("src/main.rs")),
        "and recorded as it was read"
    );
}

#[test]
fn take_removes_what_the_dead_left_and_nothing_of_the_living() {
    let repo = Repo::new();
    let home = repo.join(".git/story-snapshots");
    repo.write(".git/story-snapshots/0/tracked", "of a dead one");
    repo.write(".git/story-snapshots/1/tracked", "of a living one");
    let lock = SidecarLock::new(home.join("1")).expect("a plain path");
    let living = lock.acquire(&LockOptions::default()).expect("it is free");
    take(&repo);
    assert!(!home.join("0").exists(), "the dead one's is gone");
    assert!(home.join("1/tracked").exists(), "the living one's is there");
    living.release().expect("it is ours");
    take(&repo);
    let names = fs::read_dir(&home).expect("a folder").count();
    assert_eq!(names, 0, "nothing is left at the end");
}

#[test]
fn read_refuses_a_record_that_is_damaged() {
    let repo = Repo::new();
    let (snapshots, taken) = take(&repo);
    let mut other = taken.snapshot;
    other.id = repo.git(["rev-parse", "HEAD"]);
    let refused = snapshots.read(&other);
    let is_damaged = matches!(refused, Err(SnapshotError::Damaged { .. }));
    assert!(is_damaged, "{refused:?}");
    assert_eq!(
        snapshots
            .take(&options("T-2"), &NothingShared)
            .map(|_| ())
            .ok(),
        Some(()),
        "go on"
    );
}

/// `git prune` at the wrong moment: after the objects were written, before a ref keeps them.
#[test]
fn publishing_a_record_of_which_an_object_was_pruned_fails_and_leaves_no_ref() {
    let repo = Repo::new();
    repo.write("draft.md", "nowhere else\n");
    let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
    let recorded = snapshots
        .record(&options("T-1"), &NothingShared)
        .expect("it can be recorded");
    let id = repo.git(["hash-object", "draft.md"]);
    let (folder, name) = id.trim().split_at(2);
    let object = repo.join(".git/objects").join(folder).join(name);
    fs::remove_file(object).expect("the draft is an object of its own");

    let err = snapshots
        .publish(&recorded)
        .expect_err("it would bring back less than there was");
    assert!(
        matches!(err, SnapshotError::Vanished { .. }),
        "it says what happened: {err}"
    );
    let refs = repo.git(["for-each-ref", "refs/devs-snapshots"]);
    assert_eq!(
        refs, "",
        "a ref to what is not there would keep git from tidying up"
    );
    take(&repo);
}
