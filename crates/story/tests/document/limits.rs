//! Hostile input: the limits hold, nothing aborts, nothing takes long.

use story::{
    Document, EditError, MAX_DEPTH, MAX_EXPANDED_BYTES, MAX_FRONTMATTER_BYTES, ParseErrorKind,
    Value,
};

fn fenced(yaml: &str) -> String {
    format!("---\n{yaml}---\n")
}

fn refusal(text: &str) -> ParseErrorKind {
    Document::parse(text).expect_err("the text is refused").kind
}

/// A frontmatter of exactly that many bytes.
fn of_size(bytes: usize) -> String {
    fenced(&format!("id: x\n#{}\n", "c".repeat(bytes - 8)))
}

#[test]
fn frontmatter_at_the_limit_is_read_and_beyond_it_refused() {
    let story = Document::parse(of_size(MAX_FRONTMATTER_BYTES)).expect("the limit itself is fine");
    assert_eq!(
        story.frontmatter().len(),
        MAX_FRONTMATTER_BYTES,
        "the whole frontmatter is read"
    );
    let limit = MAX_FRONTMATTER_BYTES;
    let kind = refusal(&of_size(limit + 1));
    assert_eq!(
        kind,
        ParseErrorKind::TooLarge { limit },
        "one byte more is refused"
    );
    let kind = refusal(&format!("---\nid: x\n{}", "text\n".repeat(limit)));
    assert_eq!(
        kind,
        ParseErrorKind::TooLarge { limit },
        "no closing fence within the limit"
    );
    let kind = refusal(&format!("---{}", "x".repeat(2 * limit)));
    assert_eq!(
        kind,
        ParseErrorKind::Unclosed,
        "no line end within the limit"
    );
}

#[test]
fn edit_that_would_exceed_the_limit_is_refused() {
    let mut story =
        Document::parse(of_size(MAX_FRONTMATTER_BYTES)).expect("the limit itself is fine");
    let before = story.clone();
    let err = story.set("more", 1_i64).expect_err("there is no room");
    assert!(
        matches!(err, EditError::Unreadable { .. }),
        "the limit is named: {err}"
    );
    assert_eq!(story, before, "nothing changed");
}

#[test]
fn depth_at_the_limit_is_read_and_edited_and_beyond_it_refused() {
    // The frontmatter itself is the first level.
    let lists = |levels: usize| {
        fenced(&format!(
            "a: {}x{}\n",
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        ))
    };
    let mut story = Document::parse(lists(MAX_DEPTH)).expect("the limit itself is fine");
    let path = format!("a{}", "[0]".repeat(MAX_DEPTH - 1));
    story
        .set(&path, "y")
        .expect("the innermost value can be set");
    let err = story
        .set(&format!("{path}[0]"), "z")
        .expect_err("nothing is deeper");
    assert!(
        matches!(err, EditError::Path { .. }),
        "a path has at most 64 steps: {err}"
    );
    let limit = MAX_DEPTH;
    assert_eq!(
        refusal(&lists(limit + 1)),
        ParseErrorKind::TooDeep { limit },
        "one level more is refused"
    );
    let many = 100_000;
    assert_eq!(
        refusal(&lists(many)),
        ParseErrorKind::TooDeep { limit },
        "however many there are"
    );
    let dashes = fenced(&format!("a:\n {}x\n", "- ".repeat(many)));
    assert_eq!(
        refusal(&dashes),
        ParseErrorKind::TooDeep { limit },
        "dashes nest as well"
    );
    let maps = fenced(&format!("{{{}\n", "a: {".repeat(50_000)));
    assert_eq!(
        refusal(&maps),
        ParseErrorKind::TooDeep { limit },
        "braces nest as well"
    );
}

#[test]
fn value_nested_too_deep_is_refused() {
    let mut story = Document::parse(fenced("id: x\n")).expect("a story");
    let nested = |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    story
        .set("a", nested(MAX_DEPTH - 1))
        .expect("64 levels with the frontmatter");
    let err = story.set("b", nested(MAX_DEPTH)).expect_err("65 levels");
    assert!(
        matches!(err, EditError::Value { .. }),
        "the value is to blame: {err}"
    );
}

