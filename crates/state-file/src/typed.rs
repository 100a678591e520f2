//! Between a text and a Rust value: one is read from the other. Pure.

use json_text::JsonText;
use serde::de::DeserializeOwned;

use crate::read::Unreadable;

/// A text together with the value that it says.
pub(crate) struct Typed<T> {
    pub(crate) text: JsonText,
    pub(crate) value: T,
}

/// Reads both.
pub(crate) fn typed<T: DeserializeOwned>(bytes: &[u8]) -> Result<Typed<T>, Unreadable> {
    let text = JsonText::parse(bytes).map_err(Unreadable::Parse)?;
    let value = value_of(&text)?;
    Ok(Typed { text, value })
}

/// Reads the value that a text says.
pub(crate) fn value_of<T: DeserializeOwned>(text: &JsonText) -> Result<T, Unreadable> {
    text.to().map_err(|err| Unreadable::Shape {
        member: err.path().to_string(),
        source: err.into_inner(),
    })
}
