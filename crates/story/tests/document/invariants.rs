//! What must hold for any bytes and any edits; used by property tests, mutation tests and fuzz
//! targets alike. Each function panics with the invariant that broke.

use story::{Document, Value};

/// One edit, in the words of the library.
#[derive(Debug, Clone)]
pub enum Operation {
    Set(Value),
    Unset,
    Increment(i64),
    Push(Value, Option<usize>),
    Add(Value),
    Remove(Value),
}

/// Parsing keeps every byte, and setting a value to itself changes nothing.
pub fn parse_is_lossless(bytes: &[u8]) {
    let Ok(story) = Document::parse(bytes) else {
        return;
    };
    assert_eq!(story.as_bytes(), bytes, "parsing keeps every byte");
    assert!(
        bytes.ends_with(story.body()),
        "the body is the end of the file"
    );
    let Value::Map(entries) = story.to_value() else {
        panic!("the frontmatter of a story is a mapping");
    };
    assert_eq!(story.fields().len(), entries.len(), "each key is a field");
    let mut copy = story.clone();
    for (key, value) in entries {
        let path = quoted(&key);
        if let Ok(changed) = copy.set(&path, value) {
            assert!(
                !changed,
                "{path}: setting a value to itself changes nothing"
            );
        }
    }
    assert_eq!(copy.as_bytes(), bytes, "nothing was changed");
}

/// Applies one edit and compares with the same edit on plain values. Says whether it was accepted.
pub fn edit_does_what_it_says(story: &mut Document, path: &[Step], operation: &Operation) -> bool {
    let before = story.clone();
    let name = display(path);
    let outcome = match operation {
        Operation::Set(value) => story.set(&name, value.clone()),
        Operation::Unset => story.unset(&name),
        Operation::Increment(by) => story.increment(&name, *by).map(|_| true),
        Operation::Push(value, cap) => story.push(&name, value.clone(), *cap),
        Operation::Add(value) => story.add_to_set(&name, value.clone()),
        Operation::Remove(value) => story.remove_from_set(&name, value),
    };
    let about = || {
        format!(
            "{operation:?} at {name} of {:?} gives {:?}",
            before.as_str(),
            story.as_str()
        )
    };
    match outcome {
        Err(err) => {
            assert_eq!(
                story.as_bytes(),
                before.as_bytes(),
                "a refused edit changes nothing ({err})"
            );
            return false;
        }
        Ok(false) => assert_eq!(
            story.as_bytes(),
            before.as_bytes(),
            "no change means no change: {}",
            about()
        ),
        Ok(true) => {}
    }
    let mut expected = before.to_value();
    apply(&mut expected, path, operation);
    assert!(
        same(&story.to_value(), &expected),
        "the result is the old story plus the edit: {}",
        about()
    );
    let again =
        Document::parse(story.as_bytes()).unwrap_or_else(|err| panic!("{err}: {}", about()));
    assert!(
        same(&again.to_value(), &expected),
        "the file reads as the document: {}",
        about()
    );
    assert_eq!(again.body(), before.body(), "the body stays: {}", about());
    let prefix = before.as_bytes().len() - before.body().len() - before.frontmatter().len();
    let opening = before.as_bytes()[..prefix]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    assert_eq!(
        story.as_bytes()[..opening],
        before.as_bytes()[..opening],
        "the opening fence stays: {}",
        about()
    );
    true
}

/// One step of a path.
#[derive(Debug, Clone)]
pub enum Step {
    Key(String),
    Index(usize),
}

pub fn display(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Index(index) => text.extend(["[", &index.to_string(), "]"]),
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&quoted(key));
            }
        }
    }
    text
}

pub fn quoted(key: &str) -> String {
    format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Equality that takes `.nan` for equal to itself.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => {
            a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
        }
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
        }
        _ => a == b,
    }
}

