use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::super::parse_mapping;
use super::*;

/// How many entries the outline of a text has, and how many of them needed no parser; it is what both readers see.
fn counts(text: &str) -> Option<(usize, usize)> {
    let outline = Outline::of(text)?;
    let whole = parse_mapping(text).unwrap_or_else(|err| panic!("{text:?} is no YAML: {err:?}"));
    assert!(
        outline.is_outline_of(&whole, text),
        "the outline is the tree of {text:?}"
    );
    Some((outline.len(), outline.simple_entries()))
}

#[test]
fn outline_of_ordinary_entries_needs_no_parser() {
    for text in [
        "a: 1\n",
        "\n# only\n",
        "# head\n\na-b: x # note\nc:\n\n# end\n",
        "a:\n  - x: 1\n    w:\n      - p\n      - 'q'\n    z: ''\n  - x: 2\nb:\n- 1\n- k: v\n  l: w\nc: d\n",
        "a:\n  b:\n    c: 1\n  d:\n    - e:\n    - f\ng: {}\n",
        "a: |\n  # text\n\n    more: x\n  - y\nb: >-\n      one\n      two\n# c\nc:\n  - |-\n    x\n  - >\n    y\n",
        "a: [x, 'y, z', \"w\"] # flow\nb: []\nc: 'it''s: #1'\nd: \"q\\\"\\n\\u00e4\\U0001F6A8\"\n",
        "url: https://example.org/a?b=c#d\ntime: 2026-01-15T10:00:00.000Z\nneg: -1\nnone: ~\nword: Grüße 😀\n",
        "a:\n  # why\n  - b: 1\n\n  # and\n  - b: 2\n",
    ] {
        let (entries, simple) = counts(text).unwrap_or_else(|| panic!("{text:?} has an outline"));
        assert_eq!(entries, simple, "{text:?} needs no parser");
    }
}

#[test]
fn outline_leaves_single_entries_to_the_parser() {
    for text in [
        "a: 1\nb: x\n  y\nc: 2\n",
        "a: 'x\n  y'\nb: 1\n",
        "a: {b: 1}\nc: [\n  d]\n",
        "a: !t x\nb: 1\n",
        "a: |2\n   x\nb: 1\n",
        "a:\n  \"b\": 1\nc: x\n",
        "a: x\ty\nb: 1\n",
        "a: 123456789012345678901234\nb: 1\n",
        "a: x\u{2028}y\nb: 1\n",
        "a:\n  - - x\nb: 1\n",
        "a: |\n  x\n  \nb: 1\n",
        "a: |\n  x\n # c\nb: 1\n",
    ] {
        let (entries, simple) = counts(text).unwrap_or_else(|| panic!("{text:?} has an outline"));
        assert!(simple < entries, "{text:?} has an entry for the parser");
    }
}

#[test]
fn outline_is_refused_by_doubt() {
    for text in [
        "",
        "a: 1",
        "a: 1\na: 2\n",
        "a:\n  b: 1\n  b: 2\n",
        "a: &x 1\nb: *x\n",
        "a: 1\n<<: {b: 1}\n",
        "\"a\": 1\n",
        "? a\n: 1\n",
        "{a: 1}\n",
        "- a\n",
        "a\n",
        "true: 1\n",
        "a: 'x\nb: y'\n",
        "a: [\nb: 1]\n",
        "a: 1\n  b: 2\n",
        "a:\n    b: 1\n  c: 2\n",
        "a:\n  - b\n c: 1\n",
        "a: 1\n- b\n",
        "a: 1\n...\n",
        "%YAML 1.2\n",
        "a: b: c\n",
        "a: \"\\q\"\n",
        " a: 1\n",
        "\ta: 1\n",
        "a: @x\n",
        "a: 1\rb: 2\n",
        "a: 1\r...\n\nb: 2\n",
        "a: |\n  x\r%y\nb: 2\n",
        "a: \u{85}...\nb: 2\n",
        "a:\n  - \u{2028}... # x\nb: 2\n",
        "a: x\u{2029}--- y\nb: 2\n",
        "a:\r\n  - b\r\nc: 1\r\n",
        "a: \u{7}\n",
    ] {
        assert!(Outline::of(text).is_none(), "{text:?} has no outline");
    }
}

/// Real stories, as far as they are there.
fn stories(folder: PathBuf, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            stories(path, found);
        } else {
            found.push(path);
        }
    }
}

fn frontmatter(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    let fences = crate::fence::split(&bytes).ok()?;
    String::from_utf8(bytes[fences.yaml].to_vec()).ok()
}

#[test]
fn outline_of_each_real_file_is_what_the_parser_sees() {
    let mut paths = Vec::new();
    stories(testkit::fixtures().join("stories"), &mut paths);
    let fixtures = paths.len();
    match testkit::shared() {
        Some(shared) => stories(shared.join("corpus"), &mut paths),
        None => testkit::skip(
            "outline_of_each_real_file_is_what_the_parser_sees",
            "the shared corpus is not there; only the fixtures are tried",
        ),
    }
    let (mut outlined, mut wholly, mut entries, mut simple) = (0, 0, 0, 0);
    let texts: Vec<String> = paths[fixtures..]
        .iter()
        .filter_map(|path| frontmatter(path))
        .collect();
    for text in &texts {
        if let Some(counts) = counts(text) {
            outlined += 1;
            wholly += usize::from(counts.0 == counts.1);
            entries += counts.0;
            simple += counts.1;
        }
    }
    println!(
        "of {} real frontmatters {outlined} have an outline, {wholly} without the parser; of their {entries} entries {simple}",
        texts.len()
    );
    for path in &paths[..fixtures] {
        frontmatter(path).as_deref().map(counts);
    }
    assert!(
        outlined * 10 >= texts.len() * 7,
        "most real stories have an outline"
    );
}

/// Lines that are nearly right: what belongs to what is a matter of columns, quotes and marks.
fn lines() -> impl Strategy<Value = String> {
    let word = || {
        prop_oneof![
            6 => "(a|b|c|key|d-e)",
            2 => "(x y|12|-3|0x1F|'q r'|'it''s'|\"d\\\\n\"|\\[a, b\\]|\\[\\]|\\{\\}|https://x.org/#y|é)",
            1 => "[ -~]{0,6}",
            1 => "(\\||>-|\\|\\+|&x|\\*x|!t|<<|'|\"|\\[|\\{a: 1\\}|~|true|# c|\u{2028}|\u{85}|\t|\r|-|\\?|:|%|\\.\\.\\.)",
        ]
    };
    let line = (
        0..5_usize,
        prop_oneof![4 => Just(""), 3 => Just("- "), 1 => Just("- - ")],
        word(),
        0..6_u8,
        word(),
    );
    let line = line.prop_map(|(indent, dash, key, form, value)| {
        let pad = " ".repeat(indent);
        match form {
            0 => format!("{pad}{dash}{value}\n"),
            1 => format!("{pad}{dash}{key}:\n"),
            2 => format!("{pad}{dash}{key}: {value} # note\n"),
            3 => format!("{pad}# {value}\n"),
            _ => format!("{pad}{dash}{key}: {value}\n"),
        }
    });
    let entry = (0..4_usize, proptest::collection::vec(line, 0..5));
    let entry = entry.prop_map(|(form, lines)| {
        let first = ["first:\n", "first: |\n", "", "first: x\n"][form];
        format!("{first}{}", lines.concat())
    });
    proptest::collection::vec(entry, 1..3).prop_map(|entries| entries.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn outline_of_any_text_is_what_the_parser_sees(text in lines()) {
        counts(&text);
    }
}
