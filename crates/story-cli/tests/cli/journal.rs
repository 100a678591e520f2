//! `story log`, `story undo`, `--op-id`, and what a journal is at its edges.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use serde_json::Value;
use testkit::Finished;

use crate::desk::{Desk, STORY, json_lines};

const JOURNAL: &str = ".ai-sdlc/journal/S-0034.jsonl";

fn journal_of(desk: &Desk) -> PathBuf {
    desk.sandbox.join(JOURNAL)
}

/// The entries of the journal, without the words about them.
fn entries(desk: &Desk) -> Vec<Value> {
    let lines = json_lines(&desk.sandbox.read(JOURNAL));
    lines.into_iter().filter(|line| line["v"] == 1).collect()
}

fn log(desk: &Desk) -> Vec<Value> {
    let log = desk.json(0, &["log", "S-0034", "--limit", "0"]);
    log["entries"].as_array().expect("a list").clone()
}

fn set(desk: &Desk, arguments: &[&str]) -> Finished {
    desk.expect(0, &[&["set", "S-0034"], arguments].concat())
}

fn assert_warns(finished: &Finished, about: &str) {
    assert!(
        finished.stderr.contains("warning") && finished.stderr.contains(about),
        "it warns of {about:?}: {finished:?}"
    );
}

#[test]
fn each_change_leaves_one_line_and_nothing_else_does() {
    let desk = Desk::new();
    desk.expect(0, &["get", "S-0034"]);
    set(&desk, &["status=ready"]);
    desk.expect(7, &["set", "S-0034", "--inc", "status"]);
    desk.expect(0, &["set", "S-0034", "status=done", "--dry-run"]);
    assert!(
        !desk.sandbox.join(".ai-sdlc/journal").exists(),
        "nothing was changed, so there is no journal"
    );
    set(
        &desk,
        &[
            "status=done",
            "--unset",
            "assignee",
            "new=[1]",
            "--owner",
            "ann",
            "--no-touch",
        ],
    );
    set(&desk, &["--append-body", "more", "--no-touch"]);
    desk.expect(0, &["complete", "S-0034"]);
    let entries = entries(&desk);
    let commands: Vec<_> = entries.iter().map(|entry| &entry["command"]).collect();
    assert_eq!(
        commands,
        ["story set", "story set", "story complete"],
        "one line for each change"
    );
    let expected = serde_json::json!([
        { "key": "status", "old": "ready", "new": "done" },
        { "key": "new", "new": [1] },
        { "key": "assignee", "old": null },
    ]);
    assert_eq!(
        entries[0]["changes"], expected,
        "keys with old and new values"
    );
    assert_eq!(entries[0]["owner"], "ann", "by whom");
    let body = serde_json::json!({ "at": 24, "old": "", "new": "more\n" });
    assert_eq!(
        entries[1]["body"], body,
        "an append costs what was appended"
    );
    for pair in entries.windows(2) {
        assert_eq!(
            pair[0]["after"], pair[1]["before"],
            "the chain of revisions is whole"
        );
    }
    let rev = &desk.json(0, &["show", "S-0034"])["rev"];
    assert_eq!(&entries[2]["after"], rev, "and ends with the file");
    desk.assert_tidy();
}

#[test]
fn line_of_a_change_inside_of_a_task_names_its_run_and_others_have_no_such_member() {
    let desk = Desk::new();
    let mut inside = desk.story(&["set", "S-0034", "priority=1"]);
    crate::desk::json_of(0, inside.env("STORY_RUN", "T-1.2"));
    set(&desk, &["priority=2"]);
    let entries = entries(&desk);
    assert_eq!(entries[0]["run"], "T-1.2", "of which run");
    assert!(entries[1].get("run").is_none(), "of none: {}", entries[1]);
    let runs: Vec<_> = log(&desk)
        .iter()
        .map(|entry| entry["run"].clone())
        .collect();
    assert_eq!(
        runs,
        [Value::from("T-1.2"), Value::Null],
        "the log tells it"
    );
    let shown = desk.expect(0, &["log", "S-0034"]).stdout;
    assert_eq!(
        shown.matches("in run T-1.2").count(),
        1,
        "to people: {shown}"
    );
}

