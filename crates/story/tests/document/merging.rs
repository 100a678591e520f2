//! Three versions of a story put together: each rule as a table, and what holds for any versions.

use proptest::prelude::*;
use story::{Conflict, Document, Merge, Value, merge};

use crate::corpus::{another, stories};
use crate::invariants::{Step, display, quoted};
use crate::properties::{hosts, value};

/// A story with a frontmatter.
pub fn story(yaml: &str) -> Document {
    let text = format!("---\n{yaml}---\n\n# Title\n");
    Document::parse(text).unwrap_or_else(|err| panic!("{err}: {yaml}"))
}

fn merged(versions: [&str; 3]) -> Merge {
    let [base, ours, theirs] = versions.map(story);
    let merge = merge(Some(&base), &ours, &theirs);
    Document::parse(merge.merged.as_bytes())
        .unwrap_or_else(|err| panic!("{err}: the result is a story: {versions:?}"));
    merge
}

/// What happens; base, ours, theirs; merged.
type Case = (&'static str, [&'static str; 3], &'static str);

const MERGED: &[Case] = &[
    (
        "different keys, next to each other",
        [
            "a: 1\nb: 1\nc: 1\n",
            "a: 2\nb: 1\nc: 1\n",
            "a: 1\nb: 2\nc: 1\n",
        ],
        "a: 2\nb: 2\nc: 1\n",
    ),
    (
        "both append keys",
        ["a: 1\n", "a: 1\nb: 1\n", "a: 1\nc: 1\n"],
        "a: 1\nb: 1\nc: 1\n",
    ),
    (
        "a key in the middle stays in the middle",
        ["a: 1\nb: 1\n", "a: 2\nb: 1\nx: 1\n", "a: 1\nm: 1\nb: 1\n"],
        "a: 2\nm: 1\nb: 1\nx: 1\n",
    ),
    (
        "the same change is made once",
        ["a: 1\nb: 1\n", "a: 2\nb: 2\n", "a: 1\nb: 2\n"],
        "a: 2\nb: 2\n",
    ),
    (
        "removed on one side",
        ["a: 1\nb: 1\n", "a: 1\n", "a: 2\nb: 1\n"],
        "a: 2\n",
    ),
    (
        "comments and quotes of the side that changed them",
        [
            "# top\na: 1 # one\nb: x\n",
            "# top\na: 2 # one\nb: x\n",
            "# head\na: 1 # one\nb: 'x' # why\n",
        ],
        "# head\na: 2 # one\nb: 'x' # why\n",
    ),
    (
        "the comment of one side and the value of the other",
        ["a: 1 # x\n", "a: 2 # x\n", "a: 1 # z\n"],
        "a: 2 # z\n",
    ),
    (
        "labels as a set, in one line",
        [
            "labels: [a, b]\n",
            "labels: [a, b, c]\n",
            "labels: [b, d]\n",
        ],
        "labels: [b, c, d]\n",
    ),
    (
        "labels as a set, with comments",
        [
            "labels:\n  - a\n  - b # why\n",
            "labels:\n  - a\n  - b # why\n  - c\n",
            "labels:\n  - b # why\n  - d # new\n",
        ],
        "labels:\n  - b # why\n  - c\n  - d # new\n",
    ),
    (
        "labels that one side has only now",
        ["a: 1\n", "a: 1\nlabels: [x]\n", "a: 1\nlabels: [z]\n"],
        "a: 1\nlabels: [x, z]\n",
    ),
    (
        "counters by what each side added",
        [
            "retry_count: 1\n",
            "retry_count: 2\nx: 1\n",
            "retry_count: 2\n",
        ],
        "retry_count: 3\nx: 1\n",
    ),
    (
        "a counter that was missing",
        ["a: 1\n", "a: 1\nretry_count: 1\n", "a: 1\nretry_count: 2\n"],
        "a: 1\nretry_count: 3\n",
    ),
    (
        "a counter that one side reset",
        ["retry_count: 3\n", "retry_count: 0\n", "retry_count: 4\n"],
        "retry_count: 1\n",
    ),
    (
        "the later day",
        [
            "updated: '2026-01-01'\n",
            "updated: '2026-01-02' # x\n",
            "updated: '2026-01-03'\n",
        ],
        "updated: '2026-01-03' # x\n",
    ),
    (
        "the later moment",
        [
            "a_at: 'x'\n",
            "a_at: '2026-01-02T00:00:00.000Z'\n",
            "a_at: '2026-01-01T00:00:00.000Z'\n",
        ],
        "a_at: '2026-01-02T00:00:00.000Z'\n",
    ),
    (
        "a mapping key by key",
        [
            "m: {a: 1, b: 1}\n",
            "m: {a: 2, b: 1}\n",
            "m: {a: 1, b: 2}\n",
        ],
        "m: {a: 2, b: 2}\n",
    ),
    (
        "the test run that was last, whole",
        [
            "last_test_run: {passed: 1, timestamp: '2026-01-01T00:00:00Z'}\n",
            "last_test_run: {passed: 2, timestamp: '2026-01-02T00:00:00Z'}\n",
            "last_test_run: {passed: 1, failures: 3, timestamp: '2026-01-03T00:00:00Z'}\n",
        ],
        "last_test_run: {passed: 1, failures: 3, timestamp: '2026-01-03T00:00:00Z'}\n",
    ),
    (
        "histories: ours first",
        [
            "h:\n  - timestamp: a\n    d: 1\n",
            "h:\n  - timestamp: a\n    d: 1\n  - timestamp: b\n    d: 2 # ours\n",
            "h:\n  - timestamp: a\n    d: 1\n  - timestamp: c\n    d: 3 # theirs\n",
        ],
        "h:\n  - timestamp: a\n    d: 1\n  - timestamp: b\n    d: 2 # ours\n  - timestamp: c\n    d: 3 # theirs\n",
    ),
    (
        "a history that one side has cut at its front",
        [
            "h: [{timestamp: a}, {timestamp: b}]\n",
            "h: [{timestamp: b}, {timestamp: c}]\n",
            "h: [{timestamp: a}, {timestamp: b}, {timestamp: d}]\n",
        ],
        "h: [{timestamp: b}, {timestamp: c}, {timestamp: d}]\n",
    ),
    (
        "an entry of a history that one side completed",
        [
            "h: [{iteration: 1, result: in_progress}]\n",
            "h: [{iteration: 1, result: success}]\n",
            "h: [{iteration: 1, result: in_progress}, {iteration: 2}]\n",
        ],
        "h: [{iteration: 1, result: success}, {iteration: 2}]\n",
    ),
    (
        "an error that both sides met again",
        [
            "error_history: [{hash: x, lastSeen: '2026-01-01T00:00:00Z', consecutiveCount: 1}]\n",
            "error_history: [{hash: x, lastSeen: '2026-01-03T00:00:00Z', consecutiveCount: 2}]\n",
            "error_history: [{hash: x, lastSeen: '2026-01-02T00:00:00Z', consecutiveCount: 3}]\n",
        ],
        "error_history: [{hash: x, lastSeen: '2026-01-03T00:00:00Z', consecutiveCount: 4}]\n",
    ),
];