/// The same edit on plain values. Only called for edits that were accepted.
fn apply(value: &mut Value, path: &[Step], operation: &Operation) {
    let Some((step, rest)) = path.split_first() else {
        return change(value, operation);
    };
    let drops = matches!(operation, Operation::Unset | Operation::Remove(_));
    if *value == Value::Null && !drops {
        *value = Value::Map(Vec::new());
    }
    match (value, step) {
        (Value::Map(entries), Step::Key(key)) => {
            let index = entries.iter().position(|entry| entry.0 == *key);
            match index {
                Some(index) if rest.is_empty() && matches!(operation, Operation::Unset) => {
                    entries.remove(index);
                }
                Some(index) => apply(&mut entries[index].1, rest, operation),
                None if drops => {}
                None => {
                    let mut new = Value::Null;
                    apply(&mut new, rest, operation);
                    entries.push((key.clone(), new));
                }
            }
        }
        (Value::List(items), Step::Index(index)) => {
            if rest.is_empty() && matches!(operation, Operation::Unset) {
                items.remove(*index);
            } else {
                apply(&mut items[*index], rest, operation);
            }
        }
        _ => assert!(
            drops,
            "an edit through something that is no list or mapping was accepted"
        ),
    }
}

fn change(value: &mut Value, operation: &Operation) {
    if let Operation::Set(new) = operation {
        *value = new.clone();
        return;
    }
    if let Operation::Increment(by) = operation {
        let old = match value {
            Value::Int(old) => *old,
            _ => 0,
        };
        *value = Value::Int(old + i128::from(*by));
        return;
    }
    if *value == Value::Null && !matches!(operation, Operation::Remove(_)) {
        *value = Value::List(Vec::new());
    }
    let Value::List(items) = value else {
        return;
    };
    match operation {
        Operation::Push(new, cap) => {
            items.push(new.clone());
            let surplus = items.len().saturating_sub(cap.unwrap_or(usize::MAX));
            items.drain(..surplus);
        }
        Operation::Add(new) if !items.iter().any(|item| same(item, new)) => items.push(new.clone()),
        Operation::Remove(old) => items.retain(|item| !same(item, old)),
        _ => {}
    }
}

/// Random choices out of bytes: what a fuzzer gives, or a generator of pseudo-random numbers.
pub struct Choices<'bytes> {
    bytes: &'bytes [u8],
    state: u64,
}

impl<'bytes> Choices<'bytes> {
    pub fn of_bytes(bytes: &'bytes [u8]) -> Self {
        Self { bytes, state: 0 }
    }

    pub fn of_seed(seed: u64) -> Self {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self { bytes: &[], state }
    }

    pub fn below(&mut self, limit: usize) -> usize {
        if self.state == 0 {
            let taken = self
                .bytes
                .split_off(..self.bytes.len().min(2))
                .unwrap_or(&[]);
            return taken
                .iter()
                .fold(0, |sum, byte| sum * 256 + usize::from(*byte))
                % limit.max(1);
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 32).unwrap_or(0) % limit.max(1)
    }

