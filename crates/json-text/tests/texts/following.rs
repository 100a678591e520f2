//! Two serialisations of a value, followed by the text that it was read from.

use json_text::{EditError, JsonText, ParseErrorKind};
use serde::{Deserialize, Serialize};

use crate::edits::{assert_is, text};

#[derive(Debug, Clone, Deserialize, Serialize)]
struct Board {
    #[serde(default)]
    name: String,
    tasks: Vec<Task>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
struct Task {
    id: String,
    weight: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

const BOARD: &str = "{
  \"$schema\" : \"x\",
  \"tasks\": [
    { \"id\": \"a\", \"weight\": 1.0, \"mine\": 12345678901234567890123 },
    {
      \"weight\": 2e0, \"id\": \"\\u0062\",
      \"tags\": [\"x\",\"y\"],

      \"extra\": { \"deep\": [ 1 ] }
    },
    { \"id\": \"c\", \"weight\": 3, \"owner\": \"me\", \"note\": 7 }
  ]
}
";

/// The board's text after a change of its value.
fn changed(change: impl FnOnce(&mut Board)) -> JsonText {
    let mut edited = text(BOARD);
    let mut board: Board = edited.to().expect("it is a board");
    let before = serde_json::to_vec(&board).expect("it has a form in JSON");
    change(&mut board);
    let after = serde_json::to_vec(&board).expect("it has a form in JSON");
    edited.follow(&before, &after).expect("it is short");
    let again: Board = edited.to().expect("it is a board");
    let again = serde_json::to_vec(&again).expect("it has a form in JSON");
    assert_eq!(
        String::from_utf8_lossy(&again),
        String::from_utf8_lossy(&after),
        "it is read as it was meant"
    );
    edited
}

#[test]
fn follow_changes_what_differs_and_nothing_else() {
    assert_is(&changed(|_| {}), BOARD, "no change");
    let edited = changed(|board| board.tasks[1].weight = 2.5);
    assert_is(&edited, &BOARD.replace("2e0", "2.5"), "a number");
    let edited = changed(|board| board.tasks[0].owner = Some("you".to_owned()));
    assert_is(
        &edited,
        &BOARD.replace("90123 }", "90123, \"owner\": \"you\" }"),
        "a new member",
    );
    let edited = changed(|board| board.tasks[2].owner = None);
    assert_is(
        &edited,
        &BOARD.replace(" \"owner\": \"me\",", ""),
        "a member less",
    );
    let edited = changed(|board| board.tasks[1].tags.push("z".to_owned()));
    assert_is(
        &edited,
        &BOARD.replace("\"y\"]", "\"y\",\"z\"]"),
        "an item more",
    );
    let edited = changed(|board| drop(board.tasks[1].tags.remove(0)));
    assert_is(
        &edited,
        &BOARD.replace("\"x\",\"y\"", "\"y\""),
        "an item less",
    );
    let edited = changed(|board| board.name = "new".to_owned());
    let named = BOARD.replace("  ]\n}", "  ],\n  \"name\": \"new\"\n}");
    assert_is(&edited, &named, "a member that was a default");
    let edited = changed(|board| {
        board.name = "new".to_owned();
        board.tasks[0].weight = 7.0;
        board.tasks[2].owner = Some("you".to_owned());
    });
    let wanted = named
        .replace("\"weight\": 1.0", "\"weight\": 7.0")
        .replace("\"me\"", "\"you\"");
    assert_is(&edited, &wanted, "changes in several places");
}

#[test]
fn follow_keeps_what_only_the_text_knows_with_the_item_that_it_belongs_to() {
    let edited = changed(|board| {
        board.tasks.remove(0);
        board.tasks[1].weight = 4.0;
    });
    let line = "    { \"id\": \"a\", \"weight\": 1.0, \"mine\": 12345678901234567890123 },\n";
    let wanted = BOARD
        .replace(line, "")
        .replace("\"weight\": 3,", "\"weight\": 4.0,");
    assert_is(&edited, &wanted, "the first one gone, the last one changed");
    let edited = changed(|board| {
        let task = Task {
            id: "n".to_owned(),
            weight: 0.5,
            owner: None,
            tags: vec![],
        };
        board.tasks.insert(0, task);
        board.tasks[1].weight = 4.0;
    });
    let new = "  \"tasks\": [\n    {\n      \"id\": \"n\",\n      \"weight\": 0.5,\n      \"tags\": []\n    },\n";
    let wanted = BOARD
        .replace("  \"tasks\": [\n", new)
        .replace("\"weight\": 1.0", "\"weight\": 4.0");
    assert_is(&edited, &wanted, "one more in front, the next one changed");
    let edited = changed(|board| {
        board.tasks.rotate_left(1);
        board.tasks[2].weight = 4.0;
    });
    let value: serde_json::Value = edited.to().expect("it is JSON");
    let ids: Vec<_> = (0..3).map(|at| value["tasks"][at]["id"].clone()).collect();
    assert_eq!(ids, ["b", "c", "a"], "their order");
    assert_eq!(
        value["tasks"][0]["extra"]["deep"][0], 1,
        "what belongs to b"
    );
    assert_eq!(value["tasks"][1]["note"], 7, "what belongs to c");
    assert!(
        edited
            .as_str()
            .contains("\"mine\": 12345678901234567890123"),
        "what belongs to a: {}",
        edited.as_str()
    );
    assert_eq!(
        JsonText::parse(edited.as_bytes()),
        Ok(edited),
        "the index is as if it had been read"
    );
    let edited = changed(|board| board.tasks[0].id = "n".to_owned());
    let value: serde_json::Value = edited.to().expect("it is JSON");
    assert_eq!(
        value["tasks"][0].get("mine"),
        None,
        "another id is another thing"
    );
}

#[test]
fn follow_replaces_the_smallest_value_where_shapes_disagree() {
    let table = [
        (
            "{\"a\": 1, \"l\": [ 1,  2 ]}",
            "{\"l\":[1]}",
            "{\"l\":[3]}",
            "{\"a\": 1, \"l\": [3]}",
        ),
        (
            "{\"a\": 1, \"l\": \"1 2\"}",
            "{\"l\":[1,2]}",
            "{\"l\":[1,3]}",
            "{\"a\": 1, \"l\": [1, 3]}",
        ),
        (
            "{\"a\": {\"x\" : 1}}",
            "{\"a\":[1]}",
            "{\"a\":{\"x\":1}}",
            "{\"a\": {\"x\" : 1}}",
        ),
        ("[1]", "{\"a\":1}", "{\"a\":2}", "{\"a\":2}"),
        (
            "{\"a\": 1}",
            "{\"a\":1,\"b\":{\"c\":1}}",
            "{\"a\":1,\"b\":{\"c\":2}}",
            "{\"a\": 1, \"b\": {\"c\": 2}}",
        ),
        ("{\"a\": 1}", "{\"a\":1,\"b\":2}", "{\"a\":1}", "{\"a\": 1}"),
        ("{\"a\": 1}", "{}", "{\"a\":2}", "{\"a\": 2}"),
        ("7", "7", "[7]", "[\n  7\n]"),
        (
            "{\"a\": 1.0}",
            "{\n  \"a\": 1\n}",
            "{\n  \"a\": 12\n}",
            "{\"a\": 12}",
        ),
    ];
    for (own, before, after, wanted) in table {
        let mut edited = text(own);
        edited
            .follow(before.as_bytes(), after.as_bytes())
            .expect("it is short");
        assert_is(
            &edited,
            wanted,
            &format!("{own} after {before} became {after}"),
        );
    }
}

#[test]
fn follow_of_what_is_no_json_is_refused() {
    let good = "{\"a\":{\"b\":1}}";
    let mut edited = text(good);
    for bad in [
        "{\"a\":{\"b\":1,\"b\":1}}",
        "{\"a\":{\"b\":}}",
        "{\"a\":{\"b\":1}",
        "",
        "{\"a\":{\"b\":1}}}",
        "\u{FEFF}{}",
    ] {
        for (before, after) in [(good, bad), (bad, good)] {
            let refused = edited.follow(before.as_bytes(), after.as_bytes());
            assert!(
                matches!(refused, Err(EditError::Serialisation { .. })),
                "{before} to {after}: {refused:?}"
            );
        }
    }
    let deep = format!(
        "{{\"a\":{{\"b\":{}1{}}}}}",
        "[".repeat(126),
        "]".repeat(126)
    );
    let refused = edited.follow(good.as_bytes(), deep.as_bytes());
    let Err(EditError::Serialisation { source }) = refused else {
        panic!("too deep a value is refused: {refused:?}");
    };
    assert_eq!(source.kind, ParseErrorKind::TooDeep, "and says so");
    assert_is(&edited, good, "as it was");
}
