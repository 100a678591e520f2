//! `story state`: JSON files that many use. Every option, and every way in which it fails.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Finished, SecondProcess};

use crate::desk::{Desk, PATIENCE, one_json};

/// As people write it: odd spacing, numbers of all forms, no final line feed.
const STATE: &str = "{
   \"phase\" : \"plan\",
   \"runs\": 7,
   \"share\": 1.0,
   \"big\": 12345678901234567890123,
   \"owner\": null,
   \"agents\": [ { \"name\": \"a\", \"busy\": false } ],
   \"a.b\": 1
}";

/// A desk with `state.json`, and no sdlc root.
fn desk() -> Desk {
    let desk = Desk::empty();
    fs::remove_dir_all(desk.sandbox.join(".ai-sdlc")).expect("it can be removed");
    desk.sandbox.write("state.json", STATE);
    desk
}

fn text(desk: &Desk) -> String {
    desk.sandbox.read("state.json")
}

/// Runs `story state set state.json …` and returns what became of the file.
fn set(desk: &Desk, arguments: &[&str]) -> String {
    desk.expect(0, &[&["state", "set", "state.json"], arguments].concat());
    desk.assert_tidy();
    text(desk)
}

/// Demands an exit code, and that the file is as it was.
fn refused(desk: &Desk, code: i32, arguments: &[&str]) -> Finished {
    let before = text(desk);
    let finished = desk.expect(code, arguments);
    assert_eq!(text(desk), before, "{arguments:?} leaves the file");
    assert!(
        finished.stderr.starts_with("error: "),
        "it says why: {finished:?}"
    );
    desk.assert_tidy();
    finished
}

/// The revision that the file has.
fn revision(desk: &Desk) -> String {
    let answer = desk.json(0, &["state", "get", "state.json"]);
    let revision = answer["rev"].as_str().expect("it has one");
    revision.to_owned()
}

#[test]
fn operations_change_their_member_and_no_other_byte() {
    let table: [(&[&str], &str, &str); 14] = [
        (&["phase=build"], "\"plan\"", "\"build\""),
        (&["phase=2"], "\"plan\"", "2"),
        (&["phase=true"], "\"plan\"", "true"),
        (&["phase=null"], "\"plan\"", "null"),
        (&["phase="], "\"plan\"", "\"\""),
        (&["--string", "phase=2"], "\"plan\"", "\"2\""),
        (&["share=1.50"], "1.0", "1.50"),
        (
            &["runs=98765432109876543210"],
            "7,",
            "98765432109876543210,",
        ),
        (&["--inc", "runs"], "7,", "8,"),
        (&["--inc", "runs=-10"], "7,", "-3,"),
        (&["--inc", "owner=2"], "\"owner\": null", "\"owner\": 2"),
        (&["agents[0].busy=true"], "false", "true"),
        (&["/agents/0/busy=true"], "false", "true"),
        (&["/a.b=2"], "\"a.b\": 1", "\"a.b\": 2"),
    ];
    for (arguments, before, after) in table {
        let expected = STATE.replacen(before, after, 1);
        assert_ne!(expected, STATE, "the row says what changes: {arguments:?}");
        let desk = desk();
        assert_eq!(
            set(&desk, arguments),
            expected,
            "the change of {arguments:?}"
        );
    }
    let unset = STATE.replace("   \"owner\": null,\n", "");
    assert_eq!(set(&desk(), &["--unset", "owner"]), unset, "its line goes");
}

