//! Bad input, odd stores and foreign hands: what cannot be trusted is refused by name, and nothing of others is harmed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::{LegacyWriter, on_path, set_age, skip};

use crate::support::{LeaseBox, Store, run, token_of};

const NOON: &str = "2026-03-04T12:00:00Z";

#[test]
fn request_that_makes_no_sense_is_a_usage_error_and_leaves_nothing() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        let long = "x".repeat(101);
        let table: &[&[&str]] = &[
            &["acquire", "a", "--as", ""],
            &["acquire", "a", "--as", "a/b"],
            &["acquire", "a", "--as", ".hidden"],
            &["acquire", "a", "--as", "two\nlines"],
            &["acquire", "a", "--as", &long],
            &["acquire", "a", "--as", "ann", "--ttl", "0"],
            &["acquire", "a", "--as", "ann", "--ttl", "99ms"],
            &["acquire", "a", "--as", "ann", "--ttl=-5s"],
            &["acquire", "a", "--as", "ann", "--ttl", "25h"],
            &[
                "acquire",
                "a",
                "--as",
                "ann",
                "--ttl",
                "99999999999999999999h",
            ],
            &["acquire", "a", "--as", "ann", "--ttl", "soon"],
            &["acquire", "--as", "ann"],
            &["acquire", "", "--as", "ann"],
            &["acquire", "../a", "--as", "ann"],
            &["acquire", "/etc/passwd", "--as", "ann"],
            &["acquire", "--glob", "[a", "--as", "ann"],
            &["acquire", "a", "--as", "ann", "--bind-to-pid", "me"],
        ];
        for arguments in table {
            let finished = leases.lease(arguments);
            assert_eq!(
                finished.status.code(),
                Some(2),
                "{arguments:?} is a usage error: {finished:?}"
            );
            assert_eq!(finished.stdout, "", "no token: {arguments:?}: {finished:?}");
        }
        assert_eq!(leases.holders(), [""; 0], "nothing was acquired");
        leases.must(&["acquire", "a", "--as", "ann", "--ttl", "24h"]);
    }
}

#[test]
fn clock_that_was_set_back_neither_frees_a_lease_nor_lowers_a_token() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        let first = leases.must(&["acquire", "a", "--as", "ann", "--now", NOON]);
        let an_hour_before = ["--now", "2026-03-04T11:00:00Z"];
        leases.must_fail(
            &[&["acquire", "a", "--as", "bob"], &an_hour_before[..]].concat(),
            4,
        );
        let other = leases.must(&[&["acquire", "b", "--as", "bob"], &an_hour_before[..]].concat());
        assert!(
            token_of(&other) > token_of(&first),
            "tokens rise whatever the clock says: {first}, {other}"
        );
        // A lease from further in the future than any may run is no lease: else one wrong clock would block for years.
        let days_before = ["--now", "2026-03-01T12:00:00Z"];
        let third = leases.must(&[&["acquire", "a", "--as", "cid"], &days_before[..]].concat());
        let warnings = third["warnings"].to_string();
        assert!(
            warnings.contains("Overwriting lock for ann on a: it was made 72h in the future"),
            "it is told: {third}"
        );
        assert!(
            token_of(&third) > token_of(&other),
            "and still rise: {third}"
        );
    }
}

