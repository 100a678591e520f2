//! Scalar text -> value, by the YAML 1.1 table of the contract (section 12).
//!
//! The table is that of js-yaml 3.14, which the reference tool reads with: `010` is 8, `08` a
//! text, `1:30` is 90, `yes` a text, `2026-01-15` a date.

use super::node::Style;
use crate::value::Value;

const CORE: &str = "tag:yaml.org,2002:";

/// Reads a scalar.
pub(crate) fn scalar(text: &str, style: Style, tag: Option<&str>) -> Value {
    let string = || Value::String(text.to_owned());
    match tag.and_then(|tag| tag.strip_prefix(CORE)) {
        Some("null") => Value::Null,
        Some("bool") => bool(text).map_or_else(string, Value::Bool),
        Some("int") => int(text).unwrap_or_else(string),
        Some("float") => float(text)
            .map(Value::Float)
            .or_else(|| int(text))
            .unwrap_or_else(string),
        Some("timestamp") if is_timestamp(text) => Value::Timestamp(text.to_owned()),
        None if tag.is_none() && style == Style::Plain => plain(text),
        // A text, or a tag only its own program understands: the text says most.
        _ => string(),
    }
}

/// Reads a plain scalar without tag.
pub(crate) fn plain(text: &str) -> Value {
    if is_null(text) {
        return Value::Null;
    }
    // Nearly all scalars are words; no other type begins with one of their letters.
    let first = text.as_bytes()[0];
    if first.is_ascii_alphabetic() && !matches!(first, b't' | b'T' | b'f' | b'F') {
        return Value::String(text.to_owned());
    }
    if let Some(bool) = bool(text) {
        return Value::Bool(bool);
    }
    if let Some(int) = int(text) {
        return int;
    }
    if let Some(float) = float(text) {
        return Value::Float(float);
    }
    if is_timestamp(text) {
        return Value::Timestamp(text.to_owned());
    }
    Value::String(text.to_owned())
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Reads an integer; one beyond 64 bits becomes a float, as JavaScript has it.
fn int(text: &str) -> Option<Value> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = |magnitude: Option<i128>, rough: f64| {
        let sign = if negative { -1 } else { 1 };
        let in_range = |int: &i128| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(int);
        let exact = magnitude.map(|magnitude| sign * magnitude).filter(in_range);
        exact.map_or(
            Value::Float(if negative { -rough } else { rough }),
            Value::Int,
        )
    };
    if digits == "0" {
        return Some(Value::Int(0));
    }
    let (radix, body) = if let Some(body) = digits.strip_prefix("0b") {
        (2, body)
    } else if let Some(body) = digits.strip_prefix("0x") {
        (16, body)
    } else if let Some(body) = digits.strip_prefix('0') {
        (8, body)
    } else {
        return decimal_or_sexagesimal(digits).map(|(magnitude, rough)| signed(magnitude, rough));
    };
    let is_digit = |char: char| char == '_' || char.is_digit(radix);
    if body.ends_with('_') || !body.chars().all(is_digit) || !body.contains(|char| char != '_') {
        return None;
    }
    let (magnitude, rough) = in_radix(body, radix);
    Some(signed(magnitude, rough))
}

/// `None`: no number. `Some((exact, rough))`, the exact one missing when it is beyond 127 bits.
fn decimal_or_sexagesimal(digits: &str) -> Option<(Option<i128>, f64)> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    let shape = !first.starts_with('_')
        && first
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_digit());
    if !shape || !first.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if !digits.contains(':') && first.ends_with('_') {
        return None;
    }
    let (mut magnitude, mut rough) = in_radix(first, 10);
    for part in parts {
        let minutes = sixtieths(part)?;
        magnitude = magnitude
            .and_then(|sum| sum.checked_mul(60))
            .and_then(|sum| sum.checked_add(minutes.into()));
        rough = rough * 60.0 + f64::from(minutes);
    }
    Some((magnitude, rough))
}

/// One or two digits up to 59.
fn sixtieths(part: &str) -> Option<u8> {
    let sound = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    part.parse().ok().filter(|minutes| sound && *minutes < 60)
}