#[test]
fn lists_grow_and_missing_objects_are_made() {
    let desk = desk();
    set(
        &desk,
        &["--push", "agents={\"name\": \"b\"}", "new.a.b=[1, 2]"],
    );
    set(&desk, &["--push", "tags=x", "--inc", "/count/today"]);
    let found: Value = serde_json::from_str(&text(&desk)).expect("it is JSON");
    assert_eq!(found["agents"][1], json!({ "name": "b" }), "an item more");
    assert_eq!(found["new"]["a"]["b"], json!([1, 2]), "objects on the way");
    assert_eq!(found["tags"], json!(["x"]), "a list where there was none");
    assert_eq!(found["count"]["today"], 1, "counting begins at 0");
    assert!(
        text(&desk).contains("\"big\": 12345678901234567890123"),
        "no number is rounded"
    );
    desk.sandbox.write("list.json", "[1]\n");
    desk.expect(0, &["state", "set", "list.json", "--push", "=2"]);
    assert_eq!(
        desk.sandbox.read("list.json"),
        "[1,2]\n",
        "a list at the top grows too"
    );
}

#[test]
fn operations_are_done_in_the_order_given_all_or_none() {
    let desk = desk();
    let after = set(&desk, &["z=1", "--push", "l=1", "y=2", "--unset", "phase"]);
    let order: Vec<usize> = ["\"z\"", "\"l\"", "\"y\""]
        .iter()
        .map(|key| after.find(key).expect("it is there"))
        .collect();
    assert!(order.is_sorted(), "new members stand as they came: {after}");
    refused(
        &desk,
        7,
        &["state", "set", "state.json", "q=1", "--inc", "agents"],
    );
}

#[test]
fn answer_tells_what_changed_and_what_counters_arrived_at() {
    let desk = desk();
    let arguments = ["state", "set", "state.json", "phase=plan", "share=2"];
    let answer = desk.json(0, &[&arguments[..], &["--inc", "runs=3"]].concat());
    assert_eq!(
        answer["changed"],
        json!(["share", "runs"]),
        "not phase: {answer}"
    );
    assert_eq!(
        answer["values"],
        json!({ "runs": 10 }),
        "the number: {answer}"
    );
    assert_eq!(answer["rev"], revision(&desk).as_str(), "the revision now");
    assert_eq!(answer["created"], false, "it was there");
    let before = fs::metadata(desk.sandbox.join("state.json")).expect("it is there");
    let nothing = desk.json(0, &["state", "set", "state.json", "phase=plan"]);
    assert_eq!(
        nothing["changed"],
        json!([]),
        "nothing to change: {nothing}"
    );
    let after = fs::metadata(desk.sandbox.join("state.json")).expect("it is there");
    assert_eq!(
        before.modified().expect("a time"),
        after.modified().expect("a time"),
        "nothing is written"
    );
    let told = desk.expect(0, &["state", "set", "state.json", "phase=x"]);
    assert_eq!(told.stderr, "state.json: changed phase\n", "people read it");
    let told = desk.expect(0, &["state", "set", "state.json", "phase=x"]);
    assert_eq!(told.stderr, "state.json: nothing to change\n", "and this");
}

#[test]
fn contradictions_are_usage_errors_and_change_nothing() {
    let desk = desk();
    let table: [&[&str]; 20] = [
        &["set", "state.json"],
        &["set", "state.json", "a=1", "a=2"],
        &["set", "state.json", "--inc", "runs", "runs=1"],
        &["set", "state.json", "agents[0]=1", "--unset", "/agents/0"],
        &["set", "state.json", "phase"],
        &["set", "state.json", "=1"],
        &["set", "state.json", "--unset", ""],
        &["set", "state.json", "--inc", "runs=much"],
        &["set", "state.json", "--inc", "runs=99999999999999999999"],
        &["set", "state.json", "a..b=1"],
        &["set", "state.json", "/a~2=1"],
        &["set", "state.json", "a[x]=1"],
        &["set", "state.json", "a=1", "--if-rev", "12345"],
        &["set", "state.json", "a=1", "--if-rev", "not-a-revision"],
        &["get", "state.json", "a[x"],
        &["patch", "state.json"],
        &["patch", "state.json", "--merge", "{}", "--json-patch", "[]"],
        &["patch", "state.json", "--merge", "{a: 1}"],
        &["patch", "state.json", "--json-patch", "{\"op\": \"add\"}"],
        &[
            "patch",
            "state.json",
            "--json-patch",
            "[{\"op\": \"spam\"}]",
        ],
    ];
    for arguments in table {
        refused(&desk, 2, &[&["state"], arguments].concat());
    }
}

