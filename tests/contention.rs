//! Many processes change one story at once, and everyone's change is there afterwards.

use std::time::{Duration, Instant};

use serde_json::{Value, json as object};
use testkit::SecondProcess;

use crate::support::{Content, PATIENCE, StoryBox, Watcher, alone, story, wait_until_waiting};

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

/// Each of so many workers, all in the queue before the first may pass, adds to its own key and the shared one five times.
fn assert_none_is_lost(workers: usize) {
    let story = StoryBox::new(Content::Torn);
    let watcher = Watcher::start(&story.path);
    // The gate: everybody stands in the queue before the first one may pass.
    let gate = story.hold(&[]);
    let first: Vec<_> = (0..workers)
        .map(|worker| increment(&story, worker))
        .collect();
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
    assert_counts(&story, workers, 5);
}

#[test]
fn sixteen_processes_with_five_increments_each_lose_none() {
    let _alone = alone();
    assert_none_is_lost(16);
}

#[test]
fn sixty_four_processes_with_five_increments_each_lose_none() {
    let _alone = alone();
    assert_none_is_lost(64);
}

#[test]
fn one_hundred_and_twenty_eight_processes_all_succeed_within_a_minute() {
    const WORKERS: usize = 128;
    let _alone = alone();
    let shared = StoryBox::new(Content::Torn);
    let watcher = Watcher::start(&shared.path);
    let gate = shared.hold(&[]);
    let mut workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let mut command = story();
            command.args(["apply", "-", "--timeout", "60s"]);
            let mut process = SecondProcess::spawn(&mut command);
            let counters = object!({ format!("own_{worker}"): 1, "shared": 1 });
            let line = object!({ "story": shared.path, "inc": counters }).to_string();
            (0..3).for_each(|_| process.send_line(&line));
            process.close_stdin();
            process
        })
        .collect();
    wait_until_waiting(&workers, &shared.lock_path());
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
    assert_counts(&shared, WORKERS, 3);
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