#[test]
fn changes_of_both_sides_meet_in_one_frontmatter() {
    for (what, versions, expected) in MERGED {
        let merge = merged(*versions);
        assert_eq!(merge.conflicts, [], "{what}: nothing to decide");
        assert_eq!(merge.merged.frontmatter(), *expected, "{what}: merged");
    }
}

#[test]
fn contradicting_changes_are_conflicts_and_keep_ours() {
    let cases = [
        ("status", ["status: a\n", "status: b\n", "status: c\n"]),
        (
            "priority",
            ["priority: 10\n", "priority: 20\n", "priority: 30\n"],
        ),
        (
            "max_refinement_attempts",
            [
                "a: 1\n",
                "a: 1\nmax_refinement_attempts: 3\n",
                "a: 1\nmax_refinement_attempts: 4\n",
            ],
        ),
        ("a", ["a: 1\n", "", "a: 2\n"]),
        ("a", ["a: 1\n", "a: 2\n", ""]),
        (
            "m.a",
            [
                "m:\n  a: 1\n  b: 1\n",
                "m:\n  a: 2\n  b: 1\n",
                "m:\n  a: 3\n  b: 2\n",
            ],
        ),
        (
            "retry_count",
            ["retry_count: 5\n", "retry_count: 0\n", "retry_count: 1\n"],
        ),
        ("a_at", ["a_at: x\n", "a_at: soon\n", "a_at: later\n"]),
        ("x", ["x: [1, 1]\n", "x: [1]\n", "x: [1, 1, 2]\n"]),
        (
            "h",
            [
                "h: [{timestamp: a}]\n",
                "h: [{timestamp: b}]\n",
                "h: [{timestamp: a}, {timestamp: c}]\n",
            ],
        ),
        (
            "h[0].d",
            [
                "h: [{timestamp: a, d: 1}]\n",
                "h: [{timestamp: a, d: 2}]\n",
                "h: [{timestamp: a, d: 3}]\n",
            ],
        ),
    ];
    for (key, versions) in cases {
        let merge = merged(versions);
        let keys: Vec<_> = merge.conflicts.iter().map(Conflict::key).collect();
        assert_eq!(keys, [key], "the conflict of {versions:?}");
        let ours = story(versions[1]);
        let top = key.split(['.', '[']).next().unwrap_or_default();
        if !key.contains('.') {
            assert_eq!(
                merge.merged.get(top),
                ours.get(top),
                "ours is kept: {versions:?}"
            );
        }
    }
}