    fn pick<'item, T>(&mut self, items: &'item [T]) -> &'item T {
        &items[self.below(items.len())]
    }

    /// A path that exists in most cases.
    pub fn path(&mut self, story: &Document) -> Vec<Step> {
        let mut path = Vec::new();
        let mut value = story.to_value();
        loop {
            let (step, next) = match value {
                Value::Map(mut entries) if !entries.is_empty() && self.below(5) > 0 => {
                    let (key, next) = entries.swap_remove(self.below(entries.len()));
                    (Step::Key(key), next)
                }
                Value::List(mut items) if !items.is_empty() && !path.is_empty() => {
                    let index = self.below(items.len());
                    (Step::Index(index), items.swap_remove(index))
                }
                _ => (
                    Step::Key((*self.pick(&["new", "other key", "no", "a.b", "1"])).to_owned()),
                    Value::Null,
                ),
            };
            path.push(step);
            value = next;
            let deeper = matches!(value, Value::Map(_) | Value::List(_)) || self.below(20) == 0;
            if !deeper || self.below(3) == 0 || path.len() > 6 {
                return path;
            }
        }
    }

    pub fn operation(&mut self, story: &Document, path: &[Step]) -> Operation {
        match self.below(8) {
            0 => Operation::Unset,
            1 => Operation::Increment([1, -1, 1000][self.below(3)]),
            2 => Operation::Push(
                self.value(2),
                [None, Some(1), Some(3), Some(0)][self.below(4)],
            ),
            3 => Operation::Add(self.value(1)),
            4 => match story.get(&display(path)) {
                Ok(Some(Value::List(items))) if !items.is_empty() => {
                    Operation::Remove(items[self.below(items.len())].clone())
                }
                _ => Operation::Remove(self.value(0)),
            },
            5 => match story.get(&display(path)) {
                Ok(Some(old)) => Operation::Set(self.altered(old)),
                _ => Operation::Set(self.value(2)),
            },
            _ => Operation::Set(self.value(2)),
        }
    }

    /// A value near an old one, so that equal heads and tails are met.
    fn altered(&mut self, old: Value) -> Value {
        match old {
            Value::List(mut items) => {
                match self.below(4) {
                    0 => items.push(self.value(1)),
                    1 => items.insert(0, self.value(1)),
                    2 if !items.is_empty() => {
                        let index = self.below(items.len());
                        items[index] = self.value(1);
                    }
                    _ if !items.is_empty() => {
                        items.remove(self.below(items.len()));
                    }
                    _ => {}
                }
                Value::List(items)
            }
            Value::Map(mut entries) => {
                match self.below(3) {
                    0 => entries.push((format!("k{}", self.below(9)), self.value(1))),
                    1 if !entries.is_empty() => {
                        let index = self.below(entries.len());
                        entries[index].1 = self.value(1);
                    }
                    _ if !entries.is_empty() => {
                        entries.remove(self.below(entries.len()));
                    }
                    _ => {}
                }
                let mut seen = std::collections::HashSet::new();
                entries.retain(|entry| seen.insert(entry.0.clone()));
                Value::Map(entries)
            }
            Value::String(text) => Value::String(format!(
                "{text}{}",
                self.pick(&["x", " y", "\n", "\nz", "#", ": "])
            )),
            _ => self.value(1),
        }
    }

    pub fn value(&mut self, depth: usize) -> Value {
        let kinds = if depth == 0 { 8 } else { 10 };
        match self.below(kinds) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::Int([0, 7, -3, i128::from(u64::MAX), i128::from(i64::MIN)][self.below(5)]),
            3 => Value::Float([0.5, -1e21, 1e-7, f64::INFINITY, 3.0][self.below(5)]),
            4..=7 => Value::String(self.text()),
            8 => {
                let count = self.below(4);
                Value::List((0..count).map(|_| self.value(depth - 1)).collect())
            }
            _ => {
                let count = self.below(4);
                Value::Map(
                    (0..count)
                        .map(|at| (format!("k{at}"), self.value(depth - 1)))
                        .collect(),
                )
            }
        }
    }

    pub fn text(&mut self) -> String {
        const PIECES: &[&str] = &[
            "done",
            "a b",
            "x",
            " ",
            "  ",
            "\n",
            "\n\n",
            "- ",
            "# ",
            ": ",
            ":",
            "#",
            "'",
            "\"",
            "\\",
            ",",
            "[",
            "{",
            "}",
            "?",
            "!",
            "&",
            "*",
            "%",
            "@",
            "`",
            "|",
            ">",
            "=",
            "<<",
            "yes",
            "null",
            "~",
            "2026-01-15",
            "12:30",
            "010",
            "1e3",
            ".inf",
            "0x1f",
            "é",
            "日本",
            "🚀",
            "\t",
            "\r",
            "\u{a0}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "\0",
            "\u{7f}",
            "---",
            "...",
            "\n---\n",
            "word word word word word word word word word word word word word word word word word",
        ];
        let count = self.below(6);
        (0..count).map(|_| *self.pick(PIECES)).collect()
    }
}
