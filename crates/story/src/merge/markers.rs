//! Conflicts between markers in the body, as git makes them, in words that say what to do. Pure.

use super::Conflict;
use super::body::{Body, Part};
use crate::document::Document;
use crate::value::Value;
use crate::yaml::named;

const OURS: &str = "<<<<<<< ours";
const BETWEEN: &str = "=======";
const THEIRS: &str = ">>>>>>> theirs";
const KEPT: &str = ": the frontmatter above says so; to keep it, delete this block";
const OTHER: &str = ": to take this instead, change the frontmatter, then delete this block";

/// Puts the conflicts of the frontmatter at the top of the body, and those of the body where they are.
pub(super) fn set(story: &mut Document, conflicts: &[Conflict], body: &Body) {
    let eol = story.line_end();
    let mut text = Vec::new();
    for conflict in conflicts {
        if let Some((ours, theirs)) = sides(conflict) {
            let lines = format!("{OURS}{KEPT}\n{ours}\n{BETWEEN}\n{theirs}\n{THEIRS}{OTHER}\n");
            text.extend_from_slice(lines.replace('\n', eol).as_bytes());
        }
    }
    for part in &body.parts {
        match part {
            Part::Lines(lines) => text.extend_from_slice(lines),
            Part::Conflict { ours, theirs, .. } => {
                for (marker, lines) in [(OURS, ours), (BETWEEN, theirs)] {
                    line(&mut text, marker, eol);
                    text.extend_from_slice(lines);
                }
                line(&mut text, THEIRS, eol);
            }
        }
    }
    story.replace_body(&text);
}

/// Appends a line of its own.
fn line(text: &mut Vec<u8>, line: &str, eol: &str) {
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.extend_from_slice(eol.as_bytes());
    }
    text.extend_from_slice(line.as_bytes());
    text.extend_from_slice(eol.as_bytes());
}

/// Both sides of a conflict in the frontmatter, as lines.
fn sides(conflict: &Conflict) -> Option<(String, String)> {
    let value = |path: &str, value: &Option<Value>| {
        // A key may hold line ends, and what follows one could look like a marker.
        let path = path.replace(['\n', '\r'], " ");
        match value {
            Some(value) => named(&path, value),
            None => format!("(no {path})"),
        }
    };
    let note = |key: &str, text: &str| match (key, text) {
        (_, "") => "(no comment)".to_owned(),
        ("", text) => text.trim_start().to_owned(),
        (key, text) => format!("{key}: {}", text.trim_start()),
    };
    match conflict {
        Conflict::Field {
            path, ours, theirs, ..
        } => Some((value(path, ours), value(path, theirs))),
        Conflict::Comment { key, ours, theirs } => Some((note(key, ours), note(key, theirs))),
        Conflict::Body { .. } => None,
    }
}