#[test]
fn conflict_deep_down_leaves_its_surroundings_merged() {
    let merge = merged([
        "m:\n  a: 1\n  b: 1\n",
        "m:\n  a: 2\n  b: 1\n",
        "m:\n  a: 3\n  b: 2\n",
    ]);
    assert_eq!(
        merge.merged.frontmatter(),
        "m:\n  a: 2\n  b: 2\n",
        "b is theirs"
    );
}

#[test]
fn comment_that_both_changed_is_a_conflict() {
    let cases = [
        ("a", ["a: 1 # x\n", "a: 1 # y\n", "a: 1 # z\n"]),
        ("a", ["a: 1 # x\n", "a: 2 # y\n", "a: 1 # z\n"]),
        ("a", ["# x\na: 1\n", "# y\na: 1\n", "# z\na: 1\n"]),
        ("", ["a: 1\n# x\n", "a: 1\n# y\n", "a: 1\n# z\n"]),
        (
            "h",
            [
                "h:\n  # x\n  - a\n",
                "h:\n  # y\n  - a\n",
                "h:\n  # z\n  - a\n",
            ],
        ),
    ];
    for (at, versions) in cases {
        let merge = merged(versions);
        let [Conflict::Comment { key, theirs, .. }] = merge.conflicts.as_slice() else {
            panic!("{versions:?}: a comment must not vanish unseen: {merge:?}");
        };
        assert_eq!(
            (key.as_str(), theirs.contains("# z")),
            (at, true),
            "{versions:?}"
        );
    }
}

#[test]
fn frontmatter_with_anchors_is_merged_by_edits() {
    let merge = merged([
        "a: &x [1]\nb: *x\nc: 1\n",
        "a: &x [1]\nb: *x\nc: 2\n",
        "a: &x [1]\nb: *x\nc: 1\nd: 1\n",
    ]);
    assert_eq!(merge.conflicts, [], "nothing to decide");
    assert_eq!(
        merge.merged.frontmatter(),
        "a: &x [1]\nb: *x\nc: 2\nd: 1\n",
        "merged"
    );
}

#[test]
fn frontmatter_that_readers_take_differently_is_kept_and_told() {
    // A next-line character: a character for YAML 1.2, a line break for the second reader.
    let merge = merged([
        "a: x\u{85}y\nb: 1\n",
        "a: x\u{85}y\nb: 2\n",
        "a: x\u{85}y\nb: 1\nc: 1\n",
    ]);
    let keys: Vec<_> = merge.conflicts.iter().map(Conflict::key).collect();
    assert_eq!(keys, ["c"], "what cannot be written is for a person");
    assert_eq!(
        merge.merged.frontmatter(),
        "a: x\u{85}y\nb: 2\n",
        "ours is kept"
    );
}

fn body(text: &str) -> Document {
    Document::parse(format!("---\nid: S-1\n---\n{text}")).expect("a story")
}

