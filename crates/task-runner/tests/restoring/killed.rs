//! Restores that are killed at each of the calls by which they change something, and are called again.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use task_runner::Snapshot;
use testkit::skip;

use crate::ordinary::{chmod, link, remove};
use crate::repo::Repo;
use crate::state::{files, in_memory, is_clean_of_ours, restore, snapshots, state, take};

/// Tells the child which tree to restore, and to which snapshot.
const TREE: &str = "RESTORING_TREE";
const SNAPSHOT: &str = "RESTORING_SNAPSHOT";

/// The system calls by which files, folders and git's lock change.
const CALLS: [&str; 8] = [
    "linkat",
    "unlinkat",
    "unlink",
    "renameat2",
    "rename",
    "symlinkat",
    "mkdirat",
    "fchmod",
];

/// The other process: restores and ends. It is a test only so that it can be started.
#[test]
fn child_restores_when_it_is_told_to() {
    let (Some(tree), Some(id)) = (std::env::var_os(TREE), std::env::var(SNAPSHOT).ok()) else {
        return;
    };
    let snapshot = snapshots(Path::new(&tree)).find(&id);
    restore(Path::new(&tree), &snapshot.expect("it is there"));
}

/// One of each kind of step.
fn damage(repo: &Repo) {
    repo.write("edited", "task\n");
    remove(repo, "gone");
    repo.write("new/deep/file", "task\n");
    fs::remove_dir_all(repo.join("folder")).expect("it is there");
    repo.write("folder", "task\n");
    remove(repo, "link");
    link(repo, "task", "link");
    chmod(repo, "bits", 0o644);
    repo.git(["add", "--all"]);
}

pub fn has_strace() -> bool {
    Command::new("strace").arg("-V").output().is_ok()
}

fn child(repo: &Repo, snapshot: &Snapshot, inject: &str) -> Output {
    let call = inject.split(':').next().unwrap_or_default();
    Command::new("strace")
        // Its threads, and not the processes of git.
        .args(["-f", "-qq", "-o", "/dev/null", "-b", "execve"])
        .args([
            "-e",
            &format!("trace={call}"),
            "-e",
            &format!("inject={inject}"),
        ])
        .arg(std::env::current_exe().expect("a test has a path"))
        .args(["--exact", "killed::child_restores_when_it_is_told_to"])
        .env(TREE, repo.top())
        .env(SNAPSHOT, &snapshot.id)
        .output()
        .expect("strace runs")
}

/// Restores in another process, to which the kernel says what `inject` says; it must fail. Answers what it says.
pub fn child_told(repo: &Repo, snapshot: &Snapshot, inject: &str) -> String {
    let output = child(repo, snapshot, inject);
    assert!(!output.status.success(), "{inject}: it must not succeed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Restores in another process that dies at the `number`th call of that name; `false`: it has none, and came to its end.
fn restore_and_die(repo: &Repo, snapshot: &Snapshot, call: &str, number: u32) -> bool {
    let inject = format!("{call}:signal=KILL:when={number}");
    !child(repo, snapshot, &inject).status.success()
}

fn rescues(repo: &Repo) -> Vec<Snapshot> {
    let all = snapshots(repo.top()).list().expect("a list");
    let is_rescue = |found: &Snapshot| found.rescue_of.is_some();
    all.into_iter().filter(is_rescue).collect()
}

#[test]
fn killed_restore_loses_nothing_and_the_next_one_comes_to_the_end() {
    let name = "killed_restore_loses_nothing_and_the_next_one_comes_to_the_end";
    if !has_strace() {
        return skip(name, "strace is not installed");
    }
    // In memory: it is killed, not cut off from power.
    let repo = in_memory();
    for name in ["edited", "gone", "folder/one", "folder/deep/two", "bits"] {
        repo.write(name, "mine\n");
    }
    chmod(&repo, "bits", 0o600);
    link(&repo, "mine", "link");
    repo.git(["add", "edited"]);
    let (top, before) = (repo.top(), state(repo.top(), &repo));
    let snapshot = take(top);
    damage(&repo);
    let damaged = state(top, &repo);
    let (mut kills, mut with_rescue) = (0, 0);
    for call in CALLS {
        for number in 1.. {
            let at = format!("killed at {call} {number}");
            if !restore_and_die(&repo, &snapshot, call, number) {
                assert_eq!(state(top, &repo), before, "{call}: it came to its end");
                restore(top, &rescues(&repo)[0]);
                forget(&repo);
                break;
            }
            kills += 1;
            let early = rescues(&repo);
            with_rescue += usize::from(!early.is_empty());
            assert!(
                !early.is_empty() || files(top) == damaged.files,
                "{at}: nothing is touched before there is a rescue"
            );
            let restored = restore(top, &snapshot);
            assert_eq!(state(top, &repo), before, "{at}: the next call ends it");
            let first = early.into_iter().next().or(restored.rescue);
            restore(top, &first.expect("something was overwritten"));
            assert_eq!(state(top, &repo), damaged, "{at}: the rescue has it all");
            forget(&repo);
        }
    }
    restore(top, &snapshot);
    is_clean_of_ours(&repo);
    assert!(
        kills > with_rescue && with_rescue >= 20,
        "before and after the rescue: {kills} kills, {with_rescue} of them after it"
    );
}

fn forget(repo: &Repo) {
    for rescue in rescues(repo) {
        repo.git(["update-ref", "-d", &rescue.reference]);
    }
}
