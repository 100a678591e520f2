//! Restores that are killed at each of the calls by which they change something, and are called again.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use task_runner::Snapshot;
use testkit::skip;

use crate::ordinary::{chmod, link, remove};
use crate::repo::Repo;
use crate::state::{in_memory, is_clean_of_ours, restore, snapshots, state, take};

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
    let kills = killed_at_each(&CALLS, &repo, damage);
    assert!(
        kills.all > kills.with_rescue && kills.with_rescue >= 20,
        "before and after the rescue: {kills:?}"
    );
}

#[test]
fn restore_killed_between_the_files_and_the_index_shows_no_false_change_after_the_next_one() {
    let name =
        "restore_killed_between_the_files_and_the_index_shows_no_false_change_after_the_next_one";
    if !has_strace() {
        return skip(name, "strace is not installed");
    }
    let repo = in_memory();
    repo.git(["config", "core.autocrlf", "true"]);
    // Both indexes say the same: what git would store of it is the same.
    repo.write("ends", "one\ntwo\n");
    repo.commit_all("ends");
    let kills = killed_at_each(&["linkat", "rename"], &repo, |repo| {
        remove(repo, "ends");
        repo.git(["reset", "--quiet", "--hard"]);
    });
    assert!(
        kills.with_stale_index > 0,
        "some come after the files and before the index: {kills:?}"
    );
}

/// How many restores were killed.
#[derive(Debug, Default)]
struct Kills {
    all: usize,
    with_rescue: usize,
    /// When all files were back, and git took some of them for changed that are not.
    with_stale_index: usize,
}

/// Damages the tree; then restores are killed at each of these calls, called again, and the damage is brought back from the rescue.
fn killed_at_each(calls: &[&str], repo: &Repo, damage: impl Fn(&Repo)) -> Kills {
    let (top, before) = (repo.top(), state(repo.top(), repo));
    let snapshot = take(top);
    damage(repo);
    let damaged = state(top, repo);
    assert_ne!(damaged.files, before.files, "there is something to restore");
    let mut kills = Kills::default();
    for call in calls {
        for number in 1.. {
            let at = format!("killed at {call} {number}");
            if !restore_and_die(repo, &snapshot, call, number) {
                assert_eq!(state(top, repo), before, "{call}: it came to its end");
                restore(top, &rescues(repo)[0]);
                forget(repo);
                break;
            }
            let (early, halfway) = (rescues(repo), state(top, repo));
            kills.all += 1;
            kills.with_rescue += usize::from(!early.is_empty());
            let is_stale = halfway.files == before.files && halfway.index == before.index;
            kills.with_stale_index += usize::from(is_stale && halfway.status != before.status);
            assert!(
                !early.is_empty() || halfway.files == damaged.files,
                "{at}: nothing is touched before there is a rescue"
            );
            let restored = restore(top, &snapshot);
            assert_eq!(state(top, repo), before, "{at}: the next call ends it");
            let first = early.into_iter().next().or(restored.rescue);
            restore(top, &first.expect("something was overwritten"));
            assert_eq!(state(top, repo), damaged, "{at}: the rescue has it all");
            forget(repo);
        }
    }
    restore(top, &snapshot);
    is_clean_of_ours(repo);
    kills
}

fn forget(repo: &Repo) {
    for rescue in rescues(repo) {
        repo.git(["update-ref", "-d", &rescue.reference]);
    }
}
