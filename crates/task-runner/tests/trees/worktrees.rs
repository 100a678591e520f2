//! Several working trees of one repository, at the same time.

use std::collections::BTreeSet;
use std::path::PathBuf;

use task_runner::{AtomicSnapshot, NothingShared};

use crate::ordinary::options;
use crate::repo::Repo;
use crate::seen::{on_disk, recorded};

const TREES: usize = 3;
const ROUNDS: usize = 4;

#[test]
fn snapshots_in_several_worktrees_at_once_do_not_disturb_each_other() {
    let repo = Repo::new();
    let trees: Vec<PathBuf> = (0..TREES)
        .map(|number| {
            let top = repo.outside().join(format!("tree {number}"));
            let words = ["worktree", "add", "-q", "--detach"].map(std::ffi::OsStr::new);
            repo.git(words.into_iter().chain([top.as_os_str()]));
            repo.write(top.join("README.md"), format!("changed in {number}\n"));
            repo.write(top.join("src/new"), format!("new in {number}\n"));
            repo.git_in(&top, ["add", "src/new"]);
            top
        })
        .collect();
    std::thread::scope(|scope| {
        for top in &trees {
            scope.spawn(move || {
                let snapshots = AtomicSnapshot::open(top).expect("a tree");
                for _ in 0..ROUNDS {
                    // The same name everywhere: each has to find one that is free.
                    let taken = snapshots.take(&options("T-1"), &NothingShared);
                    let snapshot = taken.expect("it can be taken").snapshot;
                    assert_eq!(snapshot.worktree, *top, "it says whose it is");
                    let found = recorded(&snapshots, &snapshot);
                    assert_eq!(found, on_disk(top, &[]), "its own files");
                }
            });
        }
    });
    let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
    let all = snapshots.list().expect("a list");
    let names: BTreeSet<_> = all.iter().map(|snapshot| &snapshot.reference).collect();
    assert_eq!(names.len(), TREES * ROUNDS, "none took another's name");
    assert_eq!(
        repo.git(["fsck", "--strict", "--no-dangling"]),
        "",
        "git finds no fault"
    );
}

#[test]
fn several_takes_in_one_tree_at_once_all_succeed() {
    let repo = Repo::new();
    repo.write("README.md", "changed\n");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
                let taken = snapshots.take(&options("T-1"), &NothingShared);
                let snapshot = taken.expect("it can be taken").snapshot;
                let found = recorded(&snapshots, &snapshot);
                assert_eq!(found, on_disk(repo.top(), &[]), "each is whole");
            });
        }
    });
}
