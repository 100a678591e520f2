//! `story edit`, `story apply` with a base, `story merge-driver`: what two sides did is put together, or told.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use testkit::Finished;

use crate::desk::{Desk, STORY, TODAY, finish, json_lines};

/// Runs `story edit` with a script as the editor, which finds the copy in `$1`.
fn edit(desk: &Desk, script: &str, arguments: &[&str]) -> Finished {
    desk.sandbox.write("editor.sh", script);
    fs::create_dir_all(desk.sandbox.join("tmp")).expect("a folder can be made");
    let mut command = desk.story(&["edit", "S-0034", "--now", TODAY]);
    command
        .args(arguments)
        .env("VISUAL", "sh editor.sh")
        .env("EDITOR", "false")
        .env("STORY", env!("CARGO_BIN_EXE_story"))
        .env("TMPDIR", desk.sandbox.join("tmp"));
    finish(&mut command)
}

/// The copies that are left.
fn copies(desk: &Desk) -> Vec<PathBuf> {
    let folders = fs::read_dir(desk.sandbox.join("tmp")).expect("the folder is there");
    let entries = |folder: PathBuf| fs::read_dir(folder).expect("a folder");
    folders
        .flat_map(|folder| entries(folder.expect("an entry").path()))
        .map(|copy| copy.expect("an entry").path())
        .collect()
}

fn assert_kept(desk: &Desk, finished: &Finished, text: &str) {
    let copies = copies(desk);
    let [copy] = copies.as_slice() else {
        panic!("one copy is kept: {copies:?}");
    };
    assert!(
        finished.stderr.contains(&copy.display().to_string()),
        "it is said where: {finished:?}"
    );
    let kept = fs::read_to_string(copy).expect("the copy can be read");
    assert!(kept.contains(text), "it holds what was written: {kept}");
}

#[test]
fn edit_writes_what_the_editor_saved() {
    let desk = Desk::new();
    let seen = desk.sandbox.join("seen");
    let script = format!(
        "echo \"$1\" > {0}; stat -c '%a' \"$1\" >> {0}; stat -c '%a' \"$(dirname \"$1\")\" >> {0}
         sed -i 's/status: ready/status: done/; s/^# Atomic.*/# Changed/' \"$1\"",
        seen.display()
    );
    let finished = edit(&desk, &script, &[]);
    assert!(finished.status.success(), "it is saved: {finished:?}");
    assert!(
        finished.stderr.contains("changed status, content, updated"),
        "it says what changed: {finished:?}"
    );
    let expected = STORY
        .replace("status: ready", "status: done")
        .replace("# Atomic story updates\n", "# Changed\n")
        .replace("2026-01-15", TODAY);
    assert_eq!(desk.text(), expected, "every other byte is as it was");
    let seen = fs::read_to_string(seen).expect("the editor has run");
    let lines: Vec<_> = seen.lines().collect();
    assert!(
        lines[0].ends_with("/S-0034.md"),
        "named for editors: {seen}"
    );
    assert_eq!(&lines[1..], ["600", "700"], "nobody else can read the copy");
    assert!(copies(&desk).is_empty(), "the copy is gone");
    desk.assert_tidy();
}

#[test]
fn edit_without_a_change_changes_nothing() {
    let desk = Desk::new();
    let finished = edit(&desk, "touch \"$1\"", &[]);
    assert!(
        finished.status.success(),
        "that is no failure: {finished:?}"
    );
    assert!(
        finished.stderr.contains("nothing to change"),
        "{finished:?}"
    );
    assert_eq!(desk.text(), STORY, "nothing is written");
    assert!(copies(&desk).is_empty(), "the copy is gone");
}

