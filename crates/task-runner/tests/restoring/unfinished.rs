//! Tasks that leave a merge, a rebase or conflicts behind, and the way back all the same.

use std::fs;

use task_runner::{
    Drop, Dropped, HeadOutcome, NothingShared, Operation, SnapshotError, TakeOptions, TaskId,
};

use crate::repo::Repo;
use crate::state::{State, in_memory, is_clean_of_ours, now, restore, snapshots, state, take};

/// Two branches that contradict each other in `README.md`, one of which deleted what the other changed; and work in progress.
fn contradicting() -> Repo {
    let repo = in_memory();
    for name in ["old", "gone here", "gone there"] {
        repo.write(name, "a file\n");
    }
    repo.commit_all("files");
    repo.git(["checkout", "-q", "-b", "side"]);
    repo.write("README.md", "a project of theirs\n");
    repo.write("gone here", "changed by them\n");
    repo.git(["rm", "-q", "gone there"]);
    repo.commit_all("theirs");
    let mail = repo.git(["format-patch", "-1", "--stdout", "side"]);
    repo.write(repo.outside().join("mail"), mail + "\n");
    repo.git(["checkout", "-q", "main"]);
    repo.write("README.md", "a project of ours\n");
    repo.write("gone there", "changed by us\n");
    repo.git(["rm", "-q", "gone here"]);
    repo.commit_all("ours");
    repo.write("src/main.rs", "fn main() { staged() }\n");
    repo.git(["add", "src/main.rs"]);
    repo.write("src/main.rs", "fn main() { mine() }\n");
    repo.write("old", "in the middle of it\n");
    repo.write("new", "nobody has it yet\n");
    repo
}

/// Git says by its exit code that it stopped.
fn stops<const N: usize>(repo: &Repo, words: [&str; N]) {
    let output = Repo::try_git(repo.top(), words);
    assert!(!output.status.success(), "{words:?} stops on its way");
}

struct Case {
    what: &'static str,
    task: fn(&Repo),
    in_progress: &'static [Operation],
    has_conflicts: bool,
}

const CASES: [Case; 10] = [
    Case {
        what: "merge",
        task: |repo| stops(repo, ["merge", "side"]),
        in_progress: &[Operation::Merge],
        has_conflicts: true,
    },
    Case {
        what: "rebase",
        task: |repo| stops(repo, ["rebase", "side"]),
        in_progress: &[Operation::Rebase],
        has_conflicts: true,
    },
    Case {
        what: "rebase by patches",
        task: |repo| stops(repo, ["rebase", "--apply", "side"]),
        in_progress: &[Operation::Rebase],
        has_conflicts: true,
    },
    Case {
        what: "rebase that stopped without a conflict",
        task: |repo| stops(repo, ["rebase", "--exec", "false", "HEAD~1"]),
        in_progress: &[Operation::Rebase],
        has_conflicts: false,
    },
    Case {
        what: "cherry-pick",
        task: |repo| stops(repo, ["cherry-pick", "side"]),
        in_progress: &[Operation::CherryPick],
        has_conflicts: true,
    },
    Case {
        what: "cherry-pick in a rebase",
        task: |repo| {
            stops(repo, ["rebase", "--exec", "false", "HEAD~1"]);
            stops(repo, ["cherry-pick", "side"]);
        },
        in_progress: &[Operation::CherryPick, Operation::Rebase],
        has_conflicts: true,
    },
    Case {
        what: "revert",
        task: |repo| {
            repo.write("README.md", "a project, once more\n");
            repo.commit_all("more");
            stops(repo, ["revert", "--no-edit", "HEAD~2"]);
        },
        in_progress: &[Operation::Revert],
        has_conflicts: true,
    },
    Case {
        what: "the rest of two reverts",
        task: |repo| {
            repo.write("README.md", "a project, once more\n");
            repo.commit_all("more");
            stops(repo, ["revert", "--no-edit", "HEAD~2", "HEAD"]);
            repo.commit_all("solved");
        },
        in_progress: &[Operation::Revert],
        has_conflicts: false,
    },
    Case {
        what: "am",
        task: |repo| stops(repo, ["am", "-q", "-3", "../mail"]),
        in_progress: &[Operation::Am],
        has_conflicts: true,
    },
    Case {
        what: "stash pop",
        task: |repo| {
            repo.write("README.md", "a project in a stash\n");
            repo.git(["stash", "push", "-q"]);
            repo.write("README.md", "a project, once more\n");
            repo.commit_all("more");
            stops(repo, ["stash", "pop"]);
        },
        in_progress: &[],
        has_conflicts: true,
    },
];

