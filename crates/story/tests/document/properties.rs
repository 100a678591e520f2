//! Properties of all texts and values, by proptest.

use proptest::prelude::*;
use story::{Document, Value};

use crate::invariants::{
    Choices, Operation, Step, edit_does_what_it_says, parse_is_lossless, quoted,
};

/// Texts that exercise the writer: all planes, all indicators, long lines, line ends.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "[ -~\n\t]{0,60}",
        "[a-z]{1,12}( [a-z]{1,12}){0,40}",
        proptest::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter),
        "(\n|\n\n| |  |- |# |x|: |é){0,12}",
    ]
}

/// Keys are at most 256 bytes long.
fn key() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.chars().take(64).collect())
}

pub fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(|int| Value::Int(int.into())),
        any::<f64>().prop_map(Value::Float),
        text().prop_map(Value::String),
        Just(Value::Timestamp("2026-01-15T10:00:00Z".to_owned())),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            proptest::collection::btree_map(key(), inner, 0..4)
                .prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    })
}

/// A file with comments, several styles, and places for a value: at the end, nested, in lists.
const HOST: &str = "---\nid: S-0001 # the id\ntitle: 'Quoted'\nlabels: [a, b] # flow\nin:\n  first: 1\n  list:\n    - x\n    - y: 2\nlast: |\n  kept\n---\n\n# Body\n";

pub fn hosts() -> impl Strategy<Value = (String, Vec<Step>)> {
    let key = |name: &str| Step::Key(name.to_owned());
    let places = vec![
        vec![key("new")],
        vec![key("title")],
        vec![key("labels")],
        vec![key("labels"), Step::Index(1)],
        vec![key("in")],
        vec![key("in"), key("first")],
        vec![key("in"), key("new"), key("deep")],
        vec![key("in"), key("list")],
        vec![key("in"), key("list"), Step::Index(0)],
        vec![key("in"), key("list"), Step::Index(1), key("y")],
        vec![key("in"), key("list"), Step::Index(1), key("z")],
        vec![key("last")],
    ];
    let eol = prop_oneof![3 => Just("\n"), 1 => Just("\r\n")];
    (proptest::sample::select(places), eol).prop_map(|(path, eol)| (HOST.replace('\n', eol), path))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_kept_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse_is_lossless(&bytes);
        let mut fenced = b"---\n".to_vec();
        fenced.extend(bytes);
        fenced.extend(b"\n---\nBody");
        parse_is_lossless(&fenced);
    }

    #[test]
    fn a_set_value_reads_back_equal_anywhere((host, path) in hosts(), value in value()) {
        let mut story = Document::parse(host).expect("the host is a story");
        let accepted = edit_does_what_it_says(&mut story, &path, &Operation::Set(value.clone()));
        prop_assert!(accepted, "each value can be set: {value:?}");
    }

    #[test]
    fn edits_in_any_order_do_what_they_say((host, _) in hosts(), script in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut story = Document::parse(host).expect("the host is a story");
        let mut choices = Choices::of_bytes(&script);
        for _ in 0..6 {
            let path = choices.path(&story);
            let operation = choices.operation(&story, &path);
            edit_does_what_it_says(&mut story, &path, &operation);
        }
    }

    #[test]
    fn a_pushed_value_is_the_last_one((host, _) in hosts(), value in value(), cap in proptest::option::of(0_usize..5)) {
        for list in ["labels", "list"] {
            let path = if list == "labels" { vec![Step::Key(list.to_owned())] } else {
                vec![Step::Key("in".to_owned()), Step::Key(list.to_owned())]
            };
            let mut story = Document::parse(host.clone()).expect("the host is a story");
            let accepted = edit_does_what_it_says(&mut story, &path, &Operation::Push(value.clone(), cap));
            prop_assert!(accepted, "each value can be pushed: {value:?}");
        }
    }

    #[test]
    fn a_set_and_unset_key_leaves_no_trace(key in key(), value in value()) {
        let mut story = Document::parse(HOST).expect("the host is a story");
        let path = quoted(&key);
        prop_assume!(story.get(&path) == Ok(None));
        story.set(&path, value).expect("each value can be set");
        story.unset(&path).expect("what was set can be removed");
        prop_assert_eq!(story.as_str(), Some(HOST), "the old bytes are back");
    }

    #[test]
    fn the_bytes_of_other_keys_stay(value in value()) {
        let mut story = Document::parse(HOST).expect("the host is a story");
        story.set("labels", value).expect("each value can be set");
        let text = story.as_str().expect("the file is text");
        prop_assert!(text.starts_with("---\nid: S-0001 # the id\ntitle: 'Quoted'\nlabels:"), "before: {text}");
        let rest = &HOST[HOST.find("in:\n").expect("the key is there")..];
        prop_assert!(text.ends_with(rest), "after: {text}");
    }

    #[test]
    fn body_edits_leave_the_frontmatter_alone(text in "[ -~\n]{0,40}", eol in prop_oneof![Just("\n"), Just("\r\n")]) {
        let host = HOST.replace('\n', eol);
        let mut story = Document::parse(host.trim_end()).expect("the host is a story");
        let before = story.clone();
        story.append_body(&text);
        prop_assert!(story.as_bytes().starts_with(before.as_bytes()), "appending only appends");
        if !text.is_empty() {
            prop_assert!(story.as_bytes().ends_with(eol.as_bytes()), "the last line is ended");
            let added = &story.as_bytes()[before.as_bytes().len()..];
            prop_assert!(added.starts_with(eol.as_bytes()), "the text begins a line");
            let mut lines = text.strip_suffix('\n').unwrap_or(&text).split('\n');
            let mut found = std::str::from_utf8(&added[eol.len()..added.len() - eol.len()]).expect("text").split(eol);
            prop_assert!(lines.by_ref().eq(found.by_ref()), "the lines are those of the text");
        }
        story.set_body(&text);
        prop_assert_eq!(story.body(), text.as_bytes(), "the body is the text");
        prop_assert_eq!(story.frontmatter(), before.frontmatter(), "the frontmatter stays");
    }
}

