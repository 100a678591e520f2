//! The lines of a journal: an attempt with what it means to change, words about attempts, versions that were accepted. Pure.

use serde_json::{Map, Value as Json, json};

use crate::changes::Changes;
use crate::journal::encoding::{Logged, LoggedText};

/// How much of values and texts one line holds, in bytes; chosen so that a quarter of the journal holds any line.
const MAX_LINE_ROOM: usize = 256 * 1024;

/// What an update meant to change. Whether it did, other lines say.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The operation's id: the caller's, or one of its own.
    pub op: String,
    /// What tells the attempts of one operation apart, where the caller gave the id.
    pub(crate) attempt: Option<String>,
    /// When it began, as the caller's clock says.
    pub at: String,
    /// Who.
    pub owner: Option<String>,
    /// The run of a task that made it; lines of before there were runs have none.
    pub run: Option<String>,
    /// What, such as `story set`.
    pub command: String,
    /// The story's revision before it.
    pub before: String,
    /// The story's revision with it.
    pub after: String,
    /// Keys with old and new values.
    pub changes: Vec<EntryChange>,
    /// What it does to the body.
    pub body: Option<EntryBody>,
}

/// A key in an [`Entry`].
#[derive(Debug, Clone, PartialEq)]
pub struct EntryChange {
    /// The top-level key.
    pub key: String,
    /// What it had.
    pub old: Logged,
    /// What it got.
    pub new: Logged,
}

/// The body in an [`Entry`]: whole lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryBody {
    /// Where they begin, in bytes from the start of the body.
    pub at: usize,
    /// The lines as they were.
    pub old: LoggedText,
    /// The lines as they became.
    pub new: LoggedText,
}

impl Entry {
    /// What words about it call it.
    pub(crate) fn key(&self) -> &str {
        self.attempt.as_deref().unwrap_or(&self.op)
    }

    /// Whether it changes neither a value nor the body: comments or layout only, or nothing at all.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.body.is_none()
    }

    /// Fills in what differs, with the hash of what is too large.
    pub(crate) fn with_changes(mut self, changes: &Changes) -> Self {
        let mut room = MAX_LINE_ROOM;
        self.body = changes.body.as_ref().map(|body| EntryBody {
            at: body.at,
            old: LoggedText::new(&body.old, &mut room),
            new: LoggedText::new(&body.new, &mut room),
        });
        self.changes = changes
            .fields
            .iter()
            .map(|change| EntryChange {
                key: change.key.clone(),
                old: Logged::new(change.old.as_ref(), &mut room),
                new: Logged::new(change.new.as_ref(), &mut room),
            })
            .collect();
        self
    }

    fn to_json(&self) -> Json {
        let mut json = json!({ "v": 1, "op": self.op });
        let line = json.as_object_mut().expect("an object was made");
        if let Some(attempt) = &self.attempt {
            line.insert("try".to_owned(), attempt.as_str().into());
        }
        line.insert("at".to_owned(), self.at.as_str().into());
        line.insert("owner".to_owned(), self.owner.clone().into());
        if let Some(run) = &self.run {
            line.insert("run".to_owned(), run.as_str().into());
        }
        line.insert("command".to_owned(), self.command.as_str().into());
        line.insert("before".to_owned(), self.before.as_str().into());
        line.insert("after".to_owned(), self.after.as_str().into());
        let changes = self.changes.iter().map(EntryChange::to_json).collect();
        line.insert("changes".to_owned(), changes);
        if let Some(body) = &self.body {
            let body =
                json!({ "at": body.at, "old": body.old.to_json(), "new": body.new.to_json() });
            line.insert("body".to_owned(), body);
        }
        json
    }

    fn from_json(json: &Json) -> Option<Self> {
        let text = |name: &str| Some(json.get(name)?.as_str()?.to_owned());
        let changes = json.get("changes")?.as_array()?;
        Some(Self {
            op: text("op")?,
            attempt: text("try"),
            at: text("at")?,
            owner: text("owner"),
            run: text("run"),
            command: text("command")?,
            before: text("before")?,
            after: text("after")?,
            changes: changes
                .iter()
                .map(EntryChange::from_json)
                .collect::<Option<_>>()?,
            body: match json.get("body") {
                None => None,
                Some(body) => Some(EntryBody::from_json(body)?),
            },
        })
    }
}

