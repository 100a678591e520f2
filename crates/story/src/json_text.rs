//! JSON edited in place: what is not meant keeps its bytes, its order and its numbers. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::value::RawValue;

/// Sets a member, which is reached through objects; those that are missing are made. `text` must be an object.
///
/// # Errors
///
/// When `text` is no JSON, or something on the way is no object.
pub(crate) fn set(text: &str, path: &[&str], value: &Value) -> Result<String, serde_json::Error> {
    let layout = Layout::of(text);
    let mut object = 0..text.len();
    for (depth, key) in path.iter().enumerate() {
        let members = members(&text[object.clone()])?;
        let Some(place) = members.get(*key) else {
            let rest = path[depth + 1..].iter().rev();
            let value = rest.fold(value.clone(), |value, key| {
                Value::Object([((*key).to_owned(), value)].into_iter().collect())
            });
            let last = members.values().map(|place| object.start + place.end).max();
            let key = Value::from(*key).to_string();
            let item = format!(
                "{key}:{}{}",
                layout.after_colon(),
                layout.write(&value, depth + 1)?
            );
            return Ok(layout.add(text, &object, last, &item, depth));
        };
        object = object.start + place.start..object.start + place.end;
    }
    let value = layout.write(value, path.len())?;
    Ok([&text[..object.start], &value, &text[object.end..]].concat())
}

/// Appends to the list behind a member of an object.
///
/// # Errors
///
/// When `text` is no JSON, or the member no list.
pub(crate) fn push(text: &str, key: &str, item: &Value) -> Result<String, serde_json::Error> {
    let members = members(text)?;
    let Some(list) = members.get(key) else {
        return set(text, &[key], &Value::Array(vec![item.clone()]));
    };
    let items = items(&text[list.clone()])?;
    let layout = Layout::of(text);
    let last = items.last().map(|place| list.start + place.end);
    Ok(layout.add(text, list, last, &layout.write(item, 2)?, 1))
}

/// How a text is laid out: the indentation of a level; `None`: all on one line.
struct Layout {
    indent: Option<String>,
}

impl Layout {
    fn of(text: &str) -> Self {
        let text = text.trim();
        let second = text.split_once('\n').map(|(_, rest)| rest);
        let indent = match second {
            None if text == "{}" => Some("  ".to_owned()),
            None => None,
            Some(line) => {
                let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
                let unit = if blanks == 0 { "  " } else { &line[..blanks] };
                Some(unit.to_owned())
            }
        };
        Self { indent }
    }

    fn after_colon(&self) -> &'static str {
        if self.indent.is_some() { " " } else { "" }
    }

    /// A line end and the indentation of a level.
    fn line(&self, depth: usize) -> String {
        let line = |unit: &String| format!("\n{}", unit.repeat(depth));
        self.indent.as_ref().map(line).unwrap_or_default()
    }

    /// A value as it stands at that level.
    fn write(&self, value: &Value, depth: usize) -> Result<String, serde_json::Error> {
        let Some(indent) = &self.indent else {
            return Ok(value.to_string());
        };
        let mut bytes = Vec::new();
        let formatter = PrettyFormatter::with_indent(indent.as_bytes());
        value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter))?;
        // Line feeds inside of texts are escaped: each one that is there ends a line.
        Ok(String::from_utf8_lossy(&bytes).replace('\n', &self.line(depth)))
    }

    /// Adds an item to the list or object in `outer`, behind its last one.
    fn add(
        &self,
        text: &str,
        outer: &Range<usize>,
        last: Option<usize>,
        item: &str,
        depth: usize,
    ) -> String {
        let line = self.line(depth + 1);
        if let Some(last) = last {
            return [&text[..last], ",", &line, item, &text[last..]].concat();
        }
        let inside = &text[outer.clone()];
        let start = outer.start + inside.find(['{', '[']).unwrap_or(0) + 1;
        let end = outer.start + inside.rfind(['}', ']']).unwrap_or(0);
        let after = self.line(depth);
        [&text[..start], &line, item, &after, &text[end..]].concat()
    }
}

