//! What can be written at all: checks a value before any text is made of it.

use std::collections::HashSet;

use crate::value::Value;
use crate::yaml::resolve;

/// Longest key in bytes. YAML readers look at most 1024 characters ahead for the colon, and an
/// escape takes up to ten of them for one character of four bytes.
const MAX_KEY_BYTES: usize = 256;

/// Refuses what YAML or the readers of stories cannot hold.
pub(crate) fn refuse_unsound(value: &Value) -> Result<(), &'static str> {
    match value {
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::String(_) => Ok(()),
        Value::Int(int) => {
            let range = i128::from(i64::MIN)..=i128::from(u64::MAX);
            range
                .contains(int)
                .then_some(())
                .ok_or("an integer does not fit 64 bits")
        }
        Value::Timestamp(text) => resolve::is_timestamp(text)
            .then_some(())
            .ok_or("a timestamp is not written as one"),
        Value::List(items) => items.iter().try_for_each(refuse_unsound),
        Value::Map(entries) => {
            let mut names = HashSet::with_capacity(entries.len());
            entries.iter().try_for_each(|(key, value)| {
                if !names.insert(key.as_str()) {
                    return Err("a key stands twice in one mapping");
                }
                refuse_unsound_key(key)?;
                refuse_unsound(value)
            })
        }
    }
}

/// Refuses keys that readers would not find.
pub(crate) fn refuse_unsound_key(key: &str) -> Result<(), &'static str> {
    if key.len() > MAX_KEY_BYTES {
        return Err("a key is longer than 256 bytes");
    }
    Ok(())
}

/// How many levels of lists and mappings a value has.
pub(crate) fn levels(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(levels).max().unwrap_or(0),
        Value::Map(entries) => {
            1 + entries
                .iter()
                .map(|entry| levels(&entry.1))
                .max()
                .unwrap_or(0)
        }
        _ => 0,
    }
}