impl EntryChange {
    fn to_json(&self) -> Json {
        let mut json = Map::new();
        json.insert("key".to_owned(), self.key.as_str().into());
        for (name, value) in [("old", &self.old), ("new", &self.new)] {
            if let Some(value) = value.to_json() {
                json.insert(name.to_owned(), value);
            }
        }
        json.into()
    }

    fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            key: json.get("key")?.as_str()?.to_owned(),
            old: Logged::from_json(json.get("old"))?,
            new: Logged::from_json(json.get("new"))?,
        })
    }
}

impl EntryBody {
    fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            at: usize::try_from(json.get("at")?.as_u64()?).ok()?,
            old: LoggedText::from_json(json.get("old")?)?,
            new: LoggedText::from_json(json.get("new")?)?,
        })
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The change was put in place.
    Done,
    /// It was not; or it is just being made.
    Void,
    /// Somebody without our journal changed the file in between: nobody can say.
    Unknown,
}

impl State {
    /// As journal lines and results call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Void => "void",
            Self::Unknown => "unknown",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Done, Self::Void, Self::Unknown]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// A version that somebody accepted although no line explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The story's revision.
    pub revision: String,
    /// When.
    pub at: String,
    /// Who.
    pub owner: Option<String>,
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line {
    Entry(Box<Entry>),
    /// The word of the attempt's own process: it knows.
    Own(String, State),
    /// The judgement of the next writer, who found no word and compared revisions.
    Settled(String, State),
    Seen(Seen),
}

impl Line {
    /// The line with its end.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let json = match self {
            Self::Entry(entry) => entry.to_json(),
            Self::Own(key, state) => {
                let word: Map<String, Json> = [(state.name().to_owned(), key.as_str().into())]
                    .into_iter()
                    .collect();
                word.into()
            }
            Self::Settled(key, state) => json!({ "settled": key, "as": state.name() }),
            Self::Seen(seen) => {
                json!({ "seen": seen.revision, "at": seen.at, "owner": seen.owner })
            }
        };
        let mut bytes = json.to_string().into_bytes();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a line; `None` when it is torn or of a later version.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(bytes).ok()?;
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        if json.get("v").is_some_and(|version| *version == 1) {
            return Entry::from_json(&json).map(|entry| Self::Entry(Box::new(entry)));
        }
        if let Some(key) = text("settled") {
            return Some(Self::Settled(key, State::named(&text("as")?)?));
        }
        if let Some(revision) = text("seen") {
            return Some(Self::Seen(Seen {
                revision,
                at: text("at")?,
                owner: text("owner"),
            }));
        }
        let own = |state: State| text(state.name()).map(|key| Self::Own(key, state));
        own(State::Done).or_else(|| own(State::Void))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn line_comes_back_as_what_it_was() {
        let story = |text: &str| Document::parse(text).expect("a story");
        let before = story("---\na: 1\nb: 2026-01-15\n---\nx\n");
        let after = story("---\na: 2\nc: null\n---\nx\ny\n");
        let entry = Entry {
            op: "mine".to_owned(),
            attempt: Some("0f".to_owned()),
            at: "2026-01-15T00:00:00.000Z".to_owned(),
            owner: Some("alice\n".to_owned()),
            run: Some("T-1.2".to_owned()),
            command: "story set".to_owned(),
            before: before.revision().to_string(),
            after: after.revision().to_string(),
            changes: Vec::new(),
            body: None,
        }
        .with_changes(&Changes::between(&before, &after));
        assert_eq!(entry.changes.len(), 3, "each key is taken down");
        let seen = Seen {
            revision: before.revision().to_string(),
            at: "now".to_owned(),
            owner: None,
        };
        let table = [
            Line::Entry(Box::new(entry)),
            Line::Own("0f".to_owned(), State::Done),
            Line::Own("0f".to_owned(), State::Void),
            Line::Settled("0f".to_owned(), State::Unknown),
            Line::Seen(seen),
        ];
        for line in table {
            let bytes = line.to_bytes();
            assert_eq!(memchr::memchr_iter(b'\n', &bytes).count(), 1, "one line");
            assert_eq!(Line::parse(&bytes), Some(line), "it comes back");
            for end in 0..bytes.len() - 1 {
                assert_eq!(Line::parse(&bytes[..end]), None, "a torn line is none");
            }
        }
        assert_eq!(
            Line::parse(b"{\"v\":2,\"op\":\"x\"}"),
            None,
            "a later version"
        );
    }
}
