//! A JSON object as its members, in order, each value as it was written. Pure.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object.
#[derive(Debug)]
pub(super) struct Members(pub(super) Vec<(String, Box<RawValue>)>);

impl Members {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|err| format!("not a JSON object: {err}"))
    }

    /// The value of a member; `None` where it is missing or null.
    pub(super) fn optional<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, String> {
        let mut found = self.0.iter().filter(|(own, _)| own == key);
        let Some((_, value)) = found.next() else {
            return Ok(None);
        };
        // Tools differ in which one they take.
        if found.next().is_some() {
            return Err(format!("`{key}` stands there twice"));
        }
        serde_json::from_str(value.get()).map_err(|err| format!("`{key}`: {err}"))
    }

    /// The value of a member that must be there.
    pub(super) fn required<T: DeserializeOwned>(&self, key: &str) -> Result<T, String> {
        self.optional(key)?
            .ok_or_else(|| format!("`{key}` is missing"))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
