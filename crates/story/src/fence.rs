//! Finds the fences: file bytes -> byte spans of byte order mark, frontmatter and body.
//!
//! The rule is the one both readers of today agree on (gray-matter 4 and the crate `gray_matter`):
//! `---` at the very start, then the first later line that begins with `---`. Where they would
//! split differently (`----`, `--- x`), the file is refused instead of read in two ways.
//! The body is never looked at: its size costs nothing here.

use std::ops::Range;

use crate::error::{ParseError, ParseErrorKind, Position};

/// Longest frontmatter that is read, in bytes between the fences: 256 KiB.
///
/// Chosen: the largest of 536 real story versions has 151 KB (contract, section 1).
pub const MAX_FRONTMATTER_BYTES: usize = 256 * 1024;

const BOM: &[u8] = b"\xef\xbb\xbf";
const FENCE: &[u8] = b"---";

/// Where the parts of a story file stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fences {
    /// YAML text, from after the opening fence's line end to the closing fence.
    pub(crate) yaml: Range<usize>,
    /// First byte after the closing fence and its line end; the body goes on to the end.
    pub(crate) body_start: usize,
    /// The line end of the opening fence, which new lines of the file get too.
    pub(crate) eol: Eol,
}

impl Fences {
    /// The same fences around a YAML text of another length.
    pub(crate) fn with_yaml(&self, length: usize) -> Self {
        Self {
            yaml: self.yaml.start..self.yaml.start + length,
            body_start: self.body_start - self.yaml.len() + length,
            eol: self.eol,
        }
    }
}

/// A line end as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eol {
    Lf,
    CrLf,
}

impl Eol {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }
}

/// Splits a file at its fences.
pub(crate) fn split(bytes: &[u8]) -> Result<Fences, ParseError> {
    let start = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
    let at_start = |kind| ParseError::new(Position::START, kind);
    if bytes.len() == start {
        return Err(at_start(ParseErrorKind::Empty));
    }
    if bytes[start..].starts_with(b"<<<<<<< ") {
        return Err(at_start(ParseErrorKind::MergeConflict));
    }
    if !bytes[start..].starts_with(FENCE) || bytes.get(start + 3) == Some(&b'-') {
        return Err(at_start(ParseErrorKind::NoFrontmatter));
    }
    let (yaml_start, eol) = opening(bytes, start)?;
    let closing = closing(bytes, yaml_start)?;
    Ok(Fences {
        yaml: yaml_start..closing,
        body_start: after_closing(bytes, closing)?,
        eol,
    })
}

/// Reads the rest of the opening line; returns where the YAML begins.
fn opening(bytes: &[u8], start: usize) -> Result<(usize, Eol), ParseError> {
    let name_start = start + FENCE.len();
    let window = &bytes[name_start..bytes.len().min(name_start + MAX_FRONTMATTER_BYTES)];
    let Some(length) = memchr::memchr(b'\n', window) else {
        return Err(ParseError::new(Position::START, ParseErrorKind::Unclosed));
    };
    let line = &window[..length];
    let (line, eol) = match line.strip_suffix(b"\r") {
        Some(line) => (line, Eol::CrLf),
        None => (line, Eol::Lf),
    };
    match line.trim_ascii() {
        b"" | b"yaml" => Ok((name_start + length + 1, eol)),
        name => {
            let offset = name_start + line.len() - line.trim_ascii_start().len();
            let name = String::from_utf8_lossy(name).chars().take(40).collect();
            Err(ParseError::at(
                bytes,
                offset,
                ParseErrorKind::Language { name },
            ))
        }
    }
}

/// Finds the first line at or after `from` that begins with the fence.
fn closing(bytes: &[u8], from: usize) -> Result<usize, ParseError> {
    let limit = from + MAX_FRONTMATTER_BYTES;
    let mut line = from;
    loop {
        if line > limit {
            let kind = ParseErrorKind::TooLarge {
                limit: MAX_FRONTMATTER_BYTES,
            };
            return Err(ParseError::new(Position::START, kind));
        }
        if bytes[line..].starts_with(FENCE) {
            return Ok(line);
        }
        // One byte more than the limit tells "too large" from "exactly at the limit".
        let window = &bytes[line..bytes.len().min(limit + 2)];
        match memchr::memchr(b'\n', window) {
            Some(length) => line += length + 1,
            None if bytes.len() > limit => line = limit + 1,
            None => return Err(ParseError::new(Position::START, ParseErrorKind::Unclosed)),
        }
    }
}

