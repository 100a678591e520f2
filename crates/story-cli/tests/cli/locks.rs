//! `story lock`: status, run, hold, break; and nesting.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use testkit::{ForeignLock, SecondProcess};

use crate::desk::{Desk, PATIENCE, STORY, finish, json_lines, one_json};

/// Under Cargo's test runner the binary is not on the PATH.
const STORY_BIN: &str = env!("CARGO_BIN_EXE_story");

#[test]
fn status_names_state_holder_age_and_token() {
    let desk = Desk::new();
    let free = desk.expect(0, &["lock", "status", "S-0034"]);
    assert_eq!(
        free.stdout, "story S-0034: free\n",
        "a free lock is told when asked for"
    );
    assert_eq!(
        desk.expect(0, &["lock", "status"]).stdout,
        "",
        "else only those that are"
    );
    let holder = desk.hold(&["--owner", "runner 2"]);
    let words = desk.expect(0, &["lock", "status"]).stdout;
    assert!(
        words.starts_with(&format!("story S-0034: held by pid {} on ", holder.id())),
        "the holder is named: {words}"
    );
    let status = desk.json(0, &["lock", "status"]);
    assert_eq!(status["state"], "held", "the state: {status}");
    assert_eq!(status["holder"]["owner"], "runner 2", "the owner: {status}");
    assert_eq!(
        status["token"], status["holder"]["token"],
        "the token: {status}"
    );
    assert!(status["age_ms"].is_u64(), "the age: {status}");
    assert!(
        words.contains(status["token"].as_str().unwrap_or("-")),
        "also in words: {words}"
    );
    holder.kill_9();
    let status = desk.json(0, &["lock", "status"]);
    assert_eq!(
        status["state"], "leftover",
        "a dead holder is seen: {status}"
    );
}

#[test]
fn status_tells_the_task_that_a_lock_of_a_tree_is_about() {
    let desk = Desk::new();
    let record = "\n{\"sidecar-lock\":1,\"released\":0,\"token\":\"t\",\"pid\":4711,\"task_id\":\"T-1\\u001b\"}";
    desk.sandbox.write(".devs-state.lock", record);
    let words = desk.expect(0, &["lock", "status", ".devs-state"]).stdout;
    assert!(
        words.contains("task T-1\\u{1b}"),
        "in words, harmless: {words}"
    );
    let status = desk.json(0, &["lock", "status", ".devs-state"]);
    assert_eq!(
        status["holder"]["task_id"], "T-1\u{1b}",
        "letter by letter: {status}"
    );
}

#[test]
fn status_of_other_tools_locks_tells_their_age() {
    let desk = Desk::new();
    let lock_path = desk.sandbox.join(".ai-sdlc/stories/S-0034/story.md.lock");
    let lock = ForeignLock::directory(&lock_path).expect("the name is free");
    lock.set_age(Duration::from_secs(3));
    let status = desk.json(0, &["lock", "status", "--stale-after", "1m"]);
    assert_eq!(status["state"], "foreign", "it is another tool's: {status}");
    let age_ms = status["age_ms"].as_u64().unwrap_or(0);
    assert!((3_000..30_000).contains(&age_ms), "its age: {status}");
    assert!(
        status["stale_in_ms"].as_u64().unwrap_or(0) > 20_000,
        "and its end: {status}"
    );
}

#[test]
fn path_of_a_lock_is_what_it_guards() {
    let desk = Desk::new();
    desk.sandbox.write("tasks.json", "{}");
    for (given, guarded) in [
        ("S-0034", ".ai-sdlc/stories/S-0034/story.md"),
        ("s-0034", ".ai-sdlc/stories/S-0034/story.md"),
        ("./tasks.json", "tasks.json"),
        ("tasks.json", "tasks.json"),
        (".devs-state", ".devs-state"),
        ("new.md", "new.md"),
    ] {
        let status = desk.json(0, &["lock", "status", given]);
        let expected = desk.sandbox.join(guarded);
        assert_eq!(
            status["path"],
            expected.to_str().unwrap_or("-"),
            "what {given} guards"
        );
        assert_eq!(
            status["sidecar"],
            format!("{}.lock", expected.display()),
            "and its lock"
        );
    }
    desk.expect(
        2,
        &["lock", "status", ".ai-sdlc/stories/S-0034/story.md.lock"],
    );
    let typo = desk.expect(3, &["lock", "run", "S-0043", "--", "true"]);
    assert!(
        typo.stderr.contains("S-0043"),
        "a mistyped id locks nothing: {typo:?}"
    );
    desk.expect(3, &["lock", "status", "no/such/folder"]);
}

