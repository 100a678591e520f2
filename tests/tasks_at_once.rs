//! Many agents at one board of tasks: each task is claimed and done once, and the metrics agree with the board, also when
//! the commands are killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use testkit::{Finished, Sandbox, SecondProcess, skip, without_settings};

use crate::support::{PATIENCE, alone, json, run, story};

const AGENTS: usize = 16;
const TASKS: usize = 100;
/// Task number n depends on number n - STRIDE: chains, so that agents have to wait for each other.
const STRIDE: usize = 20;

const STORY: &str = env!("CARGO_BIN_EXE_story");

/// An agent that claims and does one task after another until none is left. While it has one it makes a file that nobody else
/// may have made. A task that is called a parent gets a child first.
const WORKER: &str = r#"
while :; do
  answer=$("$STORY" tasks claim --as "$NAME" --timeout 60s --json 2>>errors); code=$?
  case $code in
    0) ;;
    3) case $answer in *'"retryable":true'*) sleep 0.1; echo x >>waits; continue ;; *) exit 0 ;; esac ;;
    *) echo "$NAME claim $code $answer" >>failures; exit 1 ;;
  esac
  id=${answer#*\"id\":\"}; id=${id%%\"*}
  waited=${answer#*\"waited_ms\":}; echo "${waited%%[!0-9]*}" >>waited
  (set -C; : >"inside-$id") 2>/dev/null || echo "$NAME $id" >>overlaps
  case $answer in
    *'"title":"parent'*)
      "$STORY" tasks spawn "$id" "child of $id" --priority 2 --as "$NAME" --timeout 60s >>spawned 2>>errors ||
        { echo "$NAME spawn $id" >>failures; exit 1; } ;;
  esac
  echo "$NAME $id" >>journal
  "$STORY" tasks done "$id" --with-open-children --as "$NAME" --timeout 60s -q 2>>errors ||
    { echo "$NAME done $id" >>failures; exit 1; }
done
"#;

/// A project with a board.
struct Floor {
    sandbox: Sandbox,
}

impl Floor {
    fn new() -> Self {
        let sandbox = Sandbox::on_tmpfs().unwrap_or_default();
        sandbox.write(".ai-sdlc/stories/.keep", "");
        for log in [
            "journal", "overlaps", "failures", "errors", "spawned", "waits", "waited",
        ] {
            sandbox.write(log, "");
        }
        Self { sandbox }
    }

    /// A board of chains of tasks, every tenth a parent-to-be.
    fn with_tasks(count: usize) -> Self {
        let floor = Self::new();
        let mut ids: Vec<String> = Vec::new();
        for number in 0..count {
            let kind = if number % 10 == 0 { "parent" } else { "task" };
            let title = format!("{kind} {number}");
            let priority = (1 + number % 5).to_string();
            let mut new = vec!["new", &title, "--priority", &priority, "--as", "planner"];
            if let Some(before) = number.checked_sub(STRIDE) {
                new.extend(["--depends-on", &ids[before]]);
            }
            let id = floor.must(&new).stdout.trim_end().to_owned();
            ids.push(id);
        }
        floor
    }

    /// `story tasks <arguments…>`, in the project.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = story();
        command.current_dir(self.sandbox.path());
        command.args(["tasks", "--timeout", "60s", "--fast"]);
        command.args(arguments);
        command
    }

    fn must(&self, arguments: &[&str]) -> Finished {
        let finished = run(&mut self.command(arguments));
        assert!(
            finished.status.success(),
            "story tasks {arguments:?} succeeds: {finished:?}"
        );
        finished
    }

    fn answer(&self, arguments: &[&str]) -> Value {
        json(&self.must(&[arguments, &["--json"]].concat()))
    }

    fn start(&self, name: &str) -> SecondProcess {
        let mut shell = Command::new("sh");
        shell.args(["-c", WORKER]);
        shell.current_dir(self.sandbox.path());
        without_settings(&mut shell);
        shell.env("STORY", STORY).env("NAME", name);
        SecondProcess::spawn(&mut shell)
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = self.sandbox.read(name);
        text.lines().map(str::to_owned).collect()
    }

    /// Every task is completed, once, by the one agent that claimed it last, as its history says.
    fn assert_each_done_once(&self) -> usize {
        let board = self.answer(&["list"]);
        let tasks = board["tasks"].as_array().expect("a list");
        for task in tasks {
            assert_eq!(task["status"], "completed", "each is done: {task}");
            let history = task["history"].as_array().expect("a history");
            let times = |action: &str| {
                let entries = history.iter().filter(|entry| entry["action"] == action);
                entries.count()
            };
            assert_eq!(times("claimed"), 1, "claimed once: {task}");
            assert_eq!(times("completed"), 1, "done once: {task}");
        }
        tasks.len()
    }

    /// The metrics are what the board says, by the command and by a count that knows nothing of it.
    fn assert_metrics_agree(&self) {
        self.must(&["check"]);
        let text = self.sandbox.read(".ai-sdlc/agent-performance-metrics.json");
        let metrics: Value = serde_json::from_str(&text).expect("the metrics are JSON");
        let board = self.answer(&["list"]);
        let mut completed: BTreeMap<String, u64> = BTreeMap::new();
        for task in board["tasks"].as_array().expect("a list") {
            let by = task["assignee"].as_str().expect("somebody did it");
            *completed.entry(by.to_owned()).or_default() += 1;
        }
        for (agent, count) in completed {
            let counted = &metrics["agents"][&agent]["completed"];
            assert_eq!(*counted, count, "what {agent} completed is counted");
        }
    }

    fn assert_tidy(&self) {
        let left = testkit::leftovers(self.sandbox.path());
        assert!(left.is_empty(), "nothing is left behind: {left:?}");
        assert_eq!(self.pending(), 0, "no transaction waits");
    }

    /// How many transactions are decided and not finished.
    fn pending(&self) -> usize {
        let folder = self.sandbox.join(".ai-sdlc/.state-pending");
        fs::read_dir(folder).map_or(0, Iterator::count)
    }
}

