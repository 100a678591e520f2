//! Many processes change one story at once, and everyone's change is there afterwards.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json as object};
use sidecar_lock::{LockOptions, SidecarLock};
use testkit::SecondProcess;

use crate::support::{Content, PATIENCE, StoryBox, Watcher, alone, json, run, wait_until_waiting};

/// Starts one `story set` that adds one to the worker's own key and to the shared one.
fn increment(story: &StoryBox, worker: usize) -> SecondProcess {
    let mut command = story.command(&["set"]);
    command.args([
        "--inc",
        &format!("own_{worker}"),
        "--inc",
        "shared",
        "--timeout",
        "60s",
    ]);
    SecondProcess::spawn(&mut command)
}

fn finish(process: SecondProcess) {
    let finished = process.wait(PATIENCE);
    assert!(
        finished.status.success(),
        "no update fails under contention: {finished:?}"
    );
}

fn assert_counts(story: &StoryBox, workers: usize, rounds: u64) {
    for worker in 0..workers {
        let key = format!("own_{worker}");
        assert_eq!(
            story.number(&key),
            rounds,
            "every increment of {key} is there"
        );
    }
    let total = rounds * workers as u64;
    assert_eq!(
        story.number("shared"),
        total,
        "every increment of the shared key is there"
    );
    let mut text = story.text();
    text = text
        .split_inclusive('\n')
        .filter(|line| !is_counter(line))
        .collect();
    assert!(
        text == StoryBox::text_of(Content::Torn),
        "no byte outside the counters has changed"
    );
    story.assert_alone();
}

fn is_counter(line: &str) -> bool {
    line.starts_with("own_") || line.starts_with("shared: ")
}

#[test]
fn sixteen_processes_with_five_increments_each_lose_none() {
    let _alone = alone();
    let story = StoryBox::new(Content::Torn);
    let watcher = Watcher::start(&story.path);
    // The gate: everybody stands in the queue before the first one may pass.
    let gate = story.hold(&[]);
    let first: Vec<_> = (0..16).map(|worker| increment(&story, worker)).collect();
    wait_until_waiting(&first, &story.lock_path());
    StoryBox::let_go(gate);
    std::thread::scope(|scope| {
        for (worker, process) in first.into_iter().enumerate() {
            let story = &story;
            scope.spawn(move || {
                finish(process);
                (1..5).for_each(|_| finish(increment(story, worker)));
            });
        }
    });
    watcher.assert_saw_only_whole_stories();
    assert_counts(&story, 16, 5);
}

#[test]
fn one_hundred_and_twenty_eight_processes_all_succeed_within_a_minute() {
    const WORKERS: usize = 128;
    let _alone = alone();
    let story = StoryBox::new(Content::Torn);
    let watcher = Watcher::start(&story.path);
    let gate = story.hold(&[]);
    let mut workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let mut command = Command::new(story_program());
            command.args(["apply", "-", "--timeout", "60s"]);
            let mut process = SecondProcess::spawn(&mut command);
            let counters = object!({ format!("own_{worker}"): 1, "shared": 1 });
            let line = object!({ "story": story.path, "inc": counters }).to_string();
            (0..3).for_each(|_| process.send_line(&line));
            process.close_stdin();
            process
        })
        .collect();
    wait_until_waiting(&workers, &story.lock_path());
    let opened_at = Instant::now();
    StoryBox::let_go(gate);
    for process in &mut workers {
        for _ in 0..3 {
            let answer = process
                .next_line(PATIENCE)
                .expect("apply answers every line");
            let answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
            assert_eq!(
                answer["ok"], true,
                "no update fails at a limit of 60 s: {answer}"
            );
        }
    }
    let took = opened_at.elapsed();
    workers.into_iter().for_each(finish);
    assert!(
        took < Duration::from_mins(1),
        "384 updates fit into their limit, took {took:?}"
    );
    watcher.assert_saw_only_whole_stories();
    assert_counts(&story, WORKERS, 3);
}

fn story_program() -> &'static str {
    env!("CARGO_BIN_EXE_story")
}

#[test]
fn three_processes_set_three_keys_and_all_three_are_there_in_fifty_rounds() {
    let _alone = alone();
    for round in 0..50 {
        let story = StoryBox::new(Content::Small);
        let gate = story.hold(&[]);
        let changes = [
            vec!["status=in-progress"],
            vec!["priority=7"],
            vec!["--add", "labels=urgent"],
        ];
        let processes: Vec<_> = changes
            .iter()
            .map(|change| SecondProcess::spawn(story.command(&["set"]).args(change)))
            .collect();
        wait_until_waiting(&processes, &story.lock_path());
        StoryBox::let_go(gate);
        processes.into_iter().for_each(finish);
        let expected = StoryBox::text_of(Content::Small)
            .replace("status: ready", "status: in-progress")
            .replace("priority: 10", "priority: 7")
            .replace("  - locking\n", "  - locking\n  - urgent\n");
        assert_eq!(
            story.text(),
            expected,
            "all three changes and nothing else, round {round}"
        );
        story.assert_alone();
    }
}

