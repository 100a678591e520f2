//! Every real file: each top-level key can be changed and changed back, byte for byte.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use story::{Document, EditError, Value};

/// All files of the corpus and of the valid fixtures.
fn files() -> Vec<PathBuf> {
    let mut folders =
        vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/stories/valid")];
    match testkit::shared() {
        Some(shared) => folders.push(shared.join("corpus")),
        None => testkit::skip(
            "corpus",
            "the shared corpus is not there; only the fixtures are tried",
        ),
    }
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("the folder can be listed");
        for entry in entries {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn stories() -> Vec<(PathBuf, Document)> {
    files()
        .into_iter()
        .filter_map(|path| {
            let bytes = std::fs::read(&path).expect("a corpus file can be read");
            Document::parse(bytes).ok().map(|story| (path, story))
        })
        .collect()
}

fn quoted(key: &str) -> String {
    format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Another value of the same kind.
fn another(value: &Value) -> Value {
    match value {
        Value::Null => Value::from("something"),
        Value::Bool(bool) => Value::from(!bool),
        Value::Int(int) => Value::Int(int + 1),
        Value::Float(float) => Value::Float(float + 0.5),
        Value::String(text) => Value::String(format!("x{text}")),
        Value::Timestamp(_) => Value::Timestamp("2001-02-03".to_owned()),
        Value::List(items) => {
            let mut items = items.clone();
            items.push(Value::from("another"));
            Value::List(items)
        }
        Value::Map(entries) => {
            let mut entries = entries.clone();
            entries.push(("another_key".to_owned(), Value::from("another")));
            Value::Map(entries)
        }
    }
}

/// The span of bytes in which two texts differ, in the first of them.
fn difference(old: &[u8], new: &[u8]) -> Range<usize> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail = (0..most)
        .take_while(|at| old[old.len() - 1 - at] == new[new.len() - 1 - at])
        .count();
    head..old.len() - tail
}

/// The lines from a top-level key to the next one.
fn lines_of(story: &Document, key: &str) -> Range<usize> {
    let text = story.frontmatter();
    let start = story.as_bytes().len() - story.body().len();
    let begin = story.as_bytes()[..start]
        .windows(text.len().max(1))
        .position(|window| window == text.as_bytes());
    let base = begin.expect("the frontmatter is part of the file");
    let fields = story.fields();
    let at = |name: &str| {
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let unquoted = line.trim_start_matches(['"', '\'']);
            if unquoted.starts_with(name) && !line.starts_with([' ', '#', '-']) {
                let rest = unquoted[name.len()..].trim_start_matches(['"', '\'', ' ']);
                if rest.starts_with(':') {
                    return Some(base + offset);
                }
            }
            offset += line.len();
        }
        None
    };
    let index = fields
        .iter()
        .position(|name| *name == key)
        .expect("the key is there");
    let start = at(key).unwrap_or(base);
    let end = fields
        .get(index + 1)
        .and_then(|next| at(next))
        .unwrap_or(base + text.len());
    start..end
}

#[test]
fn each_key_of_each_file_changes_and_changes_back() {
    let mut tried = 0;
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let mut reformatted = Vec::new();
    for (path, original) in stories() {
        for key in original.fields() {
            tried += 1;
            let name = format!("{} {key}", path.display());
            let step = quoted(key);
            let mut story = original.clone();
            let value = story
                .get(&step)
                .expect("the path is sound")
                .expect("the key has a value");
            assert_eq!(
                story.set(&step, value.clone()),
                Ok(false),
                "{name}: the same value changes nothing"
            );
            if let Err(err) = story.set(&step, another(&value)) {
                assert_eq!(
                    story.as_bytes(),
                    original.as_bytes(),
                    "{name}: a refused edit changes nothing"
                );
                *refused.entry(kind(&err)).or_default() += 1;
                continue;
            }
            let changed = difference(original.as_bytes(), story.as_bytes());
            let span = lines_of(&original, key);
            assert!(
                span.start <= changed.start && changed.end <= span.end,
                "{name}: bytes {changed:?} changed outside {span:?}"
            );
            assert_eq!(story.body(), original.body(), "{name}: the body stays");
            story
                .set(&step, value.clone())
                .unwrap_or_else(|err| panic!("{name}: cannot change back: {err}"));
            if story.as_bytes() != original.as_bytes() {
                reformatted.push((
                    name.clone(),
                    value.clone(),
                    original.frontmatter()[..].len(),
                ));
                let found = story.get(&step).expect("the path is sound");
                assert_eq!(found, Some(value), "{name}: the old value is back");
                if std::env::var_os("SHOW").is_some() {
                    let range = difference(original.as_bytes(), story.as_bytes());
                    println!(
                        "REFORMATTED {name}\n  {:?}\n  {:?}",
                        String::from_utf8_lossy(&original.as_bytes()[range]),
                        String::from_utf8_lossy(
                            &story.as_bytes()[difference(story.as_bytes(), original.as_bytes())]
                        )
                    );
                }
            }
        }
    }
    let refusals: usize = refused.values().sum();
    println!(
        "{tried} keys, {refusals} refused {refused:?}, {} reformatted",
        reformatted.len()
    );
    assert!(
        refusals * 100 < tried * 3,
        "less than 3 % of edits are refused"
    );
}

fn kind(err: &EditError) -> String {
    let text = format!("{err:?}");
    text.split([' ', '{']).next().unwrap_or("").to_owned()
        + if std::env::var_os("SHOW").is_some() {
            &text
        } else {
            ""
        }
}