#[test]
fn log_shows_the_last_changes_and_what_became_of_them() {
    let desk = Desk::new();
    let none = desk.expect(0, &["log", "S-0034"]);
    assert!(
        none.stderr.contains("no change is in its journal"),
        "{none:?}"
    );
    set(&desk, &["--owner", "ann", "priority=1", "--no-touch"]);
    set(
        &desk,
        &[
            "--string",
            &format!("title={}", "x".repeat(100)),
            "--unset",
            "labels",
        ],
    );
    set(&desk, &["priority=2"]);
    let shown = desk.expect(0, &["log", "S-0034", "--limit", "2"]);
    assert!(
        shown.stderr.contains("1 earlier changes") && shown.stdout.contains("priority: 1 -> 2"),
        "the last two: {shown:?}"
    );
    assert!(
        !shown.stdout.contains("priority: 10 -> 1"),
        "not the first: {shown:?}"
    );
    assert!(
        !shown.stdout.contains(&"x".repeat(50)),
        "values are shortened: {shown:?}"
    );
    assert!(
        shown.stdout.contains("labels: removed, [\"backend\"]"),
        "{shown:?}"
    );
    let all = desk.expect(0, &["log", "S-0034", "--limit", "0"]);
    assert!(
        all.stdout.contains("done  ann  story set"),
        "who and what: {all:?}"
    );
    let states: Vec<_> = log(&desk)
        .iter()
        .map(|entry| entry["state"].clone())
        .collect();
    assert_eq!(states, ["done", "done", "done"], "each was done");
    // As if the last one had been killed before it could say so, in the commit or before it.
    let lines = desk.sandbox.read(JOURNAL);
    let without_word = lines.trim_end().rsplit_once('\n').expect("several lines").0;
    desk.sandbox.write(JOURNAL, format!("{without_word}\n"));
    assert_eq!(
        log(&desk)[2]["state"],
        "done",
        "the file says that it was done"
    );
    desk.sandbox
        .write(".ai-sdlc/stories/S-0034/story.md", desk.text() + "x\n");
    assert_eq!(log(&desk)[2]["state"], "unknown", "somebody wrote since");
}

#[test]
fn undo_takes_a_change_back_and_is_one_itself() {
    let desk = Desk::new();
    set(&desk, &["priority=1", "--no-touch", "--op-id", "first"]);
    set(
        &desk,
        &["status=done", "--append-body", "more", "--no-touch"],
    );
    let undone = desk.json(0, &["undo", "S-0034", "first", "--no-touch"]);
    assert_eq!(undone["undone"], "first", "{undone}");
    assert_eq!(
        undone["changed"],
        serde_json::json!(["priority"]),
        "{undone}"
    );
    desk.expect(7, &["undo", "S-0034", "first"]);
    desk.expect(0, &["undo", "S-0034"]);
    assert!(
        desk.text().contains("priority: 1\n"),
        "an undo can be undone: {}",
        desk.text()
    );
    let commands: Vec<_> = entries(&desk)
        .iter()
        .map(|entry| entry["command"].clone())
        .collect();
    assert_eq!(
        commands[2..],
        ["story undo", "story undo"],
        "each has its line"
    );
    desk.expect(3, &["undo", "S-0034", "nobodys"]);
    desk.assert_tidy();
}

#[test]
fn undo_brings_back_every_byte_of_a_story_that_it_can() {
    let desk = Desk::new();
    for arguments in [
        &["status=done"][..],
        &["--append-body", "more"],
        &["labels=[a, b]", "--inc", "priority"],
    ] {
        set(&desk, &[arguments, &["--no-touch"]].concat());
        desk.expect(0, &["undo", "S-0034", "--no-touch"]);
        assert_eq!(desk.text(), STORY, "as before {arguments:?}");
    }
}

#[test]
fn undo_names_the_later_change_that_is_in_its_way() {
    let desk = Desk::new();
    set(&desk, &["priority=1", "--op-id", "first"]);
    set(&desk, &["priority=2", "--op-id", "second"]);
    let refused = desk.json(7, &["undo", "S-0034", "first"]);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("operation second (story set, ") && message.contains("priority"),
        "the later change is named: {message}"
    );
    desk.sandbox.write(
        ".ai-sdlc/stories/S-0034/story.md",
        desk.text().replace("priority: 2", "priority: 3"),
    );
    let before = desk.text();
    let refused = desk.json(7, &["undo", "S-0034", "second"]);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("not what operation second left"),
        "{message}"
    );
    assert_eq!(desk.text(), before, "nothing was written");
}