#[test]
fn file_that_is_a_story_or_a_lock_is_a_usage_error_with_a_hint() {
    let desk = desk();
    desk.sandbox.write("story.md", "---\na: 1\n---\n");
    let patch = ["patch", "story.md", "--merge", "{}"];
    let with = ["with", "story.md", "--", "true"];
    let table: [&[&str]; 4] = [
        &["get", "story.md"],
        &["set", "story.md", "a=1"],
        &patch,
        &with,
    ];
    for arguments in table {
        let finished = refused(&desk, 2, &[&["state"], arguments].concat());
        assert!(
            finished
                .stderr
                .contains("hint: for a story say `story get`"),
            "it says what to use: {finished:?}"
        );
    }
    let finished = refused(&desk, 2, &["state", "set", "state.json.lock", "a=1"]);
    assert!(
        finished
            .stderr
            .contains("name what is guarded: state.json\n"),
        "it names the file: {finished:?}"
    );
}

#[test]
fn edit_that_does_not_fit_is_refused_and_says_what_stands_there() {
    let desk = desk();
    let table: [(&[&str], &str); 7] = [
        (&["--inc", "phase"], "phase"),
        (&["--inc", "share"], "share"),
        (&["--inc", "big"], "big"),
        (&["--push", "phase=x"], "phase"),
        (&["phase.a=1"], "phase"),
        (&["agents[7]=1"], "agents[7]"),
        (&["agents.name=1"], "agents"),
    ];
    for (arguments, named) in table {
        let finished = refused(
            &desk,
            7,
            &[&["state", "set", "state.json"], arguments].concat(),
        );
        assert!(
            finished.stderr.contains(named),
            "{arguments:?} names the place: {finished:?}"
        );
    }
}

#[test]
fn text_that_looks_like_json_is_hinted_at() {
    let desk = desk();
    let told = desk.expect(0, &["state", "set", "state.json", "tags=[a, b]"]);
    assert!(
        told.stderr.contains("hint: tags: [a, b] is no JSON"),
        "{told:?}"
    );
    assert!(text(&desk).contains("\"tags\": \"[a, b]\""), "it is a text");
    let told = desk.expect(0, &["state", "set", "state.json", "--string", "tags=[c]"]);
    assert!(
        !told.stderr.contains("hint"),
        "who says --string means it: {told:?}"
    );
}

#[test]
fn conditions_are_compared_by_worth_and_tell_the_revision() {
    let holds: [&[&str]; 8] = [
        &["--if", "phase=plan"],
        &["--if", "runs=7.0"],
        &["--if", "share=1"],
        &["--if", "big=12345678901234567890123"],
        &["--if", "owner=null"],
        &["--if", "nothing="],
        &["--if", "agents[0]={\"busy\": false, \"name\": \"a\"}"],
        &["--if", "runs=7", "--if", "phase=plan"],
    ];
    for conditions in holds {
        set(&desk(), &[&["x=1"], conditions].concat());
    }
    let desk = desk();
    let fails: [(&[&str], &str); 6] = [
        (&["--if", "phase=build"], "phase is plan, not build"),
        (
            &["--if", "big=12345678901234567890124"],
            "big is 12345678901234567890123, not 12345678901234567890124",
        ),
        (&["--if", "owner="], "owner is null, not absent"),
        (&["--if", "nothing=1"], "nothing is absent, not 1"),
        (&["--if", "runs=\"7\""], "runs is 7, not \"7\""),
        (
            &["--if", "phase=plan", "--if", "runs=8"],
            "runs is 7, not 8",
        ),
    ];
    for (conditions, cause) in fails {
        let arguments = [&["state", "set", "state.json", "x=1"], conditions].concat();
        let finished = refused(&desk, 5, &arguments);
        assert!(finished.stderr.contains(cause), "{cause}: {finished:?}");
        let answer = desk.json(5, &arguments);
        assert_eq!(answer["error"]["code"], "ECONFLICT", "{answer}");
        assert_eq!(
            answer["error"]["rev"],
            revision(&desk).as_str(),
            "the next try can name it: {answer}"
        );
    }
}

