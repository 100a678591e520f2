//! `story watch`: every change is told, whoever made it.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{LegacyWriter, SecondProcess};

use crate::desk::{Desk, PATIENCE, finish, one_json};

/// A watcher that watches.
struct Watching {
    process: SecondProcess,
    begun: Value,
}

impl Watching {
    fn begin(desk: &Desk) -> Self {
        let mut process = SecondProcess::spawn(&mut desk.story(&["watch", "--json"]));
        let line = process.next_line(PATIENCE).expect("a line when it watches");
        let begun = one_json(&line);
        assert_eq!(begun["event"], "watching", "from now on nothing is missed");
        Self { process, begun }
    }

    fn next(&mut self) -> Value {
        let line = self
            .process
            .next_line(PATIENCE)
            .expect("a line for the change");
        one_json(&line)
    }

    /// Demands that nothing else was told until the end.
    fn end(self) {
        self.process.signal(Signal::TERM);
        let ended = self.process.wait(PATIENCE);
        assert_eq!(
            ended.status.code(),
            Some(143),
            "it ends by the signal: {ended:?}"
        );
        assert_eq!(ended.stdout, "", "each change was told once");
    }
}

#[test]
fn watch_tells_an_update_with_its_values() {
    let desk = Desk::new();
    let mut watching = Watching::begin(&desk);
    assert_eq!(watching.begun["stories"], 1, "how many it knows");
    let set = [
        "set",
        "S-0034",
        "status=done",
        "--unset",
        "priority",
        "--no-touch",
    ];
    let done = desk.json(
        0,
        &[&set[..], &["--append-body", "x", "--inc", "retry_count"]].concat(),
    );
    let told = watching.next();
    assert_eq!(told["event"], "changed", "what: {told}");
    assert_eq!(told["story"], "S-0034", "which");
    assert_eq!(told["path"], desk.path.display().to_string(), "where");
    assert_eq!(
        told["rev"], done["rev"],
        "the revision that the writer was told"
    );
    let expected = json!([
        { "key": "status", "old": "ready", "new": "done" },
        { "key": "retry_count", "new": 1 },
        { "key": "priority", "old": 10 },
        { "key": "content" },
    ]);
    assert_eq!(told["changes"], expected, "each key with its values");
    assert_eq!(
        told["changed"],
        json!(["status", "retry_count", "priority", "content"]),
        "the keys"
    );
    watching.end();
}

#[test]
fn watch_sees_what_other_tools_do() {
    let desk = Desk::new();
    let text = desk.text();
    let mut watching = Watching::begin(&desk);
    let editor = LegacyWriter::new(&desk.path);
    editor.save_by_rename(&text.replace("status: ready", "status: blocked"));
    let told = watching.next();
    assert_eq!(
        told["changes"][0]["new"], "blocked",
        "an editor that renames: {told}"
    );
    editor.overwrite(&text);
    let told = watching.next();
    assert_eq!(
        told["changes"][0]["new"], "ready",
        "one that writes in place: {told}"
    );
    editor.overwrite(&text.replace("---\n\n#", "# note\n---\n\n#"));
    let told = watching.next();
    assert_eq!(
        (&told["event"], &told["changed"]),
        (&json!("changed"), &json!([])),
        "a comment: {told}"
    );
    editor.overwrite("---\nid: [\n");
    let told = watching.next();
    assert_eq!(told["event"], "unreadable", "damage: {told}");
    assert!(
        told["message"]
            .as_str()
            .is_some_and(|message| message.contains("closed")),
        "why"
    );
    editor.overwrite(&text.replace("status: ready", "status: done"));
    let told = watching.next();
    assert_eq!(
        told["changes"][0],
        json!({ "key": "status", "old": "ready", "new": "done" }),
        "mended"
    );
    watching.end();
}

