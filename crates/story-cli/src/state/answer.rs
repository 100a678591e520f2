//! A JSON answer that holds values of a file: each as it stands there, so that no number is rounded.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::one_line::one_line;

/// The members of an answer, and behind them what comes from the file.
pub struct Answer {
    members: Map<String, Value>,
    value: Option<Box<RawValue>>,
    values: Option<Values>,
}

/// Values by the keys under which they were asked for.
struct Values(Vec<(String, Box<RawValue>)>);

impl Answer {
    /// An answer with these members.
    pub fn new(members: Map<String, Value>) -> Self {
        Self {
            members,
            value: None,
            values: None,
        }
    }

    /// The same, with a `value`, which must be JSON.
    pub fn with_value(mut self, json: &str) -> Self {
        self.value = Some(raw(json));
        self
    }

    /// The same, with `values`, each of which must be JSON. Of a key that comes twice the first counts.
    pub fn with_values<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut values: Vec<(String, Box<RawValue>)> = Vec::new();
        for (key, json) in pairs {
            if values.iter().all(|(other, _)| other != key) {
                values.push((key.to_owned(), raw(json)));
            }
        }
        self.values = Some(Values(values));
        self
    }
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(one_line(json)).expect("it was read as JSON before")
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        if let Some(value) = &self.value {
            map.serialize_entry("value", value)?;
        }
        if let Some(values) = &self.values {
            map.serialize_entry("values", values)?;
        }
        map.end()
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::{object, to_line};

    #[test]
    fn answer_holds_values_letter_by_letter_on_one_line() {
        let answer = Answer::new(object(json!({ "v": 1 })))
            .with_value("{\n  \"a\": 1.0\n}")
            .with_values([
                ("n", "12345678901234567890123"),
                ("x", "[ 1e400 ]"),
                ("n", "2"),
            ]);
        assert_eq!(
            to_line(&answer),
            r#"{"v":1,"value":{"a":1.0},"values":{"n":12345678901234567890123,"x":[1e400]}}"#,
            "no digit is lost, and no key comes twice"
        );
    }
}