/// The members of an object, with the places of their values; of two with one name the last counts, as everywhere.
fn members(text: &str) -> Result<BTreeMap<String, Range<usize>>, serde_json::Error> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    let members = members.into_iter();
    Ok(members
        .map(|(key, value)| (key, place(text, value)))
        .collect())
}

/// The places of the items of a list.
fn items(text: &str) -> Result<Vec<Range<usize>>, serde_json::Error> {
    let items: Vec<&RawValue> = serde_json::from_str(text)?;
    Ok(items.into_iter().map(|item| place(text, item)).collect())
}

/// Where a value that was borrowed from a text stands in it.
fn place(text: &str, value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr().addr() - text.as_ptr().addr();
    start..start + value.get().len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "{
  \"b\": 1.0,
  \"a\" : [ 1e400, 12345678901234567890123 ],
  \"n\": {
    \"x\": \"\\u00e9\"
  },
  \"e\": [],
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
            (&["b"][..], json!(null), "1.0", "null"),
            (
                &["b"],
                json!({"p": [1]}),
                "1.0",
                "{\n    \"p\": [\n      1\n    ]\n  }",
            ),
            (&["n", "x"], json!("y"), "\"\\u00e9\"", "\"y\""),
            (&["n", "y"], json!(2), "e9\"\n", "e9\",\n    \"y\": 2\n"),
            (&["z"], json!(3), "  ]\n}", "  ],\n  \"z\": 3\n}"),
            (
                &["z", "y"],
                json!(3),
                "  ]\n}",
                "  ],\n  \"z\": {\n    \"y\": 3\n  }\n}",
            ),
        ];
        for (path, value, old, new) in table {
            let after = set(TEXT, path, &value).expect("it is an object");
            assert_eq!(after, TEXT.replacen(old, new, 1), "{path:?} = {value}");
        }
    }

    #[test]
    fn set_keeps_the_layout_of_the_text() {
        let table = [
            ("{}", "{\n  \"k\": [\n    1\n  ]\n}"),
            ("{\"a\":1}\n", "{\"a\":1,\"k\":[1]}\n"),
            (
                "{\n\t\"a\": 1\n}",
                "{\n\t\"a\": 1,\n\t\"k\": [\n\t\t1\n\t]\n}",
            ),
            ("{\"k\":1,\"k\":2}", "{\"k\":1,\"k\":[1]}"),
        ];
        for (before, after) in table {
            let found = set(before, &["k"], &json!([1])).expect("it is an object");
            assert_eq!(found, after, "k in {before:?}");
        }
    }

    #[test]
    fn push_appends_to_a_list() {
        let item = json!({"t": "x"});
        let table = [
            (
                "e",
                "\"e\": []",
                "\"e\": [\n    {\n      \"t\": \"x\"\n    }\n  ]",
            ),
            (
                "l",
                "    }\n  ]",
                "    },\n    {\n      \"t\": \"x\"\n    }\n  ]",
            ),
            ("a", "0123 ]", "0123,\n    {\n      \"t\": \"x\"\n    } ]"),
            (
                "z",
                "  ]\n}",
                "  ],\n  \"z\": [\n    {\n      \"t\": \"x\"\n    }\n  ]\n}",
            ),
        ];
        for (key, old, new) in table {
            let after = push(TEXT, key, &item).expect("it is a list");
            assert_eq!(after, TEXT.replacen(old, new, 1), "one more in {key}");
        }
        let compact = push("{\"l\":[1]}", "l", &item).expect("it is a list");
        assert_eq!(compact, "{\"l\":[1,{\"t\":\"x\"}]}", "on one line");
    }

    #[test]
    fn edits_of_what_has_another_shape_are_errors() {
        assert!(
            set("[]", &["k"], &json!(1)).is_err(),
            "a list has no members"
        );
        assert!(
            set("{\"k\":1}", &["k", "x"], &json!(1)).is_err(),
            "nor a number"
        );
        assert!(push("{\"k\":1}", "k", &json!(1)).is_err(), "nor items");
        assert!(set("{", &["k"], &json!(1)).is_err(), "no JSON");
    }
}
