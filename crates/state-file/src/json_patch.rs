//! JSON Patch (RFC 6902) on a text: only what the patch changes is written anew. Pure.

use json_patch::{PatchErrorKind as Cause, PatchOperation, TestOperation, patch_unsafe};
use json_text::{EditError, Json, JsonText};
use serde_json::Value;

use crate::exact::{is_same, text_of, value_of};

/// A list of operations, done in their order: add, remove, replace, move, copy, test.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPatch {
    operations: Vec<PatchOperation>,
}

/// This is no JSON patch: no list of operations, or one of them lacks what it needs. Retrying does not help.
#[derive(Debug, thiserror::Error)]
#[error("{}", place(*operation))]
pub struct JsonPatchError {
    /// Which operation, from 0; `None`: it is no list.
    pub operation: Option<usize>,
    /// What is wrong with it.
    pub source: serde_json::Error,
}

fn place(operation: Option<usize>) -> String {
    match operation {
        Some(at) => format!("operation {at} is none"),
        None => "it is no list of operations".to_owned(),
    }
}

/// A patch was not possible, or a test in it failed. Nothing of it is in the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// The value is not the one that was tested for. Read again, and decide anew.
    #[error("operation {operation} (test {path:?}): the value there is {found}, not {wanted}")]
    TestFailed {
        /// Which operation, from 0.
        operation: usize,
        /// Its path, a JSON pointer.
        path: String,
        /// What was tested for, as JSON on one line, cut off where it is long.
        wanted: String,
        /// What stands there, likewise.
        found: String,
    },
    /// An operation was not possible. Retrying does not help.
    #[error("operation {operation} ({name} {path:?}): {problem}")]
    Impossible {
        /// Which operation, from 0.
        operation: usize,
        /// What it is: `add`, `test`.
        name: &'static str,
        /// Its path, a JSON pointer.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// The result has no place in the text. Retrying does not help.
    #[error("the result of the patch cannot be written")]
    Text(#[source] EditError),
}

impl JsonPatch {
    /// Reads a patch.
    ///
    /// # Errors
    ///
    /// [`JsonPatchError`] names the operation.
    pub fn parse(patch: &Json) -> Result<Self, JsonPatchError> {
        let failed = |operation, source| JsonPatchError { operation, source };
        let value = value_of(patch.as_str()).map_err(|err| failed(None, err))?;
        let operations: Vec<Value> =
            serde_json::from_value(value).map_err(|err| failed(None, err))?;
        let operations = operations.into_iter().enumerate();
        let operations = operations
            .map(|(at, value)| serde_json::from_value(value).map_err(|err| failed(Some(at), err)));
        Ok(Self {
            operations: operations.collect::<Result<_, _>>()?,
        })
    }

    /// Does all operations, or none: then the text is as it was. Numbers that were not in the patch keep their form, also those
    /// that are moved or copied.
    ///
    /// # Errors
    ///
    /// [`PatchError`] names the operation and its path. Retrying helps where a test failed and somebody changes the value.
    #[expect(
        clippy::missing_panics_doc,
        reason = "what a JsonText holds was read as JSON"
    )]
    pub fn apply(&self, text: &mut JsonText) -> Result<(), PatchError> {
        let before = value_of(text.as_str()).expect("a text that was parsed is JSON");
        let mut value = before.clone();
        for (at, operation) in self.operations.iter().enumerate() {
            done(&mut value, at, operation)?;
        }
        text.follow(text_of(&before).as_bytes(), text_of(&value).as_bytes())
            .map_err(PatchError::Text)
    }
}

/// Does one operation.
fn done(value: &mut Value, at: usize, operation: &PatchOperation) -> Result<(), PatchError> {
    if let PatchOperation::Test(test) = operation
        && let Some(found) = value.pointer(test.path.as_str())
    {
        return tested(found, at, test);
    }
    // Not `patch`: its way back panics where a move has taken its value and cannot put it down. We work on a copy.
    patch_unsafe(value, std::slice::from_ref(operation)).map_err(|err| PatchError::Impossible {
        operation: at,
        name: name_of(operation),
        path: operation.path().to_string(),
        problem: problem_of(&err.kind, operation),
    })
}

