//! Values and texts as journal lines hold them: JSON that comes back as what it was. Pure.

use atomic_file::Revision;
use serde_json::{Map, Value as Json, json};

use crate::hexadecimal::hexadecimal;
use crate::value::Value;

/// The largest value or text that a journal line holds, in bytes of its JSON: 64 KiB. Chosen: 100 times the usual value.
/// A larger one is replaced by its hash, and its change cannot be undone.
pub const MAX_LOGGED_BYTES: usize = 64 * 1024;

/// What a key had, as far as the journal holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Logged {
    /// The key was not there.
    Nothing,
    /// This value.
    Value(Value),
    /// A value too large for the journal: the SHA-256 of its JSON.
    TooLarge(String),
}

impl Logged {
    /// Takes a value down, or its hash where it is larger than `room` bytes, which shrinks by what it takes.
    pub(crate) fn new(value: Option<&Value>, room: &mut usize) -> Self {
        let Some(value) = value else {
            return Self::Nothing;
        };
        let size = encode(value).to_string().len();
        if size > MAX_LOGGED_BYTES.min(*room) {
            return Self::TooLarge(hash_of(value));
        }
        *room -= size;
        Self::Value(value.clone())
    }

    /// Whether this is what `found` is.
    pub fn is(&self, found: Option<&Value>) -> bool {
        match (self, found) {
            (Self::Nothing, None) => true,
            (Self::Value(value), Some(found)) => value.same(found),
            (Self::TooLarge(hash), Some(found)) => *hash == hash_of(found),
            _ => false,
        }
    }

    /// Whether this is the same as another line's.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => true,
            (Self::TooLarge(hash), Self::TooLarge(other)) => hash == other,
            (logged, Self::Value(value)) | (Self::Value(value), logged) => logged.is(Some(value)),
            _ => false,
        }
    }

    /// `None`: the member is left out.
    pub(crate) fn to_json(&self) -> Option<Json> {
        match self {
            Self::Nothing => None,
            Self::Value(value) => Some(encode(value)),
            Self::TooLarge(hash) => Some(json!({ "!sha256": hash })),
        }
    }

    pub(crate) fn from_json(json: Option<&Json>) -> Option<Self> {
        let Some(json) = json else {
            return Some(Self::Nothing);
        };
        if let Some(hash) = tagged(json, "!sha256") {
            return Some(Self::TooLarge(hash.to_owned()));
        }
        decode(json).map(Self::Value)
    }
}

/// Lines of a body, as far as the journal holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggedText {
    /// These lines.
    Lines(Vec<u8>),
    /// Too many for the journal.
    TooLarge {
        /// Their SHA-256.
        sha256: String,
        /// Their size.
        bytes: usize,
    },
}

impl LoggedText {
    /// Takes lines down, or their hash where they are larger than `room` bytes, which shrinks by what they take.
    pub(crate) fn new(lines: &[u8], room: &mut usize) -> Self {
        let size = text_json(lines).to_string().len();
        if size > MAX_LOGGED_BYTES.min(*room) {
            return Self::TooLarge {
                sha256: Revision::of(lines).to_string(),
                bytes: lines.len(),
            };
        }
        *room -= size;
        Self::Lines(lines.to_vec())
    }

    /// Their size in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Lines(lines) => lines.len(),
            Self::TooLarge { bytes, .. } => *bytes,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether these are the lines.
    pub fn is(&self, found: &[u8]) -> bool {
        match self {
            Self::Lines(lines) => lines == found,
            Self::TooLarge { sha256, bytes } => {
                *bytes == found.len() && *sha256 == Revision::of(found).as_str()
            }
        }
    }

    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Lines(lines) => text_json(lines),
            Self::TooLarge { sha256, bytes } => json!({ "!sha256": sha256, "bytes": bytes }),
        }
    }

    pub(crate) fn from_json(json: &Json) -> Option<Self> {
        if let Some(text) = json.as_str() {
            return Some(Self::Lines(text.as_bytes().to_vec()));
        }
        if let Some(digits) = tagged(json, "!hex") {
            return from_hex(digits).map(Self::Lines);
        }
        let bytes = usize::try_from(json.get("bytes")?.as_u64()?).ok()?;
        let sha256 = json.get("!sha256")?.as_str()?.to_owned();
        Some(Self::TooLarge { sha256, bytes })
    }
}

/// A body is any bytes; nearly always they are text.
fn text_json(lines: &[u8]) -> Json {
    match std::str::from_utf8(lines) {
        Ok(text) => text.into(),
        Err(_) => {
            json!({ "!hex": hexadecimal(lines) })
        }
    }
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}

fn hash_of(value: &Value) -> String {
    Revision::of(encode(value).to_string().as_bytes()).to_string()
}

