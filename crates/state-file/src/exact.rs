//! JSON values that lose no digit: what `serde_json::Value` would round, or write in another form, travels as a marked text.
//! Pure.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::members::Members;

/// Begins the text that stands for a number; the rest is the number as it was written.
const NUMBER: &str = "\0n";
/// Begins a text that itself begins with a NUL, so that it cannot be taken for a number.
const TEXT: &str = "\0s";

/// The value of a text that is known to be JSON of a limited depth.
///
/// # Errors
///
/// When it is not JSON.
pub(crate) fn value_of(text: &str) -> Result<Value, serde_json::Error> {
    value_of_raw(serde_json::from_str(text)?)
}

fn value_of_raw(raw: &RawValue) -> Result<Value, serde_json::Error> {
    let text = raw.get();
    match text.bytes().next() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text)?;
            let members = members
                .into_iter()
                .map(|(name, raw)| Ok((name, value_of_raw(raw)?)));
            members
                .collect::<Result<_, serde_json::Error>>()
                .map(Value::Object)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            items.into_iter().map(value_of_raw).collect()
        }
        Some(b'-' | b'0'..=b'9') => Ok(number(text)),
        Some(b'"') => serde_json::from_str::<String>(text).map(marked),
        _ => serde_json::from_str(text),
    }
}

/// A number as itself where it reads back as it was written, else as a marked text.
fn number(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => number.into(),
        _ => Value::String(format!("{NUMBER}{text}")),
    }
}

/// A text as itself, unless it looks like one that stands for something.
pub(crate) fn marked(text: String) -> Value {
    if text.starts_with('\0') {
        Value::String(format!("{TEXT}{text}"))
    } else {
        Value::String(text)
    }
}

/// The value as JSON on one line, each number as it was written.
pub(crate) fn text_of(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::String(text) => match (text.strip_prefix(NUMBER), text.strip_prefix(TEXT)) {
            (Some(number), _) => out.push_str(number),
            (_, Some(text)) => out.push_str(&Value::from(text).to_string()),
            _ => out.push_str(&value.to_string()),
        },
        value => out.push_str(&value.to_string()),
    }
}

/// Whether two JSON texts say the same: members in any order, numbers compared by what they are worth, to the last digit
/// (RFC 6902, section 4.6). What is no JSON is the same as nothing.
pub fn is_same_json(one: &str, other: &str) -> bool {
    match (value_of(one), value_of(other)) {
        (Ok(one), Ok(other)) => is_same(&one, &other),
        _ => false,
    }
}

/// Whether two values are equal as RFC 6902 has it: members in any order, numbers by what they are worth, to the last digit.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    if let (Some(one), Some(other)) = (digits_of(one), digits_of(other)) {
        return is_same_number(&one, &other);
    }
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| is_same(value, other)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_same(a, b))
        }
        (one, other) => one == other,
    }
}

/// How a number is written; `None` of everything else.
fn digits_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => text.strip_prefix(NUMBER).map(str::to_owned),
        _ => None,
    }
}

fn is_same_number(one: &str, other: &str) -> bool {
    match (Decimal::of(one), Decimal::of(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// A number without the freedom of writing it: the digits from the first to the last that is not 0, and the place of the
/// last of them.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// `None` where the exponent is beyond all measure.
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (text, 0_i64),
        };
        let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(mantissa) => (true, mantissa),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let zeros = i64::try_from(all.len() - digits.len()).ok()?;
        let fraction = i64::try_from(fraction.len()).ok()?;
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Some(Self {
                is_negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        Some(Self {
            is_negative,
            digits: digits.to_owned(),
            exponent: exponent.checked_sub(fraction)?.checked_add(zeros)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_value_keeps_numbers_texts_and_order() {
        let table = [
            r#"{"z":1,"a":[1.0,1e400,-0,12345678901234567890123,18446744073709551615,1E+2]}"#,
            "[\"\\u0000n5\",\"\\u0000s\",\"\\u0000\",\"n\",\"\\\"\"]",
            r#"{"":null,"b":[true,false,{}],"c":[]}"#,
            "1.50",
        ];
        for text in table {
            let value = value_of(text).expect("it is JSON");
            assert_eq!(text_of(&value), text, "every digit is there again");
        }
        let spaced = value_of(" { \"a\" : [ 1.0 , { } ] } ").expect("it is JSON");
        assert_eq!(
            text_of(&spaced),
            r#"{"a":[1.0,{}]}"#,
            "white space is no value"
        );
    }

    #[test]
    fn is_same_compares_numbers_by_worth_and_members_in_any_order() {
        let table = [
            ("1", "1.0", true),
            ("1", "10e-1", true),
            ("100", "1E2", true),
            ("0", "-0.0e7", true),
            ("1", "-1", false),
            ("0.1", "0.10", true),
            ("12345678901234567890123", "12345678901234567890124", false),
            ("12345678901234567890120", "1234567890123456789012e1", true),
            ("1e400", "1e401", false),
            ("1e400", "10e399", true),
            (
                "1e99999999999999999999999",
                "1e99999999999999999999999",
                true,
            ),
            ("1e99999999999999999999999", "1", false),
            ("1", "\"1\"", false),
            (r#"{"a":1,"b":[2,3.0]}"#, r#"{"b":[2.0,3],"a":1.00}"#, true),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, false),
            ("[1,2]", "[2,1]", false),
            ("\"\\u0000n1\"", "1", false),
            ("null", "false", false),
        ];
        for (one, other, expected) in table {
            let [a, b] = [one, other].map(|text| value_of(text).expect("it is JSON"));
            assert_eq!(is_same(&a, &b), expected, "{one} and {other}");
            assert_eq!(is_same(&b, &a), expected, "{other} and {one}");
        }
    }
}
