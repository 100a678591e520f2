//! The audit of writers among many of ours: each planted write past the lock is found, and nobody else is accused.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use testkit::{LegacyWriter, SecondProcess, wait_until};

use crate::support::{Content, PATIENCE, StoryBox, alone, run, story};

/// Writers of ours at the same time, and what each does: together 1,000 updates.
const WRITERS: usize = 8;
const UPDATES: usize = 125;
/// Writes past the lock.
const PLANTED: usize = 20;

struct Auditing(SecondProcess);

impl Auditing {
    fn begin(folder: &Path) -> Self {
        let mut command = story();
        command.args(["doctor", "--json", "--audit"]).arg(folder);
        let mut process = SecondProcess::spawn(&mut command);
        let line = process
            .next_line(PATIENCE)
            .expect("it says that it watches");
        assert!(line.contains("\"watching\""), "from now on: {line}");
        Self(process)
    }

    fn next(&mut self) -> Value {
        let line = self
            .0
            .next_line(PATIENCE)
            .expect("each planted write is told");
        serde_json::from_str(&line).expect("it is JSON")
    }

    /// Ends it; the findings that were not read, and the summary.
    fn end(self) -> (Vec<Value>, Value) {
        self.0.signal(Signal::TERM);
        let ended = self.0.wait(PATIENCE);
        let lines = ended.stdout.lines();
        let mut told: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).expect("it is JSON"))
            .collect();
        let summary = told.pop().expect("there is a summary");
        assert_eq!(summary["event"], "done", "it ended in order: {told:?}");
        (told, summary)
    }
}

/// A writer of ours that holds and passes on the lock of one story all the time, and answers each update with a line.
fn writer(story: &StoryBox) -> SecondProcess {
    let path = story.path.display().to_string();
    let line = serde_json::json!({ "story": path, "inc": { "shared": 1 } }).to_string();
    let mut command = crate::support::story();
    command.args(["apply", "--timeout", "60s", "--fast", "--json"]);
    let mut process = SecondProcess::spawn(&mut command);
    for _ in 0..UPDATES {
        process.send_line(&line);
    }
    process.close_stdin();
    process
}

fn storm(story: &StoryBox) -> Vec<SecondProcess> {
    (0..WRITERS).map(|_| writer(story)).collect()
}

fn increment(tasks: &Path) -> SecondProcess {
    let mut command = story();
    command.args(["state", "set", "--inc", "n", "--fast", "--timeout", "60s"]);
    SecondProcess::spawn(command.arg(tasks))
}

fn end(storm: Vec<SecondProcess>) {
    for process in storm {
        let finished = process.wait(PATIENCE);
        assert!(
            finished.status.success(),
            "every update is made: {finished:?}"
        );
    }
}

#[test]
fn audit_accuses_nobody_among_a_thousand_updates_under_the_lock() {
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    let tasks = story.sandbox.write(".ai-sdlc/tasks.json", "{}\n");
    let audit = Auditing::begin(story.sandbox.path());
    let storm = storm(&story);
    for round in 0..PLANTED {
        // One who writes in place, as it may: under the lock.
        let script = "printf 'more\\n' >> \"$STORY_PATH\"";
        let mut with = story.command(&["with"]);
        with.args(["--timeout", "60s", "--", "sh", "-c", script]);
        let finished = run(&mut with);
        assert!(finished.status.success(), "it writes: {finished:?}");
        // Two who change a state file at once.
        let mut both = [increment(&tasks), increment(&tasks)].into_iter();
        assert!(
            both.all(|one| one.wait(PATIENCE).status.success()),
            "both count"
        );
        // One who is killed in the middle of its updates, each time somewhere else.
        let mut victim = writer(&story);
        for _ in 0..round % 4 {
            victim.next_line(PATIENCE);
        }
        victim.kill_9();
    }
    end(storm);
    let (told, summary) = audit.end();
    assert_eq!(told, [] as [Value; 0], "all of them held the lock");
    assert_eq!(summary["findings"], 0, "and so it is summed up");
    assert!(
        story.number("shared") >= (WRITERS * UPDATES) as u64,
        "the storm was one"
    );
}

#[test]
fn audit_finds_writes_past_the_lock_in_a_storm() {
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    let tasks = story.sandbox.write(".ai-sdlc/tasks.json", "{}\n");
    let mut audit = Auditing::begin(story.sandbox.path());
    let storm = storm(&story);
    for round in 0..PLANTED {
        LegacyWriter::new(&tasks).overwrite(&format!("{{\"round\": {round}}}\n"));
        let told = audit.next();
        assert_eq!(told["how"], "in-place", "how: {told}");
        let named = told["path"].as_str().unwrap_or_default();
        assert!(named.ends_with("tasks.json"), "which: {told}");
    }
    end(storm);
    let (told, summary) = audit.end();
    assert_eq!(told, [] as [Value; 0], "each once, and nobody else");
    assert_eq!(summary["findings"], PLANTED, "they were counted");
}

#[test]
fn audit_finds_writes_in_place_while_others_hold_the_lock() {
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    let mut audit = Auditing::begin(story.sandbox.path());
    let storm = storm(&story);
    // A write in the microseconds in which the lock changes hands may not be told: so each is made until one is.
    let mut held = 0;
    for _ in 0..PLANTED {
        let mut told = Vec::new();
        wait_until("a write past the lock is told", PATIENCE, || {
            let file = OpenOptions::new().append(true).open(&story.path);
            let written = file.and_then(|mut file| file.write_all(b"past the lock\n"));
            written.expect("it can be written");
            told = audit.0.lines_so_far();
            !told.is_empty()
        });
        for line in told {
            let told: Value = serde_json::from_str(&line).expect("it is JSON");
            let how = told["how"].as_str().unwrap_or_default();
            assert!(["in-place", "late"].contains(&how), "what was done: {told}");
            held += usize::from(told["lock"] == "held");
        }
    }
    end(storm);
    audit.end();
    assert!(held > 0, "some of them met a lock that another held");
}
