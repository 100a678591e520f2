//! The reference's own readers and writers, gray-matter 4 and js-yaml 3 under Node, against ours:
//! the same values out of each file, the same text for each value.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::invariants::Choices;
use serde_json::{Value as Json, json};
use story::{Document, Value};

/// Asks the oracle all questions at once; `None` where Node or the packages are missing.
fn ask(test: &str, questions: &[Json]) -> Option<Vec<Json>> {
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
    let questions: String = questions
        .iter()
        .map(|question| format!("{question}\n"))
        .collect();
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

fn base64(bytes: &[u8]) -> String {
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

fn files() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = ["valid", "edits"]
        .iter()
        .map(|name| testkit::fixtures().join("stories").join(name))
        .collect();
    folders.extend(testkit::shared().map(|shared| shared.join("corpus")));
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Whether JavaScript's value is ours.
fn agrees(ours: &Value, theirs: &Json) -> bool {
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

fn holds_merge_key(story: &Document) -> bool {
    story
        .frontmatter()
        .lines()
        .any(|line| line.trim_start().starts_with("<<:"))
}

#[test]
fn each_file_has_the_same_values_for_the_reference_and_for_us() {
    let test = "each_file_has_the_same_values_for_the_reference_and_for_us";
    let files = files();
    let texts: Vec<Vec<u8>> = files
        .iter()
        .map(|path| std::fs::read(path).expect("a file can be read"))
        .collect();
    let questions: Vec<Json> = texts
        .iter()
        .map(|text| json!({ "read": base64(text) }))
        .collect();
    let Some(answers) = ask(test, &questions) else {
        return;
    };
    let (mut same, mut only_we_read, mut only_they_read) = (0, Vec::new(), Vec::new());
    for ((path, text), answer) in files.iter().zip(&texts).zip(&answers) {
        match (Document::parse(text.as_slice()), answer.get("data")) {
            (Ok(story), Some(theirs)) if holds_merge_key(&story) => {
                assert!(
                    theirs.is_object(),
                    "{}: merged keys are only theirs",
                    path.display()
                );
            }
            (Ok(story), Some(theirs)) => {
                let Value::Map(ours) = story.to_value() else {
                    panic!("a frontmatter is a mapping");
                };
                assert_eq!(
                    ours.len(),
                    theirs.as_object().map_or(0, serde_json::Map::len),
                    "{}: the same keys",
                    path.display()
                );
                for (key, value) in &ours {
                    let theirs = theirs.get(key).unwrap_or(&Json::Null);
                    assert!(
                        agrees(value, theirs),
                        "{} {key}: {value:?} is {theirs}",
                        path.display()
                    );
                }
                same += 1;
            }
            (Ok(_), None) => only_we_read.push((path, answer)),
            (Err(err), Some(_)) => only_they_read.push((path, err)),
            (Err(_), None) => {}
        }
    }
    println!(
        "{same} files alike; only we read {only_we_read:#?}; only they read {only_they_read:#?}"
    );
    let corpus = |path: &Path| !path.starts_with(testkit::fixtures());
    assert!(
        !only_we_read.iter().any(|(path, _)| corpus(path)),
        "what we read of real files, the reference reads"
    );
}

/// Texts that readers of YAML 1.2 take for numbers, and keys that would end the document: we quote
/// them and js-yaml does not.
fn is_quoted_by_us_alone(text: &str) -> bool {
    if text.starts_with("...") {
        return true;
    }
    let unsigned = text
        .strip_prefix(['-', '+'])
        .unwrap_or(text)
        .replace('_', "");
    let number = unsigned.parse::<f64>().is_ok() || unsigned.starts_with("0o");
    number && unsigned.starts_with(|char: char| char == '.' || char.is_ascii_digit())
}

/// Texts whose last line ends the reference would lose at the end of the frontmatter, so that we
/// write them with escapes there.
fn is_cut_by_the_reference(text: &str) -> bool {
    text == "\n" || text.ends_with("\n\n")
}

/// A value with texts, integers and collections only: floats without a fraction are written
/// otherwise by JavaScript, which has no integers.
fn sample(choices: &mut Choices<'_>, depth: usize) -> Value {
    match choices.below(if depth == 0 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => Value::Bool(choices.below(2) == 0),
        2 => Value::Int([0, 7, -3, 123_456][choices.below(4)]),
        3..=5 => text(choices),
        6 | 7 => Value::List(
            (0..choices.below(4))
                .map(|_| sample(choices, depth - 1))
                .collect(),
        ),
        _ => Value::Map(
            (0..choices.below(4))
                .map(|at| (format!("k{at}"), sample(choices, depth - 1)))
                .collect(),
        ),
    }
}

fn text(choices: &mut Choices<'_>) -> Value {
    if choices.below(3) > 0 {
        return Value::String(choices.text());
    }
    // Long lines of words, which are folded.
    const WORDS: &[&str] = &[
        "a",
        "word",
        "longer",
        "considerably-longer-than-others",
        " ",
        "\n",
        "\n\n",
        "#",
        "x:",
        "é",
    ];
    let words: Vec<&str> = (0..choices.below(60))
        .map(|_| WORDS[choices.below(WORDS.len())])
        .collect();
    Value::String(words.join(" "))
}

fn texts_of(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::List(items) => items.iter().flat_map(texts_of).collect(),
        Value::Map(entries) => entries
            .iter()
            .flat_map(|entry| texts_of(&entry.1))
            .collect(),
        _ => Vec::new(),
    }
}

fn names_of(value: &Value) -> Vec<String> {
    match value {
        Value::Map(entries) => entries
            .iter()
            .flat_map(|(name, value)| [vec![name.clone()], names_of(value)].concat())
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn written_values_are_those_of_the_reference() {
    let test = "written_values_are_those_of_the_reference";
    let mut choices = Choices::of_seed(7);
    let mut stories = Vec::new();
    let mut questions = Vec::new();
    while stories.len() < 6000 {
        let mut key = choices.text();
        if key.is_empty() || key == "id" || key == "last" || key.parse::<u32>().is_ok() {
            key = "key".to_owned();
        }
        let value = match choices.below(6) {
            0 => text(&mut choices),
            1 => Value::List(vec![text(&mut choices), text(&mut choices)]),
            2 => Value::Map(vec![("a".to_owned(), text(&mut choices))]),
            3 => Value::List(vec![Value::Map(vec![
                ("a".to_owned(), text(&mut choices)),
                ("b".to_owned(), text(&mut choices)),
            ])]),
            _ => sample(&mut choices, 4),
        };
        // In the middle of the frontmatter, and at its end.
        let name = crate::invariants::quoted(&key);
        let (text, path, dump) = if choices.below(2) == 0 {
            let dump = json!({ "id": "S-0001", "in": { "first": 1, &key: value.to_json() }, "last": true });
            (
                "---\nid: S-0001\nin:\n  first: 1\nlast: true\n---\n",
                format!("in.{name}"),
                dump,
            )
        } else {
            (
                "---\nid: S-0001\n---\n",
                name,
                json!({ "id": "S-0001", &key: value.to_json() }),
            )
        };
        let mut story = Document::parse(text).expect("a story");
        story
            .set(&path, value.clone())
            .unwrap_or_else(|err| panic!("{key:?} {value:?}: {err}"));
        questions.push(json!({ "dump": dump }));
        stories.push((value, story));
    }
    let Some(answers) = ask(test, &questions) else {
        return;
    };
    let (mut alike, mut ours_quoted) = (0, 0);
    for ((value, story), answer) in stories.iter().zip(&answers) {
        let theirs = answer["text"]
            .as_str()
            .unwrap_or_else(|| panic!("{value:?} cannot be dumped: {answer}"));
        if theirs == story.frontmatter() {
            alike += 1;
            continue;
        }
        let exempt = |text: &str| is_quoted_by_us_alone(text) || is_cut_by_the_reference(text);
        let names = names_of(&story.to_value());
        assert!(
            texts_of(value).into_iter().any(exempt) || names.iter().any(|name| exempt(name)),
            "{value:?}\nours:\n{}\ntheirs:\n{theirs}",
            story.frontmatter()
        );
        ours_quoted += 1;
    }
    println!("{alike} alike, {ours_quoted} quoted by us alone");
    assert!(
        ours_quoted * 10 < alike,
        "nearly all values are written alike"
    );

    // And the reference reads what we wrote as what we meant.
    let questions: Vec<Json> = stories
        .iter()
        .map(|(_, story)| json!({ "read": base64(story.as_bytes()) }))
        .collect();
    let Some(answers) = ask(test, &questions) else {
        return;
    };
    for ((value, story), answer) in stories.iter().zip(&answers) {
        assert!(
            agrees(&story.to_value(), &answer["data"]),
            "{value:?} is read as {answer}"
        );
    }
}