fn in_radix(digits: &str, radix: u32) -> (Option<i128>, f64) {
    let mut exact = Some(0_i128);
    let mut rough = 0.0;
    for digit in digits.chars().filter_map(|char| char.to_digit(radix)) {
        exact = exact
            .and_then(|sum| sum.checked_mul(radix.into()))
            .and_then(|sum| sum.checked_add(digit.into()));
        rough = rough * f64::from(radix) + f64::from(digit);
    }
    (exact, rough)
}

fn float(text: &str) -> Option<f64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    match rest {
        ".inf" | ".Inf" | ".INF" => return Some(sign * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if rest.len() == text.len() => return Some(f64::NAN),
        _ => {}
    }
    if text.ends_with('_') {
        return None;
    }
    if rest.contains(':') {
        return sexagesimal_float(rest).map(|float| sign * float);
    }
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digit = |byte: u8| byte == b'_' || byte.is_ascii_digit();
    let whole_is_sound = match whole.as_bytes().first() {
        // `.5` has no sign in this table.
        None => rest.len() == text.len() && fraction.is_some_and(|fraction| !fraction.is_empty()),
        Some(b'0') => whole.len() == 1,
        Some(first) => first.is_ascii_digit() && whole.bytes().all(is_digit),
    };
    if !whole_is_sound || !fraction.unwrap_or("").bytes().all(is_digit) {
        return None;
    }
    rest.replace('_', "")
        .parse::<f64>()
        .ok()
        .map(|float| sign * float)
}

/// `1:30.5` is 90.5.
fn sexagesimal_float(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.')?;
    let mut parts = whole.split(':');
    let first = parts.next()?;
    let is_digit = |byte: u8| byte == b'_' || byte.is_ascii_digit();
    if !first.starts_with(|char: char| char.is_ascii_digit()) || !first.bytes().all(is_digit) {
        return None;
    }
    let mut value = in_radix(first, 10).1;
    let mut last = 0.0;
    let mut some = false;
    for part in parts {
        some = true;
        last = f64::from(sixtieths(part)?);
        value = value * 60.0 + last;
    }
    if !some || !fraction.bytes().all(is_digit) {
        return None;
    }
    let precise: f64 = format!("{last}.{}", fraction.replace('_', ""))
        .parse()
        .ok()?;
    Some(value - last + precise)
}

/// `YYYY-MM-DD`, or a date with a time of day to the second.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let rest = &text[5..];
    if rest.len() == 5 && rest.split('-').count() == 2 && rest.split('-').all(two_digits) {
        return true;
    }
    timestamp_after_year(rest).is_some()
}

fn timestamp_after_year(text: &str) -> Option<()> {
    let rest = digits(text, 1, 2)?.strip_prefix('-')?;
    let rest = digits(rest, 1, 2)?;
    let rest = match rest.strip_prefix(['T', 't']) {
        Some(rest) => rest,
        None => blanks(rest, 1)?,
    };
    let rest = digits(rest, 1, 2)?.strip_prefix(':')?;
    let rest = digits(rest, 2, 2)?.strip_prefix(':')?;
    let rest = digits(rest, 2, 2)?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|char: char| char.is_ascii_digit()),
        None => rest,
    };
    if rest.is_empty() {
        return Some(());
    }
    let zone = blanks(rest, 0)?;
    if zone == "Z" {
        return Some(());
    }
    let offset = digits(zone.strip_prefix(['-', '+'])?, 1, 2)?;
    if offset.is_empty() {
        return Some(());
    }
    digits(offset.strip_prefix(':')?, 2, 2)?
        .is_empty()
        .then_some(())
}

/// Takes at least `least` and at most `most` digits off the front.
fn digits(text: &str, least: usize, most: usize) -> Option<&str> {
    let count = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    (count >= least).then(|| &text[count..])
}

