//! What differs between two versions of a story, key by key. Pure.

use crate::document::Document;
use crate::value::Value;

/// A top-level key whose value differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The key.
    pub key: String,
    /// What it was; `None`: it was not there.
    pub old: Option<Value>,
    /// What it is; `None`: it is gone.
    pub new: Option<Value>,
}

/// The part of the body that differs: whole lines, between an equal beginning and an equal end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyChange {
    /// Where it begins, in bytes from the start of the body.
    pub at: usize,
    /// The lines as they were.
    pub old: Vec<u8>,
    /// The lines as they are.
    pub new: Vec<u8>,
}

/// What differs between two versions of a story.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Keys, in the order of the newer version, then those that are gone.
    pub fields: Vec<Change>,
    /// The body.
    pub body: Option<BodyChange>,
}

impl Changes {
    /// How results call the body.
    pub const CONTENT: &str = "content";

    /// Compares two versions.
    pub fn between(before: &Document, after: &Document) -> Self {
        Self {
            fields: fields(before, after),
            body: body(before.body(), after.body()),
        }
    }

    /// Whether there is no difference in values or body; comments and layout may differ.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.body.is_none()
    }

    /// The names of what differs; [`Changes::CONTENT`] is the body.
    pub fn keys(&self) -> Vec<String> {
        let body = self.body.as_ref().map(|_| Self::CONTENT.to_owned());
        let keys = self.fields.iter().map(|change| change.key.clone());
        keys.chain(body).collect()
    }
}

fn fields(before: &Document, after: &Document) -> Vec<Change> {
    if before.frontmatter() == after.frontmatter() {
        return Vec::new();
    }
    let (Value::Map(before), Value::Map(after)) = (before.to_value(), after.to_value()) else {
        return Vec::new();
    };
    let value_in = |map: &[(String, Value)], key: &str| {
        map.iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.clone())
    };
    let mut changes = Vec::new();
    for (key, new) in &after {
        let old = value_in(&before, key);
        if !old.as_ref().is_some_and(|old| old.same(new)) {
            changes.push(Change {
                key: key.clone(),
                old,
                new: Some(new.clone()),
            });
        }
    }
    for (key, old) in before {
        if value_in(&after, &key).is_none() {
            changes.push(Change {
                key,
                old: Some(old),
                new: None,
            });
        }
    }
    changes
}

fn body(before: &[u8], after: &[u8]) -> Option<BodyChange> {
    if before == after {
        return None;
    }
    let equal = |(a, b): &(&u8, &u8)| a == b;
    let head = before.iter().zip(after).take_while(equal).count();
    let head = line_start(before, head);
    let (before, after) = (&before[head..], &after[head..]);
    let tail = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take_while(equal)
        .count();
    let tail = whole_lines(before, after, tail);
    Some(BodyChange {
        at: head,
        old: before[..before.len() - tail].to_vec(),
        new: after[..after.len() - tail].to_vec(),
    })
}

/// The start of the line in which `at` lies.
fn line_start(bytes: &[u8], at: usize) -> usize {
    memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1)
}

/// How much of an equal end of `tail` bytes consists of whole lines in both texts.
fn whole_lines(before: &[u8], after: &[u8], tail: usize) -> usize {
    let begins_line =
        |bytes: &[u8], tail: usize| tail == bytes.len() || bytes[bytes.len() - tail - 1] == b'\n';
    if begins_line(before, tail) && begins_line(after, tail) {
        return tail;
    }
    let equal = &before[before.len() - tail..];
    memchr::memchr(b'\n', equal).map_or(0, |newline| tail - newline - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(text: &str) -> Document {
        Document::parse(text).expect("a story")
    }

    #[test]
    fn between_names_each_key_with_its_values() {
        let before = story("---\na: 1\nb: [x]\nc: y\n---\nbody\n");
        let after = story("---\na: 2\nb: [x] # said\nd: null\n---\nbody\n");
        let changes = Changes::between(&before, &after);
        assert_eq!(changes.keys(), ["a", "d", "c"], "what differs");
        assert_eq!(changes.fields[0].old, Some(1.into()), "the old value");
        assert_eq!(changes.fields[1].new, Some(Value::Null), "null is a value");
        assert_eq!(changes.fields[2].new, None, "c is gone");
        assert!(
            Changes::between(&before, &before).is_empty(),
            "no difference"
        );
    }

    #[test]
    fn between_cuts_the_body_to_whole_lines() {
        let table = [
            ("", "x\n", (0, "", "x\n")),
            ("a\nb\nc\n", "a\nB\nc\n", (2, "b\n", "B\n")),
            ("a\nb\n", "a\nb\nc\n", (4, "", "c\n")),
            ("a\nab\n", "a\nb\n", (2, "ab\n", "b\n")),
            ("a\na\n", "a\n", (2, "a\n", "")),
            ("a", "ab", (0, "a", "ab")),
            ("x\ny\n", "", (0, "x\ny\n", "")),
        ];
        for (old, new, (at, removed, added)) in table {
            let document = |body: &str| story(&format!("---\na: 1\n---\n{body}"));
            let found = Changes::between(&document(old), &document(new)).body;
            let expected = BodyChange {
                at,
                old: removed.into(),
                new: added.into(),
            };
            assert_eq!(found, Some(expected), "from {old:?} to {new:?}");
            let mut undone = new.as_bytes().to_vec();
            undone.splice(at..at + added.len(), removed.bytes());
            assert_eq!(undone, old.as_bytes(), "it can be undone");
        }
    }
}
