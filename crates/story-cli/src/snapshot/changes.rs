//! What differs between two trees, as `git diff-tree --raw --numstat -z` tells it. Pure.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use task_runner::Difference;

use crate::json;
use crate::queries::cells::{pad, width};
use crate::sys;
use crate::terminal::escape_line;

/// How many lines were added and removed; `None` where it is no text.
type Lines = Option<(u64, u64)>;

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From the top of the tree.
    pub path: PathBuf,
    /// In which way.
    pub kind: Kind,
    /// Lines that were added and removed; `None` where it is no text.
    pub lines: Lines,
}

/// In which way a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is new.
    Added,
    /// Its bytes or its mode changed.
    Changed,
    /// It is gone.
    Removed,
    /// A file has become a link, a link a submodule or the like.
    Retyped,
}

impl Kind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Retyped => "type-changed",
        }
    }

    fn of(letter: u8) -> Self {
        match letter {
            b'A' => Self::Added,
            b'D' => Self::Removed,
            b'T' => Self::Retyped,
            _ => Self::Changed,
        }
    }
}

/// The bits of a mode that say what it is: a file, a link, a submodule (git-fast-import(1) lists the modes).
const TYPE: u32 = 0o170_000;

impl From<Difference> for Change {
    fn from(found: Difference) -> Self {
        let kind = match (&found.from, &found.to) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            (Some((from, _)), Some((to, _))) if from & TYPE != to & TYPE => Kind::Retyped,
            _ => Kind::Changed,
        };
        Self {
            path: found.path,
            kind,
            lines: None,
        }
    }
}

/// Reads what git says. What is not understood is left out.
pub fn parse(bytes: &[u8]) -> Vec<Change> {
    let mut kinds: Vec<(PathBuf, Kind)> = Vec::new();
    let mut counts = HashMap::new();
    let mut fields = bytes.split(|byte| *byte == 0);
    while let Some(field) = fields.next() {
        if field.starts_with(b":") {
            let Some(path) = fields.next() else { break };
            kinds.push((sys::path_of_bytes(path), Kind::of(letter(field))));
        } else if let Some((counted, path)) = counted(field) {
            counts.insert(sys::path_of_bytes(path), counted);
        }
    }
    let change = |(path, kind): (PathBuf, Kind)| Change {
        lines: counts.get(&path).copied().flatten(),
        path,
        kind,
    };
    kinds.into_iter().map(change).collect()
}

/// The letter of `:100644 100644 OLD NEW M`.
fn letter(field: &[u8]) -> u8 {
    let word = field.rsplit(|byte| *byte == b' ').next();
    word.and_then(<[u8]>::first).copied().unwrap_or_default()
}

/// The numbers and the path of `1\t0\tpath`; no numbers where it is no text (`-\t-\tpath`).
fn counted(field: &[u8]) -> Option<(Lines, &[u8])> {
    let mut parts = field.splitn(3, |byte| *byte == b'\t');
    let number = |part: &[u8]| std::str::from_utf8(part).ok()?.parse::<u64>().ok();
    let (added, removed) = (parts.next()?, parts.next()?);
    let path = parts.next()?;
    Some((number(added).zip(number(removed)), path))
}

/// One line a file for people.
pub fn to_text(changes: &[Change]) -> String {
    let count = |change: &Change| match change.lines {
        Some((added, removed)) => format!("+{added} -{removed}"),
        None => "binary".to_owned(),
    };
    let widest = changes.iter().map(|change| width(&count(change))).max();
    let mut text = String::new();
    for change in changes {
        let kind = pad(change.kind.name(), "type-changed".len());
        let count = pad(&count(change), widest.unwrap_or_default());
        let path = change.path.to_string_lossy();
        let path = escape_line(&path);
        writeln!(text, "  {kind}  {count}  {path}").expect("a String takes any text");
    }
    text
}

/// The same without counts.
pub fn names_to_text(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        let kind = pad(change.kind.name(), "type-changed".len());
        let path = change.path.to_string_lossy();
        let path = escape_line(&path);
        writeln!(text, "  {kind}  {path}").expect("a String takes any text");
    }
    text
}

/// For programs, without counts.
pub fn names_to_json(changes: &[Change]) -> Value {
    let change =
        |change: &Change| json!({ "path": json::text(&change.path), "kind": change.kind.name() });
    changes.iter().map(change).collect()
}

/// For programs.
pub fn to_json(changes: &[Change]) -> Value {
    let change = |change: &Change| {
        json!({
            "path": json::text(&change.path),
            "kind": change.kind.name(),
            "lines_added": change.lines.map(|(added, _)| added),
            "lines_removed": change.lines.map(|(_, removed)| removed),
        })
    };
    changes.iter().map(change).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn parse_joins_kinds_and_counts_by_path() {
        let git = b":100644 100644 422c de98 M\0a\0:100644 000000 c1b0 0000 D\0we ird\n\0:000000 100644 0000 aaaa A\0pic\0:100644 120000 aaaa bbbb T\0l\0\
            1\t0\ta\x000\t3\twe ird\n\0-\t-\tpic\0";
        let found: Vec<_> = parse(git)
            .into_iter()
            .map(|change| (change.path, change.kind, change.lines))
            .collect();
        let expected = [
            ("a", Kind::Changed, Some((1, 0))),
            ("we ird\n", Kind::Removed, Some((0, 3))),
            ("pic", Kind::Added, None),
            ("l", Kind::Retyped, None),
        ]
        .map(|(path, kind, lines)| (Path::new(path).to_path_buf(), kind, lines));
        assert_eq!(found, expected, "what git says of four files");
        assert_eq!(parse(b""), [], "nothing differs");
    }

    #[test]
    fn to_text_keeps_a_name_on_one_line() {
        let changes = [Change {
            path: "a\nb".into(),
            kind: Kind::Added,
            lines: Some((12, 0)),
        }];
        assert_eq!(
            to_text(&changes),
            "  added         +12 -0  a\\nb\n",
            "a name cannot fake a second line"
        );
    }
}
