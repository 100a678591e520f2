//! The journal under contention and under kill -9: what it says is what happened, and an operation with an id happens once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Finished, SecondProcess};

use crate::support::{Content, PATIENCE, StoryBox, alone, json, run, wait_until_waiting};

const WORKERS: usize = 8;
const ROUNDS: usize = 10;

/// What `story log` tells of every change.
fn log(story: &StoryBox) -> Vec<Value> {
    let finished = run(story
        .command(&["log", "--limit", "0", "--json"])
        .arg("--quiet"));
    let log = json(&finished);
    log["entries"]
        .as_array()
        .expect("a list of changes")
        .clone()
}

fn count(entries: &[Value], state: &str) -> usize {
    entries
        .iter()
        .filter(|entry| entry["state"] == state)
        .count()
}

/// Demands that the changes that were done follow one from the other, up to the story as it is.
fn assert_unbroken(story: &StoryBox, entries: &[Value]) {
    let done: Vec<_> = entries
        .iter()
        .filter(|entry| entry["state"] == "done")
        .collect();
    for pair in done.windows(2) {
        assert_eq!(
            pair[0]["after"], pair[1]["before"],
            "each change begins where the one before it ended"
        );
    }
    let show = json(&run(story.command(&["show", "--json"]).arg("--quiet")));
    let last = done.last().expect("something was done");
    assert_eq!(
        last["after"], show["rev"],
        "the last one is the story as it is"
    );
}

/// What the doctor says about journals.
fn doctors_findings(story: &StoryBox) -> Vec<Value> {
    let mut command = crate::support::story();
    let root = story.sandbox.join(".ai-sdlc");
    command.args(["doctor", "--json", "--root"]).arg(root);
    let finished = run(&mut command);
    let lines = finished.stdout.lines().map(|line| {
        serde_json::from_str::<Value>(line)
            .unwrap_or_else(|err| panic!("the doctor speaks JSON ({err}): {finished:?}"))
    });
    lines.filter(|line| line["check"] == "journal").collect()
}

fn increment(story: &StoryBox, arguments: &[&str]) -> SecondProcess {
    let mut command = story.command(&["set"]);
    command
        .args(["--inc", "count", "--timeout", "60s"])
        .args(arguments);
    SecondProcess::spawn(&mut command)
}

/// Moments all over a run, its start and a little after its end: an update is made to see how long one takes here.
fn moments_of_a_run(story: &StoryBox, count: u32) -> Vec<Duration> {
    let began_at = Instant::now();
    must_succeed(increment(story, &[]));
    let step = began_at.elapsed() * 5 / 4 / count;
    (0..count).map(|number| step * number).collect()
}

fn must_succeed(process: SecondProcess) -> Finished {
    let finished = process.wait(PATIENCE);
    assert!(finished.status.success(), "no update fails: {finished:?}");
    finished
}

#[test]
fn changes_of_eight_processes_all_have_their_line_in_one_unbroken_chain() {
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    let gate = story.hold(&[]);
    let first: Vec<_> = (0..WORKERS).map(|_| increment(&story, &[])).collect();
    wait_until_waiting(&first, &story.lock_path());
    StoryBox::let_go(gate);
    std::thread::scope(|scope| {
        for process in first {
            let story = &story;
            scope.spawn(move || {
                must_succeed(process);
                for _ in 1..ROUNDS {
                    must_succeed(increment(story, &["--fast"]));
                }
            });
        }
    });
    assert_eq!(
        story.number("count"),
        (WORKERS * ROUNDS) as u64,
        "no update is lost"
    );
    let entries = log(&story);
    assert_eq!(
        count(&entries, "done"),
        WORKERS * ROUNDS,
        "as many lines as changes"
    );
    assert_eq!(entries.len(), WORKERS * ROUNDS, "and no other");
    let values: Vec<_> = entries
        .iter()
        .map(|entry| entry["changes"][0]["new"].clone())
        .collect();
    let expected: Vec<Value> = (1..=WORKERS * ROUNDS).map(Value::from).collect();
    assert_eq!(values, expected, "in the order in which they happened");
    assert_unbroken(&story, &entries);
    assert_eq!(
        doctors_findings(&story),
        [Value::Null; 0],
        "everything is explained"
    );
    story.assert_alone();
}