#[test]
fn operation_with_an_id_is_done_once() {
    let desk = Desk::new();
    let increment = ["set", "S-0034", "--inc", "n", "--op-id", "job-7"];
    let first = desk.json(0, &increment);
    assert_eq!(first["already"], false, "{first}");
    set(&desk, &["other=1"]);
    let second = desk.json(0, &increment);
    assert_eq!(second["already"], true, "{second}");
    assert_eq!(second["changed"], serde_json::json!([]), "{second}");
    assert_eq!(
        second["rev"],
        desk.json(0, &["show", "S-0034"])["rev"],
        "the present revision"
    );
    let told = desk.expect(0, &increment);
    assert!(
        told.stderr.contains("operation job-7 was done"),
        "people are told: {told:?}"
    );
    assert_eq!(
        desk.expect(0, &["get", "S-0034", "n"]).stdout,
        "1\n",
        "it was done once"
    );
    assert_eq!(entries(&desk).len(), 2, "a repetition leaves no line");
}

#[test]
fn operation_with_an_id_that_changed_nothing_is_remembered_too() {
    let desk = Desk::new();
    let set_ready = ["status=ready", "--op-id", "job-7"];
    set(&desk, &set_ready);
    set(&desk, &["status=done"]);
    let again = set(&desk, &set_ready);
    assert!(again.stderr.contains("was done"), "{again:?}");
    assert!(
        desk.text().contains("status: done"),
        "a late repetition changes nothing"
    );
}

#[test]
fn operation_of_which_nobody_knows_whether_it_was_done_is_a_conflict() {
    let desk = Desk::new();
    let increment = ["set", "S-0034", "--inc", "n", "--op-id", "job-7"];
    desk.expect(0, &increment);
    let entry = desk.sandbox.read(JOURNAL).lines().next().map(str::to_owned);
    let entry = entry.expect("a line") + "\n";
    // Killed after the commit, before the word: the file tells, and the word is said now.
    desk.sandbox.write(JOURNAL, &entry);
    assert_eq!(
        desk.json(0, &increment)["already"],
        true,
        "the file shows it"
    );
    let journal = desk.sandbox.read(JOURNAL);
    assert!(
        journal.contains("\"settled\""),
        "that is taken down: {journal}"
    );
    // The same, and then an editor.
    desk.sandbox.write(JOURNAL, &entry);
    desk.sandbox
        .write(".ai-sdlc/stories/S-0034/story.md", desk.text() + "x\n");
    let refused = desk.json(5, &increment);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("job-7") && message.contains("nobody can say"),
        "{message}"
    );
    // Killed before the commit.
    let desk = Desk::new();
    let before = desk.text();
    desk.expect(0, &increment);
    desk.sandbox.write(JOURNAL, &entry);
    desk.sandbox
        .write(".ai-sdlc/stories/S-0034/story.md", &before);
    let again = desk.json(0, &increment);
    assert_eq!(again["already"], false, "it was not done, and is now");
    let states: Vec<_> = log(&desk)
        .iter()
        .map(|entry| entry["state"].clone())
        .collect();
    assert_eq!(states, ["void", "done"], "as the log tells");
}

#[test]
fn operation_id_is_for_one_operation() {
    let desk = Desk::new();
    set(&desk, &["n=1", "--op-id", "job-7"]);
    let refused = desk.json(7, &["complete", "S-0034", "--op-id", "job-7"]);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("is another: story set"), "{message}");
    desk.expect(2, &["get", "S-0034", "--op-id", "job-8"]);
    desk.expect(2, &["set", "S-0034", "n=1", "--op-id", "two words"]);
    desk.expect(2, &["apply", "--op-id", "job-8"]);
    desk.expect(2, &["claim", "--next", "--as", "ann", "--op-id", "job-8"]);
}