/// Reads the rest of the closing line; returns where the body begins.
fn after_closing(bytes: &[u8], closing: usize) -> Result<usize, ParseError> {
    let mut at = closing + FENCE.len();
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    match (bytes.get(at), bytes.get(at + 1)) {
        (None, _) => Ok(at),
        (Some(b'\n'), _) => Ok(at + 1),
        (Some(b'\r'), Some(b'\n')) => Ok(at + 2),
        _ => Err(ParseError::at(
            bytes,
            closing,
            ParseErrorKind::AmbiguousFence,
        )),
    }
}

/// Whether a YAML text is found again as it is when it stands between fences.
pub(crate) fn can_enclose(text: &str) -> bool {
    let has_own_lines = text.is_empty() || text.ends_with('\n');
    let has_fence = || text.starts_with("---") || text.contains("\n---");
    has_own_lines && !has_fence() && conflict_marker(text).is_none()
}

/// The first line that a version control system left behind in an unresolved merge.
pub(crate) fn conflict_marker(text: &str) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let is_marker = match line.as_bytes()[0] {
            b'<' => line.starts_with("<<<<<<< "),
            b'>' => line.starts_with(">>>>>>> "),
            b'=' => line.trim_end() == "=======",
            _ => false,
        };
        if is_marker {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_finds_the_parts() {
        // Text, then where the YAML begins and ends and where the body begins.
        let table = [
            ("---\na: 1\n---\nBody", 4, 9, 13, Eol::Lf),
            ("---\r\na: 1\r\n---\r\nBody", 5, 11, 16, Eol::CrLf),
            ("\u{feff}---\na: 1\n---\n", 7, 12, 16, Eol::Lf),
            ("---\n---\n", 4, 4, 8, Eol::Lf),
            ("---\n---", 4, 4, 7, Eol::Lf),
            ("--- \t\na: 1\n---\t \nBody", 6, 11, 17, Eol::Lf),
            ("---yaml\na: 1\n---\n", 8, 13, 17, Eol::Lf),
            ("--- yaml \na: 1\n---\n", 10, 15, 19, Eol::Lf),
            ("---\na: |\n  ---\n ---\n---\n---\n", 4, 20, 24, Eol::Lf),
            ("---\n\n---\n\n---\n", 4, 5, 9, Eol::Lf),
        ];
        for (text, start, end, body_start, eol) in table {
            let expected = Fences {
                yaml: start..end,
                body_start,
                eol,
            };
            assert_eq!(split(text.as_bytes()), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn split_refuses_what_readers_take_differently() {
        let language = |name: &str| ParseErrorKind::Language {
            name: name.to_owned(),
        };
        let table = [
            ("", 1, 1, ParseErrorKind::Empty),
            ("\u{feff}", 1, 1, ParseErrorKind::Empty),
            ("--", 1, 1, ParseErrorKind::NoFrontmatter),
            (" ---\na: 1\n---\n", 1, 1, ParseErrorKind::NoFrontmatter),
            ("----\na: 1\n----\n", 1, 1, ParseErrorKind::NoFrontmatter),
            ("---", 1, 1, ParseErrorKind::Unclosed),
            ("---\na: 1\n ---\n", 1, 1, ParseErrorKind::Unclosed),
            ("---js\n---\n", 1, 4, language("js")),
            ("---  toml\n---\n", 1, 6, language("toml")),
            ("\u{feff}---js\n---\n", 1, 4, language("js")),
            (
                "---\na: 1\n----\n---\n",
                3,
                1,
                ParseErrorKind::AmbiguousFence,
            ),
            (
                "---\na: 1\n---x\n---\n",
                3,
                1,
                ParseErrorKind::AmbiguousFence,
            ),
            ("---\na: 1\n---\r", 3, 1, ParseErrorKind::AmbiguousFence),
        ];
        for (text, line, column, kind) in table {
            let expected = ParseError::new(Position { line, column }, kind);
            assert_eq!(split(text.as_bytes()), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn text_that_ends_the_frontmatter_early_cannot_be_enclosed() {
        for text in ["", "a: 1\n", "a: 1\r\n", "a: |\n  ---\n", " <<<<<<< x: 1\n"] {
            assert!(can_enclose(text), "{text:?} stands between fences");
        }
        for text in [
            "a: 1",
            "a: 1\r",
            "---\n",
            "a: 1\n---x\n",
            "a: 1\n<<<<<<< x: 1\n",
            "a: [\n=======\n]\n",
            ">>>>>>> x\n",
        ] {
            assert!(!can_enclose(text), "{text:?} would be read otherwise");
        }
    }
}