#[test]
fn edit_keeps_changes_of_others_in_other_fields_and_lines() {
    let before = format!("{STORY}\nA last line.\n");
    let desk = Desk::with(&before);
    let script = "\"$STORY\" set S-0034 priority=1 --add labels=theirs --append-body 'From another.' -q --no-touch
        sed -i 's/status: ready/status: done/; s/  - backend/  - mine/; s/^# Atomic/# My/' \"$1\"";
    let finished = edit(&desk, script, &["--json", "--no-touch"]);
    assert!(finished.status.success(), "both survive: {finished:?}");
    let expected = before
        .replace("status: ready", "status: done")
        .replace("priority: 10", "priority: 1")
        .replace("  - backend", "  - theirs\n  - mine")
        .replace("# Atomic story updates\n", "# My story updates\n")
        .replace("A last line.\n", "A last line.\nFrom another.\n");
    assert_eq!(desk.text(), expected, "both survive");
    assert!(copies(&desk).is_empty(), "the copy is gone");
}

#[test]
fn edit_of_the_same_field_shows_the_conflict_and_keeps_the_copy() {
    let desk = Desk::new();
    let script = "\"$STORY\" set S-0034 status=blocked -q
        sed -i 's/status: ready/status: done/; s/priority: 10/priority: 20/' \"$1\"";
    let finished = edit(&desk, script, &[]);
    assert_eq!(finished.status.code(), Some(5), "a conflict: {finished:?}");
    assert!(
        finished.stderr.contains("others have changed the same"),
        "it is said: {finished:?}"
    );
    assert!(
        finished
            .stderr
            .contains("status: was ready; now: blocked; yours: done"),
        "it is shown: {finished:?}"
    );
    let text = desk.text();
    assert!(
        text.contains("status: blocked") && text.contains("priority: 10"),
        "nothing of it is written, not even what would merge: {text}"
    );
    assert_kept(&desk, &finished, "status: done");
    let json = edit(&Desk::new(), script, &["--json"]);
    let error = json_lines(&json.stdout)[0]["error"].clone();
    assert_eq!(error["code"], "ECONFLICT", "for programs: {error}");
    assert_eq!(
        error["conflicts"],
        json!([{ "key": "status", "base": "ready", "ours": "blocked", "theirs": "done" }]),
        "with all values"
    );
}

#[test]
fn edit_that_is_no_story_any_more_is_refused_and_kept() {
    let desk = Desk::new();
    let finished = edit(&desk, "sed -i 's/^priority.*/id: twice/' \"$1\"", &[]);
    assert_eq!(
        finished.status.code(),
        Some(6),
        "it cannot be read: {finished:?}"
    );
    assert!(
        finished.stderr.contains("S-0034.md:6:1"),
        "with its line: {finished:?}"
    );
    assert_eq!(desk.text(), STORY, "nothing is written");
    assert_kept(&desk, &finished, "id: twice");
}

#[test]
fn edit_that_takes_the_id_away_is_refused_and_kept() {
    let desk = Desk::new();
    let finished = edit(&desk, "sed -i '/^id:/d' \"$1\"", &[]);
    assert_eq!(
        finished.status.code(),
        Some(7),
        "no operation would take it for a story any more: {finished:?}"
    );
    assert_eq!(desk.text(), STORY, "nothing is written");
    assert_kept(&desk, &finished, "status: ready");
}

#[test]
fn edit_passes_the_exit_code_of_the_editor_on_and_loses_nothing() {
    let desk = Desk::new();
    let finished = edit(&desk, "exit 3", &[]);
    assert_eq!(
        finished.status.code(),
        Some(3),
        "the editor's: {finished:?}"
    );
    assert!(
        copies(&desk).is_empty(),
        "nothing was written, nothing is kept"
    );
    let finished = edit(&desk, "echo more >> \"$1\"; exit 3", &[]);
    assert_eq!(
        finished.status.code(),
        Some(3),
        "the editor's: {finished:?}"
    );
    assert_kept(&desk, &finished, "more");
    assert_eq!(desk.text(), STORY, "nothing is written");
}