#[test]
fn broken_file_in_the_folder_blocks_by_name_until_it_is_old_and_only_list_goes_on() {
    let broken = [
        ("half a file", "{\"agent\": \"eve\", \"files\": [\"x"),
        ("empty", ""),
        ("no object", "[]"),
        (
            "no end",
            r#"{"agent":"eve","locked_at":"2026-03-04T12:00:00Z","files":[]}"#,
        ),
        (
            "no time",
            r#"{"agent":"eve","locked_at":"noon","files":[],"expires_at":"2026-03-04T12:00:00Z"}"#,
        ),
    ];
    for (name, text) in broken {
        let leases = LeaseBox::new(Store::Folder);
        leases.must(&["acquire", "a", "--as", "ann"]);
        let file = leases.sandbox.write(".ai-sdlc/locks/eve.lock", text);
        for verb in [
            &["acquire", "b", "--as", "bob"][..],
            &["check", "b", "--as", "bob"],
            &["renew", "--as", "ann"],
        ] {
            let error = leases.must_fail(verb, 6);
            assert_eq!(error["code"], "EPARSE", "{name}, {verb:?}: {error}");
            assert_eq!(
                error["path"],
                file.to_str().expect("text"),
                "{name}, {verb:?}: names the file: {error}"
            );
        }
        let list = leases.lease(&["list"]);
        assert!(
            list.status.success() && list.stdout.contains("ann"),
            "{name}: list shows the rest: {list:?}"
        );
        assert!(
            list.stderr.contains("eve.lock"),
            "{name}: and names it: {list:?}"
        );
        leases.must(&["release", "--as", "ann"]);
        assert_eq!(
            fs::read_to_string(&file).ok().as_deref(),
            Some(text),
            "{name}: it is left alone"
        );
        set_age(&file, Duration::from_mins(59));
        leases.must_fail(&["acquire", "b", "--as", "bob"], 6);
        set_age(&file, Duration::from_mins(61));
        leases.must(&["acquire", "b", "--as", "bob"]);
    }
}

#[test]
fn broken_file_is_removed_by_a_break_of_its_agent() {
    let leases = LeaseBox::new(Store::Folder);
    let file = leases.sandbox.write(".ai-sdlc/locks/eve.lock", "{");
    leases.must_fail(&["acquire", "b", "--as", "bob"], 6);
    leases.must(&["break", "eve", "--force"]);
    assert!(!file.exists(), "the file is gone");
    leases.must(&["acquire", "b", "--as", "bob"]);
}

/// A lock in the schema, as a script of somebody else writes it; `$1` is its agent, `$2` its end.
const SCRIPT: &str = r#"
printf '{
  "agent": "%s",
  "locked_at": "2026-03-04T11:30:00Z",
  "files": ["docs/a.md", "src/*.sql"],
  "directories": ["backend/pkg/"],
  "task_description": "by hand",
  "expires_at": "%s",
  "ticket": {"id": 17, "url": "https://example.org/17"}
}
' "$1" "$2" >"$1.lock"
"#;

fn run_script(leases: &LeaseBox, agent: &str, end: &str) -> PathBuf {
    fs::create_dir_all(&leases.store).expect("the folder is made");
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT, "sh", agent, end]);
    let written = run(shell.current_dir(&leases.store));
    assert!(written.status.success(), "the script writes: {written:?}");
    leases.store.join(format!("{agent}.lock"))
}

#[test]
fn lock_that_a_script_wrote_is_honoured_until_its_end() {
    let leases = LeaseBox::new(Store::Folder);
    run_script(&leases, "script", "2026-03-04T12:30:00Z");
    for path in ["docs/a.md", "src/x.sql", "backend/pkg/deep/b.go", "backend"] {
        let taken = leases.must_fail(&["acquire", path, "--as", "bob", "--now", NOON], 4);
        let conflict = &taken["conflicts"][0];
        assert_eq!(conflict["agent"], "script", "{path}: its holder: {taken}");
        assert_eq!(
            conflict["task_description"], "by hand",
            "{path}: what for: {taken}"
        );
    }
    leases.must(&[
        "acquire",
        "docs/b.md",
        "src/deep/x.sql",
        "--as",
        "bob",
        "--now",
        NOON,
    ]);
    let now = "2026-03-04T12:30:00Z";
    let late = leases.must(&["acquire", "docs/a.md", "--as", "bob", "--now", now]);
    let warnings = late["warnings"].to_string();
    assert!(
        warnings.contains("Overwriting expired lock for script"),
        "taken over, and told: {late}"
    );
}

