//! What an edit changes, and what it leaves alone, as tables of texts before and after.

use json_text::{EditError, Json, JsonText, Kind, Path};

pub(crate) fn text(text: &str) -> JsonText {
    JsonText::parse(text.as_bytes()).expect("it is JSON")
}

pub(crate) fn json(text: &str) -> Json {
    text.parse().expect("it is JSON")
}

pub(crate) fn path(path: &str) -> Path {
    path.parse().expect("it is a path")
}

/// The edited text is as wanted, and its index is that of the text.
pub(crate) fn assert_is(edited: &JsonText, wanted: &str, context: &str) {
    assert_eq!(edited.as_str(), wanted, "{context}: the text");
    let again = JsonText::parse(edited.as_bytes());
    assert_eq!(
        again.as_ref(),
        Ok(edited),
        "{context}: the index is as if it had been read"
    );
}

const TEXT: &str = "{
  \"b\": 1.0,
  \"a\" : [ 1e400, 12345678901234567890123 ],
  \"n\": {
    \"x\": \"\\u00e9\"
  },
  \"e\": [],
  \"o\": {},
  \"l\": [
    {
      \"k\": 1
    }
  ]
}
";

#[test]
fn set_replaces_one_value_and_nothing_else() {
    let table = [
        ("b", "null", "1.0", "null"),
        (
            "b",
            "{\"p\":[1]}",
            "1.0",
            "{\n    \"p\": [\n      1\n    ]\n  }",
        ),
        ("b", "{}", "1.0", "{}"),
        ("a[1]", "1.50", "12345678901234567890123", "1.50"),
        ("/a/0", "2e-1", "1e400", "2e-1"),
        (
            "a",
            "[{\"p\" :1,  \"q\":2}]",
            "[ 1e400, 12345678901234567890123 ]",
            "[{\"p\": 1, \"q\": 2}]",
        ),
        ("n.x", "\"y\"", "\"\\u00e9\"", "\"y\""),
        ("n.x", "\"é\"", "", ""),
        ("n.y", "2", "e9\"\n", "e9\",\n    \"y\": 2\n"),
        ("e", "[1]", "[]", "[\n    1\n  ]"),
        ("o.k", "1", "{}", "{\n    \"k\": 1\n  }"),
        (
            "o.k.m",
            "1",
            "{}",
            "{\n    \"k\": {\n      \"m\": 1\n    }\n  }",
        ),
        (
            "l[0].k",
            "[1,2]",
            "\"k\": 1",
            "\"k\": [\n        1,\n        2\n      ]",
        ),
        ("l[0].m", "{}", "\"k\": 1", "\"k\": 1,\n      \"m\": {}"),
        ("z", "3", "  ]\n}", "  ],\n  \"z\": 3\n}"),
        (
            "z.y",
            "3",
            "  ]\n}",
            "  ],\n  \"z\": {\n    \"y\": 3\n  }\n}",
        ),
        ("/z\"q", "3", "  ]\n}", "  ],\n  \"z\\\"q\": 3\n}"),
        ("n", "{\"x\":\"é\"}", "", ""),
        ("l", " [ { \"k\" : 1 } ] ", "", ""),
    ];
    for (at, value, old, new) in table {
        let mut edited = text(TEXT);
        edited.set(&path(at), &json(value)).expect("it fits");
        assert_is(
            &edited,
            &TEXT.replacen(old, new, 1),
            &format!("{at} = {value}"),
        );
    }
}

