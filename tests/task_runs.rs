//! Several `story run` in one tree: one task at a time, whatever happens to the processes.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use testkit::{Finished, Sandbox, SecondProcess, wait_until};

use crate::support::{PATIENCE, alone, json, run, story, wait_until_waiting};

/// A repository with one commit, and something that is not committed.
struct Tree {
    sandbox: Sandbox,
}

impl Tree {
    fn new() -> Self {
        let sandbox = Sandbox::inside(&env::temp_dir()).expect("the temporary folder can be used");
        let tree = Self { sandbox };
        tree.git(&["init", "--quiet", "--initial-branch", "main"]);
        tree.git(&["config", "user.name", "A Person"]);
        tree.git(&["config", "user.email", "person@example.org"]);
        tree.sandbox.write("a.txt", "committed\n");
        tree.sandbox.write(".gitignore", ".devs*\n");
        tree.git(&["add", "--all"]);
        tree.git(&["commit", "--quiet", "-m", "begin"]);
        tree.sandbox.write("a.txt", "mine\n");
        tree
    }

    fn folder(&self) -> &Path {
        self.sandbox.path()
    }

    fn lock_path(&self) -> PathBuf {
        let top = fs::canonicalize(self.folder()).expect("it is there");
        top.join(".devs-state.lock")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.folder()).args(arguments);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.env("GIT_CONFIG_NOSYSTEM", "1");
        let finished = run(&mut git);
        assert!(finished.status.success(), "{arguments:?}: {finished:?}");
        finished.stdout
    }

    /// `story run --task TASK OPTIONS -- sh -c SCRIPT`.
    fn task(&self, task: &str, options: &[&str], script: &str) -> Command {
        let mut command = story();
        command.current_dir(self.folder());
        command.args(["run", "--task", task]).args(options);
        command.args(["--", "sh", "-c", script]);
        command
    }

    fn assert_free(&self) {
        assert!(
            !self.lock_path().exists(),
            "the lock of the tree is released"
        );
        let finished = run(&mut self.task("last", &[], "true"));
        assert!(
            finished.status.success(),
            "the next task runs: {finished:?}"
        );
    }
}

/// Waits until a process that nobody has reaped yet is dead.
fn wait_until_dead(pid: u32) {
    let stat = format!("/proc/{pid}/stat");
    wait_until("the process was killed", PATIENCE, || {
        fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z "))
    });
}

fn assert_names(finished: &Finished, pid: u32, task: &str) {
    assert_eq!(
        finished.status.code(),
        Some(1),
        "the conflict: {finished:?}"
    );
    for part in [
        format!("pid {pid}"),
        task.to_owned(),
        "locked by another process".to_owned(),
    ] {
        assert!(
            finished.stderr.contains(&part),
            "{part:?} is told: {finished:?}"
        );
    }
}

#[test]
fn twenty_runs_at_once_are_one_task_and_nineteen_conflicts() {
    let _alone = alone();
    let tree = Tree::new();
    let script = "echo \"$STORY_TASK\" >> ran; echo READY; read line; echo done >> ran";
    let start = |number| SecondProcess::spawn(&mut tree.task(&format!("T-{number}"), &[], script));
    let mut runs: Vec<SecondProcess> = (0..20).map(start).collect();
    wait_until("all but one have ended", PATIENCE, || {
        let ended = runs.iter_mut().map(SecondProcess::has_ended);
        ended.filter(|ended| !ended).count() == 1
    });
    let at = runs.iter_mut().position(|run| !run.has_ended());
    let at = at.expect("one runs, for nobody has told it to go on");
    let (mut winner, task) = (runs.remove(at), format!("T-{at}"));
    winner.expect_line("READY", PATIENCE);
    for refused in runs {
        assert_names(&refused.wait(PATIENCE), winner.id(), &task);
    }
    winner.send_line("on");
    let finished = winner.wait(PATIENCE);
    assert!(
        finished.status.success(),
        "the first ends well: {finished:?}"
    );
    let ran = tree.sandbox.read("ran");
    assert_eq!(ran, format!("{task}\ndone\n"), "nobody else ran");
    tree.assert_free();
}

#[test]
fn runs_that_wait_take_turns_and_lose_nothing() {
    let _alone = alone();
    let tree = Tree::new();
    tree.sandbox.write("count", "0\n");
    // Two of them at once would read the same number.
    let script =
        "read n < count; mkdir inside || exit 9; sleep 0.01; echo $((n + 1)) > count; rmdir inside";
    let start = |number| {
        SecondProcess::spawn(&mut tree.task(&format!("T-{number}"), &["--wait", "2m"], script))
    };
    let runs: Vec<SecondProcess> = (0..12).map(start).collect();
    let mut waited = 0;
    for run in runs {
        let finished = run.wait(PATIENCE);
        assert!(finished.status.success(), "each has its turn: {finished:?}");
        waited += 1;
    }
    assert_eq!(
        tree.sandbox.read("count"),
        format!("{waited}\n"),
        "no turn is lost"
    );
    tree.assert_free();
}