#[test]
fn operation_with_an_id_happens_once_however_often_it_is_killed_and_tried_again() {
    let _alone = alone();
    let story = StoryBox::in_memory(Content::Small);
    let (killed, already) = (AtomicU64::new(0), AtomicU64::new(0));
    let pauses = moments_of_a_run(&story, 24);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (story, killed, already, pauses) = (&story, &killed, &already, &pauses);
            scope.spawn(move || {
                for (round, pause) in pauses.iter().enumerate() {
                    let op = format!("worker-{worker}.{round}");
                    let arguments = ["--op-id", &op, "--json"];
                    let victim = increment(story, &arguments);
                    // No wait for something to happen: any moment will do.
                    std::thread::sleep(*pause);
                    victim.kill_9();
                    killed.fetch_add(1, Ordering::Relaxed);
                    let answer = json(&must_succeed(increment(story, &arguments)));
                    let was_done = answer["already"] == true;
                    already.fetch_add(u64::from(was_done), Ordering::Relaxed);
                }
            });
        }
    });
    // And the one by which the moments were found.
    let operations = 4 * pauses.len() as u64 + 1;
    let (killed, already) = (killed.into_inner(), already.into_inner());
    assert_eq!(
        story.number("count"),
        operations,
        "each happened exactly once; {killed} kills, {already} too late"
    );
    assert!(
        already < operations,
        "some kills came before the commit: {already} of {operations}"
    );
    let entries = log(&story);
    assert_eq!(
        count(&entries, "done") as u64,
        operations,
        "as the journal says"
    );
    assert_eq!(count(&entries, "unknown"), 0, "nothing is in doubt");
    assert_unbroken(&story, &entries);
    assert_eq!(
        doctors_findings(&story),
        [Value::Null; 0],
        "every change is explained"
    );
}

#[test]
fn changes_of_killed_processes_without_an_id_are_explained_too() {
    let _alone = alone();
    let story = StoryBox::in_memory(Content::Small);
    for pause in moments_of_a_run(&story, 80) {
        let victim = increment(&story, &[]);
        std::thread::sleep(pause);
        victim.kill_9();
    }
    // The one after them settles what the last one left.
    must_succeed(increment(&story, &[]));
    let entries = log(&story);
    assert_eq!(
        count(&entries, "done") as u64,
        story.number("count"),
        "as many changes are done as the story shows, whoever was killed when"
    );
    assert_eq!(count(&entries, "unknown"), 0, "nothing is in doubt");
    assert_unbroken(&story, &entries);
    assert_eq!(
        doctors_findings(&story),
        [Value::Null; 0],
        "every change is explained"
    );
}

#[test]
fn lost_updates_of_a_writer_without_the_lock_are_named() {
    let story = StoryBox::new(Content::Small);
    let old = story.text();
    story.must_set(&["status=done", "--op-id", "first"]);
    story.must_set(&["priority=1", "--op-id", "second"]);
    assert_eq!(
        doctors_findings(&story),
        [Value::Null; 0],
        "all is well so far"
    );
    // It had read the story before, as long agents do, and writes that copy back with a change of its own.
    let copy = old.replace("type: feature", "type: chore");
    story
        .sandbox
        .write(".ai-sdlc/stories/S-0034/story.md", copy);
    let found = doctors_findings(&story);
    let message = found[0]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("operation second") && message.contains("priority, status"),
        "the keys that went back, and after which change: {found:?}"
    );
    // And once more, the bare old copy.
    story.must_set(&["status=done", "--op-id", "third"]);
    story.sandbox.write(".ai-sdlc/stories/S-0034/story.md", old);
    let found = doctors_findings(&story);
    let message = found.last().expect("a finding")["message"].to_string();
    assert!(
        message.contains("the changes of first, second, third were lost"),
        "{found:?}"
    );
}
