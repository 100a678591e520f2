//! A task that is killed with `kill -9` at any point: the next start says what happened, and one command brings back the
//! state before.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use serde_json::Value;
use testkit::{Finished, Sandbox, skip, wait_until};

use crate::desk::{PATIENCE, finish, json_lines};
use crate::git_desk::{GitDesk, Seen};

/// Damages files of each kind and the index, and succeeds.
const WORK: &str = "echo damaged > a.txt; rm 'run me.sh' src/b.txt; echo new > new.txt; echo here > old.txt; git add --all";

const RUN: [&str; 7] = ["run", "--task", "T-1", "--", "sh", "-c", WORK];

/// Where the runner is killed: before it starts a program (git again and again, and the command), and before it changes
/// names and files of its own.
const CALLS: [&str; 4] = [
    "clone,clone3,vfork",
    "unlinkat,unlink",
    "linkat,link",
    "fdatasync,fsync",
];

/// How many of the points at which it can be killed are tried, spread over each kind of call from the first to the last.
/// `STORY_KILLS=all` tries each.
const POINTS: usize = 8;

/// The points of calls of one kind, of which a run that nobody kills has so many.
fn points(calls: usize) -> Vec<usize> {
    if std::env::var("STORY_KILLS").as_deref() == Ok("all") {
        return (1..=calls).collect();
    }
    spread(calls, POINTS)
}

/// So many of the numbers from 1, at the same distances; the first and the last are among them.
fn spread(numbers: usize, wanted: usize) -> Vec<usize> {
    if numbers <= wanted {
        return (1..=numbers).collect();
    }
    let steps = wanted - 1;
    (0..wanted)
        .map(|step| 1 + step * (numbers - 1) / steps)
        .collect()
}

#[test]
fn spread_has_the_first_and_the_last_and_none_twice() {
    let table = [
        (0, vec![]),
        (2, vec![1, 2]),
        (3, vec![1, 2, 3]),
        (4, vec![1, 2, 4]),
        (9, vec![1, 5, 9]),
    ];
    for (numbers, expected) in table {
        assert_eq!(spread(numbers, 3), expected, "3 of {numbers}");
    }
}

/// How many calls of this kind the thread that is killed makes in a run that nobody kills.
fn calls_of(desk: &GitDesk, call: &str, arguments: &[&str]) -> usize {
    let counted = Sandbox::new();
    let log = counted.join("calls");
    let mut traced = Command::new("strace");
    testkit::without_settings(&mut traced);
    traced
        .current_dir(desk.sandbox.path())
        .arg("-o")
        .arg(&log)
        .args(["-e", &format!("trace={call}"), "-e", "signal=none"])
        .arg(env!("CARGO_BIN_EXE_story"))
        .args(arguments);
    finish(&mut traced);
    let lines = counted.read("calls");
    lines.lines().filter(|line| line.contains('(')).count()
}

/// A run that is killed before the call with this number.
struct Killed {
    desk: GitDesk,
    before: Seen,
    refs: [String; 3],
    point: String,
}

fn traced(desk: &GitDesk, call: &str, number: usize, arguments: &[&str]) -> Finished {
    let mut traced = Command::new("strace");
    testkit::without_settings(&mut traced);
    traced
        .current_dir(desk.sandbox.path())
        .args(["-o", "/dev/null", "-e"])
        .arg(format!("inject={call}:signal=KILL:when={number}"))
        .arg(env!("CARGO_BIN_EXE_story"))
        .args(arguments);
    finish(&mut traced)
}

impl Killed {
    /// `None`: it came to its end before that call.
    fn at(call: &str, number: usize) -> Option<Self> {
        let desk = GitDesk::at_work();
        let (before, refs) = (desk.seen(), desk.own_refs());
        let finished = traced(&desk, call, number, &RUN);
        (finished.status.signal() == Some(9)).then(|| Self {
            desk,
            before,
            refs,
            point: format!("{call} {number}"),
        })
    }

    fn record(&self) -> Option<Value> {
        let list = ["run", "list", "--all", "--json"];
        let listed = json_lines(&self.desk.expect(0, &list).stdout);
        listed.into_iter().find(|task| task["task"] == "T-1")
    }

