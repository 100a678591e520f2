//! Reading the JSON of people: what a member is called, where a mistake stands, and that no name stands twice.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Why a text is not the JSON that was asked for. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}{}: {reason}", in_member(.member))]
#[non_exhaustive]
pub struct InputError {
    /// Counted from 1; 0 where it has no place.
    pub line: usize,
    /// Counted from 1, in bytes.
    pub column: usize,
    /// Which member, such as `agents[1].with`; empty for the whole.
    pub member: String,
    /// What is wrong with it.
    pub reason: String,
}

fn in_member(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(", {path}")
    }
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, InputError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|err| {
        let path = err.path().to_string();
        let member = if path == "." { String::new() } else { path };
        input_error(err.inner(), member)
    })?;
    json.end().map_err(|err| input_error(&err, String::new()))?;
    Ok(value)
}

fn input_error(err: &serde_json::Error, member: String) -> InputError {
    let (line, column) = (err.line(), err.column());
    let text = err.to_string();
    // The place is told by itself.
    let place = format!(" at line {line} column {column}");
    InputError {
        line,
        column,
        member,
        reason: text.strip_suffix(&place).unwrap_or(&text).to_owned(),
    }
}

/// Reads an object whose names stand once each: a map by itself would forget the first of two.
pub(crate) fn unique_names<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(Once(PhantomData))
}

struct Once<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Once<V> {
    type Value = BTreeMap<String, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name:?} stands twice")));
            }
            members.insert(name, map.next_value()?);
        }
        Ok(members)
    }
}
