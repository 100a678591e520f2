//! `story state set` from many processes at once: no count is lost, and of those who saw one revision one wins.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use testkit::{Finished, Sandbox, SecondProcess};

use crate::support::{PATIENCE, alone, json, run, story, wait_until_waiting};

const WORKERS: usize = 8;
const ROUNDS: usize = 25;

/// How the counter is raised.
type Way = &'static [&'static str];
const PESSIMISTIC: Way = &["--inc", "/count/n"];
const OPTIMISTIC: Way = &["--inc", "/count/n", "--optimistic"];

/// As people write it; the counter stands in the middle.
const BEFORE: &str = "{\n   \"big\" : 12345678901234567890123,\n   \"count\": { \"n\": ";
const AFTER: &str = " , \"share\": 1.0 },\n\t\"odd\":[1,2,\n3]}";

/// A file with a counter.
struct Counter {
    sandbox: Sandbox,
}

impl Counter {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("state.json", format!("{BEFORE}0{AFTER}"));
        Self { sandbox }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = story();
        command.current_dir(self.sandbox.path());
        command.args(["--json", "--timeout", "60s"]).args(arguments);
        command
    }

    fn set(&self, arguments: &[&str]) -> Command {
        self.command(&[&["state", "set", "state.json"], arguments].concat())
    }

    fn lock_path(&self) -> PathBuf {
        let folder = self.sandbox.path().canonicalize().expect("it is there");
        folder.join("state.json.lock")
    }

    /// Keeps everybody in the queue until [`let_go`].
    fn hold(&self) -> SecondProcess {
        let mut command = story();
        command.current_dir(self.sandbox.path());
        command.args(["lock", "hold", "./state.json"]);
        SecondProcess::spawn_ready(&mut command, PATIENCE)
    }

    /// The counter; every other byte must be as it was.
    fn count(&self) -> usize {
        let text = fs::read_to_string(self.sandbox.join("state.json")).expect("it is there");
        let count = text
            .strip_prefix(BEFORE)
            .and_then(|rest| rest.strip_suffix(AFTER));
        let count = count.unwrap_or_else(|| panic!("all other bytes stay: {text:?}"));
        count.parse().expect("a number")
    }

    fn assert_tidy(&self) {
        let left = testkit::leftovers(self.sandbox.path());
        assert!(left.is_empty(), "nothing is left behind: {left:?}");
    }
}

fn let_go(mut holder: SecondProcess) {
    holder.close_stdin();
    holder.wait(PATIENCE);
}

fn answer(finished: &Finished) -> Value {
    assert!(finished.status.success(), "no change fails: {finished:?}");
    json(finished)
}

/// Each worker raises the counter so often, all at once; returns how many rounds were lost.
fn raise(shared: &Counter, ways: [Way; WORKERS]) -> u64 {
    // The gate: everybody stands in the queue, and the optimistic ones have read, before the first one may pass.
    let gate = shared.hold();
    let start = |way: &Way| SecondProcess::spawn(&mut shared.set(way));
    let first: Vec<_> = ways.iter().map(start).collect();
    wait_until_waiting(&first, &shared.lock_path());
    let_go(gate);
    let mut answers: Vec<Value> = std::thread::scope(|scope| {
        let worker = |(process, way): (SecondProcess, Way)| {
            scope.spawn(move || {
                let mut answers = vec![answer(&process.wait(PATIENCE))];
                answers.extend((1..ROUNDS).map(|_| answer(&run(&mut shared.set(way)))));
                answers
            })
        };
        let workers: Vec<_> = first.into_iter().zip(ways).map(worker).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, Vec<Value>>| {
            worker.join().expect("no worker fails")
        };
        workers.into_iter().flat_map(join).collect()
    });
    let of = |answer: &Value| answer["values"]["/count/n"].as_u64().expect("a number");
    answers.sort_by_key(of);
    let numbers: Vec<u64> = answers.iter().map(of).collect();
    let expected: Vec<u64> = (1..=200).collect();
    assert_eq!(numbers, expected, "each got a number of its own");
    assert_eq!(shared.count(), WORKERS * ROUNDS, "no count is lost");
    shared.assert_tidy();
    let lost = |answer: &Value| answer["lost_rounds"].as_u64();
    answers.iter().filter_map(lost).sum()
}

#[test]
fn eight_processes_with_twenty_five_increments_each_lose_none() {
    let _alone = alone();
    assert_eq!(
        raise(&Counter::new(), [PESSIMISTIC; WORKERS]),
        0,
        "under the lock no round is lost"
    );
}

#[test]
fn eight_processes_with_twenty_five_optimistic_increments_each_lose_none() {
    let _alone = alone();
    let lost = raise(&Counter::new(), [OPTIMISTIC; WORKERS]);
    assert!(
        lost >= WORKERS as u64 - 1,
        "all had read the same version, and one was first; told: {lost} lost rounds"
    );
}

#[test]
fn both_kinds_of_increments_mixed_lose_none() {
    let _alone = alone();
    let ways: [Way; WORKERS] =
        std::array::from_fn(|at| if at % 2 == 0 { PESSIMISTIC } else { OPTIMISTIC });
    let lost = raise(&Counter::new(), ways);
    assert!(
        lost >= 3,
        "the optimistic ones met others: {lost} lost rounds"
    );
}

#[test]
fn of_eight_who_saw_one_revision_exactly_one_changes_it() {
    let _alone = alone();
    for way in [PESSIMISTIC, OPTIMISTIC] {
        let shared = Counter::new();
        let seen = run(&mut shared.command(&["state", "get", "state.json"]));
        let seen = answer(&seen)["rev"]
            .as_str()
            .expect("a revision")
            .to_owned();
        let gate = shared.hold();
        let start =
            |_| SecondProcess::spawn(&mut shared.set(&[way, &["--if-rev", &seen]].concat()));
        let racers: Vec<_> = (0..WORKERS).map(start).collect();
        wait_until_waiting(&racers, &shared.lock_path());
        let_go(gate);
        let finished: Vec<Finished> = racers
            .into_iter()
            .map(|racer| racer.wait(PATIENCE))
            .collect();
        let (won, lost): (Vec<_>, Vec<_>) =
            finished.iter().partition(|racer| racer.status.success());
        assert_eq!(won.len(), 1, "one wins: {finished:?}");
        assert_eq!(shared.count(), 1, "and its change alone is made");
        let now = json(won[0])["rev"].clone();
        for loser in lost {
            assert_eq!(
                loser.status.code(),
                Some(5),
                "the others are told: {loser:?}"
            );
            assert_eq!(
                json(loser)["error"]["rev"],
                now,
                "with the revision for the next try"
            );
        }
        shared.assert_tidy();
    }
}