#[test]
fn apply_takes_an_operation_id_in_each_line() {
    let desk = Desk::new();
    let line = "{\"story\":\"S-0034\",\"inc\":{\"n\":1},\"op_id\":\"a\"}\n";
    let input = format!("{line}{line}{}", line.replace("\"a\"", "\"b\""));
    let finished = desk.feed(&input, &["apply"]);
    assert!(
        finished.status.success(),
        "each is answered well: {finished:?}"
    );
    let answers = json_lines(&finished.stdout);
    let already: Vec<_> = answers
        .iter()
        .map(|answer| answer["already"].clone())
        .collect();
    assert_eq!(already, [false, true, false], "{answers:?}");
    assert_eq!(answers[1]["line"], 2, "in order: {answers:?}");
    assert_eq!(
        desk.expect(0, &["get", "S-0034", "n"]).stdout,
        "2\n",
        "a and b"
    );
}

#[test]
fn story_outside_of_an_sdlc_root_has_no_journal() {
    let desk = Desk::new();
    desk.sandbox.write("notes/stories/S-1/story.md", STORY);
    let path = "notes/stories/S-1/story.md";
    desk.expect(0, &["set", path, "n=1"]);
    desk.expect(0, &["log", path]);
    desk.expect(3, &["undo", path]);
    let refused = desk.json(7, &["set", path, "n=2", "--op-id", "x"]);
    assert!(
        refused["error"]["hint"].to_string().contains("--root"),
        "{refused}"
    );
    assert!(
        !desk.sandbox.join("notes/journal").exists(),
        "nothing is made there"
    );
    // The same folder, named as the root.
    desk.expect(0, &["set", "S-1", "n=2", "--root", "notes", "--op-id", "x"]);
    assert!(
        desk.sandbox.join("notes/journal/S-1.jsonl").exists(),
        "now it is one"
    );
}

#[test]
fn each_copy_of_a_story_has_a_journal_of_its_own() {
    let desk = Desk::new();
    let copy = ".ai-sdlc/worktrees/S-0034-x/.ai-sdlc";
    desk.sandbox
        .write(format!("{copy}/stories/S-0034/story.md"), STORY);
    desk.sandbox
        .write(".ai-sdlc/done/01-old.md", STORY.replace("S-0034", "S-1"));
    desk.expect(
        0,
        &["set", &format!("{copy}/stories/S-0034/story.md"), "n=1"],
    );
    desk.expect(0, &["set", ".ai-sdlc/done/01-old.md", "n=1"]);
    desk.sandbox
        .write("plans/.ai-sdlc.json", "{\"sdlcFolder\": \"docs/board\"}");
    desk.sandbox
        .write("plans/docs/board/stories/S-2/story.md", STORY);
    desk.expect(0, &["set", "plans/docs/board/stories/S-2/story.md", "n=1"]);
    for journal in [
        format!("{copy}/journal/S-0034.jsonl"),
        ".ai-sdlc/journal/done/01-old.md.jsonl".to_owned(),
        "plans/docs/board/journal/S-2.jsonl".to_owned(),
    ] {
        assert!(desk.sandbox.join(&journal).is_file(), "{journal} is there");
    }
    assert!(!journal_of(&desk).exists(), "the main copy was not touched");
}

