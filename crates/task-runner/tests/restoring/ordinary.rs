//! What tasks do to ordinary files.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use task_runner::{HeadOutcome, RestoreError};

use crate::repo::Repo;
use crate::state::{
    State, goes_back, history, in_memory, now, options, restore, snapshots, state, take,
    try_restore,
};

/// Staged, unstaged, untracked, deleted, renamed, executable, links, ignored, intended.
pub fn busy() -> Repo {
    let repo = in_memory();
    repo.write(".gitignore", "*.log\n/target/\n");
    repo.write("old name", "moved\n");
    repo.write("deleted", "gone soon\n");
    repo.write("staged and changed", "one\n");
    repo.write("run", "#!/bin/sh\n");
    repo.write("quiet", "one\n");
    chmod(&repo, "run", 0o755);
    repo.commit_all("more");
    repo.write("staged and changed", "two\n");
    repo.git(["add", "staged and changed"]);
    repo.write("staged and changed", "three\n");
    repo.write("README.md", "changed\n");
    repo.git(["mv", "old name", "new name"]);
    fs::remove_file(repo.join("deleted")).expect("it is there");
    repo.write("staged only", "staged\n");
    repo.git(["add", "staged only"]);
    repo.write("intended", "not staged\n");
    repo.git(["add", "-N", "intended"]);
    repo.git(["update-index", "--assume-unchanged", "quiet"]);
    repo.write("quiet", "two\n");
    repo.write("deep/er/untracked", "new\n");
    repo.write("secret", "mine\n");
    chmod(&repo, "secret", 0o600);
    repo.write("noise.log", "ignored\n");
    repo.write("target/out", "ignored\n");
    symlink("nowhere", repo.join("link")).expect("a link");
    symlink("../deep", repo.join("deep/folder link")).expect("a link");
    repo
}

pub fn chmod(repo: &Repo, name: &str, bits: u32) {
    let permissions = fs::Permissions::from_mode(bits);
    fs::set_permissions(repo.join(name), permissions).expect("it is ours");
}

pub fn remove(repo: &Repo, name: &str) {
    fs::remove_file(repo.join(name)).expect("it is there");
}

pub fn link(repo: &Repo, to: &str, name: &str) {
    symlink(to, repo.join(name)).expect("a link can be made");
}

type Damage = fn(&Repo);

#[test]
fn restore_brings_back_every_file_and_the_index_whatever_was_done_to_them() {
    let table: [(&str, Damage); 22] = [
        ("edited", |repo| drop(repo.write("README.md", "task\n"))),
        ("emptied", |repo| drop(repo.write("secret", ""))),
        ("deleted", |repo| remove(repo, "secret")),
        ("a folder deleted", |repo| {
            fs::remove_dir_all(repo.join("deep")).expect("it is there");
        }),
        ("new files", |repo| {
            repo.write("new/folder/file", "task\n");
            repo.write("deep/er/more", "task\n");
        }),
        ("a deleted file is back", |repo| {
            drop(repo.write("deleted", "task\n"));
        }),
        ("made executable", |repo| chmod(repo, "README.md", 0o755)),
        ("not executable any more", |repo| chmod(repo, "run", 0o644)),
        ("opened to all", |repo| chmod(repo, "secret", 0o666)),
        ("closed to all", |repo| chmod(repo, "README.md", 0o400)),
        ("a folder closed", |repo| chmod(repo, "deep", 0o700)),
        ("a file became a folder", |repo| {
            remove(repo, "secret");
            repo.write("secret/of/the task", "task\n");
        }),
        ("a folder became a file", |repo| {
            fs::remove_dir_all(repo.join("deep")).expect("it is there");
            repo.write("deep", "task\n");
        }),
        ("a file became a link", |repo| {
            remove(repo, "README.md");
            link(repo, "secret", "README.md");
        }),
        ("a link became a file, another leads elsewhere", |repo| {
            remove(repo, "link");
            repo.write("link", "task\n");
            remove(repo, "deep/folder link");
            link(repo, "elsewhere", "deep/folder link");
        }),
        ("a link became a folder", |repo| {
            remove(repo, "link");
            repo.write("link/file", "task\n");
        }),
        ("everything staged", |repo| drop(repo.git(["add", "--all"]))),
        ("everything unstaged", |repo| {
            drop(repo.git(["reset", "-q"]));
        }),
        ("reset and cleaned", |repo| {
            repo.git(["reset", "-q", "--hard"]);
            repo.git(["clean", "-fdq"]);
        }),
        ("stashed", |repo| {
            repo.git(["update-index", "--no-assume-unchanged", "quiet"]);
            repo.git(["rm", "-q", "--cached", "intended"]);
            repo.git(["stash", "push", "-q", "-u"]);
        }),
        ("flags exchanged", |repo| {
            repo.git(["update-index", "--no-assume-unchanged", "quiet"]);
            repo.git(["update-index", "--assume-unchanged", "README.md"]);
            repo.git(["update-index", "--skip-worktree", "src/main.rs"]);
        }),
        ("the index deleted", |repo| remove(repo, ".git/index")),
    ];
    for (what, damage) in table {
        let repo = busy();
        let restored = goes_back(what, &repo, || damage(&repo));
        assert_eq!(restored.left, [], "{what}: nothing had to be left");
        assert_eq!(restored.head, HeadOutcome::Same, "{what}: HEAD never moved");
    }
}