#[test]
fn body_is_merged_line_by_line() {
    let cases = [
        ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
        (
            "a\nb\nc\n",
            "a\nb\nc\nd\n",
            "0\na\nb\nc\n",
            "0\na\nb\nc\nd\n",
        ),
        ("a\nb\nc\n", "a\nc\n", "a\nb\nc\nd\n", "a\nc\nd\n"),
        ("", "a\n", "", "a\n"),
        ("a", "a", "a\nb", "a\nb"),
    ];
    for (base, ours, theirs, expected) in cases {
        let merge = merge(Some(&body(base)), &body(ours), &body(theirs));
        assert!(merge.is_clean(), "{ours:?} and {theirs:?} do not meet");
        assert_eq!(
            merge.merged.body(),
            expected.as_bytes(),
            "{ours:?} and {theirs:?}"
        );
    }
}

#[test]
fn lines_that_both_added_alike_are_no_part_of_the_conflict() {
    let base = body("a\nz\n");
    let merge = merge(
        Some(&base),
        &body("a\nsame\nours\nend\nz\n"),
        &body("a\nsame\ntheirs\nend\nz\n"),
    );
    let expected = Conflict::Body {
        line: 6,
        base: Vec::new(),
        ours: b"ours\n".to_vec(),
        theirs: b"theirs\n".to_vec(),
    };
    assert_eq!(
        merge.conflicts,
        [expected],
        "only where they differ, with its line"
    );
    assert_eq!(
        merge.with_markers().body(),
        b"a\nsame\n<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\nend\nz\n",
        "between markers"
    );
}

#[test]
fn conflicts_stand_between_markers_in_the_body_of_a_readable_story() {
    let base = "---\nid: S-1\nstatus: ready\nnote: x\n---\n\n# Title\n\nfirst\nsecond\nthird\n";
    let ours = base
        .replace("ready", "done")
        .replace("second", "ours")
        .replace("note: x\n", "");
    let theirs = base
        .replace("ready", "blocked")
        .replace("second", "theirs")
        .replace("note: x", "note: why");
    let [base, ours, theirs] =
        [base.to_owned(), ours, theirs].map(|text| Document::parse(text).expect("a story"));
    let merge = merge(Some(&base), &ours, &theirs);
    assert_eq!(merge.merged, ours, "ours is kept where there is a conflict");
    let [.., Conflict::Body { line, .. }] = merge.conflicts.as_slice() else {
        panic!("the body conflicts: {merge:?}");
    };
    assert_eq!(*line, 9, "the line in the file of ours");
    let expected = "\
---
id: S-1
status: done
---
<<<<<<< ours: the frontmatter above says so; to keep it, delete this block
status: done
=======
status: blocked
>>>>>>> theirs: to take this instead, change the frontmatter, then delete this block
<<<<<<< ours: the frontmatter above says so; to keep it, delete this block
(no note)
=======
note: why
>>>>>>> theirs: to take this instead, change the frontmatter, then delete this block

# Title

first
<<<<<<< ours
ours
=======
theirs
>>>>>>> theirs
third
";
    let marked = merge.with_markers();
    assert_eq!(marked.as_str(), Some(expected), "markers for a person");
    let read = Document::parse(marked.as_bytes()).expect("it is a readable story");
    assert_eq!(
        read.get("status"),
        Ok(Some(Value::from("done"))),
        "with ours"
    );
}

#[test]
fn line_ends_marks_and_bytes_that_are_no_text_stay() {
    let text =
        b"\xef\xbb\xbf---\r\nid: S-1\r\na: 1\r\nb: 1\r\n---\r\nx\r\n\xff\r\ny\r\nz\r\n".to_vec();
    let replaced = |old: &[u8], new: &[u8]| {
        let at = text
            .windows(old.len())
            .position(|part| part == old)
            .expect("it is there");
        let bytes = [&text[..at], new, &text[at + old.len()..]].concat();
        Document::parse(bytes).expect("a story")
    };
    let base = Document::parse(text.clone()).expect("a story");
    let ours = replaced(b"a: 1", b"a: 2");
    let theirs = replaced(b"b: 1\r\n---\r\nx", b"b: 3\r\n---\r\nX");
    let found = merge(Some(&base), &ours, &theirs).merged;
    let expected = b"\xef\xbb\xbf---\r\nid: S-1\r\na: 2\r\nb: 3\r\n---\r\nX\r\n\xff\r\ny\r\nz\r\n";
    assert_eq!(found.as_bytes(), expected, "byte for byte");
    let both = merge(
        Some(&base),
        &replaced(b"\xff", b"\xfe"),
        &replaced(b"\xff", b"\xfd"),
    );
    let marked = both.with_markers();
    assert!(
        marked.body().windows(9).any(|part| part == b"=======\r\n"),
        "markers have the file's line ends: {marked:?}"
    );
}