#[test]
fn keys_of_other_tools_stay_when_their_agent_leases_through_us() {
    let leases = LeaseBox::new(Store::Folder);
    let file = run_script(&leases, "script", "2026-03-04T12:30:00Z");
    leases.must(&["acquire", "more.md", "--as", "script", "--now", NOON]);
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(file).expect("it is there")).expect("it is JSON");
    assert_eq!(
        json["ticket"]["id"], 17,
        "a key that we do not know is kept: {json}"
    );
    let files = json["files"].to_string();
    for path in ["docs/a.md", "src/*.sql", "more.md"] {
        assert!(files.contains(path), "the union of both, {path}: {json}");
    }
    assert_eq!(
        json["expires_at"], "2026-03-04T13:00:00Z",
        "the latest end: {json}"
    );
    assert_eq!(
        json["locked_at"], "2026-03-04T11:30:00Z",
        "the first begin: {json}"
    );
}

#[test]
fn files_of_the_folder_are_read_by_jq_and_python() {
    let leases = LeaseBox::new(Store::Folder);
    let request = [
        "--task",
        "an \"odd\"\ttask – ä",
        "--now",
        NOON,
        "--dir",
        "backend",
    ];
    leases.must(&[&["acquire", "docs/a b.md", "--as", "ann"], &request[..]].concat());
    let expected =
        "ann|2026-03-04T12:00:00Z|docs/a b.md|backend/|an \"odd\"\ttask – ä|2026-03-04T13:00:00Z";
    let jq = r#"[.agent, .locked_at, .files[0], .directories[0], .task_description, .expires_at] | join("|")"#;
    let python = "import json, sys; lock = json.load(open(sys.argv[1], encoding='utf-8')); \
         print('|'.join([lock['agent'], lock['locked_at'], lock['files'][0], lock['directories'][0], \
         lock['task_description'], lock['expires_at']]))";
    for (program, option, script) in [("jq", "-r", jq), ("python3", "-c", python)] {
        if on_path(program).is_none() {
            skip(&format!("lease_stores_{program}"), "it is not installed");
            continue;
        }
        let mut reader = Command::new(program);
        reader
            .args([option, script])
            .env("PYTHONIOENCODING", "utf-8");
        let read = run(reader.arg(leases.store.join("ann.lock")));
        assert_eq!(
            read.stdout.trim_end(),
            expected,
            "{program} reads it: {read:?}"
        );
    }
}

#[test]
fn two_stores_do_not_know_each_other() {
    let leases = LeaseBox::new(Store::Folder);
    let mut places = vec![leases.store.clone()];
    places.extend(["other", "x.db", "y.sqlite3"].map(|name| leases.sandbox.join(name)));
    for (number, place) in places.iter().enumerate() {
        let agent = format!("agent-{number}");
        let place = place.to_str().expect("text");
        leases.must(&["acquire", "a", "--as", &agent, "--store", place]);
        let list = leases.must(&["list", "--store", place]);
        let all = list["leases"].as_array().map(Vec::len);
        assert_eq!(all, Some(1), "each store has its own lease: {list}");
        leases.must_fail(&["acquire", "a", "--as", "late", "--store", place], 4);
    }
}

#[test]
fn store_of_the_wrong_kind_is_refused_and_left_as_it_was() {
    let leases = LeaseBox::new(Store::Folder);
    let text = leases.sandbox.write(
        "text.db",
        "this is no database, but it is long enough to be looked at as one\n",
    );
    let file = leases.sandbox.write("file", "not a folder\n");
    let folder = leases.sandbox.join("folder.db");
    fs::create_dir(&folder).expect("a folder");
    for place in [&text, &file, &folder] {
        let before = fs::read(place).ok();
        for verb in [
            &["acquire", "a", "--as", "ann"][..],
            &["list"],
            &["release", "--as", "ann"],
        ] {
            let arguments = [verb, &["--store", place.to_str().expect("text")]].concat();
            let error = leases.must_fail(&arguments, 6);
            let message = error.to_string();
            let name = place.file_name().expect("a name").to_string_lossy();
            assert!(message.contains(&*name), "names it, {arguments:?}: {error}");
        }
        assert_eq!(
            fs::read(place).ok(),
            before,
            "{} is untouched",
            place.display()
        );
    }
    assert!(
        entries(&folder).is_empty(),
        "nothing was put into the folder"
    );
}