#[test]
fn edit_says_so_when_the_copy_is_gone() {
    let desk = Desk::new();
    let finished = edit(&desk, "rm \"$1\"", &[]);
    assert_eq!(
        finished.status.code(),
        Some(3),
        "there is none: {finished:?}"
    );
    assert!(
        !finished.stderr.contains("is kept"),
        "and none is kept: {finished:?}"
    );
    let left = fs::read_dir(desk.sandbox.join("tmp")).expect("the folder is there");
    assert_eq!(left.count(), 0, "not even an empty folder");
    assert_eq!(desk.text(), STORY, "the story is as it was");
}

/// Runs `apply` with one request and returns exit code and answer.
fn apply(desk: &Desk, request: &Value) -> (Option<i32>, Value) {
    let finished = desk.feed(&request.to_string(), &["apply", "--no-touch"]);
    (
        finished.status.code(),
        json_lines(&finished.stdout)[0].clone(),
    )
}

#[test]
fn apply_with_base_merges_what_was_made_of_an_old_text() {
    let desk = Desk::new();
    desk.expect(
        0,
        &[
            "set",
            "S-0034",
            "priority=1",
            "--inc",
            "retry_count",
            "--no-touch",
        ],
    );
    let text = STORY
        .replace("status: ready", "status: done")
        .replace("- backend", "- backend\n  - new")
        .replace("assignee:", "assignee: bob # asked");
    let (exit, answer) = apply(
        &desk,
        &json!({ "story": "S-0034", "base": STORY, "text": text }),
    );
    assert_eq!(exit, Some(0), "it is merged: {answer}");
    assert_eq!(
        answer["changed"],
        json!(["status", "labels", "assignee"]),
        "what changed in the story"
    );
    let expected = text.replace("priority: 10", "priority: 1");
    let expected = expected.replace("# asked\n", "# asked\nretry_count: 1\n");
    assert_eq!(desk.text(), expected, "both changes, byte for byte");
}

#[test]
fn apply_with_base_and_a_full_set_writes_only_what_differs_from_the_base() {
    let desk = Desk::new();
    let shown = desk.json(0, &["show", "S-0034"]);
    desk.expect(
        0,
        &[
            "set",
            "S-0034",
            "priority=1",
            "--unset",
            "history",
            "--no-touch",
        ],
    );
    let mut all = shown["frontmatter"].clone();
    all["status"] = "done".into();
    let request = json!({
        "story": "S-0034", "base": STORY, "set": all, "content": shown["content"], "inc": {"runs": 1},
    });
    let (exit, answer) = apply(&desk, &request);
    assert_eq!(exit, Some(0), "it is merged: {answer}");
    let expected = STORY
        .replace("status: ready", "status: done")
        .replace("priority: 10", "priority: 1")
        .replace("history: []\n", "")
        .replace("assignee:\n", "assignee:\nruns: 1\n");
    assert_eq!(desk.text(), expected, "what others changed stays");
}

#[test]
fn apply_with_base_tells_contradictions_and_writes_nothing() {
    let desk = Desk::new();
    desk.expect(
        0,
        &[
            "set",
            "S-0034",
            "status=blocked",
            "--append-body",
            "theirs",
            "--no-touch",
        ],
    );
    let before = desk.text();
    let text = format!("{}mine\n", STORY.replace("status: ready", "status: done"));
    let (exit, answer) = apply(
        &desk,
        &json!({ "story": "S-0034", "base": STORY, "text": text }),
    );
    assert_eq!(exit, Some(5), "a conflict: {answer}");
    assert_eq!(
        answer["error"]["conflicts"],
        json!([
            { "key": "status", "base": "ready", "ours": "blocked", "theirs": "done" },
            { "key": "content", "line": 14, "base": "", "ours": "theirs\n", "theirs": "mine\n" },
        ]),
        "all of them"
    );
    assert_eq!(desk.text(), before, "all or nothing");
    let broken = json!({ "story": "S-0034", "base": "---\na: 1\na: 2\n---\n", "set": {"a": 1} });
    let (exit, answer) = apply(&desk, &broken);
    assert_eq!(exit, Some(6), "a base that is no story: {answer}");
    assert_eq!(answer["error"]["line"], 3, "with its line");
}