#[test]
fn restore_keeps_the_stashes_that_the_user_has_or_makes() {
    let repo = busy();
    repo.git(["rm", "-q", "--cached", "intended"]);
    repo.git(["stash", "push", "-q", "-m", "mine", "--", "README.md"]);
    repo.write("README.md", "changed again\n");
    goes_back("a stash was made and one popped", &repo, || {
        repo.git(["checkout", "-q", "--", "README.md"]);
        repo.git(["stash", "pop", "-q"]);
    });
    goes_back("a stash was made", &repo, || {
        repo.git(["stash", "push", "-q", "--", "README.md"]);
    });
    assert_eq!(
        repo.git(["stash", "list"]).lines().count(),
        1,
        "it is there"
    );
}

#[test]
fn restore_of_what_is_there_already_does_nothing_and_leaves_no_rescue() {
    for repo in [busy(), in_memory(), Repo::unborn()] {
        let snapshot = take(repo.top());
        // Git writes its index anew, with other times in it: that says nothing else.
        if repo.join("README.md").exists() {
            repo.write("README.md", repo.read("README.md"));
        }
        repo.git(["status", "--short"]);
        let (before, history_then) = (state(repo.top(), &repo), history(&repo));
        let bytes = fs::read(repo.join(".git/index")).ok();
        let restored = restore(repo.top(), &snapshot);
        assert_eq!(restored.rescue, None, "there is nothing to rescue");
        assert!(
            restored.written.is_empty(),
            "nothing is written: {restored:?}"
        );
        assert_eq!(state(repo.top(), &repo), before, "all is as it was");
        assert_eq!(history(&repo), history_then, "in git, too");
        assert_eq!(fs::read(repo.join(".git/index")).ok(), bytes, "to the byte");
        let all = snapshots(repo.top()).list().expect("a list");
        assert_eq!(all.len(), 1, "no other snapshot is there");
    }
}

#[test]
fn restore_brings_a_tree_back_to_before_its_first_commit() {
    let repo = Repo::unborn();
    repo.write("file", "untracked\n");
    goes_back("the first commit's index", &repo, || {
        repo.write("file", "task\n");
        repo.git(["add", "file"]);
    });
    assert!(!repo.join(".git/index").exists(), "there was none");
}

#[test]
fn restore_tells_what_it_did() {
    let repo = Repo::new();
    repo.write("gone", "mine\n");
    let snapshot = take(repo.top());
    remove(&repo, "gone");
    repo.write("new/file", "task\n");
    repo.write("README.md", "task\n");
    let restored = restore(repo.top(), &snapshot);
    let paths = |paths: &[std::path::PathBuf]| {
        let paths = paths.iter().map(|path| path.display().to_string());
        paths.collect::<Vec<_>>()
    };
    assert_eq!(paths(&restored.written), ["README.md", "gone"], "by name");
    assert_eq!(paths(&restored.removed), ["new/file"], "by name");
    assert!(!repo.join("new").exists(), "the emptied folder goes, too");
    let rescue = restored.rescue.expect("something was overwritten");
    assert_eq!(rescue.rescue_of, Some(snapshot.id), "it says of what");
    assert_eq!(rescue.taken_at, now(), "and when");
    let found = snapshots(repo.top()).find(&rescue.id).expect("it is kept");
    assert_eq!(found, rescue, "by a ref of its own");
}

#[test]
fn restore_refuses_another_working_trees_snapshot_unless_that_is_allowed() {
    let repo = busy();
    let snapshot = take(repo.top());
    let other = repo.outside().join("other");
    let words = ["worktree", "add", "-q", "--detach"].map(std::ffi::OsStr::new);
    repo.git(words.into_iter().chain([other.as_os_str()]));
    let before = state(&other, &repo);
    let refused = try_restore(&other, &snapshot);
    assert!(
        matches!(refused, Err(RestoreError::Elsewhere { .. })),
        "it is not meant for here: {refused:?}"
    );
    assert_eq!(state(&other, &repo), before, "nothing is touched");
    let allowed = task_runner::RestoreOptions {
        elsewhere: task_runner::Elsewhere::Allow,
        ..options()
    };
    snapshots(&other)
        .restore(&snapshot, &allowed, &task_runner::NothingShared)
        .expect("it is allowed");
    let (here, there) = (state(repo.top(), &repo), state(&other, &repo));
    assert_eq!(
        there.index, here.index,
        "the index is that of the first tree"
    );
    let secret = |state: &State| state.files.get(Path::new("secret")).cloned();
    assert_eq!(secret(&there), secret(&here), "so are files");
}
