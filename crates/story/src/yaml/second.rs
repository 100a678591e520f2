//! The second opinion on an edit: a YAML reader of another family (libyaml's, by way of
//! `serde_yaml`) must read the old text, and the new one as the old one plus the change.

use serde_yaml::{Mapping, Value as Other};

use super::edit::{Change, Child, What};
use crate::value::Value;

/// Reads a frontmatter with the other reader.
///
/// Only for text our own parser has accepted: the other one takes quadratic time on deep nesting
/// and has no limit for what aliases expand to.
pub(crate) fn read(text: &str) -> Result<Other, Objection> {
    match serde_yaml::from_str(text) {
        Ok(Other::Null) => Ok(Other::Mapping(Mapping::new())),
        Ok(value) => Ok(value),
        Err(err) => Err(Objection::new(text, &err)),
    }
}

/// Why the other reader refuses a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Objection {
    pub(crate) message: String,
    /// The place in the YAML text, as far as the reader tells.
    pub(crate) offset: usize,
}

impl Objection {
    fn new(text: &str, err: &serde_yaml::Error) -> Self {
        let message = err.to_string();
        // The reader counts lines of the YAML alone, which would mislead beside those of the file.
        let message = message
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        let index = err.location().map_or(0, |location| location.index());
        let offset = (0..=index.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at));
        Self {
            message,
            offset: offset.unwrap_or(0),
        }
    }
}

/// Compares what the other reader made of the text before and after an edit.
pub(crate) fn verify(old: &Other, new: &Other, change: &Change) -> Result<(), &'static str> {
    let agrees = below(old, new, &change.path, &change.what);
    agrees
        .then_some(())
        .ok_or("a second YAML reader sees another change")
}

fn below(old: &Other, new: &Other, path: &[usize], what: &What) -> bool {
    let Some((index, rest)) = path.split_first() else {
        return changed(old, new, what);
    };
    match (old, new) {
        (Other::Sequence(old), Other::Sequence(new)) => {
            old.len() == new.len()
                && *index < old.len()
                && old.iter().zip(new).enumerate().all(|(at, (old, new))| {
                    if at == *index {
                        below(old, new, rest, what)
                    } else {
                        old == new
                    }
                })
        }
        (Other::Mapping(old), Other::Mapping(new)) => {
            old.len() == new.len()
                && *index < old.len()
                && old.iter().zip(new).enumerate().all(|(at, (old, new))| {
                    old.0 == new.0
                        && if at == *index {
                            below(old.1, new.1, rest, what)
                        } else {
                            old.1 == new.1
                        }
                })
        }
        _ => false,
    }
}

fn changed(old: &Other, new: &Other, what: &What) -> bool {
    let (removed, inserted) = match what {
        What::Value(value) => return *new == from_value(value),
        What::Children { removed, inserted } => (removed, inserted),
    };
    match (old, new) {
        (Other::Sequence(old), Other::Sequence(new)) => {
            let mut expected = old.clone();
            if removed.end > expected.len() {
                return false;
            }
            expected.splice(
                removed.clone(),
                inserted.iter().map(|child| from_value(child.value())),
            );
            *new == expected
        }
        (Other::Mapping(old), Other::Mapping(new)) => {
            let old: Vec<(&Other, &Other)> = old.iter().collect();
            if removed.end > old.len() {
                return false;
            }
            let arrived: Vec<(Other, Other)> = inserted.iter().filter_map(entry).collect();
            let middle = arrived.iter().map(|(key, value)| (key, value));
            let expected = old[..removed.start]
                .iter()
                .copied()
                .chain(middle)
                .chain(old[removed.end..].iter().copied());
            arrived.len() == inserted.len() && new.iter().eq(expected)
        }
        _ => false,
    }
}

fn entry(child: &Child) -> Option<(Other, Other)> {
    match child {
        Child::Entry(name, value) => Some((Other::String(name.clone()), from_value(value))),
        Child::Item(_) => None,
    }
}

fn from_value(value: &Value) -> Other {
    match value {
        Value::Null => Other::Null,
        Value::Bool(bool) => Other::Bool(*bool),
        Value::Int(int) => match (i64::try_from(*int), u64::try_from(*int)) {
            (Ok(int), _) => int.into(),
            (_, Ok(int)) => int.into(),
            _ => Other::Null,
        },
        Value::Float(float) => (*float).into(),
        Value::String(text) | Value::Timestamp(text) => Other::String(text.clone()),
        Value::List(items) => Other::Sequence(items.iter().map(from_value).collect()),
        Value::Map(entries) => Other::Mapping(
            entries
                .iter()
                .map(|(key, value)| (Other::String(key.clone()), from_value(value)))
                .collect(),
        ),
    }
}