/// What the journal looks like, and how it is made so.
type Disguise = (&'static str, fn(&Desk));

#[test]
fn journal_in_disguise_is_not_written_and_the_update_goes_on() {
    let disguises: [Disguise; 5] = [
        ("the folder is a link", |desk| {
            fs::create_dir(desk.sandbox.join("elsewhere")).expect("a folder can be made");
            symlink("../elsewhere", desk.sandbox.join(".ai-sdlc/journal")).expect("a link");
        }),
        ("the folder is a file", |desk| {
            desk.sandbox.write(".ai-sdlc/journal", "mine");
        }),
        ("the journal is a link", |desk| {
            desk.sandbox.write("elsewhere/x", "mine");
            fs::create_dir(desk.sandbox.join(".ai-sdlc/journal")).expect("a folder can be made");
            symlink("../../elsewhere/x", journal_of(desk)).expect("a link");
        }),
        ("the journal is another's file", |desk| {
            let other = desk.sandbox.write("elsewhere/x", "mine");
            fs::create_dir(desk.sandbox.join(".ai-sdlc/journal")).expect("a folder can be made");
            fs::hard_link(other, journal_of(desk)).expect("a second name");
        }),
        ("the journal is a pipe", |desk| {
            fs::create_dir(desk.sandbox.join(".ai-sdlc/journal")).expect("a folder can be made");
            let made = std::process::Command::new("mkfifo")
                .arg(journal_of(desk))
                .status();
            assert!(
                made.is_ok_and(|status| status.success()),
                "a pipe can be made"
            );
        }),
    ];
    for (what, disguise) in disguises {
        let desk = Desk::new();
        disguise(&desk);
        let finished = set(&desk, &["status=done"]);
        assert_warns(&finished, "journal");
        assert!(
            desk.text().contains("status: done"),
            "{what}: the update was made"
        );
        let refused = desk.run(&["set", "S-0034", "status=ready", "--op-id", "x"]);
        assert_ne!(
            refused.status.code(),
            Some(0),
            "{what}: not with an id: {refused:?}"
        );
        assert!(
            desk.text().contains("status: done"),
            "{what}: nothing was changed"
        );
        let elsewhere = desk.sandbox.join("elsewhere");
        let written = fs::read_dir(&elsewhere).map_or(0, Iterator::count);
        let text = fs::read_to_string(elsewhere.join("x")).unwrap_or_else(|_| "mine".to_owned());
        let is_spared = text == "mine" && written <= 1 && !elsewhere.join("S-0034.jsonl").exists();
        assert!(is_spared, "{what}: nothing was written elsewhere");
        desk.assert_tidy();
    }
}

#[test]
fn journal_is_open_to_those_to_whom_the_story_is() {
    let desk = Desk::new();
    let root = desk.sandbox.join(".ai-sdlc");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o2770)).expect("a mode can be set");
    fs::set_permissions(&desk.path, fs::Permissions::from_mode(0o660)).expect("a mode can be set");
    set(&desk, &["status=done"]);
    let mode = |path: PathBuf| fs::metadata(path).expect("it is there").mode() & 0o7777;
    assert_eq!(mode(root.join("journal")), 0o2770, "the folder as the root");
    assert_eq!(mode(journal_of(&desk)), 0o660, "the journal as the story");
}

#[test]
fn torn_line_is_closed_by_the_next_and_told() {
    let desk = Desk::new();
    set(&desk, &["n=1"]);
    desk.sandbox
        .write(JOURNAL, desk.sandbox.read(JOURNAL) + "{\"v\":1,\"op\":\"to");
    set(&desk, &["n=2"]);
    let finished = desk.expect(0, &["log", "S-0034"]);
    assert_warns(&finished, "1 lines of the journal cannot be read");
    assert!(
        finished.stdout.contains("n: 1 -> 2"),
        "the rest can: {finished:?}"
    );
    let doctor = desk.expect(0, &["doctor"]);
    assert!(
        doctor.stdout.contains("cannot be read"),
        "doctor tells: {doctor:?}"
    );
    set(&desk, &["n=3", "--op-id", "x"]);
    assert_eq!(
        desk.json(0, &["set", "S-0034", "n=3", "--op-id", "x"])["already"],
        true
    );
}

#[test]
fn journal_that_has_grown_is_cut_to_its_newer_half() {
    let desk = Desk::new();
    set(&desk, &["n=0", "--op-id", "old"]);
    let line = desk.sandbox.read(JOURNAL);
    let mut text = line.clone();
    let mut number = 0;
    while text.len() <= 1024 * 1024 {
        number += 1;
        text.push_str(&line.replace("\"old\"", &format!("\"old-{number}\"")));
    }
    desk.sandbox.write(JOURNAL, text);
    set(&desk, &["n=1", "--op-id", "new"]);
    let size = fs::metadata(journal_of(&desk)).expect("it is there").len();
    assert!(
        (400 * 1024..600 * 1024).contains(&size),
        "half is left: {size}"
    );
    let entries = entries(&desk);
    assert_eq!(entries[0]["v"], 1, "it begins with a change");
    let ops: Vec<_> = entries
        .iter()
        .rev()
        .take(2)
        .map(|entry| entry["op"].clone())
        .collect();
    assert_eq!(
        ops,
        [Value::from("new"), Value::from(format!("old-{number}"))],
        "the newer half"
    );
    let names = fs::read_dir(desk.sandbox.join(".ai-sdlc/journal")).expect("it can be listed");
    assert_eq!(names.count(), 1, "and nothing beside it");
    assert_eq!(
        desk.json(0, &["set", "S-0034", "n=1", "--op-id", "new"])["already"],
        true
    );
    desk.expect(0, &["set", "S-0034", "n=1", "--op-id", "old"]);
}