#[test]
fn run_passes_exit_code_streams_and_lock_on() {
    let desk = Desk::new();
    let script = "test -f .ai-sdlc/stories/S-0034/story.md.lock && cat && echo \"$STORY_LOCK_HELD\" && exit 42";
    let finished = desk.feed(
        "from stdin",
        &["lock", "run", "S-0034", "--", "sh", "-c", script],
    );
    assert_eq!(
        finished.status.code(),
        Some(42),
        "the exit code: {finished:?}"
    );
    let mut lines = finished.stdout.lines();
    assert_eq!(
        lines.next(),
        Some("from stdin"),
        "the streams: {finished:?}"
    );
    let held = lines.next().unwrap_or_default();
    let (path, token) = held.rsplit_once(':').expect("path and token");
    assert_eq!(
        path,
        desk.path.to_str().unwrap_or("-"),
        "the canonical path: {held}"
    );
    assert_eq!(token.len(), 32, "the token: {held}");
    desk.assert_tidy();
}

#[test]
fn run_that_cannot_start_says_so_with_our_code_or_the_one_asked_for() {
    let desk = Desk::new();
    let missing = ["lock", "run", "S-0034", "--", "no-such-program"];
    assert!(
        desk.expect(3, &missing).stderr.contains("no-such-program"),
        "it is named"
    );
    desk.assert_tidy();
    let holder = desk.hold(&[]);
    let base = ["lock", "run", "S-0034", "--timeout", "0"];
    let command = ["--", "sh", "-c", "echo started; exit 4"];
    let refused = desk.expect(4, &[&base[..], &command].concat());
    assert_eq!(refused.stdout, "", "it was not started: {refused:?}");
    let asked = [
        &base[..],
        &["--conflict-exit-code", "75", "--json"],
        &command,
    ]
    .concat();
    let refused = desk.expect(75, &asked);
    assert_eq!(
        one_json(&refused.stdout)["error"]["code"],
        "ELOCKED",
        "JSON tells which: {refused:?}"
    );
    holder.wait(PATIENCE);
    let started = desk.expect(
        4,
        &[&base[..], &["--conflict-exit-code", "75"], &command].concat(),
    );
    assert_eq!(
        started.stdout, "started\n",
        "the command's own code is passed on: {started:?}"
    );
}

#[test]
fn run_forwards_signals_and_reports_death_by_signal() {
    let desk = Desk::new();
    for (signal, name) in [
        (Signal::INT, "INT"),
        (Signal::TERM, "TERM"),
        (Signal::HUP, "HUP"),
    ] {
        let script = format!(
            "trap 'echo got {name}; exit 9' {name}; echo READY; while :; do sleep 0.01; done"
        );
        let mut command = desk.story(&["lock", "run", "S-0034", "--", "sh", "-c", &script]);
        let runner = SecondProcess::spawn_ready(&mut command, PATIENCE);
        runner.signal(signal);
        let finished = runner.wait(PATIENCE);
        assert_eq!(
            finished.status.code(),
            Some(9),
            "{name} reaches the command: {finished:?}"
        );
        assert_eq!(
            finished.stdout,
            format!("got {name}\n"),
            "once: {finished:?}"
        );
    }
    desk.expect(
        128 + 9,
        &["lock", "run", "S-0034", "--", "sh", "-c", "kill -KILL $$"],
    );
    desk.assert_tidy();
}