/// Files and index; what git makes of them depends on HEAD.
fn is_same(found: &State, expected: &State, what: &str, why: &str) {
    assert_eq!(found.files, expected.files, "{what}: the files: {why}");
    assert_eq!(found.index, expected.index, "{what}: the index: {why}");
}

#[test]
fn restore_brings_the_tree_back_when_the_task_left_git_in_the_middle_of_something() {
    for case in CASES {
        let (what, repo) = (case.what, contradicting());
        let (top, before) = (repo.top(), state(repo.top(), &repo));
        let snapshot = take(top);
        repo.commit_all("all that was there");
        (case.task)(&repo);
        let damaged = state(top, &repo);
        assert_eq!(
            damaged.status.lines().any(|line| line.starts_with('u')),
            case.has_conflicts,
            "{what}: {}",
            damaged.status
        );
        let by_hand = TakeOptions::new(TaskId::new("T-2").expect("a good name"), now());
        let refused = snapshots(top).take(&by_hand, &NothingShared);
        assert!(
            matches!(
                refused,
                Err(SnapshotError::InProgress { .. } | SnapshotError::Unmerged { .. })
            ),
            "{what}: no snapshot by hand: {refused:?}"
        );
        let head = repo.git(["rev-parse", "HEAD"]);

        let restored = restore(top, &snapshot);
        is_same(&state(top, &repo), &before, what, "all is as before");
        assert_eq!(restored.in_progress, case.in_progress, "{what}: it is told");
        let rescue = restored.rescue.expect("something was overwritten");
        restore(top, &rescue);
        let again = state(top, &repo);
        assert_eq!(
            again, damaged,
            "{what}: the rescue undoes it, conflicts and all"
        );
        restore(top, &snapshot);

        for operation in restored.in_progress {
            repo.git(operation.quit_command().split(' ').skip(1));
        }
        is_same(&state(top, &repo), &before, what, "its end changes nothing");
        assert_eq!(repo.git(["rev-parse", "HEAD"]), head, "{what}: nor HEAD");
        let rest = restore(top, &snapshot);
        assert_eq!(
            (rest.rescue, rest.in_progress),
            (None, Vec::new()),
            "{what}: nothing is left to do"
        );
        let HeadOutcome::Kept { commands, .. } = rest.head else {
            panic!("{what}: the task committed: {:?}", rest.head);
        };
        for command in commands {
            repo.git(command.split(' ').skip(1));
        }
        assert_eq!(
            state(top, &repo),
            before,
            "{what}: with HEAD it is back whole"
        );
        let taken = snapshots(top).take(&by_hand, &NothingShared);
        assert!(taken.is_ok(), "{what}: the next task may begin: {taken:?}");
        is_clean_of_ours(&repo);
    }
}

