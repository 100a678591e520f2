//! Merge patches.

use json_text::{Json, JsonText};
use serde_json::Value;

use crate::edits::{assert_is, json, text};

#[test]
fn merge_does_what_the_examples_of_rfc_7396_say() {
    // Appendix A: the original, the patch, the result.
    let table = [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        ),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
        (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
        (r#"{"a":"foo"}"#, "null", "null"),
        (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        (
            r#"{"a":1}"#,
            r#"{"l":[null,{"n":null}]}"#,
            r#"{"a":1,"l":[null,{"n":null}]}"#,
        ),
    ];
    for (before, patch, after) in table {
        let mut edited = text(before);
        edited.merge(&json(patch)).expect("it is short");
        let value: Value = serde_json::from_str(edited.as_str()).expect("it is JSON");
        let wanted: Value = serde_json::from_str(after).expect("it is JSON");
        assert_eq!(value, wanted, "{before} with {patch}");
        assert_eq!(
            JsonText::parse(edited.as_bytes()),
            Ok(edited),
            "{before} with {patch}: the index"
        );
    }
}

#[test]
fn merge_changes_nothing_but_what_the_patch_says() {
    let before = "{\n  \"name\": \"x\",\n  \"n\" : 1.0,\n\n  \"scripts\": { \"a\": \"1\", \"b\": \"2\" },\n  \"list\": [ 1 ],\n  \"gone\": {\n    \"x\": 1\n  }\n}\n";
    let mut edited = text(before);
    let same = json(r#"{"\u006e":1.0,"scripts":{"b":"\u0032"},"list":[1],"none":null}"#);
    edited.merge(&same).expect("it is short");
    assert_is(&edited, before, "all of it is there already");
    let patch: Json = json(
        r#"{"n":1.50,"scripts":{"a":null,"c":12345678901234567890123},"gone":null,"list":[1,2],"new":{"a":1e400,"b":null}}"#,
    );
    edited.merge(&patch).expect("it is short");
    let after = "{\n  \"name\": \"x\",\n  \"n\" : 1.50,\n\n  \"scripts\": { \"b\": \"2\", \"c\": 12345678901234567890123 },\n  \"list\": [1, 2],\n  \"new\": {\n    \"a\": 1e400\n  }\n}\n";
    assert_is(&edited, after, "six changes");
}

#[test]
fn merge_of_many_members_does_all_of_them() {
    let object = |value: &str| {
        let members: Vec<_> = (0..2000)
            .map(|number| format!("\"k{number}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    let mut edited = text(&object("1"));
    edited.merge(&json(&object("2"))).expect("it is short");
    assert_is(&edited, &object("2"), "each is changed");
    edited.merge(&json(&object("null"))).expect("it is short");
    assert_is(&edited, "{}", "each is removed");
}