#[test]
fn lost_compare_and_swap_tells_the_revision_for_the_next_try() {
    let desk = desk();
    let seen = revision(&desk);
    set(&desk, &["phase=build"]);
    let table: [&[&str]; 4] = [
        &["set", "state.json", "--inc", "runs"],
        &["set", "state.json", "--inc", "runs", "--optimistic"],
        &["patch", "state.json", "--merge", "{\"runs\": 1}"],
        &[
            "patch",
            "state.json",
            "--json-patch",
            "[{\"op\": \"remove\", \"path\": \"/runs\"}]",
        ],
    ];
    for arguments in table {
        let arguments = [&["state"], arguments, &["--if-rev", &seen]].concat();
        refused(&desk, 5, &arguments);
        let answer = desk.json(5, &arguments);
        let now = answer["error"]["rev"].as_str().expect("the revision now");
        assert_eq!(now, revision(&desk), "it is the file's: {answer}");
        assert_eq!(answer["error"]["committed"], false, "nothing is done");
        let again: Vec<&str> = arguments
            .iter()
            .map(|word| if *word == seen { &now[..12] } else { word })
            .collect();
        let before = text(&desk);
        desk.expect(0, &again);
        assert_ne!(text(&desk), before, "the next try of {arguments:?} is made");
        desk.sandbox.write("state.json", before);
    }
}

#[test]
fn missing_file_is_made_only_when_asked() {
    let desk = desk();
    let table: [&[&str]; 2] = [
        &["state", "set", "new.json", "a.b=1"],
        &[
            "state",
            "patch",
            "new.json",
            "--merge",
            "{\"a\": {\"b\": 1}}",
        ],
    ];
    for arguments in table {
        let finished = desk.expect(3, arguments);
        assert!(finished.stderr.contains("--create"), "a hint: {finished:?}");
        assert!(!desk.sandbox.join("new.json").exists(), "nothing is made");
        desk.assert_tidy();
        let answer = desk.json(0, &[arguments, &["--create"]].concat());
        assert_eq!(answer["created"], true, "{answer}");
        let made: Value = serde_json::from_str(&desk.sandbox.read("new.json")).expect("it is JSON");
        assert_eq!(made, json!({ "a": { "b": 1 } }), "with what was set");
        assert!(
            desk.sandbox.read("new.json").ends_with('\n'),
            "and a line feed"
        );
        fs::remove_file(desk.sandbox.join("new.json")).expect("it can be removed");
    }
    let arguments = [
        "state",
        "set",
        "new.json",
        "--inc",
        "n",
        "--create",
        "--optimistic",
    ];
    assert_eq!(
        desk.json(0, &arguments)["created"],
        true,
        "optimistically too"
    );
    desk.expect(3, &["state", "set", "no/such/new.json", "a=1", "--create"]);
    desk.expect(3, &["state", "get", "none.json"]);
    desk.expect(3, &["state", "with", "none.json", "--", "true"]);
    let answer = desk.json(3, &["state", "set", "none.json", "a=1"]);
    assert_eq!(answer["error"]["code"], "ENOTFOUND", "{answer}");
}

