//! `story edit-file` and `story write-file`: who may, what is told, what stays as it was.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use lease::Project;
use lease::store::sqlite::SqliteStore;
use serde_json::json;

use crate::desk::Desk;

const HOUR: Duration = Duration::from_hours(1);

const FILE: &str = "src/main.rs";
const TEXT: &str = "retries: 3\nname: a\nname: b\n";

/// A project with a file, leased to `a1`.
fn desk() -> (Desk, u64) {
    let desk = Desk::new();
    desk.sandbox.write(FILE, TEXT);
    let token = desk.lease("a1", FILE, HOUR);
    (desk, token)
}

/// `story edit-file src/main.rs --as AGENT --old OLD --new NEW`.
fn edit<'a>(agent: &'a str, old: &'a str, new: &'a str) -> Vec<&'a str> {
    vec!["edit-file", FILE, "--as", agent, "--old", old, "--new", new]
}

#[test]
fn edit_file_replaces_the_piece_and_tells_what_came_of_it() {
    let (desk, token) = desk();
    let path = desk.sandbox.join(FILE);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).expect("it is ours");
    let told = desk.json(0, &edit("a1", "retries: 3", "retries: 5"));
    assert_eq!(
        desk.sandbox.read(FILE),
        TEXT.replace('3', "5"),
        "the piece changed"
    );
    let mode = path.metadata().expect("it is there").mode() & 0o777;
    assert_eq!(mode, 0o750, "the mode did not");
    assert_eq!(told["changed"], json!(true), "that it changed: {told}");
    assert_eq!(told["token"], json!(token), "by which lease: {told}");
    let revision = told["rev"].as_str().expect("the revision").to_owned();
    let again = desk.json(0, &edit("a1", "retries: 5", "retries: 5"));
    assert_eq!(again["changed"], json!(false), "nothing to change: {again}");
    assert_eq!(again["rev"], json!(revision), "the same version: {again}");
    let with_revision = [&edit("a1", "5", "6")[..], &["--if-rev", &revision[..12]]].concat();
    desk.expect(0, &with_revision);
    let late = [&edit("a1", "6", "7")[..], &["--if-rev", &revision[..12]]].concat();
    let refused = desk.json(5, &late);
    assert_eq!(
        refused["error"]["code"],
        json!("ECONFLICT"),
        "another version by now: {refused}"
    );
    assert_eq!(
        desk.sandbox.read(FILE),
        TEXT.replace('3', "6"),
        "and it stays"
    );
    desk.expect(
        2,
        &[&edit("a1", "6", "7")[..], &["--if-rev", "123"]].concat(),
    );
}

#[test]
fn edit_file_takes_its_texts_from_files_byte_for_byte() {
    let (desk, _) = desk();
    desk.sandbox.write(FILE, b"a\xff\r\nb\n");
    desk.sandbox.write("old", b"\xff\r\n");
    desk.sandbox.write("new", b"\xfe\n");
    desk.expect(0, &edit("a1", "@old", "@new"));
    let bytes = std::fs::read(desk.sandbox.join(FILE)).expect("it is there");
    assert_eq!(bytes, b"a\xfe\nb\n", "whatever bytes they are");
    let fed = desk.feed("b\n", &edit("a1", "@-", "-"));
    assert!(
        fed.status.success(),
        "from stdin, and a text that looks like an option: {fed:?}"
    );
    let bytes = std::fs::read(desk.sandbox.join(FILE)).expect("it is there");
    assert_eq!(bytes, b"a\xfe\n-", "the line feed is part of it");
    desk.expect(2, &edit("a1", "@-", "@-"));
    desk.expect(3, &edit("a1", "@missing", "x"));
}

