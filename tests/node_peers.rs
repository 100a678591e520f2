//! The npm package proper-lockfile (4.1.2, unmodified) and the real binary exclude each other, both ways.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{ForeignLock, SecondProcess, node_peers, skip, wait_until, workspace};

use crate::support::{Content, CriticalSection, PATIENCE, StoryBox, alone, run};

/// How long both sides fight for one story.
const STRESS: Duration = Duration::from_secs(20);
/// The smallest stale limit that proper-lockfile accepts.
const STALE: &str = "2000";

/// `node locker.js <verb> <story> …`, or a skip where Node or the packages are missing.
fn locker(test: &str, story: &StoryBox, verb: &str) -> Option<Command> {
    let Some(peers) = node_peers() else {
        skip(
            test,
            "node, or the packages of tests/peers under target/peers, are not installed",
        );
        return None;
    };
    let mut command = Command::new("node");
    command.env("NODE_PATH", peers);
    command
        .arg(workspace().join("tests/peers/locker.js"))
        .arg(verb)
        .arg(&story.path);
    Some(command)
}

fn says(command: &mut Command) -> String {
    let finished = run(command);
    assert!(
        finished.status.success(),
        "the peer itself works: {finished:?}"
    );
    finished.stdout.trim_end().to_owned()
}

#[test]
fn eight_node_and_eight_of_ours_never_overlap_and_lose_nothing() {
    let test = "eight_node_and_eight_of_ours_never_overlap_and_lose_nothing";
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    let section = CriticalSection::new(&story.sandbox);
    story.must_set(&["shared=0", "ours=0"]);
    let mut nodes = Vec::new();
    for _ in 0..8 {
        let Some(mut command) = locker(test, &story, "stress") else {
            return;
        };
        command.args([section.marker(), section.counter(), section.overlaps()]);
        command.arg(STRESS.as_millis().to_string());
        nodes.push(SecondProcess::spawn_ready(&mut command, PATIENCE));
    }
    let end = Instant::now() + STRESS;
    let (visits, sets) = std::thread::scope(|scope| {
        let visitors: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| keep_visiting(&story, &section, end)))
            .collect();
        let setters: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| keep_setting(&story, end)))
            .collect();
        let sum = |threads: Vec<std::thread::ScopedJoinHandle<'_, u64>>| {
            threads
                .into_iter()
                .map(|thread| thread.join().expect("a worker's asserts hold"))
                .sum::<u64>()
        };
        (sum(visitors), sum(setters))
    });
    let node_visits = visits_of(nodes);
    let nodes_total: u64 = node_visits.iter().sum();
    let verdict = section.verdict();
    assert_eq!(verdict.overlaps, 0, "nobody is ever inside together");
    assert_eq!(
        verdict.counted,
        visits + nodes_total,
        "no visit is lost from the unprotected counter"
    );
    assert_eq!(
        story.number("ours"),
        sets,
        "every `story set` is in the story"
    );
    assert_eq!(
        story.number("shared"),
        sets + nodes_total,
        "the counter in the story that both sides change has every change"
    );
    assert!(
        visits > 50 && sets > 50,
        "ours took part: {visits} visits, {sets} sets"
    );
    assert!(nodes_total > 10, "Node took part: {node_visits:?}");
    story.assert_alone();
}

fn visits_of(nodes: Vec<SecondProcess>) -> Vec<u64> {
    nodes
        .into_iter()
        .map(|node| {
            let finished = node.wait(PATIENCE);
            assert!(
                finished.status.success(),
                "no Node process loses its lock or gives up: {finished:?}"
            );
            finished
                .stdout
                .trim()
                .parse()
                .expect("a Node process ends with its number of visits")
        })
        .collect()
}

fn keep_visiting(story: &StoryBox, section: &CriticalSection, end: Instant) -> u64 {
    let script = section.visit_script();
    let mut visits = 0;
    while Instant::now() < end {
        let mut command = story.command(&["lock", "run"]);
        let finished = run(command.args(["--timeout", "60s", "--", "sh", "-c", &script]));
        assert!(
            finished.status.success(),
            "our visitor gets its turn: {finished:?}"
        );
        visits += 1;
    }
    visits
}

fn keep_setting(story: &StoryBox, end: Instant) -> u64 {
    let mut sets = 0;
    while Instant::now() < end {
        story.must_set(&["--inc", "shared", "--inc", "ours", "--timeout", "60s"]);
        sets += 1;
    }
    sets
}

