//! Every real file: each top-level key can be changed and changed back, byte for byte.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use story::{Document, EditError, Value};

use crate::invariants::quoted;

/// The corpus and the valid fixtures, as far as they are stories. `test` is who asks.
pub fn stories(test: &str) -> Vec<(PathBuf, Document)> {
    let mut folders = vec![testkit::fixtures().join("stories/valid")];
    match testkit::shared() {
        Some(shared) => folders.push(shared.join("corpus")),
        None => testkit::skip(
            test,
            "the shared corpus is not there; only the fixtures are tried",
        ),
    }
    let mut stories = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(story) =
                Document::parse(std::fs::read(&path).expect("a file can be read"))
            {
                stories.push((path, story));
            }
        }
    }
    stories
}

/// Another value of the same kind.
pub fn another(value: &Value) -> Value {
    match value {
        Value::Null => Value::from("something"),
        Value::Bool(bool) => Value::from(!bool),
        Value::Int(int) if *int < i128::from(u64::MAX) => Value::Int(int + 1),
        Value::Int(_) => Value::Int(0),
        Value::Float(float) if float.is_finite() => Value::Float(float + 0.5),
        Value::Float(_) => Value::Float(0.5),
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

/// The span of bytes in which two texts differ, in the first of them. Where the same bytes stand
/// before and after, it can be told in two ways: as late and as early as possible.
fn differences(old: &[u8], new: &[u8]) -> [Range<usize>; 2] {
    let least = old.len().min(new.len());
    let head = |most: usize| (0..most).take_while(|at| old[*at] == new[*at]).count();
    let tail = |most: usize| {
        let same = |at: &usize| old[old.len() - 1 - at] == new[new.len() - 1 - at];
        (0..most).take_while(same).count()
    };
    let (longest_head, longest_tail) = (head(least), tail(least));
    [
        longest_head..old.len() - tail(least - longest_head),
        head(least - longest_tail)..old.len() - longest_tail,
    ]
}

/// The lines from a top-level key to the next one, found without any YAML parser.
fn lines_of(story: &Document, key: &str) -> Range<usize> {
    let text = story.frontmatter();
    let base = text.as_ptr() as usize - story.as_bytes().as_ptr() as usize;
    let at = |name: &str| {
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let line_at = offset;
            offset += line.len();
            let bare = line.trim_start_matches(['"', '\'', '?', ' ']);
            let is_indented = line.starts_with([' ', '#', '-']);
            let rest = bare
                .strip_prefix(name)
                .map(|rest| rest.trim_start_matches(['"', '\'', ' ']));
            let is_key = rest.is_some_and(|rest| rest.starts_with(':') || line.starts_with('?'));
            if is_key && !is_indented {
                return Some(base + line_at);
            }
        }
        None
    };
    let fields = story.fields();
    let index = fields
        .iter()
        .position(|name| *name == key)
        .expect("the key is there");
    let next = fields.get(index + 1).and_then(|next| at(next));
    at(key).unwrap_or(base)..next.unwrap_or(base + text.len())
}

#[test]
fn each_key_of_each_file_changes_and_changes_back() {
    let mut tried = 0;
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrapped_anew = Vec::new();
    for (path, original) in stories("each_key_of_each_file_changes_and_changes_back") {
        for key in original.fields() {
            tried += 1;
            let name = format!("{} {key}", path.display());
            let step = quoted(key);
            let mut story = original.clone();
            let value = story
                .get(&step)
                .expect("the path is sound")
                .expect("the key has a value");
            if let Err(err) = story.set(&step, another(&value)) {
                assert_eq!(story, original, "{name}: a refused edit changes nothing");
                *refused.entry(variant(&err)).or_default() += 1;
                continue;
            }
            let span = lines_of(&original, key);
            let within =
                |changed: &Range<usize>| span.start <= changed.start && changed.end <= span.end;
            let changed = differences(original.as_bytes(), story.as_bytes());
            assert!(
                changed.iter().any(within),
                "{name}: bytes {changed:?} changed outside {span:?}"
            );
            assert_eq!(story.body(), original.body(), "{name}: the body stays");
            let back = story.set(&step, value.clone());
            back.unwrap_or_else(|err| panic!("{name}: cannot change back: {err}"));
            if story != original {
                let changed = differences(original.as_bytes(), story.as_bytes());
                assert!(
                    changed.iter().any(within),
                    "{name}: only its own layout changed"
                );
                assert_eq!(
                    story.get(&step),
                    Ok(Some(value)),
                    "{name}: the old value is back"
                );
                if !path.starts_with(testkit::fixtures()) {
                    wrapped_anew.push(name);
                }
            }
        }
    }
    let refusals: usize = refused.values().sum();
    println!("{tried} keys, {refusals} refused {refused:?}, wrapped anew: {wrapped_anew:#?}");
    assert!(tried > 100, "there are keys to try");
    assert!(
        refusals * 100 < tried * 3,
        "less than 3 % of edits are refused"
    );
    // A text over several lines gets the reference's line breaks, whatever it was wrapped like;
    // the fixtures have more such notations (`010`) than real files.
    assert!(
        wrapped_anew.len() * 100 < tried,
        "less than 1 % of values have a layout of their own"
    );
}

fn variant(err: &EditError) -> String {
    let text = format!("{err:?}");
    text.split([' ', '{']).next().unwrap_or("").to_owned()
}
