//! What is read and what is refused, and where the fault is.

use json_text::{JsonText, Kind, ParseErrorKind, Path};
use serde_json::json;

use crate::edits::{path, text};

fn refused(bytes: &[u8]) -> (ParseErrorKind, usize, usize) {
    let err = JsonText::parse(bytes).expect_err("it is not the JSON that is read here");
    (err.kind, err.line, err.column)
}

#[test]
fn text_that_is_not_json_is_refused_with_kind_and_place() {
    use ParseErrorKind as Is;
    let truncated: &[(&str, usize)] = &[
        ("{", 2),
        ("[1,", 4),
        ("{\"a", 4),
        ("{\"a\"", 5),
        ("{\"a\":", 6),
        ("{\"a\":1", 7),
        ("\"a\\", 4),
        ("\"\\u12", 6),
        ("tru", 4),
        ("-", 2),
        ("1.", 3),
        ("1e", 3),
        ("1e+", 4),
        ("\"\\ud83d", 8),
        ("\"\\ud83d\\", 9),
        ("\"\\ud83d\\ud", 11),
    ];
    for (given, column) in truncated {
        assert_eq!(
            refused(given.as_bytes()),
            (Is::Truncated, 1, *column),
            "{given} is cut off"
        );
    }
    let cut = "[\"é\"]".as_bytes();
    assert_eq!(
        refused(&cut[..3]),
        (Is::Truncated, 1, 3),
        "cut within a character"
    );
    let other: &[(&[u8], Is, usize, usize)] = &[
        (b"", Is::Empty, 1, 1),
        (b" \r\n\t", Is::Empty, 2, 2),
        (b"\xEF\xBB\xBF{}", Is::Bom, 1, 1),
        (b"{\n \"a\": \"\xFF\"}", Is::NotUtf8, 2, 8),
        (b"\xFF\xFE{\0", Is::NotUtf8, 1, 1),
        (b"{} {}", Is::TrailingGarbage, 1, 4),
        (b"[1]]", Is::TrailingGarbage, 1, 4),
        (b"{}\n\0", Is::TrailingGarbage, 2, 1),
        (
            b"{\"a\":1,\n\"b\":2,\"\\u0061\":3}",
            Is::Duplicate {
                key: "a".to_owned(),
            },
            2,
            7,
        ),
        (
            b"[{\"x\":{\"\":1,\"\":1}}]",
            Is::Duplicate { key: String::new() },
            1,
            13,
        ),
    ];
    for (given, kind, line, column) in other {
        let wanted = (kind.clone(), *line, *column);
        assert_eq!(refused(given), wanted, "{}", String::from_utf8_lossy(given));
    }
}

#[test]
fn text_against_the_grammar_is_refused_with_its_place() {
    let table = [
        ("[1,]", 4),
        ("{\"a\":1,}", 8),
        ("{,}", 2),
        ("[,1]", 2),
        ("{a:1}", 2),
        ("{'a':1}", 2),
        ("{\"a\" 1}", 6),
        ("[1 2]", 4),
        ("{\"a\":1]", 7),
        ("[1}", 3),
        ("]", 1),
        ("01", 2),
        ("-01", 3),
        ("+1", 1),
        (".5", 1),
        ("1.e3", 3),
        ("- 1", 2),
        ("NaN", 1),
        ("nul1", 1),
        ("True", 1),
        ("\"\t\"", 2),
        ("\"\u{0}\"", 2),
        ("\"\\x\"", 2),
        ("\"\\u12g4\"", 2),
        ("\"\\ud83d\"", 8),
        ("\"\\ude00\"", 8),
        ("\"\\ud83d\\u0041\"", 14),
        ("// c\n{}", 1),
        ("{} // c", 4),
        ("[1, /* c */ 2]", 5),
        ("é", 1),
        ("{\"é\": é}", 7),
        ("\u{A0}{}", 1),
    ];
    for (given, column) in table {
        let (kind, line, found) = refused(given.as_bytes());
        let is_syntax = matches!(
            kind,
            ParseErrorKind::Syntax { .. } | ParseErrorKind::TrailingGarbage
        );
        assert!(is_syntax, "{given:?} is against the grammar: {kind:?}");
        assert_eq!((line, found), (1, column), "where {given:?} is wrong");
    }
}

