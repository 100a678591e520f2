//! Conflicts of a merge, for people and for programs. Pure.

use serde_json::{Value as Json, json};
use story::{Conflict, Value};

use crate::failure::Failure;
use crate::value_text;

/// How the two sides are called.
#[derive(Debug, Clone, Copy)]
pub struct Sides {
    /// The side that is kept.
    pub ours: &'static str,
    /// The other.
    pub theirs: &'static str,
}

/// What stands in the file by now, and what somebody wants to write.
pub const WRITING: Sides = Sides {
    ours: "now",
    theirs: "yours",
};

/// As git calls them.
pub const GIT: Sides = Sides {
    ours: "ours",
    theirs: "theirs",
};

/// Longest text of one side that is shown; chosen: three lines of a terminal.
const MAX_SHOWN: usize = 200;

/// Adds conflicts to a failure: for people and for programs.
pub fn add(failure: &mut Failure, conflicts: &[Conflict], sides: Sides) {
    for conflict in conflicts {
        failure.causes.push(text(conflict, sides));
        failure.conflicts.push(to_json(conflict));
    }
}

/// A conflict on one line.
fn text(conflict: &Conflict, sides: Sides) -> String {
    let Sides { ours: a, theirs: b } = sides;
    match conflict {
        Conflict::Field {
            path,
            base,
            ours,
            theirs,
        } => {
            let [base, ours, theirs] = [base, ours, theirs].map(|value| shown(value.as_ref()));
            format!("{path}: was {base}; {a}: {ours}; {b}: {theirs}")
        }
        Conflict::Comment { key, ours, theirs } => {
            let at = if key.is_empty() {
                "at the end"
            } else {
                key.as_str()
            };
            let [ours, theirs] = [ours, theirs].map(|text| cut(format!("{text:?}")));
            format!("comment of the frontmatter, {at}: {a}: {ours}; {b}: {theirs}")
        }
        Conflict::Body {
            line, ours, theirs, ..
        } => {
            let [ours, theirs] = [ours, theirs].map(|lines| cut(format!("{:?}", lossy(lines))));
            format!("content, line {line}: {a}: {ours}; {b}: {theirs}")
        }
        _ => conflict.key().to_owned(),
    }
}

/// A conflict for programs. A value that is absent is missing, so that it is not taken for null.
fn to_json(conflict: &Conflict) -> Json {
    let mut object = json!({ "key": conflict.key() });
    let mut put = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            object[name] = value;
        }
    };
    match conflict {
        Conflict::Field {
            base, ours, theirs, ..
        } => {
            for (name, value) in [("base", base), ("ours", ours), ("theirs", theirs)] {
                put(name, value.as_ref().map(Value::to_json));
            }
        }
        Conflict::Comment { ours, theirs, .. } => {
            put("is_comment", Some(true.into()));
            put("ours", Some(ours.as_str().into()));
            put("theirs", Some(theirs.as_str().into()));
        }
        Conflict::Body {
            line,
            base,
            ours,
            theirs,
        } => {
            put("line", Some((*line).into()));
            for (name, lines) in [("base", base), ("ours", ours), ("theirs", theirs)] {
                put(name, Some(lossy(lines).into()));
            }
        }
        _ => {}
    }
    object
}

fn shown(value: Option<&Value>) -> String {
    cut(value.map_or_else(|| "absent".to_owned(), value_text::inline))
}

fn cut(text: String) -> String {
    if text.len() <= MAX_SHOWN {
        return text;
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_SHOWN)])
}

fn lossy(lines: &[u8]) -> String {
    String::from_utf8_lossy(lines).into_owned()
}
