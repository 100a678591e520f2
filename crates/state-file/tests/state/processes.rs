//! Several processes, by the example program `counter`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use testkit::{Sandbox, SecondProcess};

use crate::support::{assert_no_leftovers, counted, counter, sidecar, state};

/// How long a test waits for something that must come; far above the limit that the processes have.
const PATIENCE: Duration = Duration::from_secs(150);

/// The limit of one change in these storms.
const LIMIT: Duration = Duration::from_mins(1);

/// The example program. `cargo test` builds examples beside the tests; when only one test binary was asked for, it is built
/// here.
fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let tests = std::env::current_exe().expect("a test has a path");
        let profile = tests.parent().and_then(Path::parent);
        let profile = profile.expect("tests live in target/<profile>/deps");
        let program = profile.join("examples/counter");
        if !program.exists() {
            let built = Command::new(env!("CARGO"))
                .args([
                    "build",
                    "--quiet",
                    "--example",
                    "counter",
                    "--manifest-path",
                ])
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
                .arg("--target-dir")
                .arg(profile.parent().expect("a profile lives in target"))
                .status()
                .expect("cargo runs");
            assert!(built.success(), "the example is built");
        }
        program
    };
    BUILT.get_or_init(build).clone()
}

/// Starts one process; it counts once it gets a line.
fn start(path: &Path, count: u32, how: &str) -> SecondProcess {
    let mut command = Command::new(program());
    command
        .arg(path)
        .args([&count.to_string(), how, &LIMIT.as_millis().to_string()]);
    SecondProcess::spawn_ready(&mut command, PATIENCE)
}

/// What all processes of a storm told.
struct Told {
    /// The numbers that they made.
    made: Vec<i64>,
    lost_rounds: u64,
    /// How often somebody else came between two changes of one process.
    turns: usize,
    longest: Duration,
}

/// Lets so many processes loose at once and waits for all.
fn storm(path: &Path, processes: usize, count: u32, how: &str) -> Told {
    let mut crowd: Vec<_> = (0..processes).map(|_| start(path, count, how)).collect();
    for one in &mut crowd {
        one.send_line("go");
    }
    let mut told = Told {
        made: Vec::new(),
        lost_rounds: 0,
        turns: 0,
        longest: Duration::ZERO,
    };
    for one in crowd {
        let finished = one.wait(PATIENCE);
        assert!(
            finished.status.success(),
            "{how}: nobody fails within {LIMIT:?}: {finished:?}"
        );
        let mut lines: Vec<&str> = finished.stdout.lines().collect();
        let summary: Value = serde_json::from_str(lines.pop().expect("a summary")).expect("JSON");
        let made = lines.iter().map(|line| line.parse::<i64>());
        let made: Vec<i64> = made.map(|made| made.expect("a number")).collect();
        let came_between = |pair: &&[i64]| pair[1] != pair[0] + 1;
        told.turns += made.windows(2).filter(came_between).count();
        told.made.extend(made);
        let number = |key: &str| summary[key].as_u64().expect("a number");
        told.lost_rounds += number("lost_rounds");
        told.longest = told
            .longest
            .max(Duration::from_millis(number("longest_ms")));
    }
    told
}

/// 32 processes x 20, all at once.
fn assert_640(how: &str) -> Told {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let told = storm(&path, 32, 20, how);
    assert_eq!(
        sandbox.read("state.json"),
        counted(647),
        "{how}: every one of 640 is there, and no other byte has changed"
    );
    let made: BTreeSet<i64> = told.made.iter().copied().collect();
    assert!(
        made == (8..=647).collect(),
        "{how}: each number was made by exactly one: {made:?}"
    );
    assert!(
        told.longest <= LIMIT,
        "{how}: nobody waits longer than the limit: {:?}",
        told.longest
    );
    assert_no_leftovers(&sandbox);
    told
}

#[test]
fn thirty_two_processes_count_under_the_lock_and_none_is_lost() {
    let told = assert_640("pessimistic");
    assert!(told.turns > 0, "they really met: others came in between");
    assert_eq!(told.lost_rounds, 0, "under the lock no round is lost");
}

#[test]
fn thirty_two_processes_count_optimistically_and_none_is_lost() {
    let told = assert_640("optimistic");
    assert!(told.lost_rounds > 0, "they really met, and it is told");
    assert!(told.turns > 0, "others came in between");
}

#[test]
fn thirty_two_processes_count_both_ways_at_once_and_none_is_lost() {
    let told = assert_640("mixed");
    assert!(told.lost_rounds > 0, "they really met, and it is told");
}

#[test]
fn processes_killed_while_they_count_lose_nothing_that_they_told_and_leave_a_whole_file() {
    const KILLS: usize = 60;
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let (mut told, mut inside) = (0, 0);
    let mut others = Vec::new();
    for round in 0..KILLS {
        // The first half dies alone, so that what is left is known to be theirs; the second half among others.
        if round == KILLS / 2 {
            others.extend(["pessimistic", "optimistic"].map(|how| start(&path, 1_000_000, how)));
            for one in &mut others {
                one.send_line("go");
            }
        }
        let how = ["pessimistic", "optimistic", "mixed"][round % 3];
        let mut victim = start(&path, 1_000_000, how);
        victim.send_line("go");
        // Each is killed after another number of changes, somewhere in the next one.
        for _ in 0..=round % 7 {
            victim.next_line(PATIENCE).expect("it counts");
            told += 1;
        }
        // Whoever has just told something has no lock: some are killed once they are seen to have one again.
        if others.is_empty() && round % 2 == 0 {
            testkit::wait_until("it has the lock again", PATIENCE, || {
                sidecar(&path).exists()
            });
        }
        told += victim.kill_9().stdout.lines().count();
        let is_inside = sidecar(&path).exists() && others.is_empty();
        inside += usize::from(is_inside);
        let seen = counter(&path)
            .read()
            .expect("the file is whole after each kill");
        assert!(seen.value.count > 7, "and has what was told: {seen:?}");
    }
    for one in others {
        told += one.kill_9().stdout.lines().count();
    }
    // The next one takes over what the dead have left.
    let last = storm(&path, 1, 1, "pessimistic");
    let made = usize::try_from(last.made[0] - 7).expect("it only grows");
    told += 1;
    assert!(
        (told..=told + KILLS + 2).contains(&made),
        "what was told is there ({told}), and at most one more for each who was killed: {made}"
    );
    assert!(inside > 0, "some were killed while they held the lock");
    assert_eq!(
        sandbox.read("state.json"),
        counted(last.made[0]),
        "and no other byte has changed"
    );
    assert_no_leftovers(&sandbox);
}