#[test]
fn aliases_expand_within_the_limit_only() {
    let limit = MAX_EXPANDED_BYTES;
    // Many small steps, one large step, and a chain that is deep instead of wide.
    let mut billion_laughs = "a: &a [x]\n".to_owned();
    for (before, name) in ('a'..='i').zip('b'..='j') {
        let nine = vec![format!("*{before}"); 9].join(", ");
        billion_laughs += &[
            name.to_string(),
            ": &".to_owned(),
            name.to_string(),
            " [".to_owned(),
            nine,
            "]\n".to_owned(),
        ]
        .concat();
    }
    let kind = refusal(&fenced(&billion_laughs));
    assert_eq!(
        kind,
        ParseErrorKind::AliasBomb { limit },
        "a billion laughs"
    );
    let large = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100_000),
        vec!["*a"; 30_000].join(", ")
    );
    assert_eq!(
        refusal(&fenced(&large)),
        ParseErrorKind::AliasBomb { limit },
        "a large text many times"
    );
    let links: Vec<String> = (1..100)
        .map(|at| format!("k{at}: &k{at} [*k{}]\n", at - 1))
        .collect();
    let chain = links.concat();
    let kind = refusal(&fenced(&format!("k0: &k0 x\n{chain}")));
    assert_eq!(
        kind,
        ParseErrorKind::TooDeep { limit: MAX_DEPTH },
        "a deep chain"
    );
    let harmless = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100),
        vec!["*a"; 1000].join(", ")
    );
    let mut story = Document::parse(fenced(&harmless)).expect("a hundred thousand bytes are fine");
    story.set("c", 1_i64).expect("such a story can be edited");
}

#[test]
fn many_keys_and_long_lines_are_no_trouble() {
    let keys: Vec<String> = (0..8000).map(|at| format!("key{at}: value\n")).collect();
    let keys = keys.concat();
    let mut story = Document::parse(fenced(&keys)).expect("many keys are fine");
    story
        .set("key7999", "other")
        .expect("the last one can be set");
    let kind = refusal(&fenced(&format!("{keys}key0: again\n")));
    assert!(
        matches!(kind, ParseErrorKind::DuplicateKey { .. }),
        "a duplicate among many is found"
    );
    let mut story = Document::parse(fenced(&format!("a: [{}]\n", vec!["x"; 50_000].join(", "))))
        .expect("a long list");
    story.push("a", "y", None).expect("a long list can grow");
    let kind = refusal(&fenced(&format!("{}: 1\n", "k".repeat(5000))));
    assert!(
        matches!(kind, ParseErrorKind::Syntax { .. }),
        "YAML has no keys of 5000 characters"
    );
}

#[test]
fn body_is_opaque() {
    for body in [
        &b"\0\xff\xfe"[..],
        b"---\nid: other\n---\n",
        b"---js\nx\n---\n",
        b"<<<<<<< HEAD\n",
    ] {
        let bytes = [b"---\nid: x\n---\n", body].concat();
        let mut story = Document::parse(bytes).expect("the body does not matter");
        assert_eq!(story.body(), body, "the body is the rest");
        story.set("id", "y").expect("the id can be set");
        assert_eq!(story.body(), body, "the body stays");
    }
}

#[test]
fn values_that_cannot_be_written_are_refused() {
    let mut story = Document::parse(fenced("id: x\n")).expect("a story");
    let twice = Value::Map(vec![
        ("k".to_owned(), Value::Null),
        ("k".to_owned(), Value::Null),
    ]);
    let too_large = Value::Int(i128::from(u64::MAX) + 1);
    let no_date = Value::Timestamp("tomorrow".to_owned());
    for value in [
        twice,
        too_large,
        no_date,
        Value::Map(vec![("k".repeat(300), Value::Null)]),
    ] {
        let err = story
            .set("a", value.clone())
            .expect_err("the value is refused");
        assert!(matches!(err, EditError::Value { .. }), "{value:?}: {err}");
        let err = story
            .push("list", value.clone(), None)
            .expect_err("the value is refused");
        assert!(matches!(err, EditError::Value { .. }), "{value:?}: {err}");
    }
}