#[test]
fn depth_is_limited_where_serde_json_limits_it() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        for depth in [1, 126, 127, 128, 129, 100_000] {
            let given = nested(depth);
            let theirs: Result<serde_json::Value, _> = serde_json::from_str(&given);
            let ours = JsonText::parse(given.as_bytes());
            assert_eq!(ours.is_ok(), theirs.is_ok(), "{depth} levels of {open}");
            let is_too_deep = ours.is_err_and(|err| err.kind == ParseErrorKind::TooDeep);
            assert_eq!(
                is_too_deep,
                depth >= json_text::MAX_DEPTH,
                "it says so at {depth}"
            );
        }
    }
}

#[test]
fn duplicate_is_found_among_many_members() {
    for count in [1, 31, 32, 33, 34, 1000, 100_000] {
        let members: Vec<_> = (0..count)
            .map(|number| format!("\"k{number}\":0"))
            .collect();
        let unlike = format!("{{{}}}", members.join(","));
        assert!(
            JsonText::parse(unlike.as_bytes()).is_ok(),
            "{count} names that differ"
        );
        for twice in [0, count / 2, count - 1] {
            let alike = format!("{{{},\"\\u006b{twice}\":0}}", members.join(","));
            let key = format!("k{twice}");
            assert_eq!(
                refused(alike.as_bytes()).0,
                ParseErrorKind::Duplicate { key },
                "one of {count} twice"
            );
            let alike = alike.replace("\\u006b", "k");
            let key = format!("k{twice}");
            assert_eq!(
                refused(alike.as_bytes()).0,
                ParseErrorKind::Duplicate { key },
                "one of {count} twice, spelt alike"
            );
        }
    }
}

#[test]
fn values_are_seen_as_serde_json_sees_them_and_raw_as_they_are_written() {
    let read = text(
        " {\"a\": [1.0, 1e400, -1e999, 12345678901234567890123, \"\\ud83d\\ude00\"], \"o\": {\"n\": null}} ",
    );
    let raw = |at: &str| read.raw(&path(at));
    assert_eq!(raw("a[1]"), Some("1e400"), "beyond an f64");
    assert_eq!(
        raw("a[3]"),
        Some("12345678901234567890123"),
        "beyond 64 bits"
    );
    assert_eq!(raw("/o"), Some("{\"n\": null}"), "an object");
    assert_eq!(
        raw("a[5]").or(raw("o.x")).or(raw("a.x")).or(raw("a[0].x")),
        None,
        "what is not there"
    );
    assert_eq!(
        read.value(&path("o")),
        Some(json!({"n": null})),
        "an object"
    );
    let list = json!([
        1.0,
        f64::MAX,
        f64::MIN,
        12_345_678_901_234_567_890_123_f64,
        "😀"
    ]);
    assert_eq!(
        read.value(&path("a")),
        Some(list),
        "numbers as far as 64 bits go"
    );
    assert_eq!(read.value(&path("x")), None, "nothing");
    assert_eq!(read.kind(&Path::whole()), Some(Kind::Object), "the whole");
    assert_eq!(
        read.kind(&path("o.n")),
        Some(Kind::Null),
        "null is something"
    );
    assert_eq!(
        [
            read.len(&path("a")),
            read.len(&path("o")),
            read.len(&path("o.n"))
        ],
        [Some(5), Some(1), None],
        "how many"
    );
}

#[derive(Debug, serde::Deserialize)]
struct Task {
    #[expect(dead_code, reason = "only its type counts")]
    n: u8,
}

#[derive(Debug, serde::Deserialize)]
struct Board {
    #[expect(dead_code, reason = "only its type counts")]
    tasks: Vec<Task>,
}

#[test]
fn typed_view_names_the_path_of_what_does_not_fit() {
    let read = text("{\"tasks\": [{\"n\": 1}, {\"n\": \"x\"}], \"big\": 1e400}");
    let err = read.to::<Board>().expect_err("a text is no number");
    assert_eq!(err.path().to_string(), "tasks[1].n", "where it is");
    let read = text("{\"tasks\": [{\"n\": 1}], \"big\": 1e400}");
    assert!(
        read.to::<Board>().is_ok(),
        "what the type does not know does not count"
    );
}
