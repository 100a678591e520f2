//! The record of a transaction over several files: what each of them was and is to be. Pure.
//!
//! One line of JSON with paths and sizes, then the bytes. It is created whole or not at all, so nothing in it says where
//! it might have been torn; sizes that do not add up are the work of somebody else.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The version that is written and read.
const VERSION: u32 = 1;

/// A transaction that is decided: each part has to become what it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// What is not known to be in place yet.
    pub(crate) parts: Vec<Part>,
}

/// One file of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// The file, from the base of its place; plain names only.
    pub(crate) path: PathBuf,
    /// Its bytes as they were read; `None`: it was not there.
    pub(crate) before: Option<Vec<u8>>,
    /// Its bytes as they are to be.
    pub(crate) after: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    v: u32,
    parts: Vec<PartHead>,
}

#[derive(Serialize, Deserialize)]
struct PartHead {
    path: String,
    /// `null`: the file was not there. Who does not know that takes the record for none of ours, and leaves it.
    #[serde(deserialize_with = "Option::deserialize")]
    before: Option<usize>,
    after: usize,
}

impl Record {
    /// The bytes of its file; `None` when a path is no text.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let parts: Option<Vec<_>> = self.parts.iter().map(PartHead::of).collect();
        let head = Head {
            v: VERSION,
            parts: parts?,
        };
        let mut bytes = serde_json::to_vec(&head).ok()?;
        bytes.push(b'\n');
        for part in &self.parts {
            bytes.extend_from_slice(part.before.as_deref().unwrap_or_default());
            bytes.extend_from_slice(&part.after);
        }
        Some(bytes)
    }

    /// Reads the bytes of a file; `None` when it is no record that we understand.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let line = memchr::memchr(b'\n', bytes)?;
        let head: Head = serde_json::from_slice(&bytes[..line]).ok()?;
        if head.v != VERSION {
            return None;
        }
        let mut rest = &bytes[line + 1..];
        let mut parts = Vec::new();
        for part in head.parts {
            let path = PathBuf::from(part.path);
            let before = match part.before {
                Some(size) => Some(cut(&mut rest, size)?),
                None => None,
            };
            let after = cut(&mut rest, part.after)?;
            if !is_inside(&path) {
                return None;
            }
            parts.push(Part {
                path,
                before,
                after,
            });
        }
        rest.is_empty().then_some(Self { parts })
    }
}

impl PartHead {
    fn of(part: &Part) -> Option<Self> {
        Some(Self {
            path: part.path.to_str()?.to_owned(),
            before: part.before.as_ref().map(Vec::len),
            after: part.after.len(),
        })
    }
}

fn cut(rest: &mut &[u8], size: usize) -> Option<Vec<u8>> {
    let (cut, after) = rest.split_at_checked(size)?;
    *rest = after;
    Some(cut.to_vec())
}

fn is_inside(path: &Path) -> bool {
    let mut components = path.components();
    !path.as_os_str().is_empty()
        && components.all(|component| matches!(component, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(path: &str, before: &str, after: &str) -> Part {
        Part {
            path: path.into(),
            before: Some(before.into()),
            after: after.into(),
        }
    }

    #[test]
    fn record_comes_back_as_it_was_written() {
        let record = Record {
            parts: vec![
                part("stories/S-1/story.md", "old\n", "new\n\0\u{fffd}"),
                part("stories/S-2/story.md", "", "x"),
                Part {
                    before: None,
                    ..part("metrics.json", "", "{}")
                },
            ],
        };
        let bytes = record.encode().expect("the paths are text");
        assert_eq!(Record::decode(&bytes), Some(record), "nothing is lost");
    }

    #[test]
    fn record_has_the_form_that_was_always_written() {
        let record = Record {
            parts: vec![part("stories/S-1/story.md", "old", "newer")],
        };
        let expected = "{\"v\":1,\"parts\":[{\"path\":\"stories/S-1/story.md\",\"before\":3,\"after\":5}]}\noldnewer";
        let bytes = record.encode().expect("the path is text");
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            expected,
            "an older program reads it, and we read its"
        );
    }

    #[test]
    fn decode_refuses_a_part_that_does_not_say_what_was_before() {
        let bytes = b"{\"v\":1,\"parts\":[{\"path\":\"x\",\"after\":1}]}\ny";
        assert_eq!(Record::decode(bytes), None, "it is nobody's record");
    }

    #[test]
    fn decode_refuses_what_is_no_whole_record_of_ours() {
        let record = Record {
            parts: vec![part("stories/S-1/story.md", "old", "new")],
        };
        let bytes = record.encode().expect("the path is text");
        for end in 0..bytes.len() {
            assert_eq!(Record::decode(&bytes[..end]), None, "torn at {end}");
        }
        let longer = [bytes.as_slice(), b"x"].concat();
        assert_eq!(Record::decode(&longer), None, "something behind it");
        for path in ["/etc/passwd", "../x", "stories/../../x", ""] {
            let bad = Record {
                parts: vec![part(path, "", "")],
            };
            let bytes = bad.encode().expect("the path is text");
            assert_eq!(Record::decode(&bytes), None, "{path:?} leads elsewhere");
        }
        let text = String::from_utf8_lossy(&bytes).replace("\"v\":1", "\"v\":2");
        assert_eq!(Record::decode(text.as_bytes()), None, "another version");
    }
}