#[test]
fn edit_that_is_not_possible_is_refused_with_its_code_and_changes_nothing() {
    let (desk, token) = desk();
    desk.sandbox.write(".git/config", "[core]");
    desk.lease("a1", ".git/config", HOUR);
    desk.lease("a1", "none.rs", HOUR);
    let other_token = (token + 1).to_string();
    let with = |more: &[&'static str]| -> Vec<String> {
        let base = edit("a1", "retries: 3", "x");
        [&base[..], more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    let on = |path: &str| -> Vec<String> {
        let base = edit("a1", "core", "x");
        let named = base
            .into_iter()
            .map(|word| if word == FILE { path } else { word });
        named.map(str::to_owned).collect()
    };
    let own = |words: Vec<&str>| -> Vec<String> { words.into_iter().map(str::to_owned).collect() };
    let mut by_token = with(&["--token"]);
    by_token.push(other_token);
    let table: [(&str, i32, &str, Vec<String>); 9] = [
        (
            "held by a1",
            4,
            "ELOCKED",
            own(edit("a2", "retries: 3", "x")),
        ),
        (
            "does not occur",
            5,
            "ECONFLICT",
            own(edit("a1", "nothing", "x")),
        ),
        (
            "occurs 2 times in src/main.rs: in the lines 2, 3",
            5,
            "ECONFLICT",
            own(edit("a1", "name", "x")),
        ),
        ("is empty", 2, "EUSAGE", own(edit("a1", "", "x"))),
        ("does not hold", 5, "ECONFLICT", by_token),
        ("does not hold other.rs", 5, "ECONFLICT", on("other.rs")),
        ("none.rs does not exist", 3, "ENOTFOUND", on("none.rs")),
        ("outside", 2, "EUSAGE", on("../core")),
        ("belongs to git", 7, "EREFUSED", on(".git/config")),
    ];
    for (reason, exit, code, arguments) in table {
        assert_refused(&desk, reason, (exit, code), &arguments);
    }
    desk.expect(2, &["edit-file", FILE, "--old", "retries: 3", "--new", "x"]);
    assert_eq!(desk.sandbox.read(FILE), TEXT, "the file is what it was");
    assert_eq!(
        desk.sandbox.read(".git/config"),
        "[core]",
        "and so is git's"
    );
    assert!(
        !desk.sandbox.join("src/main.rs.lock").exists(),
        "no lock is left"
    );
}

fn assert_refused(desk: &Desk, reason: &str, (exit, code): (i32, &str), arguments: &[String]) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let refused = desk.json(exit, &arguments);
    let error = &refused["error"];
    assert_eq!(error["code"], json!(code), "{arguments:?}: {refused}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(
        message.contains(reason),
        "{arguments:?} says {reason:?}: {message}"
    );
    assert_eq!(
        error["committed"],
        json!(false),
        "nothing was done: {refused}"
    );
}

#[test]
fn edit_after_the_lease_has_ended_is_refused() {
    let (desk, token) = desk();
    let token = token.to_string();
    let later = ["--now", "2999-01-01", "--token", &token];
    let ended = desk.json(5, &[&edit("a1", "retries: 3", "x")[..], &later].concat());
    let message = ended["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("ended at"),
        "when it ended is told: {message}"
    );
    assert_eq!(desk.sandbox.read(FILE), TEXT, "nothing was changed");
}

#[test]
fn write_file_makes_replaces_and_respects_what_is_expected() {
    let desk = Desk::new();
    desk.lease("a1", "notes.md", HOUR);
    let write = |more: &[&'static str]| [&["write-file", "notes.md", "--as", "a1"], more].concat();
    let made = desk.feed("one\n", &write(&["--create"]));
    assert!(made.status.success(), "it is made: {made:?}");
    assert_eq!(
        desk.sandbox.read("notes.md"),
        "one\n",
        "from standard input"
    );
    let again = desk.feed("two\n", &write(&["--create"]));
    assert_eq!(again.status.code(), Some(5), "once only: {again:?}");
    assert!(
        again.stderr.contains("exists already"),
        "and why: {again:?}"
    );
    desk.expect(5, &write(&["--if-rev", "000000000000"]));
    assert_eq!(
        desk.sandbox.read("notes.md"),
        "one\n",
        "nothing was changed"
    );
    desk.sandbox.write("new", "three\n");
    desk.expect(0, &write(&["--from", "@new"]));
    assert_eq!(desk.sandbox.read("notes.md"), "three\n", "from a file");
    desk.expect(2, &write(&["--create", "--if-rev", "000000000000"]));
    desk.expect(5, &["write-file", "other.md", "--as", "a1", "--from", "x"]);
    assert!(
        !desk.sandbox.join("other.md").exists(),
        "what is not held is not made"
    );
}

#[test]
fn edit_finds_its_leases_where_it_is_told() {
    let desk = Desk::new();
    desk.sandbox.write(FILE, TEXT);
    let project = Project::new(desk.sandbox.path()).expect("it is there");
    let database = desk.sandbox.join("leases.db");
    desk.lease_in(&SqliteStore::new(database, project), "a1", FILE, HOUR);
    desk.expect(5, &edit("a1", "retries: 3", "retries: 4"));
    desk.expect(
        0,
        &[
            &edit("a1", "retries: 3", "retries: 4")[..],
            &["--store", "leases.db"],
        ]
        .concat(),
    );
    let mut command = desk.story(&edit("a1", "retries: 4", "retries: 5"));
    let finished = crate::desk::finish(command.env("STORY_LEASES", "leases.db"));
    assert!(
        finished.status.success(),
        "by the environment: {finished:?}"
    );
    let folder = desk.sandbox.join("out/locks");
    std::fs::create_dir(desk.sandbox.join("out")).expect("a folder");
    let project = Project::new(desk.sandbox.path()).expect("it is there");
    let store = lease::store::folder::FolderStore::new(folder, project);
    desk.lease_in(&store, "a1", FILE, HOUR);
    desk.expect(
        0,
        &[
            &edit("a1", "retries: 5", "retries: 6")[..],
            &["--output", "out"],
        ]
        .concat(),
    );
    assert_eq!(
        desk.sandbox.read(FILE),
        TEXT.replace('3', "6"),
        "all were made"
    );
}

#[test]
fn edit_while_a_list_of_leases_is_broken_is_refused_and_names_it() {
    let (desk, _) = desk();
    desk.sandbox.write(".ai-sdlc/locks/a2.lock", "{ broken");
    let refused = desk.json(6, &edit("a1", "retries: 3", "x"));
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("a2.lock"), "which one: {message}");
    assert_eq!(desk.sandbox.read(FILE), TEXT, "nothing was changed");
}

#[test]
fn story_stays_a_story_and_keeps_its_id() {
    let (desk, _) = desk();
    let story = ".ai-sdlc/stories/S-0034/story.md";
    desk.lease("a1", story, HOUR);
    let edit = |old: &'static str, new: &'static str| {
        ["edit-file", story, "--as", "a1", "--old", old, "--new", new]
    };
    for (old, new) in [
        ("title: 'Atomic", "title: ['Atomic"),
        ("id: S-0034", "id: S-0099"),
        ("id: S-0034\n", ""),
    ] {
        let refused = desk.json(7, &edit(old, new));
        assert_eq!(refused["error"]["code"], json!("EREFUSED"), "{refused}");
        assert_eq!(desk.text(), crate::desk::STORY, "{new:?}: nothing was done");
    }
    desk.expect(0, &edit("# Atomic story updates", "# Another heading"));
    assert!(
        desk.text().contains("# Another heading"),
        "the body changes"
    );
}