#[test]
fn file_that_is_no_json_is_named_with_the_place_and_left() {
    let table: [(&[u8], &str); 7] = [
        (b"", "empty"),
        (b"{\"a\": 1", "too early"),
        (b"{\"a\": 1}\n{}", "something follows"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"{\"a\": \xff}", "UTF-8"),
        (b"{\"a\": 1, \"a\": 2}", "\"a\""),
        (b"---\na: 1\n---\n", ":1:"),
    ];
    for (bytes, cause) in table {
        let desk = desk();
        let path = desk.sandbox.write("state.json", bytes);
        let merge = ["state", "patch", "state.json", "--merge", "{}"];
        let table: [&[&str]; 5] = [
            &["state", "get", "state.json"],
            &["state", "get", "state.json", "a"],
            &["state", "set", "state.json", "b=1", "--create"],
            &["state", "set", "state.json", "b=1", "--optimistic"],
            &merge,
        ];
        for arguments in table {
            let finished = desk.expect(6, arguments);
            assert!(
                finished.stderr.contains(cause) && finished.stderr.contains("state.json:"),
                "{cause:?} is told with the place: {finished:?}"
            );
            assert_eq!(fs::read(&path).expect("it is there"), bytes, "it stays");
            desk.assert_tidy();
        }
        let answer = desk.json(6, &merge);
        assert_eq!(answer["error"]["code"], "EPARSE", "{answer}");
        assert!(answer["error"]["line"].is_u64(), "with the line: {answer}");
    }
}

#[test]
fn get_prints_the_file_as_it_is_or_values_bare() {
    let desk = desk();
    let get = |keys: &[&str]| {
        let arguments = [&["state", "get", "state.json"], keys].concat();
        desk.expect(0, &arguments).stdout
    };
    assert_eq!(get(&[]), STATE, "byte for byte, without a line feed");
    let table = [
        ("phase", "plan"),
        ("runs", "7"),
        ("share", "1.0"),
        ("big", "12345678901234567890123"),
        ("owner", "null"),
        ("agents[0]", "{\"name\":\"a\",\"busy\":false}"),
        ("/agents/0/name", "a"),
        ("/a.b", "1"),
    ];
    for (key, expected) in table {
        assert_eq!(get(&[key]), format!("{expected}\n"), "the value of {key}");
    }
    let whole = get(&[""]);
    assert!(
        whole.starts_with("{\"phase\":\"plan\",\"runs\":7,\"share\":1.0,"),
        "the empty path is the whole, on one line: {whole}"
    );
    assert_eq!(
        get(&["phase", "agents[0].busy"]),
        "phase=plan\nagents[0].busy=false\n",
        "several are lines that set reads"
    );
    let answer = desk.json(0, &["state", "get", "state.json", "phase", "/agents/0"]);
    assert_eq!(answer["values"]["phase"], "plan", "{answer}");
    assert_eq!(answer["values"]["/agents/0"]["name"], "a", "{answer}");
    let raw = desk
        .expect(0, &["state", "get", "state.json", "--json"])
        .stdout;
    assert!(
        raw.contains("\"big\":12345678901234567890123") && raw.contains("\"share\":1.0"),
        "JSON rounds no number either: {raw}"
    );
}

#[test]
fn several_values_that_get_prints_are_set_again_as_they_were() {
    let desk = desk();
    let odd =
        "{\"t\": \"42\", \"u\": \"true\", \"e\": \"\", \"n\": \"a\\nb\", \"x\": [1.0, \"y\"]}";
    desk.sandbox.write("odd.json", odd);
    desk.sandbox.write("copy.json", "{}");
    let keys = ["t", "u", "e", "n", "x"];
    let lines = desk.expect(0, &[&["state", "get", "odd.json"], &keys[..]].concat());
    let pairs: Vec<&str> = lines.stdout.lines().collect();
    assert_eq!(pairs.len(), keys.len(), "one line each: {lines:?}");
    desk.expect(0, &[&["state", "set", "copy.json"], &pairs[..]].concat());
    let parse = |name| -> Value { serde_json::from_str(&desk.sandbox.read(name)).expect("JSON") };
    assert_eq!(parse("copy.json"), parse("odd.json"), "the same again");
}

