//! Between a text and a Rust value: one is read from the other. Pure.

use std::thread;

use json_text::{JsonText, ParseError};
use serde::de::DeserializeOwned;

use crate::read::Unreadable;

/// From this size on, in bytes, text and value are read at the same time, on two processors. Chosen: each takes about a
/// millisecond then, and starting a thread a twentieth of that.
const LARGE: usize = 256 * 1024;

/// A text together with the value that it says.
pub(crate) struct Typed<T> {
    pub(crate) text: JsonText,
    pub(crate) value: T,
}

/// Reads both.
pub(crate) fn typed<T: DeserializeOwned>(bytes: &[u8]) -> Result<Typed<T>, Unreadable> {
    let (text, value) = if bytes.len() < LARGE {
        (JsonText::parse(bytes), None)
    } else {
        both(bytes)
    };
    let text = text.map_err(Unreadable::Parse)?;
    // What is wrong with a value is told by whoever reads it from its text.
    let value = match value {
        Some(value) => value,
        None => value_of(&text)?,
    };
    Ok(Typed { text, value })
}

/// The text, and the value if it can be read.
fn both<T: DeserializeOwned>(bytes: &[u8]) -> (Result<JsonText, ParseError>, Option<T>) {
    thread::scope(|scope| {
        let reader = thread::Builder::new().spawn_scoped(scope, || JsonText::parse(bytes));
        let value = std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| serde_json::from_str(text).ok());
        let text = match reader.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(text)) => text,
            // It does not panic, and where no thread can be had one does both.
            Ok(Err(_)) | Err(_) => JsonText::parse(bytes),
        };
        (text, value)
    })
}

/// Reads the value that a text says.
pub(crate) fn value_of<T: DeserializeOwned>(text: &JsonText) -> Result<T, Unreadable> {
    text.to().map_err(|err| Unreadable::Shape {
        member: err.path().to_string(),
        source: err.into_inner(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large(end: &str) -> Vec<u8> {
        let list = "[1, 2, 3],\n".repeat(LARGE / 8);
        format!("[{list}{end}").into_bytes()
    }

    #[test]
    fn typed_reads_large_and_small_texts_alike() {
        type Lists = Vec<Vec<u8>>;
        for bytes in [b"[[1, 2, 3],\n[4]]".to_vec(), large("[4]]")] {
            let typed = typed::<Lists>(&bytes).expect("it is one");
            assert_eq!(typed.text.as_bytes(), bytes, "the text is the bytes");
            assert_eq!(typed.value.last(), Some(&vec![4]), "and says the value");
        }
        for bytes in [b"[[1, 2, 3],\n[4".to_vec(), large("[4")] {
            let refused = typed::<Lists>(&bytes).err();
            assert!(matches!(refused, Some(Unreadable::Parse(_))), "{refused:?}");
        }
        for bytes in [b"[[1, 2, 3],\n[-4]]".to_vec(), large("[-4]]")] {
            let refused = typed::<Lists>(&bytes).err();
            let Some(Unreadable::Shape { member, .. }) = refused else {
                panic!("it is JSON, but no such list: {refused:?}");
            };
            assert!(member.ends_with("][0]"), "the place is told: {member}");
        }
    }
}