#[test]
fn doctor_names_a_change_that_no_line_explains() {
    let desk = Desk::new();
    let findings = |arguments: &[&str]| {
        let finished = desk.expect(0, &[&["doctor", "--json"], arguments].concat());
        let mut lines = json_lines(&finished.stdout);
        lines.retain(|line| line["check"] == "journal");
        lines
    };
    let edit = |old: &str, new: &str| {
        desk.sandbox.write(
            ".ai-sdlc/stories/S-0034/story.md",
            desk.text().replace(old, new),
        );
    };
    edit("priority: 10", "priority: 11");
    assert_eq!(
        findings(&[]),
        [Value::Null; 0],
        "without a journal there is nothing to say"
    );
    set(&desk, &["priority=1", "--op-id", "one", "--owner", "ann"]);
    set(&desk, &["labels=[]", "--op-id", "two"]);
    assert_eq!(findings(&[]), [Value::Null; 0], "every change has its line");
    edit("priority: 1\n", "priority: 5\n");
    let found = findings(&[]);
    let message = found[0]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("operation two") && message.contains("changed priority"),
        "which change, after which line: {message}"
    );
    assert_eq!(
        found[0]["level"], "warning",
        "people edit their stories: no problem"
    );
    set(&desk, &["status=done", "--op-id", "three"]);
    let found = findings(&[]);
    let message = found[0]["message"].as_str().unwrap_or_default();
    assert!(
        found.len() == 1
            && message.contains("operation two")
            && message.contains("operation three"),
        "between which lines: {found:?}"
    );
    let fixed = findings(&["--fix"]);
    assert_eq!(fixed[0]["fixed"], true, "it is accepted: {fixed:?}");
    assert_eq!(findings(&[]), [Value::Null; 0], "and no question any more");
    // A tool that wrote an old copy over two changes.
    let old = desk.text();
    set(&desk, &["status=ready", "--op-id", "four"]);
    set(&desk, &["--inc", "n", "--op-id", "five"]);
    desk.sandbox.write(".ai-sdlc/stories/S-0034/story.md", old);
    let message = findings(&[])[0]["message"].to_string();
    assert!(
        message.contains("the changes of four, five were lost"),
        "{message}"
    );
}

#[test]
fn update_under_a_parents_lock_leaves_its_line() {
    let desk = Desk::new();
    let program = env!("CARGO_BIN_EXE_story");
    let inner = ["set", "S-0034", "n=1", "--op-id", "inner"];
    desk.expect(
        0,
        &[&["lock", "run", "S-0034", "--", program], &inner[..]].concat(),
    );
    assert_eq!(log(&desk)[0]["op"], "inner", "as any other");
}

#[test]
fn stories_that_change_together_each_have_their_line() {
    let desk = Desk::new();
    desk.sandbox.write(
        ".ai-sdlc/stories/S-2/story.md",
        STORY.replace("S-0034", "S-2"),
    );
    let input = "{\"story\":\"S-0034\",\"inc\":{\"n\":1}}\n{\"story\":\"S-2\",\"inc\":{\"n\":1}}\n";
    for _ in 0..2 {
        let finished = desk.feed(input, &["apply", "--together"]);
        assert!(finished.status.success(), "it is applied: {finished:?}");
    }
    for id in ["S-0034", "S-2"] {
        let log = desk.json(0, &["log", id]);
        let states = log["entries"].as_array().map(|entries| {
            let states = entries.iter().map(|entry| entry["state"].clone());
            states.collect::<Vec<_>>()
        });
        assert_eq!(states, Some(vec!["done".into(); 2]), "{id}: {log}");
    }
    let journal = desk.sandbox.read(JOURNAL);
    assert_eq!(
        journal.matches("{\"done\"").count(),
        2,
        "said by the writer itself: {journal}"
    );
    let doctor = desk.expect(0, &["doctor"]);
    assert!(
        !doctor.stdout.contains("journal"),
        "every change is explained: {doctor:?}"
    );
    let with_id = input.replacen("}}", "},\"op_id\":\"x\"}", 1);
    let refused = desk.feed(&with_id, &["apply", "--together"]);
    assert_eq!(
        refused.status.code(),
        Some(2),
        "not with an id: {refused:?}"
    );
}