/// The crate would compare numbers by how they are written.
fn tested(found: &Value, at: usize, test: &TestOperation) -> Result<(), PatchError> {
    if is_same(found, &test.value) {
        return Ok(());
    }
    Err(PatchError::TestFailed {
        operation: at,
        path: test.path.to_string(),
        wanted: short(&test.value),
        found: short(found),
    })
}

fn name_of(operation: &PatchOperation) -> &'static str {
    match operation {
        PatchOperation::Add(_) => "add",
        PatchOperation::Remove(_) => "remove",
        PatchOperation::Replace(_) => "replace",
        PatchOperation::Move(_) => "move",
        PatchOperation::Copy(_) => "copy",
        PatchOperation::Test(_) => "test",
    }
}

fn problem_of(cause: &Cause, operation: &PatchOperation) -> String {
    let from = match operation {
        PatchOperation::Move(step) => step.from.as_str(),
        PatchOperation::Copy(step) => step.from.as_str(),
        _ => "",
    };
    match cause {
        Cause::InvalidPointer => "there is no such place".to_owned(),
        Cause::InvalidFromPointer => format!("there is nothing at {from:?}"),
        Cause::CannotMoveInsideItself => "a value cannot be moved into itself".to_owned(),
        other => other.to_string(),
    }
}

/// How much of a value is told, in characters. Chosen: what fits on a line.
const SHORT: usize = 60;