#[test]
fn missing_keys_are_all_named_and_nothing_is_printed() {
    let desk = desk();
    let finished = desk.expect(3, &["state", "get", "state.json", "phase", "x", "y.z"]);
    assert_eq!(
        finished.stdout, "",
        "half an answer would be taken for a whole"
    );
    assert!(
        finished.stderr.contains("it has no x, no y.z"),
        "{finished:?}"
    );
}

#[test]
fn merge_patch_changes_what_it_names() {
    let desk = desk();
    let patch = "{\"phase\": \"build\", \"owner\": null, \"agents\": null, \"deep\": {\"a\": {\"b\": 1.0, \"c\": null}}}";
    desk.sandbox.write("change.json", patch);
    let ways: [&[&str]; 2] = [&["--merge", patch], &["--merge", "@change.json"]];
    for way in ways {
        desk.sandbox.write("state.json", STATE);
        let arguments = [&["state", "patch", "state.json"], way].concat();
        let answer = desk.json(0, &arguments);
        let expected = json!(["phase", "owner", "agents", "deep"]);
        assert_eq!(
            answer["changed"], expected,
            "the members at the top: {answer}"
        );
        let after = text(&desk);
        let parsed: Value = serde_json::from_str(&after).expect("it is JSON");
        assert_eq!(
            parsed["deep"],
            json!({ "a": { "b": 1.0 } }),
            "null is nothing"
        );
        assert!(parsed.get("agents").is_none(), "null removes: {after}");
        assert!(
            after.starts_with("{\n   \"phase\" : \"build\",\n   \"runs\": 7,\n   \"share\": 1.0,\n   \"big\": 12345678901234567890123,\n"),
            "the rest is as it was written: {after}"
        );
        let nothing = desk.json(0, &arguments);
        assert_eq!(nothing["changed"], json!([]), "a second time: {nothing}");
    }
    desk.assert_tidy();
}

#[test]
fn json_patch_is_done_as_a_whole_or_not_at_all() {
    let desk = desk();
    let patch = "[{\"op\": \"test\", \"path\": \"/phase\", \"value\": \"plan\"}, \
        {\"op\": \"replace\", \"path\": \"/phase\", \"value\": \"build\"}, \
        {\"op\": \"add\", \"path\": \"/agents/0\", \"value\": {\"name\": \"z\"}}, \
        {\"op\": \"move\", \"from\": \"/big\", \"path\": \"/large\"}]";
    let finished = desk.feed(
        patch,
        &["state", "patch", "state.json", "--json-patch", "@-"],
    );
    assert!(
        finished.status.success(),
        "from standard input: {finished:?}"
    );
    let after = text(&desk);
    let parsed: Value = serde_json::from_str(&after).expect("it is JSON");
    assert_eq!(
        parsed["agents"][0]["name"], "z",
        "put before the other: {after}"
    );
    assert!(
        after.contains("\"large\": 12345678901234567890123"),
        "a number that moves keeps its digits: {after}"
    );
    assert!(
        after.contains("\"share\": 1.0,"),
        "and others their form: {after}"
    );
    let arguments = ["state", "patch", "state.json", "--json-patch", patch];
    let lost = refused(&desk, 5, &arguments);
    assert!(
        lost.stderr
            .contains("operation 0 (test \"/phase\"): the value there is \"build\", not \"plan\""),
        "the operation and its path: {lost:?}"
    );
    let answer = desk.json(5, &arguments);
    assert_eq!(answer["error"]["rev"], revision(&desk).as_str(), "{answer}");
    let impossible = "[{\"op\": \"add\", \"path\": \"/q\", \"value\": 1}, {\"op\": \"remove\", \"path\": \"/none\"}]";
    let arguments = ["state", "patch", "state.json", "--json-patch", impossible];
    let no = refused(&desk, 7, &arguments);
    assert!(
        no.stderr.contains("operation 1 (remove \"/none\")"),
        "{no:?}"
    );
}