#[test]
fn watch_sees_stories_come_and_go() {
    let desk = Desk::new();
    let mut watching = Watching::begin(&desk);
    desk.sandbox.write(
        ".ai-sdlc/stories/S-0035/story.md",
        "---\nid: S-0035\ntitle: x\n---\n",
    );
    let told = watching.next();
    assert_eq!(
        (&told["event"], &told["story"]),
        (&json!("created"), &json!("S-0035")),
        "new: {told}"
    );
    assert_eq!(
        told["changes"][1],
        json!({ "key": "title", "new": "x" }),
        "with all it has"
    );
    desk.expect(0, &["set", "S-0035", "status=ready", "--no-touch"]);
    assert_eq!(
        watching.next()["changed"],
        json!(["status"]),
        "its folder is watched, too"
    );
    fs::remove_file(desk.sandbox.join(".ai-sdlc/stories/S-0035/story.md")).expect("it is there");
    let told = watching.next();
    assert_eq!(
        (&told["event"], &told["story"]),
        (&json!("removed"), &json!("S-0035")),
        "gone: {told}"
    );
    fs::remove_dir_all(desk.sandbox.join(".ai-sdlc/stories/S-0034")).expect("it is there");
    assert_eq!(watching.next()["story"], "S-0034", "with its folder");
    desk.sandbox
        .write(".ai-sdlc/stories/S-0034/story.md", "---\nid: S-0034\n---\n");
    assert_eq!(
        watching.next()["event"],
        "created",
        "a folder of the same name is a new one"
    );
    desk.expect(0, &["set", "S-0034", "status=ready"]);
    assert_eq!(
        watching.next()["changed"],
        json!(["status"]),
        "and is watched"
    );
    // Folders that did not exist when it began.
    desk.sandbox
        .write(".ai-sdlc/done/01-old.md", "---\nid: S-0001\n---\n");
    let told = watching.next();
    assert_eq!(
        (&told["event"], &told["copy"]),
        (&json!("created"), &json!("legacy:done")),
        "legacy: {told}"
    );
    watching.end();
}

#[test]
fn watch_sees_a_change_of_which_no_event_tells() {
    let desk = Desk::new();
    let elsewhere = desk.sandbox.write(
        "elsewhere/target.md",
        "---\nid: S-0035\nstatus: ready\n---\n",
    );
    let folder = desk.sandbox.join(".ai-sdlc/stories/S-0035");
    fs::create_dir(&folder).expect("a folder");
    symlink(&elsewhere, folder.join("story.md")).expect("a link");
    let mut watching = Watching::begin(&desk);
    assert_eq!(watching.begun["stories"], 2, "a link is a story");
    LegacyWriter::new(&elsewhere).overwrite("---\nid: S-0035\nstatus: done\n---\n");
    assert_eq!(
        watching.next()["changes"][0]["new"],
        "done",
        "by looking now and then"
    );
    watching.end();
}

#[test]
fn watch_tells_each_of_many_changes_of_many_stories() {
    let desk = Desk::new();
    for number in 0..20 {
        let name = format!(".ai-sdlc/stories/S-1{number:03}/story.md");
        desk.sandbox
            .write(name, format!("---\nid: S-1{number:03}\nn: 0\n---\n"));
    }
    let mut watching = Watching::begin(&desk);
    for number in 0..20 {
        desk.expect(
            0,
            &["set", &format!("S-1{number:03}"), "--inc", "n", "--fast"],
        );
    }
    let mut seen: Vec<_> = (0..20)
        .map(|_| watching.next()["story"].to_string())
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 20, "each story is told");
    watching.end();
}

#[test]
fn watch_ends_when_nobody_reads_it() {
    let desk = Desk::new();
    // Without a change: what it would notice only when it writes keeps the shell waiting for ever.
    let line = format!("{} watch --json | head -1", env!("CARGO_BIN_EXE_story"));
    let mut shell = std::process::Command::new("sh");
    let finished = finish(shell.args(["-c", &line]).current_dir(desk.sandbox.path()));
    assert_eq!(
        one_json(&finished.stdout)["event"],
        "watching",
        "{finished:?}"
    );
    assert_eq!(finished.stderr, "", "and says nothing about it");
}

#[test]
fn watch_tells_people_a_line_for_each_change() {
    let desk = Desk::new();
    let arguments = ["watch", "--now", "2026-03-04T05:06:07Z"];
    let mut process = SecondProcess::spawn(&mut desk.story(&arguments));
    // Its first words go to stderr; until they have come, changes may be known already.
    let mut number = 0;
    let line = loop {
        number += 1;
        desk.expect(
            0,
            &[
                "set",
                "S-0034",
                &format!("title=\"\\e[2J {number}\""),
                "--no-touch",
            ],
        );
        if let Some(line) = process.lines_so_far().pop() {
            break line;
        }
    };
    assert!(
        line.starts_with("2026-03-04T05:06:07.000Z S-0034 changed title: "),
        "{line}"
    );
    assert!(
        line.contains("\\u001b[2J") && !line.contains('\u{1b}'),
        "harmless: {line}"
    );
    process.signal(Signal::INT);
    let ended = process.wait(PATIENCE);
    assert_eq!(
        ended.status.code(),
        Some(130),
        "it ends by the signal: {ended:?}"
    );
    assert_eq!(ended.stderr, "watching 1 story\n", "what it watches");
}