#[test]
fn fresh_lock_of_a_living_node_process_is_respected() {
    let test = "fresh_lock_of_a_living_node_process_is_respected";
    let story = StoryBox::new(Content::Small);
    let Some(mut command) = locker(test, &story, "hold") else {
        return;
    };
    let mut node = SecondProcess::spawn_ready(command.arg(STALE), PATIENCE);
    // Longer than its stale limit, and ours the same: its heartbeat must be believed.
    let refused = story.set(&["status=done", "--timeout", "3s", "--stale-after", "2s"]);
    assert_eq!(
        refused.status.code(),
        Some(4),
        "a fresh directory is contention: {refused:?}"
    );
    node.close_stdin();
    let released = node.next_line(PATIENCE);
    assert_eq!(
        released.as_deref(),
        Some("RELEASED"),
        "nobody touched its lock while it held"
    );
    assert!(
        node.wait(PATIENCE).status.success(),
        "the Node process ends well"
    );
    story.must_set(&["status=done"]);
    story.assert_alone();
}

#[test]
fn directory_that_a_killed_node_process_left_is_taken_over() {
    let test = "directory_that_a_killed_node_process_left_is_taken_over";
    let story = StoryBox::new(Content::Small);
    let Some(mut command) = locker(test, &story, "hold") else {
        return;
    };
    SecondProcess::spawn_ready(command.arg(STALE), PATIENCE).kill_9();
    assert!(
        story.lock_path().is_dir(),
        "the killed process left its directory"
    );
    let began_at = Instant::now();
    story.must_set(&["status=done", "--timeout", "20s", "--stale-after", "2s"]);
    assert!(
        began_at.elapsed() >= Duration::from_secs(1),
        "not before it was stale: {:?}",
        began_at.elapsed()
    );
    story.assert_alone();
}

#[test]
fn node_sees_our_lock_for_as_long_as_we_hold_it() {
    let test = "node_sees_our_lock_for_as_long_as_we_hold_it";
    let story = StoryBox::new(Content::Small);
    let ask = |verb| Some(says(locker(test, &story, verb)?.arg(STALE)));
    let Some(before) = ask("check") else { return };
    assert_eq!(before, "false", "a free story is free");
    let holder = story.hold(&[]);
    let modified_at = || {
        fs::metadata(story.lock_path())
            .map(|metadata| metadata.mtime())
            .ok()
    };
    let first = modified_at();
    // Longer than the stale limit of theirs: only the heartbeat keeps it fresh.
    wait_until("three seconds of heartbeats", PATIENCE, || {
        modified_at() >= first.map(|at| at + 3)
    });
    assert_eq!(
        ask("check").as_deref(),
        Some("true"),
        "check() sees that ours holds"
    );
    assert_eq!(ask("try").as_deref(), Some("ELOCKED"), "lock() is refused");
    StoryBox::let_go(holder);
    assert_eq!(ask("check").as_deref(), Some("false"), "released is free");
    assert_eq!(ask("try").as_deref(), Some("acquired"), "and can be locked");
    story.assert_alone();
}

#[test]
fn leftover_of_ours_blocks_node_only_until_one_of_ours_passes_by() {
    let test = "leftover_of_ours_blocks_node_only_until_one_of_ours_passes_by";
    let story = StoryBox::new(Content::Small);
    let ask = |verb| Some(says(locker(test, &story, verb)?.arg(STALE)));
    story.hold(&[]).kill_9();
    let Some(blocked) = ask("try") else { return };
    assert_ne!(
        blocked, "acquired",
        "a leftover of ours is not Node's to take"
    );
    story.must_set(&["status=done"]);
    assert_eq!(
        ask("try").as_deref(),
        Some("acquired"),
        "our next update cleaned up"
    );
    story.assert_alone();
}

/// Needs no Node: what its package leaves is a directory.
#[test]
fn stale_directory_is_taken_over_and_a_fresh_one_left_as_it_is() {
    let story = StoryBox::new(Content::Small);
    let lock = ForeignLock::directory(&story.lock_path()).expect("the name is free");
    let fresh = fs::metadata(lock.path()).expect("it is there");
    let refused = story.set(&["status=done", "--timeout", "300ms", "--stale-after", "1m"]);
    assert_eq!(
        refused.status.code(),
        Some(4),
        "a fresh directory is contention: {refused:?}"
    );
    let now = fs::metadata(lock.path()).expect("it is still there");
    assert_eq!(
        (now.ino(), now.mtime(), now.mtime_nsec()),
        (fresh.ino(), fresh.mtime(), fresh.mtime_nsec()),
        "its holder checks its time: it must not be touched"
    );
    lock.set_age(Duration::from_mins(1));
    lock.abandon();
    let finished = story.must_set(&[
        "status=done",
        "--timeout",
        "20s",
        "--stale-after",
        "2s",
        "--json",
    ]);
    let answer = crate::support::json(&finished);
    assert!(
        !answer["took_over"].is_null(),
        "the take-over is told: {answer}"
    );
    story.assert_alone();
}