#[test]
fn set_lays_a_new_member_out_as_its_neighbours_are() {
    let table = [
        (
            "{}",
            "k",
            "{\n  \"k\": [\n    1,\n    {\n      \"a\": 2\n    }\n  ]\n}",
        ),
        (
            "{}\r\n",
            "k",
            "{\r\n  \"k\": [\r\n    1,\r\n    {\r\n      \"a\": 2\r\n    }\r\n  ]\r\n}\r\n",
        ),
        (
            " { } ",
            "k",
            " {\n  \"k\": [\n    1,\n    {\n      \"a\": 2\n    }\n  ]\n} ",
        ),
        ("{\"a\":1}\n", "k", "{\"a\":1,\"k\":[1,{\"a\":2}]}\n"),
        ("{\"a\": 1}", "k", "{\"a\": 1, \"k\": [1, {\"a\": 2}]}"),
        (
            "{ \"a\" : 1,  \"b\" : 1 }",
            "k",
            "{ \"a\" : 1,  \"b\" : 1,  \"k\" : [1,  {\"a\" : 2}] }",
        ),
        ("{\"a\":{}}", "a.k", "{\"a\":{\"k\":[1,{\"a\":2}]}}"),
        (
            "{\n\t\"a\": 1\n}",
            "k",
            "{\n\t\"a\": 1,\n\t\"k\": [\n\t\t1,\n\t\t{\n\t\t\t\"a\": 2\n\t\t}\n\t]\n}",
        ),
        (
            "{\r\n    \"a\":1\r\n}\r\n",
            "k.m",
            "{\r\n    \"a\":1,\r\n    \"k\":{\r\n        \"m\":[\r\n            1,\r\n            {\r\n                \"a\":2\r\n            }\r\n        ]\r\n    }\r\n}\r\n",
        ),
        (
            "{ \"o\": {\n      \"b\": 1 } }",
            "o.k",
            "{ \"o\": {\n      \"b\": 1,\n      \"k\": [\n            1,\n            {\n                  \"a\": 2\n            }\n      ] } }",
        ),
        (
            "{\n\"a\": 1\n}",
            "k",
            "{\n\"a\": 1,\n\"k\": [\n1,\n{\n\"a\": 2\n}\n]\n}",
        ),
        (
            "{\n  \"o\": {\"a\": 1}\n}",
            "o.k",
            "{\n  \"o\": {\"a\": 1, \"k\": [1, {\"a\": 2}]}\n}",
        ),
        (
            "{\n  \"a\":\n    1\n}",
            "k",
            "{\n  \"a\":\n    1,\n  \"k\": [\n    1,\n    {\n      \"a\": 2\n    }\n  ]\n}",
        ),
    ];
    for (before, at, after) in table {
        let mut edited = text(before);
        edited
            .set(&path(at), &json("[1,{\"a\":2}]"))
            .expect("it fits");
        assert_is(&edited, after, &format!("{at} in {before:?}"));
    }
}

#[test]
fn set_of_the_whole_keeps_the_white_space_around_it() {
    let mut edited = text("\n {\n    \"a\": 1\n } \r\n");
    edited
        .set(&path(""), &json("{\"b\":[]}"))
        .expect("anything fits there");
    assert_is(&edited, "\n {\n    \"b\": []\n } \r\n", "the whole");
    edited
        .set(&Path::whole(), &json("7"))
        .expect("anything fits there");
    assert_is(&edited, "\n 7 \r\n", "a scalar as the whole");
}

