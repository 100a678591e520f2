//! What is refused by name, before anything is touched.

use std::fs;

use task_runner::{AtomicSnapshot, NothingShared, Operation, SnapshotError};

use crate::ordinary::options;
use crate::repo::Repo;
use crate::seen::untouchable;
use crate::tools::succeeds;

/// Tries to take a snapshot, which has to leave nothing behind.
fn refused(repo: &Repo) -> SnapshotError {
    let before = untouchable(repo.top());
    let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
    let refused = snapshots.take(&options("T-1"), &NothingShared);
    assert_eq!(
        untouchable(repo.top()),
        before,
        "nothing of the user's changed"
    );
    assert_eq!(snapshots.list().expect("a list"), [], "no ref was made");
    refused.expect_err("it is refused")
}

/// Two branches that change the same file.
fn conflicting() -> Repo {
    let repo = Repo::new();
    repo.git(["checkout", "-q", "-b", "other"]);
    repo.write("README.md", "theirs\n");
    repo.commit_all("theirs");
    repo.git(["checkout", "-q", "main"]);
    repo.write("README.md", "ours\n");
    repo.commit_all("ours");
    repo
}

#[test]
fn take_refuses_each_operation_of_git_that_is_in_progress() {
    let table: [(&[&str], Operation); 4] = [
        (&["merge", "other"], Operation::Merge),
        (&["rebase", "other"], Operation::Rebase),
        (&["cherry-pick", "other"], Operation::CherryPick),
        (&["revert", "HEAD~1"], Operation::Revert),
    ];
    for (words, expected) in table {
        let repo = conflicting();
        assert!(!succeeds(&repo, words), "{words:?} ends in a conflict");
        // Resolved, but not ended: nothing but git's own traces says that it goes on.
        repo.write("README.md", "resolved\n");
        repo.git(["add", "README.md"]);
        let err = refused(&repo);
        let SnapshotError::InProgress { operation, .. } = err else {
            panic!("{words:?}: {err}");
        };
        assert_eq!(operation, expected, "{words:?}");
    }
}

#[test]
fn take_refuses_a_mailbox_that_is_being_applied() {
    let repo = conflicting();
    let patch = repo.git(["format-patch", "-1", "--stdout", "other"]);
    repo.write("../patch", patch + "\n");
    assert!(
        !succeeds(&repo, &["am", "-q", "../patch"]),
        "it does not apply"
    );
    let err = refused(&repo);
    let is_am = matches!(
        err,
        SnapshotError::InProgress {
            operation: Operation::Am,
            ..
        }
    );
    assert!(is_am, "{err}");
}

#[test]
fn take_refuses_conflicts_in_the_index_and_names_them() {
    let repo = conflicting();
    repo.write("README.md", "stashed\n");
    repo.git(["stash", "-q"]);
    repo.write("README.md", "committed\n");
    repo.commit_all("in the way");
    assert!(!succeeds(&repo, &["stash", "pop"]), "it ends in a conflict");
    let err = refused(&repo);
    let SnapshotError::Unmerged { paths, .. } = err else {
        panic!("{err}");
    };
    assert_eq!(paths, [std::path::Path::new("README.md")], "each once");
}

#[test]
fn take_goes_on_while_git_bisects() {
    let repo = Repo::new();
    for number in 0..4 {
        repo.commit_all(&number.to_string());
    }
    repo.git(["bisect", "start", "HEAD", "HEAD~4"]);
    let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
    let taken = snapshots
        .take(&options("T-1"), &NothingShared)
        .expect("it can be taken");
    assert_eq!(taken.snapshot.branch, None, "HEAD is detached");
}

#[test]
fn take_refuses_a_head_whose_commit_is_missing_instead_of_calling_it_unborn() {
    let repo = Repo::new();
    let head = repo.git(["rev-parse", "HEAD"]);
    let object = format!(".git/objects/{}/{}", &head[..2], &head[2..]);
    fs::remove_file(repo.join(object)).expect("a loose object");
    let err = refused(&repo);
    assert!(matches!(err, SnapshotError::Git(_)), "{err}");
}
