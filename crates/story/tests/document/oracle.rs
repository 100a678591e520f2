//! Asks the reference's own readers and writers, under Node (`tests/peers/oracle.mjs`).

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use story::Value;

/// Asks the oracle all questions at once; `None` where Node or the packages are missing.
pub fn ask(test: &str, questions: &[Json]) -> Option<Vec<Json>> {
    let Some(peers) = testkit::node_peers() else {
        testkit::skip(
            test,
            "node, or the packages of tests/peers under target/peers, are not installed",
        );
        return None;
    };
    let mut node = Command::new("node")
        .arg(testkit::workspace().join("tests/peers/oracle.mjs"))
        .env("NODE_PATH", peers)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut input = node.stdin.take().expect("node has a stdin");
    let questions: Vec<String> = questions.iter().map(Json::to_string).collect();
    let questions = questions.join("\n");
    let writer = std::thread::spawn(move || input.write_all(questions.as_bytes()));
    let output = node.wait_with_output().expect("node ends");
    writer
        .join()
        .expect("the writer ends")
        .expect("node reads all questions");
    assert!(output.status.success(), "the oracle itself works");
    let text = String::from_utf8(output.stdout).expect("the oracle answers in UTF-8");
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).expect("the oracle answers JSON"))
            .collect(),
    )
}

pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            out.push(char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]));
        }
        out.push_str(&"=".repeat(3 - chunk.len()));
    }
    out
}

/// Whether JavaScript's value is ours.
pub fn agrees(ours: &Value, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(ours), Json::Bool(theirs)) => ours == theirs,
        (Value::Int(ours), Json::Number(theirs)) => {
            theirs.as_f64() == ours.to_string().parse().ok()
        }
        (Value::Float(ours), Json::Number(theirs)) => theirs.as_f64() == Some(*ours),
        (Value::Float(ours), Json::Object(theirs)) => {
            match theirs.get("$number").and_then(Json::as_str) {
                Some("NaN") => ours.is_nan(),
                Some("Infinity") => *ours == f64::INFINITY,
                Some("-Infinity") => *ours == f64::NEG_INFINITY,
                _ => false,
            }
        }
        (Value::String(ours), Json::String(theirs)) => ours == theirs,
        (Value::Timestamp(ours), Json::Object(theirs)) => {
            theirs.get("$date") == Some(&Json::String(iso(ours)))
        }
        (Value::List(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs)
                    .all(|(ours, theirs)| agrees(ours, theirs))
        }
        (Value::Map(ours), Json::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .all(|(key, value)| theirs.get(key).is_some_and(|theirs| agrees(value, theirs)))
        }
        _ => false,
    }
}

/// A YAML timestamp as JavaScript's `Date` prints it; days and months beyond their end run over.
fn iso(timestamp: &str) -> String {
    let numbers: Vec<i64> = timestamp
        .split(|char: char| !char.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().expect("digits"))
        .collect();
    let fraction = timestamp.split_once('.').map_or(0, |(_, rest)| {
        let digits: String = rest
            .chars()
            .take_while(char::is_ascii_digit)
            .take(3)
            .collect();
        format!("{digits:0<3}").parse().expect("three digits")
    });
    let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
    let time = timestamp
        .split_once(['T', 't', ' ', '\t'])
        .map_or("", |parts| parts.1);
    let offset = time.split_once(['+', '-']).map_or(0, |(_, zone)| {
        let mut parts = zone
            .split(':')
            .map(|part| part.trim().parse::<i64>().expect("digits"));
        let minutes = parts.next().unwrap_or(0) * 60 + parts.next().unwrap_or(0);
        if time.contains('-') {
            -minutes
        } else {
            minutes
        }
    });
    let seconds =
        days(at(0), at(1), at(2)) * 86400 + at(3) * 3600 + at(4) * 60 + at(5) - offset * 60;
    let (day, second) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
    let (year, month, date) = civil(day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

/// Days since 1970-01-01.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (
        year + (month - 1).div_euclid(12),
        (month - 1).rem_euclid(12) + 1,
    );
    let shifted = if month > 2 { year } else { year - 1 };
    let month_index = if month > 2 { month - 3 } else { month + 9 };
    365 * shifted + shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400)
        - 719_468
        + (153 * month_index + 2) / 5
        + day
        - 1
}

fn civil(day: i64) -> (i64, i64, i64) {
    let mut year = 1970 + day.div_euclid(366);
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let month = (1..=12)
        .rev()
        .find(|month| days(year, *month, 1) <= day)
        .expect("a day lies in a month");
    (year, month, day - days(year, month, 1) + 1)
}

#[test]
fn iso_dates_are_those_of_javascript() {
    let table = [
        ("2026-01-15", "2026-01-15T00:00:00.000Z"),
        ("2026-01-15T10:00:00.5-05:00", "2026-01-15T15:00:00.500Z"),
        ("2026-02-30", "2026-03-02T00:00:00.000Z"),
        ("1969-12-31 23:59:59 +1", "1969-12-31T22:59:59.000Z"),
    ];
    for (timestamp, expected) in table {
        assert_eq!(iso(timestamp), expected, "{timestamp}");
    }
}
