//! What the toolkit puts beside a story never shows up in git, after `story init`.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::{Finished, Sandbox, on_path, skip, workspace};

use crate::support::{run, story};

const TEMPORARY_OF_A_LOCK: &str = ".ai-sdlc/stories/S-0034/.sidecar-0123456789abcdef.lock-tmp";
const TEMPORARY_OF_A_COMMIT: &str = ".ai-sdlc/stories/S-0034/.story.md.532011-87ea-18ea029c9bad939f.532010-87ea-18ea029c9b8aff78.b097ddc104c5745c.atomic-tmp";

/// Names that locks and temporary files of the toolkit have, and must be ignored.
const IGNORED: [&str; 21] = [
    "tasks.json.lock",
    ".ai-sdlc/agent-performance-metrics.json.lock",
    "logs/run.log.lock",
    ".ai-sdlc/.state-pending/0123456789abcdef.transaction",
    ".ai-sdlc/stories/S-0034/story.md.lock",
    "stories/plan.md.lock",
    TEMPORARY_OF_A_COMMIT,
    TEMPORARY_OF_A_LOCK,
    ".devs-state.lock",
    ".ai-sdlc/.workflow-state.json.lock",
    ".devs.db",
    ".devs.db-wal",
    ".devs.db-shm",
    "deep/er/x.md.lock",
    ".ai-sdlc/journal/S-0034.jsonl",
    "part/.ai-sdlc/journal/done/01-x.md.jsonl",
    ".ai-sdlc/locks/agent-1.lock",
    ".ai-sdlc/locks/.leases.json",
    ".ai-sdlc/locks.lock",
    ".ai-sdlc/leases.db",
    "part/.ai-sdlc/leases.db-wal",
];

/// Names that belong to others and must stay visible.
const VISIBLE: [&str; 10] = [
    "package-lock.json",
    "tasks.json",
    "logs/run.log",
    "Cargo.lock",
    "yarn.lock",
    ".ai-sdlc/stories/S-0034/story.md",
    "src/main.rs",
    "journal/S-0034.jsonl",
    "locks/front-door.md",
    "leases.db",
];

fn git(folder: &Path, arguments: &[&str]) -> Finished {
    run(Command::new("git").current_dir(folder).args(arguments))
}

fn is_ignored(folder: &Path, name: &str) -> bool {
    match git(folder, &["check-ignore", "--quiet", name])
        .status
        .code()
    {
        Some(0) => true,
        Some(1) => false,
        other => panic!("git check-ignore works in a repository: {other:?}"),
    }
}

#[test]
fn init_makes_git_ignore_every_lock_and_temporary_name() {
    if on_path("git").is_none() {
        return skip(
            "init_makes_git_ignore_every_lock_and_temporary_name",
            "git is not installed",
        );
    }
    let sandbox = Sandbox::new();
    assert!(
        git(sandbox.path(), &["init", "--quiet"]).status.success(),
        "a repository can be made"
    );
    sandbox.write(".gitignore", "# mine\n/build/");
    assert!(
        !is_ignored(sandbox.path(), IGNORED[0]),
        "nothing is ignored before"
    );
    for _ in 0..2 {
        let finished = run(story().current_dir(sandbox.path()).arg("init"));
        assert!(
            finished.status.success(),
            "init works, and works again: {finished:?}"
        );
    }
    for name in IGNORED {
        assert!(
            is_ignored(sandbox.path(), name),
            "{name} is ignored; rules:\n{}",
            sandbox.read(".gitignore")
        );
    }
    for name in VISIBLE {
        assert!(!is_ignored(sandbox.path(), name), "{name} stays visible");
    }
    let rules = sandbox.read(".gitignore");
    assert!(
        rules.starts_with("# mine\n/build/\n"),
        "the person's own rules stay: {rules}"
    );
    let count = rules
        .lines()
        .filter(|line| line.trim() == "*.md.lock")
        .count();
    assert_eq!(count, 1, "a second init adds nothing: {rules}");
}

#[test]
fn doctor_warns_when_git_would_see_the_locks() {
    if on_path("git").is_none() {
        return skip(
            "doctor_warns_when_git_would_see_the_locks",
            "git is not installed",
        );
    }
    let sandbox = Sandbox::new();
    assert!(
        git(sandbox.path(), &["init", "--quiet"]).status.success(),
        "a repository can be made"
    );
    let doctor = || run(story().current_dir(sandbox.path()).arg("doctor"));
    let says_ignore =
        |finished: &Finished| format!("{}{}", finished.stdout, finished.stderr).contains("ignore");
    run(story().current_dir(sandbox.path()).arg("init"));
    let healthy = doctor();
    assert!(
        healthy.status.success() && !says_ignore(&healthy),
        "nothing to say after init: {healthy:?}"
    );
    fs::remove_file(sandbox.join(".gitignore")).expect("the rules can be removed");
    let warned = doctor();
    assert!(
        says_ignore(&warned),
        "doctor misses the ignore rules: {warned:?}"
    );
}

#[test]
fn names_that_are_tested_are_those_that_the_toolkit_uses() {
    let name = |path| Path::new(path).file_name().expect("a path ends in a name");
    let commits = name(TEMPORARY_OF_A_COMMIT);
    assert!(
        atomic_file::is_temporary_name(commits),
        "atomic-file knows {commits:?} as its own"
    );
    let locks = name(TEMPORARY_OF_A_LOCK);
    assert!(
        sidecar_lock::is_temporary_name(locks),
        "sidecar-lock knows {locks:?} as its own"
    );
}

#[test]
fn names_left_by_killed_writers_are_ignored_in_this_repository() {
    let root = workspace();
    if on_path("git").is_none() || !root.join(".git").exists() {
        let test = "names_left_by_killed_writers_are_ignored_in_this_repository";
        return skip(
            test,
            "the workspace is not a git repository, or git is not installed",
        );
    }
    for name in IGNORED.iter().filter(|name| !name.contains("devs")) {
        assert!(is_ignored(&root, name), "{name} is ignored here");
    }
    assert!(!is_ignored(&root, "Cargo.lock"), "Cargo.lock is committed");
}