#[test]
fn hold_releases_at_the_end_of_input_and_on_signals() {
    let desk = Desk::new();
    let finished = desk.hold(&[]).wait(PATIENCE);
    assert_eq!(
        finished.status.code(),
        Some(0),
        "the end of input is a good end: {finished:?}"
    );
    desk.assert_tidy();
    for (signal, code) in [(Signal::HUP, 129), (Signal::INT, 130), (Signal::TERM, 143)] {
        let holder = desk.hold(&[]);
        holder.signal(signal);
        let finished = holder.wait(PATIENCE);
        assert_eq!(
            finished.status.code(),
            Some(code),
            "128 + the signal: {finished:?}"
        );
        desk.assert_tidy();
    }
}

#[test]
fn hold_that_lost_its_lock_says_so() {
    let desk = Desk::new();
    let holder = desk.hold(&[]);
    fs::remove_file(desk.sandbox.join(".ai-sdlc/stories/S-0034/story.md.lock"))
        .expect("it is there");
    let finished = holder.wait(PATIENCE);
    assert_eq!(
        finished.status.code(),
        Some(1),
        "it did not hold to the end: {finished:?}"
    );
    assert!(
        finished.stderr.contains("removed or replaced"),
        "and why: {finished:?}"
    );
}

#[test]
fn break_needs_the_token_and_for_a_live_owner_two_words() {
    let desk = Desk::new();
    let holder = desk.hold(&[]);
    let token = desk.json(0, &["lock", "status", "S-0034"])["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let base = ["lock", "break", "S-0034", "--token"];
    desk.expect(
        5,
        &[&base[..], &["00000000000000000000000000000000"]].concat(),
    );
    for force in [&[][..], &["--force"]] {
        let refused = desk.expect(7, &[&base[..], &[&token], force].concat());
        assert!(
            refused.stderr.contains("--yes-the-owner-is-alive"),
            "it says what it takes: {refused:?}"
        );
    }
    desk.expect(
        2,
        &[&base[..], &[&token, "--yes-the-owner-is-alive"]].concat(),
    );
    desk.expect(
        0,
        &[&base[..], &[&token, "--force", "--yes-the-owner-is-alive"]].concat(),
    );
    desk.assert_tidy();
    desk.expect(3, &[&base[..], &[&token]].concat());
    assert_eq!(
        holder.wait(PATIENCE).status.code(),
        Some(1),
        "its holder learns of it"
    );
}

#[test]
fn break_of_a_dead_owners_lock_needs_the_token_only() {
    let desk = Desk::new();
    desk.hold(&[]).kill_9();
    let token = desk.json(0, &["lock", "status", "S-0034"])["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let broken = desk.json(0, &["lock", "break", "S-0034", "--token", &token]);
    assert_eq!(broken["state"], "broken", "it is gone: {broken}");
    desk.assert_tidy();
}

#[test]
fn child_works_under_its_parents_lock() {
    let desk = Desk::new();
    let table: [(&[&str], i32); 5] = [
        (&["set", "S-0034", "status=done", "--no-touch"], 0),
        (&["get", "S-0034", "status", "--locked"], 0),
        (
            &["lock", "run", "S-0034", "--timeout", "60s", "--", "true"],
            4,
        ),
        (&["lock", "hold", "S-0034", "--timeout", "60s"], 4),
        (
            &[
                "lock",
                "run",
                "./other.md",
                "--",
                STORY_BIN,
                "set",
                "S-0034",
                "n=1",
            ],
            0,
        ),
    ];
    for (inner, code) in table {
        let began_at = Instant::now();
        let outer = ["lock", "run", "S-0034", "--", STORY_BIN];
        desk.expect(code, &[&outer, inner].concat());
        assert!(
            began_at.elapsed() < Duration::from_secs(30),
            "nobody waits for itself: {inner:?}"
        );
    }
    assert!(
        desk.text().contains("status: done\n"),
        "the change is there"
    );
    desk.assert_tidy();
}

#[test]
fn stale_word_of_a_parent_is_not_believed() {
    let desk = Desk::new();
    let mut command = desk.story(&["set", "S-0034", "status=ready"]);
    let held = format!("{}:{}", desk.path.display(), "0".repeat(32));
    let finished = finish(command.env("STORY_LOCK_HELD", &held));
    assert!(
        finished.status.success(),
        "it takes a lock of its own: {finished:?}"
    );
    let mut command = desk.story(&["lock", "run", "S-0034", "--", "true"]);
    let finished = finish(command.env("STORY_LOCK_HELD", &held));
    assert!(
        finished.status.success(),
        "also for a lock of its own: {finished:?}"
    );
    let holder = desk.hold(&[]);
    let mut command = desk.story(&["set", "S-0034", "status=done", "--timeout", "50ms"]);
    let refused = finish(command.env("STORY_LOCK_HELD", &held));
    assert_eq!(
        refused.status.code(),
        Some(4),
        "and waits like others: {refused:?}"
    );
    assert_eq!(desk.text(), STORY, "nothing was written without a lock");
    holder.wait(PATIENCE);
}

#[test]
fn contention_tells_everything_that_helps() {
    let desk = Desk::new();
    let holder = desk.hold(&["--owner", "runner 2"]);
    let refused = desk.expect(
        4,
        &[
            "set",
            "S-0034",
            "a=1",
            "--timeout",
            "150ms",
            "--retries",
            "1000",
        ],
    );
    for part in [
        "error: cannot update story S-0034\n",
        "\n  cause: ",
        "story.md is locked by another process: held by pid ",
        "for \"runner 2\"",
        "\nhint: wait for that process to end, or raise --timeout (now 150ms)",
    ] {
        assert!(
            refused.stderr.contains(part),
            "the message has {part:?}: {refused:?}"
        );
    }
    let lines = json_lines(
        &desk
            .expect(4, &["set", "S-0034", "a=1", "--timeout", "0", "--json"])
            .stdout,
    );
    assert_eq!(
        lines[0]["error"]["holder"]["pid"],
        holder.id(),
        "the holder is told: {lines:?}"
    );
    holder.wait(PATIENCE);
}

/// As a process leaves it that was killed between the decision and the file.
fn decide(desk: &Desk, before: &str, after: &str) {
    let (old, new) = (before.len(), after.len());
    let path = "stories/S-0034/story.md";
    let head = format!(r#"{{"v":1,"parts":[{{"path":"{path}","before":{old},"after":{new}}}]}}"#);
    desk.sandbox.write(
        ".ai-sdlc/journal/pending/0123456789abcdef.transaction",
        format!("{head}\n{before}{after}"),
    );
}

#[test]
fn who_works_on_a_story_begins_with_what_a_dead_process_had_decided() {
    let decided = STORY.replace("priority: 10", "priority: 20");
    // Each changes what was decided; one that began with what was before would meet the decision as a conflict, or undo it.
    let script = "sed 's/priority: 20/priority: 21/' $0 > new && cat new > $0 && rm new";
    let path = ".ai-sdlc/stories/S-0034/story.md";
    let (old, new) = ("priority: 20", "priority: 21");
    let ways: [&[&str]; 4] = [
        &["with", "S-0034", "--", "sh", "-c", script, path],
        &["lock", "run", "S-0034", "--", "sh", "-c", script, path],
        &["edit-file", path, "--as", "ann", "--old", old, "--new", new],
        &["set", "S-0034", "--inc", "priority", "--no-touch"],
    ];
    for way in ways {
        let desk = Desk::new();
        if way[0] == "edit-file" {
            desk.lease("ann", path, PATIENCE);
        }
        decide(&desk, STORY, &decided);
        desk.expect(0, way);
        let expected = STORY.replace("priority: 10", "priority: 21");
        assert_eq!(desk.text(), expected, "{way:?} began with what was decided");
        let pending = desk.sandbox.join(".ai-sdlc/journal/pending");
        assert!(!pending.exists(), "{way:?}: nothing is left to finish");
    }
}
