//! One line of a task's history. Pure.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::lenient;
use super::moment::Moment;

/// What was done to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Action {
    /// It was put on the board.
    Created,
    /// It got a child.
    Spawned,
    /// Somebody began to work on it.
    Claimed,
    /// It is done.
    Completed,
    /// It could not be done.
    Failed,
    /// Its holder gave it back.
    Released,
    /// It waits for something that the board does not know.
    Blocked,
    /// It can be claimed again.
    Reopened,
    /// It is not wanted any more.
    Cancelled,
    /// Something else about it changed.
    Updated,
    /// A word of another tool, or none.
    Other(String),
}

impl Action {
    const KNOWN: [Self; 10] = [
        Self::Created,
        Self::Spawned,
        Self::Claimed,
        Self::Completed,
        Self::Failed,
        Self::Released,
        Self::Blocked,
        Self::Reopened,
        Self::Cancelled,
        Self::Updated,
    ];

    /// The word in the file.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "created",
            Self::Spawned => "spawned",
            Self::Claimed => "claimed",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Released => "released",
            Self::Blocked => "blocked",
            Self::Reopened => "reopened",
            Self::Cancelled => "cancelled",
            Self::Updated => "updated",
            Self::Other(word) => word,
        }
    }
}

impl Default for Action {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl From<String> for Action {
    fn from(word: String) -> Self {
        let known = Self::KNOWN
            .into_iter()
            .find(|action| action.as_str() == word);
        known.unwrap_or(Self::Other(word))
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.as_str().to_owned()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of a task's history. Members that this library does not know stay in the file, but not here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// When; `None` where the file has no moment that can be read.
    #[serde(
        deserialize_with = "lenient::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub at: Option<Moment>,
    /// Who did it.
    #[serde(deserialize_with = "lenient::or_default")]
    pub agent: String,
    /// What.
    #[serde(deserialize_with = "lenient::or_default")]
    pub action: Action,
    /// Whose task it was, where somebody else than the holder acted.
    #[serde(
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub holder: Option<String>,
    /// The new task, of [`Action::Spawned`].
    #[serde(
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub child: Option<String>,
    /// What came of it, of [`Action::Completed`].
    #[serde(
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub result: Option<String>,
    /// Why, of [`Action::Failed`].
    #[serde(
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub reason: Option<String>,
    /// What somebody wanted to say.
    #[serde(
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub note: Option<String>,
    /// The members that changed, of [`Action::Updated`] and changes of status.
    #[serde(
        deserialize_with = "lenient::texts",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub changed: Vec<String>,
}

impl Entry {
    pub(super) fn new(at: Moment, agent: &str, action: Action) -> Self {
        Self {
            at: Some(at),
            agent: agent.to_owned(),
            action,
            ..Self::default()
        }
    }
}

/// A history of any tool: a text instead of an object is a note, and what is neither says nothing.
pub(super) fn history<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Entry>, D::Error> {
    let lines: Option<Vec<Line>> = Option::deserialize(deserializer)?;
    let lines = lines.unwrap_or_default().into_iter();
    Ok(lines.map(|Line(entry)| entry).collect())
}

struct Line(Entry);

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LineVisitor).map(Self)
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line of a history")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Entry, A::Error> {
        Entry::deserialize(MapAccessDeserializer::new(members))
    }

    fn visit_str<E>(self, text: &str) -> Result<Entry, E> {
        let note = Some(text.to_owned());
        Ok(Entry {
            note,
            ..Entry::default()
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Entry, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Entry::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Entry, E> {
        Ok(Entry::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Entry, E> {
        Ok(Entry::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Entry, E> {
        Ok(Entry::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Entry, E> {
        Ok(Entry::default())
    }

    fn visit_unit<E>(self) -> Result<Entry, E> {
        Ok(Entry::default())
    }
}