#[test]
fn patch_that_cannot_be_read_is_told() {
    let desk = desk();
    refused(
        &desk,
        3,
        &["state", "patch", "state.json", "--merge", "@none.json"],
    );
    let none = refused(
        &desk,
        2,
        &[
            "state",
            "patch",
            "state.json",
            "--json-patch",
            "[{\"op\": \"add\", \"path\": \"/a\"}]",
        ],
    );
    assert!(none.stderr.contains("operation 0 is none"), "{none:?}");
}

#[test]
fn command_under_the_lock_is_told_the_path_and_may_change_the_file() {
    let desk = desk();
    let binary = env!("CARGO_BIN_EXE_story");
    let script = format!(
        "cat \"$STATE_PATH\" | grep -c plan && test -e state.json.lock && \
         {binary} state set \"$STATE_PATH\" --inc runs && {binary} state set state.json --inc runs --optimistic && \
         {binary} state patch state.json --merge '{{\"phase\": \"x\"}}'"
    );
    let with = ["state", "with", "state.json", "--", "sh", "-c", &script];
    let finished = desk.expect(0, &with);
    assert_eq!(finished.stdout, "1\n", "the path is right: {finished:?}");
    assert!(text(&desk).contains("\"runs\": 9"), "both were made");
    desk.assert_tidy();
    desk.expect(
        7,
        &["state", "with", "state.json", "--", "sh", "-c", "exit 7"],
    );
    let exit_7 = [
        "--json",
        "state",
        "with",
        "state.json",
        "--",
        "sh",
        "-c",
        "exit 7",
    ];
    let answer = one_json(&desk.expect(7, &exit_7).stdout);
    assert_eq!(answer["exit_code"], 7, "{answer}");
    desk.expect(
        3,
        &["state", "with", "state.json", "--", "/no/such/program"],
    );
    let conflict = [
        "state",
        "with",
        "none.json",
        "--conflict-exit-code",
        "75",
        "--",
        "true",
    ];
    desk.expect(75, &conflict);
    let nested = format!("{binary} state with state.json -- true");
    desk.expect(
        4,
        &["state", "with", "state.json", "--", "sh", "-c", &nested],
    );
}

#[test]
fn held_lock_is_waited_for_and_told() {
    let desk = desk();
    let mut hold = desk.story(&["lock", "hold", "./state.json", "--owner", "maria"]);
    let holder = SecondProcess::spawn_ready(&mut hold, PATIENCE);
    let table: [&[&str]; 4] = [
        &["state", "set", "state.json", "x=1"],
        &["state", "set", "state.json", "x=1", "--optimistic"],
        &["state", "patch", "state.json", "--merge", "{\"x\": 1}"],
        &["state", "with", "state.json", "--", "true"],
    ];
    for arguments in table {
        for timeout in ["0", "60ms"] {
            let arguments = [&["--json", "--timeout", timeout], arguments].concat();
            let answer = one_json(&desk.expect(4, &arguments).stdout);
            assert_eq!(answer["error"]["code"], "ELOCKED", "{answer}");
            assert_eq!(answer["error"]["retryable"], true, "{answer}");
            assert_eq!(answer["error"]["holder"]["owner"], "maria", "{answer}");
        }
    }
    assert_eq!(
        desk.expect(0, &["state", "get", "state.json"]).stdout,
        STATE,
        "reading waits for nobody"
    );
    holder.kill_9();
    let answer = desk.json(0, &["state", "set", "state.json", "x=1"]);
    assert_eq!(
        answer["took_over"]["kind"], "crashed",
        "it is told: {answer}"
    );
    desk.assert_tidy();
}

