//! Values as text: bare for one, readable by `story set` in a list of several. Pure.

use story::Value;

/// The value alone: a text as it is, everything else as YAML on one line.
pub fn bare(value: &Value) -> String {
    match value {
        Value::String(text) | Value::Timestamp(text) => text.clone(),
        value => inline(value),
    }
}

/// The value as YAML on one line that reads back as the same value.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Float(float) if float.is_nan() => ".nan".to_owned(),
        Value::Float(float) if float.is_infinite() => {
            if *float > 0.0 { ".inf" } else { "-.inf" }.to_owned()
        }
        Value::Timestamp(text) => text.clone(),
        Value::String(text) if is_plain(text) => text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(nested).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), nested(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        value => value.to_json().to_string(),
    }
}

/// Inside a list or mapping texts are always quoted: a comma or a bracket would end them.
fn nested(value: &Value) -> String {
    match value {
        Value::String(text) | Value::Timestamp(text) => quoted(text),
        value => inline(value),
    }
}

/// In JSON's quotes, which are YAML's as well.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether the text on one line reads back as itself.
fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
        && Value::parse_yaml(text).is_ok_and(|value| value == Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_reads_back_as_the_same_value() {
        let values = [
            Value::Null,
            true.into(),
            42.into(),
            Value::Float(1.5),
            "plain words".into(),
            "42".into(),
            "true".into(),
            "".into(),
            "two\nlines".into(),
            "a: b".into(),
            "[x".into(),
            " blanks ".into(),
            Value::List(vec!["a, b".into(), 1.into(), Value::List(Vec::new())]),
            Value::Map(vec![("k: y".into(), "v".into()), ("n".into(), Value::Null)]),
        ];
        for value in values {
            let text = inline(&value);
            let back = Value::parse_yaml(&text);
            assert_eq!(back, Ok(value), "{text} is the value again");
        }
    }

    #[test]
    fn bare_text_has_no_quotes() {
        let table: [(Value, &str); 4] = [
            ("a: \"b\"".into(), "a: \"b\""),
            ("42".into(), "42"),
            (Value::Null, "null"),
            (Value::List(vec!["x".into()]), "[\"x\"]"),
        ];
        for (value, expected) in table {
            assert_eq!(bare(&value), expected, "{value:?} alone");
        }
    }
}