#[test]
fn run_that_waits_begins_when_the_other_has_ended() {
    let tree = Tree::new();
    let mut first = tree.task("T-1", &[], "echo READY; read line; echo one >> ran");
    let mut first = SecondProcess::spawn_ready(&mut first, PATIENCE);
    let second = SecondProcess::spawn(&mut tree.task("T-2", &["--wait", "2m"], "echo two >> ran"));
    wait_until_waiting([&second], &tree.lock_path());
    first.send_line("on");
    let finished = first.wait(PATIENCE);
    assert!(finished.status.success(), "{finished:?}");
    let finished = second.wait(PATIENCE);
    assert!(finished.status.success(), "{finished:?}");
    assert_eq!(
        tree.sandbox.read("ran"),
        "one\ntwo\n",
        "one after the other"
    );
    tree.assert_free();
}

#[test]
fn run_that_is_killed_leaves_the_tree_locked_until_its_command_ends() {
    let tree = Tree::new();
    let script =
        "echo half > a.txt; echo READY; until [ -e go ]; do sleep 0.02; done; echo late > late";
    let process = SecondProcess::spawn_ready(&mut tree.task("T-1", &[], script), PATIENCE);
    process.signal(Signal::KILL);
    wait_until_dead(process.id());
    let refused = run(&mut tree.task("T-2", &[], "true"));
    assert_names(&refused, process.id(), "T-1");
    assert!(
        refused.stderr.contains("has died") && refused.stderr.contains("still runs"),
        "that it is the command that goes on is told: {refused:?}"
    );
    let waits =
        SecondProcess::spawn(&mut tree.task("T-2", &["--wait", "2m", "--json"], "cat late"));
    wait_until_waiting([&waits], &tree.lock_path());
    tree.sandbox.write("go", "");
    let finished = waits.wait(PATIENCE);
    assert!(
        finished.status.success(),
        "then it is its turn: {finished:?}"
    );
    assert!(
        finished.stdout.starts_with("late\n"),
        "not earlier: {finished:?}"
    );
    let answer = finished.stdout.lines().last().unwrap_or_default();
    assert!(
        answer.contains("T-1"),
        "what happened to the first is told: {answer}"
    );
    assert!(
        finished.stderr.contains("story run restore T-1"),
        "and what can be done: {finished:?}"
    );
    drop(process);
    tree.assert_free();
}

#[test]
fn run_whose_whole_group_gets_a_signal_ends_with_it() {
    let tree = Tree::new();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut command = tree.task("T-1", &["--json"], "echo READY; exec sleep 600");
        let process = SecondProcess::spawn_ready(&mut command, PATIENCE);
        let group = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        kill_process_group(group.expect("a number"), signal).expect("it is there");
        let finished = process.wait(PATIENCE);
        assert_eq!(finished.status.code(), Some(code), "{finished:?}");
        let answer = json(&finished);
        assert_eq!(answer["ended"], "signalled", "{answer}");
        assert_eq!(answer["dropped"], false, "the way back is kept: {answer}");
    }
    tree.assert_free();
}

#[test]
fn run_that_is_signalled_while_it_waits_ends_at_once_and_leaves_the_other_alone() {
    let tree = Tree::new();
    let mut first = tree.task("T-1", &[], "echo READY; read line");
    let mut first = SecondProcess::spawn_ready(&mut first, PATIENCE);
    let second = SecondProcess::spawn(&mut tree.task("T-2", &["--wait", "10m"], "true"));
    wait_until_waiting([&second], &tree.lock_path());
    second.signal(Signal::TERM);
    let finished = second.wait(PATIENCE);
    assert_eq!(finished.status.code(), Some(143), "{finished:?}");
    first.send_line("on");
    let finished = first.wait(PATIENCE);
    assert!(finished.status.success(), "{finished:?}");
    tree.assert_free();
}

#[test]
fn daemon_of_a_task_that_has_ended_blocks_nobody() {
    let tree = Tree::new();
    let script = "sleep 600 <&- >&- 2>&- & echo $! > daemon.pid";
    let finished = run(&mut tree.task("T-1", &[], script));
    assert!(finished.status.success(), "{finished:?}");
    tree.assert_free();
    let pid = tree.sandbox.read("daemon.pid");
    let pid = pid.trim_end().parse().ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a number"), Signal::KILL).expect("it still runs");
}
