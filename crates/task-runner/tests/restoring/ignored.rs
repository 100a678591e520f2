//! What git ignores is nobody's to touch, whatever became of the rules.

use std::fs;

use task_runner::{Left, ObstacleKind, Reason, RestoreError};

use crate::repo::Repo;
use crate::state::{goes_back, in_memory, restore, state, take, try_restore};

/// Rules, something that they ignore, a cache that ignores itself.
fn ruled() -> Repo {
    let repo = in_memory();
    repo.write(".gitignore", "*.log\n/build/\nsecrets\n");
    repo.write("keep.txt", "mine\n");
    repo.commit_all("rules");
    repo.write("noise.log", "ignored\n");
    repo.write("src/more.log", "ignored\n");
    repo.write("build/out/x", "ignored\n");
    repo.write("secrets", "ignored\n");
    repo.write("cache/.gitignore", "*\n");
    repo.write("cache/data", "ignored\n");
    repo
}

fn left(path: &str, reason: Reason) -> Left {
    let path = path.into();
    Left { path, reason }
}

#[test]
fn restore_leaves_ignored_files_beside_the_others() {
    let repo = ruled();
    goes_back("files beside ignored ones", &repo, || {
        repo.write("keep.txt", "task\n");
        fs::remove_file(repo.join("src/main.rs")).expect("it is there");
        repo.write("src/new.rs", "task\n");
    });
}

#[test]
fn restore_leaves_what_was_ignored_by_rules_outside_of_the_tree_that_the_task_took_away() {
    let repo = ruled();
    let (top, exclude) = (repo.top(), ".git/info/exclude");
    // The rules of the tree come last, as they do for git; and no line ends the file.
    repo.write(exclude, "/notes\n/mine.log\n!/not.log");
    repo.write("notes", "ignored\n");
    repo.write("mine.log", "ignored\n");
    let snapshot = take(top);
    fs::remove_file(repo.join(exclude)).expect("it is there");
    fs::remove_file(repo.join(".gitignore")).expect("it is there");
    repo.write("not.log", "of the task\n");
    repo.write("new", "of the task\n");
    let restored = restore(top, &snapshot);
    for name in ["notes", "mine.log", "not.log"] {
        assert!(repo.join(name).exists(), "{name} stays: {restored:?}");
        let named = left(name, Reason::Ignored);
        assert!(restored.left.contains(&named), "{name}: {restored:?}");
    }
    assert!(!repo.join("new").exists(), "it was not there: {restored:?}");
}

#[test]
fn restore_leaves_what_was_ignored_when_the_task_took_the_rules_away() {
    let repo = ruled();
    let (top, before) = (repo.top(), state(repo.top(), &repo));
    let snapshot = take(top);
    fs::remove_file(repo.join(".gitignore")).expect("it is there");
    repo.git(["add", "secrets"]);
    let restored = restore(top, &snapshot);
    assert_eq!(
        state(top, &repo),
        before,
        "the ignored files are as they were"
    );
    let expected = ["build/out/x", "noise.log", "secrets", "src/more.log"];
    let expected = expected.map(|path| left(path, Reason::Ignored));
    assert_eq!(
        restored.left, expected,
        "and named, for they may have been there"
    );
}

#[test]
fn restore_leaves_what_only_the_rules_of_the_task_ignored_and_says_so() {
    let repo = ruled();
    let top = repo.top();
    let snapshot = take(top);
    repo.write(
        ".gitignore",
        "*.log\n/build/\nsecrets\n*.tmp\nmodules/\nkeep.txt\n",
    );
    repo.write("a.tmp", "task\n");
    repo.write("modules/deep/x", "task\n");
    // Recorded, and ignored only now.
    repo.git(["rm", "-q", "--cached", "keep.txt"]);
    repo.write("keep.txt", "task\n");
    let restored = restore(top, &snapshot);
    let expected = ["a.tmp", "modules"].map(|path| left(path, Reason::Ignored));
    assert_eq!(restored.left, expected, "both are named");
    assert_eq!(repo.read("a.tmp"), b"task\n", "the file is left");
    assert_eq!(repo.read("modules/deep/x"), b"task\n", "the folder, too");
    assert_eq!(
        repo.read("keep.txt"),
        b"mine\n",
        "what was recorded is back"
    );
    let rescue = restored.rescue.expect("something was overwritten");
    restore(top, &rescue);
    assert_eq!(
        repo.read("keep.txt"),
        b"task\n",
        "it was rescued although it was ignored"
    );
}

#[test]
fn restore_removes_new_files_where_rules_that_ignore_themselves_do_not_cover_them() {
    let repo = ruled();
    goes_back("a new file beside a cache", &repo, || {
        repo.write("data", "task\n");
        repo.write("cached/data", "task\n");
    });
}

#[test]
fn restore_names_ignored_content_in_the_way_before_it_touches_anything() {
    for (what, name) in [
        ("a file of the folder is ignored", "keep.txt/x.log"),
        ("so is a deeper one", "keep.txt/a/x.log"),
    ] {
        let repo = ruled();
        let top = repo.top();
        let snapshot = take(top);
        repo.write("src/main.rs", "task\n");
        fs::remove_file(repo.join("keep.txt")).expect("it is there");
        repo.write("keep.txt/tracked", "task\n");
        repo.write(name, "precious\n");
        let before = state(top, &repo);
        let refused = try_restore(top, &snapshot);
        let Err(RestoreError::Obstacles { obstacles }) = refused else {
            panic!("{what}: it is in the way: {refused:?}");
        };
        assert_eq!(obstacles.len(), 1, "{what}: the other files are recorded");
        assert_eq!(obstacles[0].path.as_os_str(), name, "{what}: named");
        assert_eq!(
            obstacles[0].kind,
            ObstacleKind::NotRecorded,
            "{what}: and why"
        );
        assert_eq!(state(top, &repo), before, "{what}: nothing was touched");
        assert!(
            !repo.join(".git/index.lock").exists(),
            "{what}: the index is free"
        );
        fs::remove_file(repo.join(name)).expect("it is there");
        restore(top, &snapshot);
        assert_eq!(repo.read("keep.txt"), b"mine\n", "{what}: the way is free");
    }
}

#[test]
fn restore_names_an_ignored_file_where_a_folder_must_come() {
    let repo = ruled();
    repo.write("notes/today", "mine\n");
    let snapshot = take(repo.top());
    fs::remove_dir_all(repo.join("notes")).expect("it is there");
    repo.write(".git/info/exclude", "/notes\n");
    repo.write("notes", "precious\n");
    let refused = try_restore(repo.top(), &snapshot);
    assert!(
        matches!(&refused, Err(RestoreError::Obstacles { obstacles }) if obstacles[0].path.as_os_str() == "notes"),
        "an ignored file is not overwritten: {refused:?}"
    );
    assert_eq!(repo.read("notes"), b"precious\n", "it is as it was");
}

#[test]
fn restore_leaves_what_was_ignored_by_rules_that_ignore_themselves_when_the_task_staged_it() {
    let repo = ruled();
    let (top, before) = (repo.top(), state(repo.top(), &repo));
    let snapshot = take(top);
    repo.git(["add", "-f", "cache/data", "secrets"]);
    let restored = restore(top, &snapshot);
    assert_eq!(
        state(top, &repo),
        before,
        "the index is back, the files are there"
    );
    let expected = ["cache/data", "secrets"].map(|path| left(path, Reason::Ignored));
    assert_eq!(
        restored.left, expected,
        "both may have been there, and are named"
    );
}