/// JSON as it is where that comes back; else an object with one tag, which begins with `!` as those of YAML do.
fn encode(value: &Value) -> Json {
    match value {
        Value::Timestamp(text) => json!({ "!timestamp": text }),
        Value::Float(float) if !float.is_finite() => json!({ "!float": float.to_string() }),
        Value::Int(int) if i64::try_from(*int).is_err() && u64::try_from(*int).is_err() => {
            json!({ "!int": int.to_string() })
        }
        Value::List(items) => items.iter().map(encode).collect(),
        Value::Map(entries) => {
            let members: Map<String, Json> = entries
                .iter()
                .map(|(key, value)| (key.clone(), encode(value)))
                .collect();
            if entries.iter().any(|(key, _)| key.starts_with('!')) {
                json!({ "!map": members })
            } else {
                members.into()
            }
        }
        value => value.to_json(),
    }
}

fn decode(json: &Json) -> Option<Value> {
    if let Some(text) = tagged(json, "!timestamp") {
        return Some(Value::Timestamp(text.to_owned()));
    }
    if let Some(text) = tagged(json, "!float") {
        return text.parse().ok().map(Value::Float);
    }
    if let Some(text) = tagged(json, "!int") {
        return text.parse().ok().map(Value::Int);
    }
    let entries = |members: &Map<String, Json>| {
        members
            .iter()
            .map(|(key, value)| Some((key.clone(), decode(value)?)))
            .collect::<Option<_>>()
            .map(Value::Map)
    };
    match json {
        Json::Array(items) => items
            .iter()
            .map(decode)
            .collect::<Option<_>>()
            .map(Value::List),
        Json::Object(members) => match members.get("!map") {
            Some(Json::Object(inner)) => entries(inner),
            Some(_) => None,
            None => entries(members),
        },
        plain => Some(Value::from_json(plain)),
    }
}

fn tagged<'a>(json: &'a Json, tag: &str) -> Option<&'a str> {
    let members = json.as_object()?;
    (members.len() == 1).then(|| members.get(tag)?.as_str())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logged_value_comes_back_as_what_it_was() {
        let map = |key: &str, value: Value| Value::Map(vec![(key.to_owned(), value)]);
        let table = [
            Value::Null,
            true.into(),
            Value::Int(u64::MAX.into()),
            Value::Int(i128::from(u64::MAX) + 1),
            Value::Float(2.0),
            Value::Float(f64::INFINITY),
            Value::Float(f64::NAN),
            Value::Timestamp("2026-01-15".to_owned()),
            "2026-01-15".into(),
            Value::List(vec![Value::Timestamp("2026-01-15".to_owned())]),
            map("a", map("b", 1.into())),
            map("!timestamp", "x".into()),
            map("!map", map("!sha256", "x".into())),
        ];
        for value in table {
            let logged = Logged::new(Some(&value), &mut 1000);
            let text = logged.to_json().expect("there is a value").to_string();
            let json: Json = serde_json::from_str(&text).expect("it is JSON");
            let back = Logged::from_json(Some(&json)).expect("it can be read");
            assert!(
                back.is(Some(&value)),
                "{value:?} comes back from {text}, not {back:?}"
            );
        }
        assert!(Logged::Nothing.is(None), "nothing is nothing");
        assert!(!Logged::Nothing.is(Some(&Value::Null)), "null is something");
    }

    #[test]
    fn value_beyond_the_limit_is_known_again_by_its_hash() {
        let large = Value::from("x".repeat(MAX_LOGGED_BYTES));
        let mut room = usize::MAX;
        let logged = Logged::new(Some(&large), &mut room);
        assert!(matches!(logged, Logged::TooLarge(_)), "it is not kept");
        assert!(logged.is(Some(&large)), "it is known again");
        assert!(!logged.is(Some(&"x".into())), "another is not");
        assert_eq!(room, usize::MAX, "it takes no room");
        let mut room = 5;
        let small = Logged::new(Some(&"abc".into()), &mut room);
        assert!(matches!(small, Logged::Value(_)), "it fits exactly");
        let next = Logged::new(Some(&"a".into()), &mut room);
        assert!(
            matches!(next, Logged::TooLarge(_)),
            "no room is left: {room}"
        );
    }

    #[test]
    fn logged_text_comes_back_even_if_it_is_no_text() {
        for lines in [&b"a\nb\n"[..], b"", b"\xff\x00\n"] {
            let logged = LoggedText::new(lines, &mut 1000);
            let back = LoggedText::from_json(&logged.to_json());
            assert_eq!(
                back,
                Some(LoggedText::Lines(lines.to_vec())),
                "{lines:?} comes back"
            );
        }
        let large = vec![b'x'; MAX_LOGGED_BYTES];
        let logged = LoggedText::new(&large, &mut usize::MAX.clone());
        let back = LoggedText::from_json(&logged.to_json()).expect("it can be read");
        assert_eq!(back.len(), large.len(), "its size is known");
        assert!(back.is(&large) && !back.is(b"x"), "it is known again");
    }
}
