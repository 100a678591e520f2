//! Values of fields, as YAML 1.1 readers see them, and their way from and to JSON.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::error::ParseError;
use crate::yaml;

/// A value of the frontmatter.
///
/// Reading follows YAML 1.1 as the reference tool's js-yaml 3.14 does: `010` is 8, `1:30` is 90,
/// `yes` is a text, an unquoted `2026-01-15` is a [`Value::Timestamp`].
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer from `i64::MIN` to `u64::MAX`; others cannot be written.
    Int(i128),
    /// A number with a fraction or exponent, `.inf`, `.nan`, or an integer beyond 64 bits.
    Float(f64),
    /// A text.
    String(String),
    /// An unquoted date or time, as written. Stories should hold dates as quoted texts; one that
    /// does not keeps it until somebody sets the field to a text.
    Timestamp(String),
    /// A list.
    List(Vec<Value>),
    /// A mapping, in file order. Keys that are no texts in YAML (`1: x`) stand here as written.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Converts from JSON. JSON has no dates, so a date stays a text and will be written quoted.
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(bool) => Self::Bool(*bool),
            serde_json::Value::Number(number) => number
                .as_i128()
                .map(Self::Int)
                .or_else(|| number.as_f64().map(Self::Float))
                .unwrap_or_else(|| Self::String(number.to_string())),
            serde_json::Value::String(text) => Self::String(text.clone()),
            serde_json::Value::Array(items) => {
                Self::List(items.iter().map(Self::from_json).collect())
            }
            serde_json::Value::Object(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// Converts to JSON. A timestamp becomes its text, `.inf` and `.nan` become `null` as they do
    /// in JavaScript.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(bool) => (*bool).into(),
            Self::Int(int) => match (i64::try_from(*int), u64::try_from(*int)) {
                (Ok(int), _) => int.into(),
                (_, Ok(int)) => int.into(),
                // An integer beyond 64 bits cannot come from a file; its digits say most.
                _ => int.to_string().into(),
            },
            Self::Float(float) => (*float).into(),
            Self::String(text) | Self::Timestamp(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), value.to_json()))
                .collect(),
        }
    }

    /// Reads a value as a person types it on a command line: `2` is a number, `[a, b]` a list,
    /// `done` a text, nothing is null.
    ///
    /// A date is read as a **text**, unlike one in a file: stories hold dates as texts, and an
    /// unquoted one would turn into a date object in the reference tool.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the text is not one YAML value within the limits of a story.
    pub fn parse_yaml(text: &str) -> Result<Self, ParseError> {
        yaml::parse_value(text).map(Self::timestamps_as_text)
    }

    /// Equality as YAML sees it: like `==`, but `.nan` equals `.nan`.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => {
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
            }
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && a.1.same(&b.1))
            }
            _ => self == other,
        }
    }

    fn timestamps_as_text(self) -> Self {
        match self {
            Self::Timestamp(text) => Self::String(text),
            Self::List(items) => {
                Self::List(items.into_iter().map(Self::timestamps_as_text).collect())
            }
            Self::Map(entries) => Self::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key, value.timestamps_as_text()))
                    .collect(),
            ),
            other => other,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Int(int) => match (i64::try_from(*int), u64::try_from(*int)) {
                (Ok(int), _) => serializer.serialize_i64(int),
                (_, Ok(int)) => serializer.serialize_u64(int),
                _ => serializer.serialize_i128(*int),
            },
            Self::Float(float) => serializer.serialize_f64(*float),
            Self::String(text) | Self::Timestamp(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_goes_in_and_comes_out() {
        let table = [
            json!(null),
            json!(true),
            json!(-5),
            json!(u64::MAX),
            json!(1.5),
            json!("2026-01-15"),
            json!([1, [], {}]),
            json!({ "b": 1, "a": { "c": [null] } }),
        ];
        for json in table {
            let value = Value::from_json(&json);
            assert_eq!(value.to_json(), json, "the same JSON comes back");
            assert_eq!(
                serde_json::to_value(&value).ok(),
                Some(json),
                "serialising gives the same"
            );
        }
        let date = Value::Timestamp("2026-01-15".to_owned());
        assert_eq!(date.to_json(), json!("2026-01-15"), "a date is its text");
        assert_eq!(
            Value::Float(f64::INFINITY).to_json(),
            json!(null),
            "JSON has no infinity"
        );
        let map = Value::from_json(&json!({ "b": 1, "a": 2 }));
        let expected = vec![
            ("b".to_owned(), Value::Int(1)),
            ("a".to_owned(), Value::Int(2)),
        ];
        assert_eq!(map, Value::Map(expected), "the order of keys is kept");
    }

    #[test]
    fn parse_yaml_reads_what_a_person_types() {
        let text = |text: &str| Value::String(text.to_owned());
        let table = [
            ("2", Value::Int(2)),
            ("010", Value::Int(8)),
            ("1.5", Value::Float(1.5)),
            ("true", Value::Bool(true)),
            ("done", text("done")),
            ("two words", text("two words")),
            ("yes", text("yes")),
            ("'2'", text("2")),
            ("", Value::Null),
            ("~", Value::Null),
            ("2026-01-15", text("2026-01-15")),
            (
                "[a, 2026-01-15]",
                Value::List(vec![text("a"), text("2026-01-15")]),
            ),
            ("{a: 1}", Value::Map(vec![("a".to_owned(), Value::Int(1))])),
            ("a: 1", Value::Map(vec![("a".to_owned(), Value::Int(1))])),
            ("https://x.y/z", text("https://x.y/z")),
        ];
        for (source, expected) in table {
            assert_eq!(Value::parse_yaml(source), Ok(expected), "{source:?}");
        }
    }

    #[test]
    fn parse_yaml_refuses_what_is_not_one_value() {
        for source in [
            "[a",
            "a: b: c",
            "'x",
            "a\n---\nb",
            "a\0b",
            "*x",
            "{a: 1, a: 2}",
            "@x",
        ] {
            let err = Value::parse_yaml(source);
            assert!(err.is_err(), "{source:?} is refused, not {err:?}");
        }
        let deep = "[".repeat(100_000);
        assert!(Value::parse_yaml(&deep).is_err(), "deep nesting is refused");
    }
}
