//! What tasks do to HEAD, and the way back.

use task_runner::{Head, HeadKept, HeadOutcome, NothingShared, RestoreOptions, Restored, Snapshot};

use crate::ordinary::busy;
use crate::repo::Repo;
use crate::state::{in_memory, options, restore, snapshots, state, take};

fn restore_with_head(repo: &Repo, snapshot: &Snapshot) -> Restored {
    let options = RestoreOptions {
        head: Head::Back,
        ..options()
    };
    let restored = snapshots(repo.top()).restore(snapshot, &options, &NothingShared);
    restored.expect("it can be restored")
}

fn commit(repo: &Repo) {
    repo.commit_all("by the task");
}

type Damage = fn(&Repo);

const MOVES: [(&str, Damage); 5] = [
    ("committed", commit),
    ("committed on a branch of its own", |repo| {
        repo.git(["checkout", "-q", "-b", "task"]);
        commit(repo);
    }),
    ("detached HEAD", |repo| {
        repo.git(["checkout", "-q", "--detach"]);
        commit(repo);
    }),
    ("deleted the branch", |repo| {
        repo.git(["checkout", "-q", "-b", "task"]);
        repo.git(["branch", "-q", "-D", "main"]);
    }),
    ("amended, and threw all away", |repo| {
        repo.git(["commit", "-q", "--amend", "--allow-empty", "-m", "amended"]);
        repo.git(["reset", "-q", "--hard"]);
        repo.git(["clean", "-fdq"]);
    }),
];

#[test]
fn restore_brings_files_and_index_back_and_tells_where_head_was() {
    for (what, damage) in MOVES {
        let repo = busy();
        let (top, before) = (repo.top(), state(repo.top(), &repo));
        let head = repo.git(["rev-parse", "HEAD"]);
        let snapshot = take(top);
        damage(&repo);
        let moved = repo.git(["rev-parse", "HEAD"]);
        let restored = restore(top, &snapshot);
        let now = state(top, &repo);
        assert_eq!(
            (&now.files, &now.index),
            (&before.files, &before.index),
            "{what}: both are back"
        );
        assert_eq!(repo.git(["rev-parse", "HEAD"]), moved, "{what}: HEAD stays");
        let HeadOutcome::Kept {
            commands,
            why: None,
            then,
            ..
        } = restored.head
        else {
            panic!("{what}: it is told: {restored:?}");
        };
        assert_eq!(then.commit, Some(head), "{what}: with where it was");
        for command in commands {
            repo.git(command.split(' ').skip(1));
        }
        assert_eq!(
            state(top, &repo),
            before,
            "{what}: the commands bring it back whole"
        );
        assert_eq!(
            repo.git(["symbolic-ref", "HEAD"]),
            "refs/heads/main",
            "{what}: on its branch"
        );
    }
}

#[test]
fn restore_with_head_brings_everything_back_and_keeps_the_commits_in_the_rescue() {
    for (what, damage) in MOVES {
        let repo = busy();
        let (top, before) = (repo.top(), state(repo.top(), &repo));
        let snapshot = take(top);
        damage(&repo);
        let moved = repo.git(["rev-parse", "HEAD"]);
        let restored = restore_with_head(&repo, &snapshot);
        assert!(
            matches!(restored.head, HeadOutcome::Back { .. }),
            "{what}: {restored:?}"
        );
        assert_eq!(state(top, &repo), before, "{what}: all is as before");
        assert_eq!(
            repo.git(["symbolic-ref", "HEAD"]),
            "refs/heads/main",
            "{what}: the branch, too"
        );
        let rescue = restored.rescue.expect("something was overwritten");
        let parent = repo.git(["rev-parse", &format!("{}^1", rescue.id)]);
        assert_eq!(parent, moved, "{what}: the commits of the task are kept");
        let again = restore_with_head(&repo, &snapshot);
        assert_eq!(
            (again.rescue, again.head),
            (None, HeadOutcome::Same),
            "{what}: done is done"
        );
    }
}

#[test]
fn restore_with_head_brings_a_tree_back_to_before_its_first_commit() {
    let repo = Repo::unborn();
    repo.write("file", "mine\n");
    repo.git(["add", "file"]);
    let before = state(repo.top(), &repo);
    let snapshot = take(repo.top());
    commit(&repo);
    restore_with_head(&repo, &snapshot);
    assert_eq!(state(repo.top(), &repo), before, "there is no commit again");
}

#[test]
fn restore_with_head_loses_no_commit_of_a_branch_that_others_moved() {
    let repo = in_memory();
    let snapshot = take(repo.top());
    commit(&repo);
    let theirs = repo.git(["rev-parse", "main"]);
    repo.git(["checkout", "-q", "--detach", "HEAD~1"]);
    let restored = restore_with_head(&repo, &snapshot);
    let branch = "refs/heads/main".to_owned();
    assert!(
        matches!(&restored.head, HeadOutcome::Kept { why: Some(HeadKept::HasOtherCommits { branch: found }), .. } if *found == branch),
        "it says why: {restored:?}"
    );
    assert_eq!(
        repo.git(["rev-parse", "main"]),
        theirs,
        "the branch has its commit"
    );
}

#[test]
fn restore_with_head_does_not_take_a_branch_from_another_working_tree() {
    let repo = in_memory();
    let snapshot = take(repo.top());
    repo.git(["checkout", "-q", "-b", "task"]);
    let other = repo.outside().join("other");
    let words = ["worktree", "add", "-q"].map(std::ffi::OsStr::new);
    repo.git(
        words
            .into_iter()
            .chain([other.as_os_str(), "main".as_ref()]),
    );
    let restored = restore_with_head(&repo, &snapshot);
    assert!(
        matches!(
            restored.head,
            HeadOutcome::Kept {
                why: Some(HeadKept::UsedElsewhere { .. }),
                ..
            }
        ),
        "it says why: {restored:?}"
    );
}
