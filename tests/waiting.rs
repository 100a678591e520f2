//! How one caller meets a lock: without contention, waiting for another, under a parent's lock.

use std::time::{Duration, Instant};

use sidecar_lock::{LockOptions, SidecarLock};
use testkit::SecondProcess;

use crate::support::{Content, PATIENCE, StoryBox, alone, json, run, wait_until_waiting};

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
    let program = env!("CARGO_BIN_EXE_story");
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
    let program = env!("CARGO_BIN_EXE_story");
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

#[test]
fn waiting_takes_next_to_no_processor_time() {
    if !cfg!(target_os = "linux") {
        return testkit::skip("waiting_takes_next_to_no_processor_time", "needs /proc");
    }
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    let holder = story.hold(&[]);
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            SecondProcess::spawn(story.command(&["set"]).args([
                "--inc",
                "count",
                "--timeout",
                "60s",
            ]))
        })
        .collect();
    wait_until_waiting(&waiting, &story.lock_path());
    let used = || waiting.iter().map(processor_ticks).sum::<u64>();
    let (before, began_at) = (used(), Instant::now());
    testkit::wait_until("two seconds have passed", PATIENCE, || {
        began_at.elapsed() > Duration::from_secs(2)
    });
    let ticks = used() - before;
    // A tick is 10 ms; busy waiting would use all of two processors: 400.
    assert!(
        ticks < 40,
        "eight waiters sleep while they wait; they used {ticks} ticks in 2 s"
    );
    StoryBox::let_go(holder);
    for process in waiting {
        let finished = process.wait(PATIENCE);
        assert!(
            finished.status.success(),
            "every waiter gets its turn: {finished:?}"
        );
    }
    story.assert_alone();
}

/// The processor time of a process so far, its own and the kernel's for it.
fn processor_ticks(process: &SecondProcess) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    // Fields 14 and 15 of proc(5); the name was the second.
    let times = after_name.split_whitespace().skip(11).take(2);
    times.filter_map(|field| field.parse::<u64>().ok()).sum()
}