#[test]
fn escaped_key_is_found_as_what_it_says() {
    let mut edited = text(r#"{"\u0061": 1, "a\\b": 2, "é": 3, "\/": 4}"#);
    for (at, was) in [("a", "1"), ("a\\b", "2"), ("é", "3"), ("/~1", "4")] {
        assert_eq!(edited.raw(&path(at)), Some(was), "the member {at}");
    }
    assert_eq!(
        edited.raw(&path("\\u0061")),
        None,
        "its spelling is not its name"
    );
    assert_eq!(edited.raw(&path("a\\\\b")), None, "nor here");
    edited.set(&path("a"), &json("5")).expect("it is there");
    assert_is(
        &edited,
        r#"{"\u0061": 5, "a\\b": 2, "é": 3, "\/": 4}"#,
        "its spelling stays",
    );
}

#[test]
fn unset_removes_a_member_with_its_comma_and_its_line() {
    let table = [
        (
            "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n",
            "a",
            "{\n  \"b\": 2,\n  \"c\": 3\n}\n",
        ),
        (
            "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n",
            "b",
            "{\n  \"a\": 1,\n  \"c\": 3\n}\n",
        ),
        (
            "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n",
            "c",
            "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
        ),
        ("{\n  \"a\": 1\n}\n", "a", "{}\n"),
        ("{ \"a\": 1, \"b\": 2 }", "a", "{ \"b\": 2 }"),
        ("{ \"a\": 1, \"b\": 2 }", "b", "{ \"a\": 1 }"),
        ("{ \"a\": 1,\n  \"b\": 2 }", "a", "{ \"b\": 2 }"),
        (
            "{\n  \"a\": 1, \"b\": 2,\n  \"c\": 3\n}",
            "b",
            "{\n  \"a\": 1,\n  \"c\": 3\n}",
        ),
        (
            "{\n  \"a\": 1,\n  \"b\": 2, \"c\": 3\n}",
            "b",
            "{\n  \"a\": 1,\n  \"c\": 3\n}",
        ),
        (
            "{\n  \"a\": 1,\n\n  \"b\": 2,\n  \"c\": 3\n}",
            "b",
            "{\n  \"a\": 1,\n\n  \"c\": 3\n}",
        ),
        (
            "{\n  \"a\": 1,\n  \"b\": 2,\n\n  \"c\": 3\n}",
            "b",
            "{\n  \"a\": 1,\n\n  \"c\": 3\n}",
        ),
        (
            "{\n    \"a\": 1\n  , \"b\": 2\n  , \"c\": 3\n}",
            "b",
            "{\n    \"a\": 1\n  , \"c\": 3\n}",
        ),
        ("{\"l\":[1,2,3]}", "l[1]", "{\"l\":[1,3]}"),
        ("{\"l\":[ [1] ]}", "/l/0", "{\"l\":[]}"),
        (
            "{\"l\":[{\"a\":1,\"b\":{\"c\":2}}]}",
            "l[0].b",
            "{\"l\":[{\"a\":1}]}",
        ),
    ];
    for (before, at, after) in table {
        let mut edited = text(before);
        assert_eq!(edited.unset(&path(at)), Ok(true), "{at} is there");
        assert_is(&edited, after, &format!("without {at} of {before:?}"));
    }
}

#[test]
fn unset_of_what_is_not_there_changes_nothing() {
    let mut edited = text(TEXT);
    for at in ["z", "n.z", "n.x.y", "a[2]", "a.x", "b[0]", "l[0].k.m"] {
        assert_eq!(edited.unset(&path(at)), Ok(false), "there is no {at}");
    }
    assert_eq!(
        edited.unset(&path("")),
        Err(EditError::Whole),
        "something must stand there"
    );
    assert_is(&edited, TEXT, "as it was");
}

#[test]
fn increment_counts_whole_numbers() {
    let table = [
        ("{\"n\": 41}", "n", 1, 42, "{\"n\": 42}"),
        ("{\"n\": -1}", "n", -9, -10, "{\"n\": -10}"),
        ("{\"n\": -0}", "n", 0, 0, "{\"n\": 0}"),
        ("{\"n\": null}", "n", 3, 3, "{\"n\": 3}"),
        ("{\"a\":1}", "n.m", 3, 3, "{\"a\":1,\"n\":{\"m\":3}}"),
        (
            "[9223372036854775806]",
            "[0]",
            1,
            i64::MAX,
            "[9223372036854775807]",
        ),
    ];
    for (before, at, by, sum, after) in table {
        let mut edited = text(before);
        assert_eq!(
            edited.increment(&path(at), by),
            Ok(sum),
            "{at} + {by} in {before}"
        );
        assert_is(&edited, after, before);
    }
}

#[test]
fn increment_of_what_does_not_count_is_refused() {
    let before = "{\"f\": 1.0, \"e\": 1e2, \"t\": \"1\", \"l\": [], \"max\": 9223372036854775807, \"big\": 12345678901234567890123}";
    let not = |at: &str, found: &str| EditError::NotAnInteger {
        path: path(at),
        found: found.to_owned(),
    };
    let over = |at: &str, found: &str| EditError::Overflow {
        path: path(at),
        found: found.to_owned(),
        by: 1,
    };
    let table = [
        ("f", not("f", "1.0")),
        ("e", not("e", "1e2")),
        ("t", not("t", "a text")),
        ("l", not("l", "a list")),
        ("max", over("max", "9223372036854775807")),
        ("big", over("big", "12345678901234567890123")),
        (
            "t.x",
            EditError::NotAnObject {
                path: path("t"),
                found: Kind::String,
            },
        ),
    ];
    let mut edited = text(before);
    for (at, err) in table {
        assert_eq!(edited.increment(&path(at), 1), Err(err), "{at} + 1");
    }
    assert_is(&edited, before, "as it was");
}

#[test]
fn push_appends_to_a_list() {
    let item = "{\n    \"t\": \"x\"\n  }".replace('\n', "\n  ");
    let table = [
        (
            "e",
            "\"e\": []".to_owned(),
            format!("\"e\": [\n    {item}\n  ]"),
        ),
        (
            "l",
            "    }\n  ]".to_owned(),
            format!("    }},\n    {item}\n  ]"),
        ),
        (
            "a",
            "0123 ]".to_owned(),
            "0123, {\"t\" : \"x\"} ]".replace(" : ", ": "),
        ),
        (
            "z",
            "  ]\n}".to_owned(),
            format!("  ],\n  \"z\": [\n    {item}\n  ]\n}}"),
        ),
        (
            "o.z",
            "{}".to_owned(),
            format!(
                "{{\n    \"z\": [\n      {}\n    ]\n  }}",
                item.replace('\n', "\n  ")
            ),
        ),
    ];
    for (at, old, new) in table {
        let mut edited = text(TEXT);
        edited
            .push(&path(at), &json("{\"t\":\"x\"}"))
            .expect("it is a list");
        assert_is(
            &edited,
            &TEXT.replacen(&old, &new, 1),
            &format!("one more in {at}"),
        );
    }
    let table = [
        ("[]", "[\n  7\n]"),
        ("[1]", "[1,7]"),
        ("[1, 2]", "[1, 2, 7]"),
        ("[\n1,\n2\n]", "[\n1,\n2,\n7\n]"),
        ("[\n  1, 2,\n  3, 4\n]", "[\n  1, 2,\n  3, 4, 7\n]"),
    ];
    for (before, after) in table {
        let mut edited = text(before);
        edited
            .push(&Path::whole(), &json("7"))
            .expect("it is a list");
        assert_is(&edited, after, before);
    }
}

#[test]
fn edits_of_what_has_another_shape_are_refused_and_change_nothing() {
    let object = |at: &str, found| EditError::NotAnObject {
        path: path(at),
        found,
    };
    let list = |at: &str, found| EditError::NotAList {
        path: path(at),
        found,
    };
    let none = |at: &str, len| EditError::NoItem {
        path: path(at),
        len,
    };
    let table = [
        ("b.x", object("b", Kind::Number)),
        ("a.x", object("a", Kind::List)),
        ("a.x.y", object("a", Kind::List)),
        ("a[0].x.y", object("a[0]", Kind::Number)),
        ("n[0]", list("n", Kind::Object)),
        ("b[0]", list("b", Kind::Number)),
        ("a[2]", none("a[2]", 2)),
        ("/a/-", none("a.-", 2)),
        ("a[7].x", none("a[7]", 2)),
        ("e[0]", none("e[0]", 0)),
        ("z[0]", none("z[0]", 0)),
        ("o.z.y[1].x", none("o.z.y[1]", 0)),
    ];
    let mut edited = text(TEXT);
    for (at, err) in table {
        assert_eq!(
            edited.set(&path(at), &json("1")),
            Err(err.clone()),
            "{at} = 1"
        );
        assert_eq!(
            edited.push(&path(at), &json("1")),
            Err(err),
            "{at} with one more"
        );
    }
    assert_eq!(
        edited.push(&path("n"), &json("1")),
        Err(list("n", Kind::Object)),
        "not a list"
    );
    assert_is(&edited, TEXT, "as it was");
}

#[test]
fn edit_that_would_nest_too_deeply_is_refused() {
    let deep = format!("{}1{}", "[".repeat(127), "]".repeat(127));
    let mut edited = text("{\"l\": [{\"m\": 1}]}");
    let before = edited.clone();
    for at in ["l", "l[0].m", "l[0].n", "z", "z.y.x"] {
        let refused = edited.set(&path(at), &json(&deep));
        assert_eq!(
            refused,
            Err(EditError::TooDeep { path: path(at) }),
            "at {at}"
        );
    }
    let refused = edited.push(&path("l"), &json(&deep));
    assert_eq!(
        refused,
        Err(EditError::TooDeep { path: path("l") }),
        "as an item"
    );
    let refused = edited.push(&path("q"), &json(&deep));
    assert_eq!(
        refused,
        Err(EditError::TooDeep { path: path("q") }),
        "in a new list"
    );
    assert_eq!(edited, before, "as it was");
    let just = format!("{}1{}", "[".repeat(124), "]".repeat(124));
    edited
        .set(&path("l[0].m"), &json(&just))
        .expect("three levels are around it");
    assert_is(
        &edited,
        &format!("{{\"l\": [{{\"m\": {just}}}]}}"),
        "as deep as may be",
    );
    edited
        .set(&path(""), &json(&deep))
        .expect("it is read again");
}