#[test]
fn stories_without_a_common_past_share_what_is_equal() {
    let ours = story("id: S-1\nretry_count: 3\nlabels: [a]\nstatus: ready\n");
    let theirs = story("id: S-1\nretry_count: 3\nlabels: [b]\nstatus: done\nx: 1\n");
    let merge = merge(None, &ours, &theirs);
    let keys: Vec<_> = merge.conflicts.iter().map(Conflict::key).collect();
    assert_eq!(keys, ["status"], "only what differs is to be decided");
    assert_eq!(
        merge.merged.frontmatter(),
        "id: S-1\nretry_count: 3\nlabels: [a, b]\nstatus: ready\nx: 1\n",
        "nobody has counted up"
    );
}

/// A story with another value of one key, if that can be set.
fn with_another(base: &Document, entry: &(String, Value)) -> Option<Document> {
    let mut story = base.clone();
    let changed = story.set(&quoted(&entry.0), another(&entry.1));
    changed.ok()?.then_some(story)
}

#[test]
fn every_real_story_merges_changes_of_neighbouring_keys_and_lines_byte_for_byte() {
    let test = "every_real_story_merges_changes_of_neighbouring_keys_and_lines_byte_for_byte";
    let mut merges = 0;
    for (path, base) in stories(test) {
        let Value::Map(entries) = base.to_value() else {
            panic!("{}: a frontmatter is a mapping", path.display());
        };
        for pair in entries.windows(2).step_by(3) {
            let (Some(mut ours), Some(mut theirs)) =
                (with_another(&base, &pair[0]), with_another(&base, &pair[1]))
            else {
                continue;
            };
            // Both edits in one file; where the second cannot be made there is nothing to compare with.
            let Some(mut expected) = with_another(&ours, &pair[1]) else {
                continue;
            };
            let body = String::from_utf8_lossy(base.body()).into_owned();
            if body.lines().count() > 1 && body.as_bytes() == base.body() {
                ours.set_body(&format!("A first line.\n{body}"));
                theirs.append_body("A last line.");
                expected.set_body(&format!("A first line.\n{body}"));
                expected.append_body("A last line.");
            }
            let merge = merge(Some(&base), &ours, &theirs);
            let about = || format!("{}: {} and {}", path.display(), pair[0].0, pair[1].0);
            assert_eq!(merge.conflicts, [], "{}: they do not meet", about());
            assert_eq!(
                merge.merged.as_str(),
                expected.as_str(),
                "{}: both changes",
                about()
            );
            merges += 1;
        }
    }
    assert!(merges > 20, "stories were merged: {merges}");
}