#[test]
fn contention_is_reported_at_the_default_limit_with_story_holder_and_advice() {
    let story = StoryBox::new(Content::Small);
    let holder = story.hold(&["--owner", "runner 2"]);
    let began_at = Instant::now();
    let refused = story.set(&["status=done", "--json"]);
    let waited = began_at.elapsed();
    assert_eq!(
        refused.status.code(),
        Some(4),
        "contention has its own exit code: {refused:?}"
    );
    let limit = Duration::from_secs(5);
    assert!(
        (limit..limit * 2).contains(&waited),
        "the default limit is 5 s and is kept, waited {waited:?}"
    );
    let answer = json(&refused);
    assert_eq!(answer["ok"], false, "an error is told as one: {answer}");
    let error = &answer["error"];
    assert_eq!(error["code"], "ELOCKED", "the code of contention: {error}");
    assert_eq!(
        error["retryable"], true,
        "trying again makes sense: {error}"
    );
    assert_eq!(error["committed"], false, "nothing was written: {error}");
    assert_eq!(
        error["holder"]["pid"],
        holder.id(),
        "the holder's process is named: {error}"
    );
    assert_eq!(
        error["holder"]["owner"], "runner 2",
        "the holder's owner is named: {error}"
    );
    assert!(error["hint"].is_string(), "it says what to do: {error}");
    assert!(
        error["waited_ms"]
            .as_u64()
            .is_some_and(|waited_ms| waited_ms >= 5000),
        "the wait is told: {error}"
    );

    let refused = story.set(&["status=done", "--timeout", "0"]);
    for part in [
        "S-0034",
        "story.md",
        "locked by another process",
        "runner 2",
        "hint:",
        &holder.id().to_string(),
    ] {
        assert!(
            refused.stderr.contains(part),
            "the message names {part:?}: {refused:?}"
        );
    }
    StoryBox::let_go(holder);
    story.assert_untouched(Content::Small);
    story.assert_alone();
}

#[test]
fn uncontended_acquire_and_release_take_far_less_than_100_ms() {
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    let lock = SidecarLock::new(&story.path).expect("the story's folder is there");
    let options = LockOptions::default();
    let mut laps: Vec<_> = (0..101)
        .map(|_| {
            let began_at = Instant::now();
            let guard = lock.acquire(&options).expect("nobody else wants the lock");
            guard.release().expect("the lock is still ours");
            began_at.elapsed()
        })
        .collect();
    laps.sort();
    let median = laps[50];
    assert!(
        median < Duration::from_millis(100),
        "S-0034: under 100 ms without contention, median is {median:?}"
    );
    story.assert_alone();
}

#[test]
fn nested_acquire_through_a_child_is_refused_at_once() {
    let story = StoryBox::new(Content::Small);
    let program = story_program();
    let began_at = Instant::now();
    let mut command = story.command(&["lock", "run"]);
    command
        .arg("--")
        .arg(program)
        .args(["lock", "run"])
        .arg(&story.path);
    command.args(["--timeout", "60s", "--", "true"]);
    let refused = run(&mut command);
    assert_eq!(
        refused.status.code(),
        Some(4),
        "nesting is an error, not a deadlock: {refused:?}"
    );
    assert!(
        began_at.elapsed() < Duration::from_secs(30),
        "and it does not wait for itself first"
    );
    story.assert_alone();
}

#[test]
fn set_under_a_parents_lock_works_and_leaves_the_lock_to_the_parent() {
    let story = StoryBox::new(Content::Small);
    let program = story_program();
    let mut command = story.command(&["lock", "run"]);
    command.args([
        "--",
        "sh",
        "-c",
        r#""$0" set "$1" status=done && test -f "$1.lock""#,
        program,
    ]);
    let finished = run(command.arg(&story.path));
    assert!(
        finished.status.success(),
        "the child updates under its parent's lock: {finished:?}"
    );
    assert!(
        story.text().contains("\nstatus: done\n"),
        "the child's change is there"
    );
    story.assert_alone();
}

#[test]
fn locked_readers_wait_for_the_writer_and_plain_readers_do_not() {
    let story = StoryBox::new(Content::Small);
    let holder = story.hold(&[]);
    let plain = run(story.command(&["get"]).arg("status"));
    assert_eq!(
        plain.stdout, "ready\n",
        "a plain read takes no lock: {plain:?}"
    );
    let refused = run(story
        .command(&["get"])
        .args(["status", "--locked", "--timeout", "100ms"]));
    assert_eq!(
        refused.status.code(),
        Some(4),
        "a locked read keeps to its limit: {refused:?}"
    );
    let waiting = SecondProcess::spawn(story.command(&["get"]).args([
        "status",
        "--locked",
        "--timeout",
        "60s",
    ]));
    wait_until_waiting([&waiting], &story.lock_path());
    StoryBox::let_go(holder);
    assert_eq!(
        waiting.wait(PATIENCE).stdout,
        "ready\n",
        "it reads once the writer is through"
    );
    story.assert_alone();
}