#[test]
fn restore_of_the_rescue_brings_conflicts_back_when_the_operation_was_ended_and_git_cleaned_up() {
    let repo = contradicting();
    let (top, before) = (repo.top(), state(repo.top(), &repo));
    let snapshot = take(top);
    repo.commit_all("all that was there");
    stops(&repo, ["merge", "side"]);
    let damaged = state(top, &repo);
    let rescue = restore(top, &snapshot).rescue.expect("it overwrote");
    repo.git(["merge", "--quit"]);
    repo.git(["branch", "-q", "-D", "side"]);
    repo.git(["reflog", "expire", "--expire=now", "--all"]);
    repo.git(["gc", "-q", "--prune=now"]);
    restore(top, &rescue);
    assert_eq!(
        state(top, &repo),
        damaged,
        "every version of every file was kept"
    );
    let sides = repo.git(["cat-file", "-p", ":3:README.md"]);
    assert_eq!(sides, "a project of theirs", "git can read them");
    restore(top, &snapshot);
    is_same(&state(top, &repo), &before, "merge", "and back again");
}

#[test]
fn restore_brings_the_tree_back_when_a_conflict_is_of_a_file_and_a_folder() {
    let repo = contradicting();
    repo.git(["stash", "push", "-q", "-u"]);
    repo.git(["checkout", "-q", "side"]);
    repo.write("place/of a folder", "theirs\n");
    repo.commit_all("a folder");
    repo.git(["checkout", "-q", "main"]);
    repo.write("place", "ours\n");
    repo.commit_all("a file");
    let (top, before) = (repo.top(), state(repo.top(), &repo));
    let snapshot = take(top);
    for strategy in ["resolve", "ort"] {
        stops(&repo, ["merge", "-s", strategy, "side"]);
        let damaged = state(top, &repo);
        let rescue = restore(top, &snapshot).rescue.expect("it overwrote");
        is_same(&state(top, &repo), &before, strategy, "all is as before");
        restore(top, &rescue);
        assert_eq!(state(top, &repo), damaged, "{strategy}: and the rescue");
        restore(top, &snapshot);
        repo.git(["merge", "--quit"]);
        repo.git(["reset", "-q", "--hard"]);
        repo.git(["clean", "-fdq"]);
    }
}

#[test]
fn restore_brings_the_tree_back_when_files_of_a_conflict_are_ignored() {
    let repo = contradicting();
    let (top, before) = (repo.top(), state(repo.top(), &repo));
    let snapshot = take(top);
    repo.commit_all("all that was there");
    stops(&repo, ["merge", "side"]);
    repo.write(".gitignore", "*\n");
    let damaged = state(top, &repo);
    let rescue = restore(top, &snapshot).rescue.expect("it overwrote");
    let found = state(top, &repo);
    let mut files = found.files.clone();
    files.retain(|path, _| before.files.contains_key(path));
    assert_eq!(files, before.files, "all is as before");
    restore(top, &rescue);
    for (path, expected) in &damaged.files {
        let found = state(top, &repo).files.remove(path);
        assert_eq!(found.as_ref(), Some(expected), "{}", path.display());
    }
}

#[test]
fn drop_keeps_a_rescue_when_it_has_the_only_copy_of_a_side_of_a_conflict() {
    for is_branch_kept in [true, false] {
        let repo = contradicting();
        let top = repo.top();
        repo.commit_all("all that was there");
        let snapshot = take(top);
        stops(&repo, ["merge", "side"]);
        // Only the index still says that there was a conflict.
        repo.write("README.md", "a project of ours\n");
        fs::remove_file(repo.join("gone here")).expect("git left theirs");
        let restored = restore(top, &snapshot);
        let rescue = restored.rescue.expect("the index was overwritten");
        assert!(
            restored.written.is_empty() && restored.removed.is_empty(),
            "no file was: {:?} {:?}",
            restored.written,
            restored.removed
        );
        repo.git(["merge", "--quit"]);
        if !is_branch_kept {
            repo.git(["branch", "-q", "-D", "side"]);
        }
        let dropped = snapshots(top).drop(&rescue, Drop::IfSafe);
        let dropped = dropped.expect("it can be looked at");
        let expected = if is_branch_kept {
            Dropped::Gone
        } else {
            Dropped::Kept {
                only_there: vec!["README.md".into(), "gone here".into()],
                commit: None,
            }
        };
        assert_eq!(dropped, expected, "the branch is kept: {is_branch_kept}");
    }
}