#[test]
fn optimistic_change_tells_how_many_rounds_were_lost() {
    let desk = desk();
    let answer = desk.json(
        0,
        &[
            "state",
            "set",
            "state.json",
            "--inc",
            "runs",
            "--optimistic",
        ],
    );
    assert_eq!(answer["lost_rounds"], 0, "nobody else was there: {answer}");
    assert_eq!(answer["values"]["runs"], 8, "{answer}");
    let plain = desk.json(0, &["state", "set", "state.json", "--inc", "runs"]);
    assert!(
        plain.get("lost_rounds").is_none(),
        "none without it: {plain}"
    );
}

#[test]
fn link_stays_a_link_and_the_file_behind_it_is_changed() {
    let desk = desk();
    symlink("state.json", desk.sandbox.join("link.json")).expect("a link can be made");
    desk.expect(0, &["state", "set", "link.json", "phase=build"]);
    assert_eq!(
        text(&desk),
        STATE.replace("plan", "build"),
        "the file itself"
    );
    assert!(
        desk.sandbox.join("link.json").is_symlink(),
        "the link stays"
    );
}

#[test]
fn file_that_another_agent_has_leased_is_not_changed() {
    let desk = Desk::new();
    desk.sandbox.write("state.json", STATE);
    desk.sandbox.write("apart/other.json", "{}");
    desk.lease("worker-1", "state.json", Duration::from_hours(1));
    let table: [&[&str]; 3] = [
        &["state", "set", "state.json", "x=1"],
        &["state", "set", "state.json", "x=1", "--optimistic"],
        &["state", "patch", "state.json", "--merge", "{\"x\": 1}"],
    ];
    for arguments in table {
        let answer = desk.json(4, &[arguments, &["--as", "worker-2"]].concat());
        assert_eq!(answer["error"]["code"], "ELOCKED", "{answer}");
        let message = answer["error"]["message"].as_str().expect("a message");
        assert!(
            message.contains("worker-1"),
            "the holder is told: {message}"
        );
        desk.expect(4, arguments);
        assert_eq!(desk.sandbox.read("state.json"), STATE, "it is unchanged");
    }
    for arguments in table {
        desk.expect(0, &[arguments, &["--as", "worker-1"]].concat());
    }
    desk.expect(
        0,
        &[
            "state",
            "set",
            "apart/other.json",
            "x=1",
            "--as",
            "worker-2",
        ],
    );
    let mut elsewhere = desk.story(&["state", "set", "../state.json", "y=1", "--as", "worker-2"]);
    let elsewhere = crate::desk::finish(elsewhere.current_dir(desk.sandbox.join("apart")));
    assert_eq!(
        elsewhere.status.code(),
        Some(4),
        "from any folder: {elsewhere:?}"
    );
}

#[test]
fn commands_under_the_lock_begin_with_what_a_dead_process_had_decided() {
    let script = "sed s/2/3/ state.json > new && cat new > state.json && rm new";
    for words in [["state", "with"], ["lock", "run"]] {
        let desk = desk();
        desk.sandbox.write("state.json", "{\"a\": 1}\n");
        // As a process leaves it that was killed between the decision and the file.
        let head = r#"{"v":1,"parts":[{"path":"state.json","before":9,"after":9}]}"#;
        let record = format!("{head}\n{{\"a\": 1}}\n{{\"a\": 2}}\n");
        desk.sandbox
            .write(".state-pending/0123456789abcdef.transaction", record);
        let command = ["./state.json", "--", "sh", "-c", script];
        desk.expect(0, &[words.as_slice(), &command].concat());
        desk.expect(0, &["state", "set", "state.json", "b=1"]);
        assert_eq!(
            text(&desk),
            "{\"a\": 3, \"b\": 1}\n",
            "{words:?}: the command changed what was decided, and nothing was set aside"
        );
        assert!(
            !desk.sandbox.join(".state-pending").exists(),
            "{words:?}: nothing is left to finish"
        );
    }
}
