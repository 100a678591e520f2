//! What we write is, text by text, what js-yaml 3 writes, and gray-matter 4 reads it as meant.

use serde_json::{Value as Json, json};
use story::{Document, Value};

use crate::invariants::{Choices, quoted};
use crate::oracle::{agrees, ask, base64};

/// How many values are tried.
const SAMPLES: usize = 6000;

/// Pieces of long lines, which are folded.
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

/// Texts that readers of YAML 1.2 take for numbers, and keys that would end the document or look like a conflict: we quote
/// them and js-yaml does not.
fn is_quoted_by_us_alone(text: &str) -> bool {
    if text.starts_with("...") || text.starts_with("<<<<<<< ") {
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

/// A value in one of several shapes.
fn shaped(choices: &mut Choices<'_>) -> Value {
    let entry = |key: &str, value| (key.to_owned(), value);
    match choices.below(6) {
        0 => text(choices),
        1 => Value::List(vec![text(choices), text(choices)]),
        2 => Value::Map(vec![entry("a", text(choices))]),
        3 => Value::List(vec![Value::Map(vec![
            entry("a", text(choices)),
            entry("b", text(choices)),
        ])]),
        _ => sample(choices, 4),
    }
}

/// A value written in the middle of a frontmatter or at its end, and the same for js-yaml.
fn written(choices: &mut Choices<'_>) -> (Value, Document, Json) {
    let mut key = choices.text();
    if key.is_empty() || key == "id" || key.parse::<u32>().is_ok() {
        // JavaScript sorts keys that are numbers to the front.
        "key".clone_into(&mut key);
    }
    let value = shaped(choices);
    let json = value.to_json();
    let (text, path, dump) = if choices.below(2) == 0 {
        let text = "---\nid: S-0001\nin:\n  first: 1\nlast: true\n---\n";
        let dump = json!({ "id": "S-0001", "in": { "first": 1, &key: json }, "last": true });
        (text, format!("in.{}", quoted(&key)), dump)
    } else {
        (
            "---\nid: S-0001\n---\n",
            quoted(&key),
            json!({ "id": "S-0001", &key: json }),
        )
    };
    let mut story = Document::parse(text).expect("a story");
    let outcome = story.set(&path, value.clone());
    outcome.unwrap_or_else(|err| panic!("{key:?} {value:?}: {err}"));
    (value, story, dump)
}

#[test]
fn written_values_are_those_of_the_reference() {
    let test = "written_values_are_those_of_the_reference";
    let mut choices = Choices::of_seed(7);
    let samples: Vec<(Value, Document, Json)> =
        (0..SAMPLES).map(|_| written(&mut choices)).collect();
    let questions: Vec<Json> = samples
        .iter()
        .map(|(_, _, dump)| json!({ "dump": dump }))
        .collect();
    let Some(answers) = ask(test, &questions) else {
        return;
    };
    let mut ours_alone = 0;
    for ((value, story, _), answer) in samples.iter().zip(&answers) {
        let theirs = answer["text"].as_str();
        let theirs = theirs.unwrap_or_else(|| panic!("{value:?} cannot be dumped: {answer}"));
        if theirs == story.frontmatter() {
            continue;
        }
        ours_alone += 1;
        let exempt = |text: &str| is_quoted_by_us_alone(text) || is_cut_by_the_reference(text);
        let names = names_of(&story.to_value());
        assert!(
            texts_of(value).into_iter().any(exempt) || names.iter().any(|name| exempt(name)),
            "{value:?}\nours:\n{}\ntheirs:\n{theirs}",
            story.frontmatter()
        );
    }
    println!(
        "{} alike, {ours_alone} quoted by us alone",
        SAMPLES - ours_alone
    );
    assert!(
        ours_alone * 10 < SAMPLES,
        "nearly all values are written alike"
    );
}

#[test]
fn written_values_are_read_by_the_reference_as_meant() {
    let test = "written_values_are_read_by_the_reference_as_meant";
    let mut choices = Choices::of_seed(11);
    let samples: Vec<(Value, Document, Json)> =
        (0..SAMPLES).map(|_| written(&mut choices)).collect();
    let read = |sample: &(Value, Document, Json)| json!({ "read": base64(sample.1.as_bytes()) });
    let questions: Vec<Json> = samples.iter().map(read).collect();
    let Some(answers) = ask(test, &questions) else {
        return;
    };
    for ((value, story, _), answer) in samples.iter().zip(&answers) {
        assert!(
            agrees(&story.to_value(), &answer["data"]),
            "{value:?} is read as {answer}"
        );
    }
}
