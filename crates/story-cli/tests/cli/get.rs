//! `story get` and `story show`.

use crate::desk::{Desk, STORY};

#[test]
fn get_one_key_prints_the_bare_value() {
    let desk = Desk::new();
    let table = [
        ("title", "Atomic story updates\n"),
        ("priority", "10\n"),
        ("labels", "[\"backend\"]\n"),
        ("labels[0]", "backend\n"),
        ("history", "[]\n"),
        ("assignee", "null\n"),
        ("updated", "2026-01-15\n"),
    ];
    for (key, expected) in table {
        let finished = desk.expect(0, &["get", "S-0034", key]);
        assert_eq!(finished.stdout, expected, "the value of {key}");
        assert_eq!(finished.stderr, "", "and nothing beside it");
    }
}

#[test]
fn get_several_or_all_keys_prints_lines_that_set_reads_back() {
    let desk = Desk::with(
        "---\nid: S-0034\nnumber: '42'\n\"odd.key\": \"two\\nlines\"\nlist: [a, 'b, c']\n---\n",
    );
    let two = desk.expect(0, &["get", "S-0034", "id", "number"]);
    assert_eq!(
        two.stdout, "id=S-0034\nnumber=\"42\"\n",
        "one line a key, in the order asked for"
    );
    let all = desk.expect(0, &["get", "S-0034"]);
    assert_eq!(
        all.stdout,
        "id=S-0034\nnumber=\"42\"\n\"odd.key\"=\"two\\nlines\"\nlist=[\"a\", \"b, c\"]\n",
        "all keys in file order"
    );
    let before = desk.text();
    let pairs: Vec<_> = all.stdout.lines().collect();
    desk.expect(0, &[&["set", "S-0034"], pairs.as_slice()].concat());
    assert_eq!(
        desk.text(),
        before,
        "what get prints, set takes as the same values"
    );
}

#[test]
fn get_missing_key_is_not_found_and_prints_nothing() {
    let desk = Desk::new();
    for keys in [
        &["nope"][..],
        &["status", "nope"],
        &["labels[7]"],
        &["title.x"],
    ] {
        let finished = desk.expect(3, &[&["get", "S-0034"], keys].concat());
        assert_eq!(finished.stdout, "", "all or nothing: {keys:?}");
        assert!(
            finished.stderr.contains("story S-0034"),
            "the story is named: {finished:?}"
        );
    }
    let malformed = desk.expect(2, &["get", "S-0034", "a..b"]);
    assert!(
        malformed.stderr.contains("a..b"),
        "a malformed path is a usage error: {malformed:?}"
    );
}

#[test]
fn show_prints_the_file_byte_for_byte() {
    let text = b"\xef\xbb\xbf---\r\nid: S-0034\r\n---\r\nbody \xff\x00 without end".as_slice();
    let desk = Desk::with(text);
    let output = desk
        .story(&["show", "s-0034"])
        .output()
        .expect("the binary can be run");
    assert_eq!(output.stdout, text, "to a pipe nothing is escaped");
    let refused = desk.expect(6, &["show", "S-0034", "--json"]);
    assert!(
        refused.stderr.contains("not UTF-8"),
        "JSON cannot carry it, and says so: {refused:?}"
    );
}

#[test]
fn reading_takes_no_lock_and_waits_only_when_asked_to() {
    let desk = Desk::new();
    let holder = desk.hold(&[]);
    assert_eq!(
        desk.expect(0, &["show", "S-0034"]).stdout,
        STORY,
        "a plain read does not wait"
    );
    let refused = desk.expect(4, &["show", "S-0034", "--locked", "--timeout", "50ms"]);
    assert!(
        refused.stderr.contains("locked by another process"),
        "in these words: {refused:?}"
    );
    holder.wait(crate::desk::PATIENCE);
    desk.expect(0, &["show", "S-0034", "--locked"]);
    desk.assert_tidy();
}

#[test]
fn files_that_are_no_stories_are_refused_with_their_place() {
    let table = [
        ("", "empty"),
        ("no fences\n", ":1:1"),
        ("---\na: 1\n", "not closed"),
        ("---\na: 1\na: 2\n---\n", ":3:"),
        ("---js\na: 1\n---\n", "js"),
        ("---\n<<<<<<< ours\n---\n", ":2:"),
    ];
    for (text, part) in table {
        let desk = Desk::with(text);
        for verb in [&["get", "S-0034"][..], &["set", "S-0034", "a=1"]] {
            let refused = desk.expect(6, verb);
            assert!(
                refused.stderr.contains(part),
                "{text:?} names {part:?}: {refused:?}"
            );
            assert!(
                refused.stderr.contains("hint:"),
                "and what to do: {refused:?}"
            );
        }
        assert_eq!(desk.text(), text, "it is left as it is");
        desk.assert_tidy();
    }
}