/// One change that somebody makes to a story.
#[derive(Debug, Clone)]
enum Edit {
    Set(&'static str, i64),
    Unset(&'static str),
    Label(&'static str),
    Unlabel(&'static str),
    Push(i64),
    Comment(&'static str, i64),
    Line(usize, i64),
    Lines(usize, i64),
}

const PAST: &str = "---\n# about\nid: S-1\nstatus: 1 # by hand\nlabels: [a, b]\nm:\n  x: 1\n  n: 2\nlist:\n  - timestamp: '0'\n    d: 1\nretry_count: 4\nempty:\n---\n\n# Title\n\none\ntwo\n\n## Notes\n\nthree\n";

fn edit() -> impl Strategy<Value = Edit> {
    let key = prop_oneof![
        Just("status"),
        Just("m.x"),
        Just("m.n"),
        Just("fresh"),
        Just("other"),
        Just("empty"),
        Just("list[0].d"),
    ];
    let label = prop_oneof![Just("a"), Just("b"), Just("c"), Just("d")];
    let commented = prop_oneof![Just("# about"), Just("# by hand")];
    prop_oneof![
        4 => (key.clone(), 0..4_i64).prop_map(|(key, value)| Edit::Set(key, value)),
        2 => key.prop_map(Edit::Unset),
        2 => label.clone().prop_map(Edit::Label),
        2 => label.prop_map(Edit::Unlabel),
        2 => (1..4_i64).prop_map(Edit::Push),
        1 => (commented, 0..3_i64).prop_map(|(what, value)| Edit::Comment(what, value)),
        2 => (0..9_usize, 0..3_i64).prop_map(|(at, value)| Edit::Line(at, value)),
        2 => (0..9_usize, 0..3_i64).prop_map(|(at, value)| Edit::Lines(at, value)),
    ]
}

fn edited(edits: &[Edit]) -> Document {
    let mut story = Document::parse(PAST).expect("a story");
    for edit in edits {
        match edit {
            // A path into what an earlier edit removed is refused, which is no change.
            Edit::Set(key, value) => drop(story.set(key, *value)),
            Edit::Unset(key) => drop(story.unset(key)),
            Edit::Label(label) => drop(story.add_to_set("labels", *label)),
            Edit::Unlabel(label) => drop(story.remove_from_set("labels", &Value::from(*label))),
            Edit::Push(value) => {
                let entry = vec![("timestamp".to_owned(), Value::from(*value))];
                drop(story.push("list", Value::Map(entry), None));
            }
            Edit::Comment(what, value) => {
                let text = story.as_str().expect("a text");
                let text = text.replacen(what, &format!("# {value}"), 1);
                story = Document::parse(text).expect("a comment changes nothing");
            }
            Edit::Line(at, value) => change_line(&mut story, *at, |_| format!("{value}\n")),
            Edit::Lines(at, value) => change_line(&mut story, *at, |old| format!("{old}{value}\n")),
        }
    }
    story
}

fn change_line(story: &mut Document, at: usize, change: impl Fn(&str) -> String) {
    let body = String::from_utf8(story.body().to_vec()).expect("a text");
    let mut lines: Vec<String> = body.split_inclusive('\n').map(str::to_owned).collect();
    if let Some(line) = lines.get_mut(at) {
        *line = change(line);
    }
    story.set_body(&lines.concat());
}

/// A story whose lists are in an order that says nothing about whose entry came first.
fn sorted(value: Value) -> Value {
    match value {
        Value::List(items) => {
            let mut items: Vec<_> = items.into_iter().map(sorted).collect();
            items.sort_by_key(|item| format!("{item:?}"));
            Value::List(items)
        }
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Map(entries)
        }
        other => other,
    }
}

fn line_of<'a>(story: &'a Document, key: &str) -> Option<&'a str> {
    let mut lines = story.frontmatter().lines();
    lines.find(|line| line.starts_with(&format!("{key}:")))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn change_of_one_side_alone_is_that_side_byte_for_byte(edits in proptest::collection::vec(edit(), 0..6)) {
        let (base, side) = (edited(&[]), edited(&edits));
        prop_assert_eq!(&merge(Some(&base), &side, &base).merged, &side, "theirs changed nothing");
        prop_assert_eq!(&merge(Some(&base), &base, &side).merged, &side, "ours changed nothing");
        prop_assert_eq!(&merge(Some(&base), &side, &side).merged, &side, "both changed the same");
    }

    #[test]
    fn frontmatter_of_one_side_and_body_of_the_other_are_kept_byte_for_byte(
        a in proptest::collection::vec(edit(), 0..6),
        b in proptest::collection::vec(edit(), 0..6),
    ) {
        let (base, ours, theirs) = (edited(&[]), edited(&a), edited(&b));
        let body = std::str::from_utf8(theirs.body()).expect("a text");
        let (mut expected, mut only_body) = (ours.clone(), base.clone());
        let base_body = std::str::from_utf8(base.body()).expect("a text");
        let mut only_head = ours.clone();
        only_head.set_body(base_body);
        only_body.set_body(body);
        expected.set_body(body);
        let merge = merge(Some(&base), &only_head, &only_body);
        prop_assert!(merge.is_clean(), "they do not meet");
        prop_assert_eq!(&merge.merged, &expected, "head of ours, body of theirs");
    }

    #[test]
    fn merge_of_any_values_is_a_story_and_so_it_is_with_markers(
        (host, ours_path) in hosts(),
        (_, theirs_path) in hosts(),
        base_value in value(),
        ours_value in value(),
        theirs_value in value(),
    ) {
        let host = Document::parse(host).expect("a story");
        let with = |story: &Document, path: &[Step], value: &Value| {
            let mut story = story.clone();
            // What cannot be written there is not written.
            story.set(&display(path), value.clone()).ok();
            story
        };
        let base = with(&host, &ours_path, &base_value);
        let ours = with(&base, &ours_path, &ours_value);
        let theirs = with(&base, &theirs_path, &theirs_value);
        for base in [Some(&base), None] {
            let merge = merge(base, &ours, &theirs);
            let read = Document::parse(merge.merged.as_bytes());
            prop_assert_eq!(read.as_ref(), Ok(&merge.merged), "the result is a story");
            let marked = merge.with_markers();
            let read = Document::parse(marked.as_bytes());
            prop_assert_eq!(read.as_ref(), Ok(&marked), "and it is one with markers");
            prop_assert_eq!(marked.to_value(), merge.merged.to_value(), "with the same values");
        }
    }

    #[test]
    fn merge_of_any_versions_follows_the_side_that_changed(
        a in proptest::collection::vec(edit(), 0..6),
        b in proptest::collection::vec(edit(), 0..6),
    ) {
        let (base, ours, theirs) = (edited(&[]), edited(&a), edited(&b));
        let there = merge(Some(&base), &ours, &theirs);
        let back = merge(Some(&base), &theirs, &ours);
        let read = Document::parse(there.merged.as_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&there.merged), "the result is a story");
        let marked = there.with_markers();
        prop_assert_eq!(marked.frontmatter(), there.merged.frontmatter(), "markers stay in the body");
        prop_assert!(Document::parse(marked.as_bytes()).is_ok(), "and it is a story, too");
        for key in ["id", "status", "labels", "m", "list", "retry_count", "empty", "fresh", "other"] {
            let values = [&base, &ours, &theirs, &there.merged].map(|story| story.get(key).expect("a path"));
            let [was, ours_is, theirs_is, is] = &values;
            if was == theirs_is {
                prop_assert_eq!(is, ours_is, "{} is what ours made it", key);
            } else if was == ours_is {
                prop_assert_eq!(is, theirs_is, "{} is what theirs made it", key);
            }
            if base.frontmatter() != theirs.frontmatter() && line_of(&base, key) == line_of(&theirs, key)
                && was == theirs_is && there.is_clean()
            {
                prop_assert_eq!(line_of(&there.merged, key), line_of(&ours, key), "the bytes of {}", key);
            }
        }
        let a_key_went = !theirs.fields().iter().all(|key| there.merged.fields().contains(key));
        for line in theirs.frontmatter().lines().filter(|line| line.starts_with('#')) {
            let has = |text: &str| text.lines().any(|other| other == line);
            let is_told = there.conflicts.iter().any(
                |conflict| matches!(conflict, Conflict::Comment { theirs, .. } if theirs.contains(line)),
            );
            prop_assert!(
                has(base.frontmatter()) || has(there.merged.frontmatter()) || is_told || a_key_went,
                "no comment vanishes but with its key: {}", line
            );
        }
        // Of values and lines: which comments can be kept may depend on whose text is the one that is kept.
        let keys = |merge: &Merge| {
            let of_values = merge.conflicts.iter().filter(|conflict| !matches!(conflict, Conflict::Comment { .. }));
            let mut keys: Vec<_> = of_values.map(|conflict| conflict.key().to_owned()).collect();
            keys.sort();
            keys.dedup();
            keys
        };
        prop_assert_eq!(keys(&there), keys(&back), "the same conflicts whoever merges");
        if there.is_clean() {
            prop_assert_eq!(sorted(there.merged.to_value()), sorted(back.merged.to_value()), "the same values");
            prop_assert_eq!(there.merged.body(), back.merged.body(), "the same body");
            prop_assert_eq!(&marked, &there.merged, "without conflicts there are no markers");
        }
    }
}