#[test]
fn sixteen_agents_do_each_of_a_hundred_tasks_once() {
    let _alone = alone();
    let floor = Floor::with_tasks(TASKS);
    let workers: Vec<_> = (0..AGENTS)
        .map(|number| floor.start(&format!("agent-{number}")))
        .collect();
    for worker in workers {
        let finished = worker.wait(PATIENCE);
        assert!(
            finished.status.success(),
            "no agent fails: {finished:?}\n{:?}\n{:?}",
            floor.lines("failures"),
            floor.lines("errors")
        );
    }
    assert_eq!(floor.lines("overlaps"), [""; 0], "one holder a task");
    let spawned = floor.lines("spawned").len();
    assert_eq!(spawned, TASKS / 10, "each parent got its child");
    let done = floor.assert_each_done_once();
    assert_eq!(done, TASKS + spawned, "and no task is lost");
    let journal = floor.lines("journal");
    let distinct: BTreeSet<_> = journal
        .iter()
        .filter_map(|line| line.split_once(' '))
        .collect();
    assert_eq!(journal.len(), done, "a turn for each task");
    let agents: BTreeSet<_> = distinct.iter().map(|(agent, _)| agent).collect();
    assert!(
        agents.len() > AGENTS / 2,
        "agents met, else this proves nothing: {agents:?}"
    );
    let waited = floor.lines("waited");
    let with_a_wait = waited.iter().filter(|waited| *waited != "0").count();
    assert!(
        waited.len() == done && with_a_wait > AGENTS,
        "claims waited for each other, else this proves nothing: {with_a_wait} of {}",
        waited.len()
    );
    floor.assert_metrics_agree();
    floor.assert_tidy();
}

/// How often commands were killed, and how often the next one had to finish what they had begun.
#[derive(Debug, Default)]
struct Kills {
    all: usize,
    finished: usize,
}

/// Calls at which a command is killed, and how often a claim makes each: those that make, move and remove files, and those that
/// wait for the disk.
const CALLS: [(&str, usize); 5] = [
    ("linkat", 5),
    ("renameat2", 2),
    ("unlinkat", 5),
    ("fdatasync", 3),
    ("fsync", 5),
];

/// One of many agents, which is killed again and again.
struct Agent<'a> {
    floor: &'a Floor,
    name: String,
    kills: &'a Mutex<Kills>,
    /// Knuth's generator (MMIX): the same numbers in every run.
    dice: u64,
}