fn short(value: &Value) -> String {
    let text = text_of(value);
    match text.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn patched(before: &str, patch: &str) -> Result<String, PatchError> {
        let patch = JsonPatch::parse(&patch.parse().expect("it is JSON")).expect("it is a patch");
        let mut text = JsonText::parse(before.as_bytes()).expect("it is JSON");
        let result = patch.apply(&mut text);
        if result.is_err() {
            assert_eq!(text.as_str(), before, "all or nothing");
        }
        result.map(|()| text.as_str().to_owned())
    }

    /// Before, patch, after: the examples of RFC 6902, appendix A, and what it says of the corners.
    const POSSIBLE: &[(&str, &str, &str)] = &[
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/baz","value":"qux"}]"#,
            r#"{"baz":"qux","foo":"bar"}"#,
        ),
        (
            r#"{"foo":["bar","baz"]}"#,
            r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
            r#"{"foo":["bar","qux","baz"]}"#,
        ),
        (
            r#"{"baz":"qux","foo":"bar"}"#,
            r#"[{"op":"remove","path":"/baz"}]"#,
            r#"{"foo":"bar"}"#,
        ),
        (
            r#"{"foo":["bar","qux","baz"]}"#,
            r#"[{"op":"remove","path":"/foo/1"}]"#,
            r#"{"foo":["bar","baz"]}"#,
        ),
        (
            r#"{"baz":"qux","foo":"bar"}"#,
            r#"[{"op":"replace","path":"/baz","value":"boo"}]"#,
            r#"{"baz":"boo","foo":"bar"}"#,
        ),
        (
            r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
            r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
            r#"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#,
        ),
        (
            r#"{"foo":["all","grass","cows","eat"]}"#,
            r#"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
            r#"{"foo":["all","cows","eat","grass"]}"#,
        ),
        (
            r#"{"baz":"qux","foo":["a",2,"c"]}"#,
            r#"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]"#,
            r#"{"baz":"qux","foo":["a",2,"c"]}"#,
        ),
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
            r#"{"foo":"bar","child":{"grandchild":{}}}"#,
        ),
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#,
            r#"{"foo":"bar","baz":"qux"}"#,
        ),
        (
            r#"{"/":9,"~1":10}"#,
            r#"[{"op":"test","path":"/~01","value":10}]"#,
            r#"{"/":9,"~1":10}"#,
        ),
        (
            r#"{"foo":["bar"]}"#,
            r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
            r#"{"foo":["bar",["abc","def"]]}"#,
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"copy","from":"/a","path":"/b"},{"op":"replace","path":"/b","value":null}]"#,
            r#"{"a":1,"b":null}"#,
        ),
        (
            r#"{"a":1.0}"#,
            r#"[{"op":"test","path":"/a","value":1}]"#,
            r#"{"a":1.0}"#,
        ),
        ("{}", r#"[{"op":"add","path":"","value":[1]}]"#, "[1]"),
        (
            r#"{"a":{"b":1,"c":2}}"#,
            r#"[{"op":"test","path":"/a","value":{"c":2,"b":1.0}}]"#,
            r#"{"a":{"b":1,"c":2}}"#,
        ),
        ("{}", "[]", "{}"),
    ];

    #[test]
    fn apply_does_what_rfc_6902_says() {
        for (before, patch, expected) in POSSIBLE {
            let after = patched(before, patch).expect("it is possible");
            assert!(
                crate::exact::is_same_json(&after, expected),
                "{before} by {patch} is {after}"
            );
        }
    }

    /// Before, patch, and what is told.
    const IMPOSSIBLE: &[(&str, &str, &str)] = &[
        (
            r#"{"baz":"qux"}"#,
            r#"[{"op":"add","path":"/x","value":1},{"op":"test","path":"/baz","value":"bar"}]"#,
            r#"operation 1 (test "/baz"): the value there is "qux", not "bar""#,
        ),
        (
            r#"{"a":"10"}"#,
            r#"[{"op":"test","path":"/a","value":10}]"#,
            r#"operation 0 (test "/a"): the value there is "10", not 10"#,
        ),
        (
            r#"{"a":12345678901234567890123}"#,
            r#"[{"op":"test","path":"/a","value":12345678901234567890124}]"#,
            r#"operation 0 (test "/a"): the value there is 12345678901234567890123, not 12345678901234567890124"#,
        ),
        (
            "{}",
            r#"[{"op":"test","path":"/a","value":null}]"#,
            r#"operation 0 (test "/a"): there is no such place"#,
        ),
        (
            "{}",
            r#"[{"op":"add","path":"/a/b","value":1}]"#,
            r#"operation 0 (add "/a/b"): there is no such place"#,
        ),
        (
            "{}",
            r#"[{"op":"remove","path":"/a"}]"#,
            r#"operation 0 (remove "/a"): there is no such place"#,
        ),
        (
            "{}",
            r#"[{"op":"remove","path":""}]"#,
            r#"operation 0 (remove ""): there is no such place"#,
        ),
        (
            "{}",
            r#"[{"op":"replace","path":"/a","value":1}]"#,
            r#"operation 0 (replace "/a"): there is no such place"#,
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"add","path":"/a/2","value":1}]"#,
            r#"operation 0 (add "/a/2"): there is no such place"#,
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"remove","path":"/a/01"}]"#,
            r#"operation 0 (remove "/a/01"): there is no such place"#,
        ),
        (
            r#"{"a":[]}"#,
            r#"[{"op":"remove","path":"/a/-"}]"#,
            r#"operation 0 (remove "/a/-"): there is no such place"#,
        ),
        (
            "{}",
            r#"[{"op":"copy","from":"/a","path":"/b"}]"#,
            r#"operation 0 (copy "/b"): there is nothing at "/a""#,
        ),
        (
            r#"{"a":{}}"#,
            r#"[{"op":"move","from":"/a","path":"/a/b"}]"#,
            r#"operation 0 (move "/a/b"): a value cannot be moved into itself"#,
        ),
    ];

    #[test]
    fn apply_tells_which_operation_was_not_possible_and_why() {
        for (before, patch, expected) in IMPOSSIBLE {
            let err = patched(before, patch).expect_err("it is not possible");
            assert_eq!(err.to_string(), *expected, "{before} by {patch}");
        }
    }

    #[test]
    fn apply_leaves_all_that_it_does_not_change_as_it_was_written() {
        let before = "{\n   \"odd\" : 1.0,\n   \"big\": 12345678901234567890123,\n   \"far\": {\"x\": 1e400, \"y\": [-0, 1E+2]},\n   \"gone\": true,\n   \"list\": [1.50, 2]\n}";
        let patch = r#"[{"op":"remove","path":"/gone"},{"op":"copy","from":"/big","path":"/far/big"},{"op":"add","path":"/list/1","value":1.10}]"#;
        let after = patched(before, patch).expect("it is possible");
        let expected = "{\n   \"odd\" : 1.0,\n   \"big\": 12345678901234567890123,\n   \"far\": {\"x\": 1e400, \"y\": [-0, 1E+2], \"big\": 12345678901234567890123},\n   \"list\": [1.50, 1.10, 2]\n}";
        assert_eq!(after, expected, "no number was rounded, no space moved");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3_i64).prop_map(Value::from),
            Just(Value::String("\0n1.0".to_owned())),
            Just(Value::String("\0n1e400".to_owned())),
            "[ab\0]{0,2}".prop_map(crate::exact::marked),
        ];
        let key = prop_oneof!["[ab]", Just("id".to_owned()), Just("x/~.y".to_owned())];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Whatever a patch makes of the value, the text says it afterwards, to the last digit.
        #[test]
        fn apply_leads_from_any_value_to_any_other(before in values(), after in values(), is_wide in any::<bool>()) {
            let one_line = text_of(&before);
            let layout = if is_wide {
                one_line.replace(',', " ,\n\t").replace('[', "[ ").replace('}', "\n}")
            } else {
                one_line
            };
            let patch = format!(r#"[{{"op":"replace","path":"","value":{}}}]"#, text_of(&after));
            let found = patched(&layout, &patch).expect("it is possible");
            let found = value_of(&found).expect("it is JSON");
            prop_assert_eq!(found, after, "from {}", layout);
        }

        /// The crate on values, and the patch on the text, come to the same.
        #[test]
        fn apply_does_to_the_text_what_the_crate_does_to_the_value(
            before in prop::collection::vec(values(), 0..5),
            steps in prop::collection::vec((0..5_usize, 0..5_usize, 0..5_u8, values()), 1..6),
        ) {
            let before = Value::from(before);
            let operations: Vec<Value> = steps
                .into_iter()
                .map(|(at, from, kind, value)| {
                    let (path, from) = (format!("/{at}"), format!("/{from}"));
                    match kind {
                        0 => json!({ "op": "add", "path": path, "value": value }),
                        1 => json!({ "op": "remove", "path": path }),
                        2 => json!({ "op": "replace", "path": path, "value": value }),
                        3 => json!({ "op": "move", "path": path, "from": from }),
                        _ => json!({ "op": "copy", "path": path, "from": from }),
                    }
                })
                .collect();
            let patch = Value::from(operations);
            let mut expected = before.clone();
            let by_crate: json_patch::Patch = serde_json::from_value(patch.clone()).expect("a patch");
            let is_possible = patch_unsafe(&mut expected, &by_crate).is_ok();
            let found = patched(&text_of(&before), &text_of(&patch));
            prop_assert_eq!(found.is_ok(), is_possible);
            if let Ok(found) = found {
                prop_assert_eq!(value_of(&found).expect("it is JSON"), expected);
            }
        }
    }

    #[test]
    fn parse_refuses_what_is_no_patch_and_names_the_operation() {
        let table = [
            ("{}", "it is no list of operations"),
            ("1", "it is no list of operations"),
            (r#"[{"op":"spam","path":"/a"}]"#, "operation 0 is none"),
            (
                r#"[{"op":"add","path":"/a","value":1},{"op":"add","path":"/a"}]"#,
                "operation 1 is none",
            ),
            (
                r#"[{"op":"add","path":"a","value":1}]"#,
                "operation 0 is none",
            ),
            (r#"[{"path":"/a","value":1}]"#, "operation 0 is none"),
            (r#"[{"op":"move","path":"/a"}]"#, "operation 0 is none"),
            (r#"[{"op":"remove","path":"/a~2"}]"#, "operation 0 is none"),
            ("[7]", "operation 0 is none"),
        ];
        for (patch, expected) in table {
            let err = JsonPatch::parse(&patch.parse().expect("it is JSON"));
            let err = err.expect_err("it is no patch");
            assert_eq!(err.to_string(), expected, "of {patch}");
        }
    }
}