    /// Demands what is promised, and returns the state that the task was found in.
    fn recover(&self) -> String {
        let point = &self.point;
        // What it has started goes on without it.
        wait_until("nothing of it runs any more", PATIENCE, || {
            self.record().is_none_or(|task| task["state"] != "running")
        });
        let Some(task) = self.record() else {
            assert_eq!(self.desk.seen(), self.before, "it had not begun: {point}");
            return "unknown".to_owned();
        };
        let state = task["state"].as_str().unwrap_or_default().to_owned();
        let next = self
            .desk
            .expect(0, &["run", "--task", "T-2", "--wait", "60s", "--", "true"]);
        if state == "done" {
            assert!(
                self.desk.sandbox.join("new.txt").exists(),
                "its work is done: {point}"
            );
            if task["snapshot"].is_null() {
                return state;
            }
        } else {
            assert_eq!(
                state, "interrupted",
                "it says what happened: {point}: {task}"
            );
            let command = if task["snapshot"].is_null() {
                "story run abandon T-1"
            } else {
                "story run restore T-1"
            };
            assert!(
                next.stderr.contains("T-1 was interrupted") && next.stderr.contains(command),
                "the next start says it, and the command: {point}: {next:?}"
            );
        }
        self.desk.expect(0, &["run", "restore", "T-1"]);
        assert_eq!(
            self.desk.seen(),
            self.before,
            "one command brings it back: {point}"
        );
        if task["snapshot"].is_null() {
            "before-snapshot".to_owned()
        } else {
            state
        }
    }
}

#[test]
fn run_killed_at_any_call_is_told_and_one_command_brings_the_tree_back() {
    let name = "run_killed_at_any_call_is_told_and_one_command_brings_the_tree_back";
    if Command::new("strace").arg("-V").output().is_err() {
        return skip(name, "strace is not installed");
    }
    let (mut states, mut kills) = (BTreeSet::new(), 0);
    for call in CALLS {
        let calls = calls_of(&GitDesk::at_work(), call, &RUN);
        for number in points(calls) {
            let Some(killed) = Killed::at(call, number) else {
                // It waits for others a different number of times.
                continue;
            };
            kills += 1;
            states.insert(killed.recover());
            let refs = killed.desk.own_refs();
            assert_eq!(
                refs, killed.refs,
                "stashes, reflog, branch: {}",
                killed.point
            );
        }
    }
    assert!(kills >= 20, "it was killed all along: {kills}");
    let expected = ["before-snapshot", "interrupted", "unknown"];
    for state in expected {
        assert!(states.contains(state), "killed in each stage: {states:?}");
    }
}

#[test]
fn restore_killed_at_any_call_is_ended_by_calling_it_again() {
    let name = "restore_killed_at_any_call_is_ended_by_calling_it_again";
    if Command::new("strace").arg("-V").output().is_err() {
        return skip(name, "strace is not installed");
    }
    let mut kills = 0;
    for call in [
        "clone,clone3,vfork",
        "renameat2,rename,renameat",
        "linkat,link",
        "unlinkat,unlink",
    ] {
        let counted = GitDesk::at_work();
        counted.expect(0, &["snapshot", "take", "--task", "T-1"]);
        counted.damage();
        let calls = calls_of(&counted, call, &["snapshot", "restore", "T-1"]);
        for number in points(calls) {
            let desk = GitDesk::at_work();
            let (before, refs) = (desk.seen(), desk.own_refs());
            desk.expect(0, &["snapshot", "take", "--task", "T-1"]);
            desk.damage();
            let finished = traced(&desk, call, number, &["snapshot", "restore", "T-1"]);
            if finished.status.signal() != Some(9) {
                continue;
            }
            kills += 1;
            let point = format!("{call} {number}");
            desk.expect(0, &["snapshot", "restore", "T-1"]);
            assert_eq!(desk.seen(), before, "a second call ends it: {point}");
            assert_eq!(desk.own_refs(), refs, "stashes, reflog, branch: {point}");
            let index_lock = desk.sandbox.join(".git/index.lock");
            assert!(!index_lock.exists(), "git can go on: {point}");
        }
    }
    assert!(kills >= 10, "it was killed in the middle: {kills}");
}