/// Takes all blanks off the front, at least `least`.
fn blanks(text: &str, least: usize) -> Option<&str> {
    let rest = text.trim_start_matches([' ', '\t']);
    (text.len() - rest.len() >= least).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn plain_follows_the_table_for_null_bool_and_int() {
        let table = [
            ("", Value::Null),
            ("~", Value::Null),
            ("NULL", Value::Null),
            ("nULL", text("nULL")),
            ("true", Value::Bool(true)),
            ("FALSE", Value::Bool(false)),
            ("yes", text("yes")),
            ("off", text("off")),
            ("0", Value::Int(0)),
            ("-0", Value::Int(0)),
            ("12", Value::Int(12)),
            ("+12", Value::Int(12)),
            ("-12", Value::Int(-12)),
            ("1_000", Value::Int(1000)),
            ("1_", text("1_")),
            ("_1", text("_1")),
            ("010", Value::Int(8)),
            ("08", text("08")),
            ("0o17", text("0o17")),
            ("0b101", Value::Int(5)),
            ("0b", text("0b")),
            ("0x1F", Value::Int(31)),
            ("-0x1f", Value::Int(-31)),
            ("0x_", text("0x_")),
            ("1:30", Value::Int(90)),
            ("-1:30", Value::Int(-90)),
            ("1:30:05", Value::Int(5405)),
            ("1:60", text("1:60")),
            ("1:", text("1:")),
            ("18446744073709551615", Value::Int(u64::MAX.into())),
            ("-9223372036854775808", Value::Int(i64::MIN.into())),
            (
                "18446744073709551616",
                Value::Float(18_446_744_073_709_551_616.0),
            ),
            ("-", text("-")),
            ("+", text("+")),
            ("S-0001", text("S-0001")),
            ("0010", Value::Int(8)),
        ];
        for (source, expected) in table {
            assert_eq!(plain(source), expected, "{source:?}");
        }
    }

    #[test]
    fn plain_follows_the_table_for_float() {
        let table = [
            ("1.5", 1.5),
            ("-1.5", -1.5),
            ("1e3", 1000.0),
            ("1.e+3", 1000.0),
            ("5.", 5.0),
            (".5", 0.5),
            ("1_0.5", 10.5),
            ("0.1", 0.1),
            ("1:30.5", 90.5),
            ("-1:30.5", -90.5),
            (".inf", f64::INFINITY),
            ("-.INF", f64::NEG_INFINITY),
        ];
        for (source, expected) in table {
            assert_eq!(plain(source), Value::Float(expected), "{source:?}");
        }
        assert!(
            plain(".nan").same(&Value::Float(f64::NAN)),
            "not a number is read"
        );
        for source in [
            "-.5", "+.5", "01.5", ".", "-.", "1e", "e3", "-.nan", "1.5_", "._", "1.2.3", "inf",
            "1e3.5",
        ] {
            assert_eq!(plain(source), text(source), "{source:?} is a text");
        }
    }

    #[test]
    fn plain_follows_the_table_for_timestamps() {
        for source in [
            "2026-01-15",
            "2026-01-15T10:00:00Z",
            "2026-1-5T1:00:00",
            "2026-01-15 10:00:00.5 +2",
            "2026-01-15t10:00:00.123-05:00",
            "2026-01-15 \t 10:00:00",
            "2026-99-99",
        ] {
            assert_eq!(
                plain(source),
                Value::Timestamp(source.to_owned()),
                "{source:?}"
            );
        }
        for source in [
            "2026-1-15",
            "2026-01-15T10:00",
            "2026-01-15T10:00:00X",
            "2026-01-15 ",
            "26-01-15",
            "2026-01-15T",
            "2026-01-15T10:00:00+2:0",
            "2026-01-155",
            "2026-01",
            "2026-é1-15",
        ] {
            assert_eq!(plain(source), text(source), "{source:?} is a text");
        }
    }

    #[test]
    fn scalar_reads_tags_and_quotes() {
        let tag = |name: &str| format!("{CORE}{name}");
        let read = |source, style, tag: Option<&str>| scalar(source, style, tag);
        assert_eq!(
            read("12", Style::Single, None),
            text("12"),
            "quotes make a text"
        );
        assert_eq!(
            read("12", Style::Plain, Some(&tag("str"))),
            text("12"),
            "!!str makes a text"
        );
        assert_eq!(
            read("12", Style::Double, Some(&tag("int"))),
            Value::Int(12),
            "!!int makes a number"
        );
        assert_eq!(
            read("12", Style::Plain, Some("!own")),
            text("12"),
            "an own tag leaves the text"
        );
        assert_eq!(
            read("1", Style::Plain, Some(&tag("float"))),
            Value::Float(1.0).clone(),
            "!!float"
        );
    }
}