/// Fixtures cannot show it: the reference reads all of them.
#[test]
fn shape_that_the_reference_misreads_is_not_made_beside_another_one() {
    let text = "---\nx:\n  - -\n  - b\ny:\n  - - a\n    -\nz:\n  f: 1\n  !!str g: 2\nw:\n  !!str h: 1\n---\n";
    let mut story = Document::parse(text).expect("it can be read");
    assert!(
        story.push("y", "c", None).is_err(),
        "c would be read into y[0]"
    );
    assert!(story.unset("z.f").is_err(), "z could not be read");
    assert_eq!(story.as_str(), Some(text), "nothing is changed");
    assert_eq!(story.set("x[1]", "d"), Ok(true), "that is read as meant");
}

/// The reference tool writes no blank line: a frontmatter with one has a style of its own, which stays.
#[test]
fn style_of_the_first_entry_stays_behind_a_blank_line() {
    for (before, value, after) in [
        (
            "---\n\ntitle: ready\nb: x\n---\n",
            "a, b",
            "---\n\ntitle: a, b\nb: x\n---\n",
        ),
        (
            "---\n\ntitle: ' lead'\nb: x\n---\n",
            "ready",
            "---\n\ntitle: 'ready'\nb: x\n---\n",
        ),
        (
            "---\ntitle: ' lead'\nb: x\n---\n",
            "ready",
            "---\ntitle: ready\nb: x\n---\n",
        ),
    ] {
        let mut story = Document::parse(before).expect("it can be read");
        assert!(
            story
                .set("title", Value::from(value))
                .expect("it can be written")
        );
        assert_eq!(story.as_str(), Some(after));
    }
}