#[test]
fn database_of_another_program_is_refused_and_left_as_it_was() {
    if on_path("sqlite3").is_none() {
        skip("database_of_another_program", "sqlite3 is not installed");
        return;
    }
    for schema in [
        "create table notes(text); insert into notes values('mine');",
        "create table locks(name text); pragma user_version = 1;",
        "pragma application_id = 7; create table locks(token); create table counter(last_token);",
    ] {
        let leases = LeaseBox::new(Store::Database);
        let made = run(Command::new("sqlite3").arg(&leases.store).arg(schema));
        assert!(made.status.success(), "the database is made: {made:?}");
        let before = fs::read(&leases.store).expect("it is there");
        leases.must_fail(&["acquire", "a", "--as", "ann"], 6);
        leases.must_fail(&["list"], 6);
        let after = fs::read(&leases.store).expect("it is there");
        assert!(before == after, "not a byte is changed: {schema}");
    }
}

#[test]
fn database_of_leases_is_read_by_sqlite3_and_is_sound() {
    if on_path("sqlite3").is_none() {
        skip("database_read_by_sqlite3", "sqlite3 is not installed");
        return;
    }
    let leases = LeaseBox::new(Store::Database);
    let token = token_of(&leases.must(&["acquire", "a", "--as", "ann", "--task", "t"]));
    let read = "pragma integrity_check; select agent, token, task_description from locks;";
    let read = run(Command::new("sqlite3").arg(&leases.store).arg(read));
    assert_eq!(
        read.stdout,
        format!("ok\nann|{token}|t\n"),
        "others can read it: {read:?}"
    );
}

#[test]
fn store_that_was_deleted_begins_anew_with_higher_tokens() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        let before = token_of(&leases.must(&["acquire", "a", "--as", "ann"]));
        match store {
            Store::Folder => fs::remove_dir_all(&leases.store).expect("the folder is deleted"),
            Store::Database => {
                for name in entries(leases.store.parent().expect("a folder")) {
                    if name.starts_with("leases.db") {
                        fs::remove_file(leases.sandbox.join(".ai-sdlc").join(name))
                            .expect("deleted");
                    }
                }
            }
        }
        assert_eq!(leases.holders(), [""; 0], "it is empty, in {store:?}");
        let after = token_of(&leases.must(&["acquire", "a", "--as", "bob"]));
        assert!(
            after > before,
            "tokens rise all the same: {before}, {after}"
        );
    }
}

#[test]
fn looking_makes_no_store() {
    for store in Store::ALL {
        let leases = LeaseBox::new(store);
        leases.must(&["list"]);
        leases.must(&["queue"]);
        leases.must(&["check", "a", "--as", "ann"]);
        assert!(
            !leases.store.exists(),
            "who looks makes nothing, in {store:?}"
        );
    }
}

/// A change that somebody without the lock makes to a file of the folder is seen by the next who looks.
#[test]
fn lock_changed_by_hand_counts_as_it_stands() {
    let leases = LeaseBox::new(Store::Folder);
    leases.must(&["acquire", "a", "--as", "ann"]);
    let file = leases.store.join("ann.lock");
    let text = fs::read_to_string(&file).expect("it is there");
    let more = text.replacen("\"a\"", "\"a\",\n    \"b\"", 1);
    assert_ne!(text, more, "the schema has the file in its list: {text}");
    LegacyWriter::new(&file).overwrite(&more);
    let taken = leases.must_fail(&["acquire", "b", "--as", "bob"], 4);
    assert_eq!(taken["conflicts"][0]["agent"], "ann", "honoured: {taken}");
    leases.must_fail(&["acquire", "a", "--as", "bob"], 4);
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it can be listed");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect()
}