#[test]
fn merge_driver_writes_the_result_over_ours() {
    let desk = Desk::new();
    let write = |name: &str, text: &str| desk.sandbox.write(name, text);
    write("base.md", STORY);
    write("ours.md", &STORY.replace("priority: 10", "priority: 1"));
    write("theirs.md", &STORY.replace("status: ready", "status: done"));
    let driver = [
        "merge-driver",
        "base.md",
        "ours.md",
        "theirs.md",
        "x/story.md",
    ];
    let finished = desk.expect(0, &driver);
    assert_eq!(finished.stderr, "", "nothing to say");
    let expected = STORY
        .replace("priority: 10", "priority: 1")
        .replace("status: ready", "status: done");
    assert_eq!(desk.sandbox.read("ours.md"), expected, "merged");
    write("theirs.md", &STORY.replace("priority: 10", "priority: 2"));
    let finished = desk.expect(1, &driver);
    assert!(
        finished.stderr.contains("x/story.md") && finished.stderr.contains("priority: was 10"),
        "git shows this to a person: {finished:?}"
    );
    assert_eq!(
        desk.json(0, &["get", "./ours.md", "priority"])["values"]["priority"],
        1,
        "readable"
    );
    write("base.md", "");
    write("ours.md", STORY);
    write(
        "theirs.md",
        &STORY.replace("labels:\n", "labels:\n  - more\n"),
    );
    desk.expect(0, &driver);
    let labels = desk.json(0, &["get", "./ours.md", "labels"])["values"]["labels"].clone();
    assert_eq!(labels, json!(["backend", "more"]), "added on both sides");
}

#[test]
fn merge_driver_leaves_what_is_no_story_to_git() {
    let desk = Desk::new();
    for (name, text) in [
        ("base.md", "a\nb\nc\n"),
        ("ours.md", "A\nb\nc\n"),
        ("theirs.md", "a\nb\nC\n"),
    ] {
        desk.sandbox.write(name, text);
    }
    let driver = ["merge-driver", "base.md", "ours.md", "theirs.md"];
    desk.expect(0, &driver);
    assert_eq!(
        desk.sandbox.read("ours.md"),
        "A\nb\nC\n",
        "as git merges lines"
    );
    desk.sandbox.write("theirs.md", "x\nb\nc\n");
    desk.expect(1, &driver);
    let text = desk.sandbox.read("ours.md");
    assert!(
        text.starts_with("<<<<<<< ours\nA\n=======\nx\n>>>>>>> theirs\n"),
        "{text}"
    );
    let mut gone = desk.story(&["merge-driver", "base.md", "ours.md", "missing.md"]);
    let finished = finish(gone.env("LC_ALL", "C"));
    assert_eq!(
        finished.status.code(),
        Some(255),
        "git's own failure: {finished:?}"
    );
    let mut alone = desk.story(&["merge-driver", "base.md", "ours.md", "missing.md"]);
    let finished = finish(alone.env("PATH", "/nowhere"));
    assert_eq!(
        finished.status.code(),
        Some(255),
        "above 128 git does not take what stands there for the result: {finished:?}"
    );
}

#[test]
fn merge_driver_that_cannot_write_says_so_and_is_no_conflict() {
    let desk = Desk::new();
    for name in ["base.md", "ours.md"] {
        desk.sandbox.write(name, STORY);
    }
    desk.sandbox
        .write("theirs.md", STORY.replace("ready", "done"));
    fs::hard_link(desk.sandbox.join("ours.md"), desk.sandbox.join("other.md"))
        .expect("a second name can be given");
    let finished = desk.run(&["merge-driver", "base.md", "ours.md", "theirs.md"]);
    assert_eq!(
        finished.status.code(),
        Some(255),
        "git must not go on: {finished:?}"
    );
    assert!(
        finished.stderr.contains("ours.md"),
        "it is said why: {finished:?}"
    );
    assert_eq!(desk.sandbox.read("ours.md"), STORY, "nothing is written");
}