impl Agent<'_> {
    fn below(&mut self, limit: usize) -> usize {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.dice >> 33).expect("31 bits fit") % limit
    }

    /// Runs `story tasks <arguments…>`; every other time it is killed at some call. `None`: it was killed.
    fn try_to(&mut self, arguments: &[&str]) -> Option<Finished> {
        let mut command = if self.below(2) == 0 {
            story()
        } else {
            let mut traced = Command::new("strace");
            without_settings(&mut traced);
            let (call, times) = CALLS[self.below(CALLS.len())];
            let number = 1 + self.below(times);
            traced.args(["-f", "-o", "/dev/null", "-e"]);
            traced.arg(format!("inject={call}:signal=KILL:when={number}"));
            traced.arg(STORY);
            traced
        };
        command.current_dir(self.floor.sandbox.path());
        command.args(["tasks", "--timeout", "60s", "--json", "--as", &self.name]);
        let finished = run(command.args(arguments));
        let was_killed = finished.status.signal() == Some(9);
        let mut kills = self.kills.lock().expect("no agent panics with it");
        kills.all += usize::from(was_killed);
        kills.finished += usize::from(finished.stdout.contains("a process that died had begun"));
        (!was_killed).then_some(finished)
    }

    /// What it has claimed and not done, as it finds out after it was killed.
    fn held(&self) -> Option<String> {
        let held = ["list", "--assignee", &self.name, "--status", "in_progress"];
        let tasks = self.floor.answer(&held)["tasks"].clone();
        Some(tasks[0]["id"].as_str()?.to_owned())
    }

    /// Claims and does tasks until none is left.
    fn work(mut self) {
        loop {
            if let Some(claimed) = self.try_to(&["claim"])
                && !claimed.status.success()
            {
                assert_eq!(claimed.status.code(), Some(3), "none ready: {claimed:?}");
                if json(&claimed)["error"]["retryable"] == false {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
            while let Some(id) = self.held() {
                if let Some(done) = self.try_to(&["done", &id]) {
                    assert!(done.status.success(), "{} does {id}: {done:?}", self.name);
                }
            }
        }
    }
}

#[test]
fn board_and_metrics_agree_after_agents_were_killed_in_the_middle() {
    let name = "board_and_metrics_agree_after_agents_were_killed_in_the_middle";
    if Command::new("strace").arg("-V").output().is_err() {
        return skip(name, "strace is not installed");
    }
    let _alone = alone();
    let floor = Floor::with_tasks(40);
    let kills = Mutex::new(Kills::default());
    std::thread::scope(|scope| {
        for number in 0..6 {
            let agent = Agent {
                floor: &floor,
                name: format!("agent-{number}"),
                kills: &kills,
                dice: number + 1,
            };
            scope.spawn(move || agent.work());
        }
    });
    floor.must(&["check"]);
    assert_eq!(floor.assert_each_done_once(), 40, "no task is lost");
    floor.assert_metrics_agree();
    floor.assert_tidy();
    let kills = kills.into_inner().expect("no agent panicked");
    assert!(
        kills.all >= 20 && kills.finished >= 5,
        "killed, also between the two files, else this proves nothing: {kills:?}"
    );
}

#[test]
fn claim_killed_at_any_call_is_in_both_files_or_in_none() {
    let name = "claim_killed_at_any_call_is_in_both_files_or_in_none";
    if Command::new("strace").arg("-V").output().is_err() {
        return skip(name, "strace is not installed");
    }
    let (mut claimed, mut free) = (0, 0);
    for call in [
        "linkat",
        "renameat2",
        "unlinkat",
        "mkdirat",
        "fdatasync",
        "write",
    ] {
        for number in 1.. {
            let floor = Floor::new();
            floor.must(&["new", "One", "--as", "planner"]);
            let mut traced = Command::new("strace");
            without_settings(&mut traced);
            traced
                .current_dir(floor.sandbox.path())
                .args(["-f", "-o", "/dev/null", "-e"])
                .arg(format!("inject={call}:signal=KILL:when={number}"))
                .args([STORY, "tasks", "claim", "--as", "ann"]);
            let finished = run(&mut traced);
            if finished.status.signal() != Some(9) {
                break;
            }
            let point = format!("{call} {number}");
            let shown = floor.answer(&["list"])["tasks"][0]["status"].clone();
            let next = run(floor.command(&["claim", "--as", "bob"]).arg("--json"));
            let is_free = next.status.success();
            assert_eq!(
                is_free,
                shown == "pending",
                "what is shown is kept: {point}: {shown}, {next:?}"
            );
            assert!(
                is_free || next.status.code() == Some(3),
                "work goes on at once: {point}: {next:?}"
            );
            claimed += usize::from(!is_free);
            free += usize::from(is_free);
            floor.assert_metrics_agree_of_claims(&point);
        }
    }
    assert!(
        claimed > 0 && free > 0,
        "killed before and after the decision: {free}, {claimed}"
    );
}

impl Floor {
    /// One claim stands in the metrics, and it is that of the holder.
    fn assert_metrics_agree_of_claims(&self, point: &str) {
        self.must(&["check"]);
        let text = self.sandbox.read(".ai-sdlc/agent-performance-metrics.json");
        let metrics: Value = serde_json::from_str(&text).expect("the metrics are JSON");
        let holder = self.answer(&["list"])["tasks"][0]["assignee"].clone();
        let claims = metrics["claims"].as_array().expect("a list");
        let by: Vec<_> = claims.iter().map(|claim| &claim["agent"]).collect();
        assert_eq!(by, [&holder], "one winner: {point}");
        self.assert_tidy();
    }
}
