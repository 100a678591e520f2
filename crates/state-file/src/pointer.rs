//! Changes of a JSON text without a Rust type: one member each, by its path. Pure.

use json_text::{EditError, Json, JsonText, Path};

/// A change of what stands at one path.
#[derive(Debug, Clone, PartialEq)]
pub enum PointerEdit {
    /// Puts a value there; objects that are missing on the way are made.
    Set(Path, Json),
    /// Removes what stands there, if anything does.
    Unset(Path),
    /// Adds to an integer; what is missing or null counts as 0.
    Increment(Path, i64),
    /// Appends an item to a list; a missing one is made.
    Push(Path, Json),
}

/// What a [`PointerEdit`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Whether any byte changed.
    pub changed: bool,
    /// What an increment arrived at.
    pub number: Option<i64>,
}

impl PointerEdit {
    /// Where it changes something.
    pub fn path(&self) -> &Path {
        match self {
            Self::Set(path, _)
            | Self::Unset(path)
            | Self::Increment(path, _)
            | Self::Push(path, _) => path,
        }
    }

    fn apply(&self, text: &mut JsonText) -> Result<Applied, EditError> {
        let (changed, number) = match self {
            Self::Set(path, value) => {
                let before = text.raw(path).map(str::to_owned);
                text.set(path, value)?;
                (before.as_deref() != text.raw(path), None)
            }
            Self::Unset(path) => (text.unset(path)?, None),
            Self::Increment(path, by) => {
                let before = text.raw(path).map(str::to_owned);
                let number = text.increment(path, *by)?;
                (before.as_deref() != text.raw(path), Some(number))
            }
            Self::Push(path, item) => {
                text.push(path, item)?;
                (true, None)
            }
        };
        Ok(Applied { changed, number })
    }
}

/// Makes the changes in their order, and says what each did.
///
/// Within [`edit`](crate::edit()) that is one transaction: all of them, or none.
///
/// # Errors
///
/// [`EditError`]: one of them does not fit what stands there; trying again does not help. The text then holds what those before it
/// did, and must not be written.
///
/// # Example
///
/// ```
/// use json_text::{Json, JsonText};
/// use state_file::{PointerEdit, apply};
///
/// let mut text = JsonText::parse(b"{ \"runs\": 7, \"share\": 1.0 }\n")?;
/// let edits = [
///     PointerEdit::Increment("runs".parse()?, 1),
///     PointerEdit::Push("/log".parse()?, Json::text("done")),
/// ];
/// let applied = apply(&mut text, &edits)?;
/// assert_eq!(applied[0].number, Some(8));
/// assert_eq!(text.as_str(), "{ \"runs\": 8, \"share\": 1.0, \"log\": [\"done\"] }\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn apply(text: &mut JsonText, edits: &[PointerEdit]) -> Result<Vec<Applied>, EditError> {
    edits.iter().map(|edit| edit.apply(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.parse().expect("a path")
    }

    fn json(text: &str) -> Json {
        text.parse().expect("JSON")
    }

    const TEXT: &str =
        "{\n  \"n\": 1,\n  \"big\": 12345678901234567890123,\n  \"l\": [\n    1\n  ]\n}\n";

    #[test]
    fn apply_tells_of_each_edit_whether_it_changed_something() {
        let table = [
            (PointerEdit::Set(path("n"), json("2")), true, None),
            (PointerEdit::Set(path("n"), json("1")), false, None),
            (PointerEdit::Set(path("a.b"), json("1.0")), true, None),
            (PointerEdit::Unset(path("l[0]")), true, None),
            (PointerEdit::Unset(path("no.such")), false, None),
            (PointerEdit::Increment(path("n"), 2), true, Some(3)),
            (PointerEdit::Increment(path("n"), 0), false, Some(1)),
            (PointerEdit::Increment(path("m"), 5), true, Some(5)),
            (PointerEdit::Push(path("/l"), json("2")), true, None),
        ];
        for (edit, changed, number) in table {
            let mut text = JsonText::parse(TEXT.as_bytes()).expect("it is JSON");
            let applied = apply(&mut text, std::slice::from_ref(&edit)).expect("it fits");
            assert_eq!(
                applied,
                [Applied { changed, number }],
                "what {edit:?} is said to do"
            );
            assert_eq!(
                text.as_str() != TEXT,
                changed,
                "what {edit:?} did: {}",
                text.as_str()
            );
            assert!(
                text.as_str().contains("\"big\": 12345678901234567890123"),
                "every other byte stays"
            );
        }
    }

    #[test]
    fn apply_stops_at_an_edit_that_does_not_fit() {
        let table = [
            PointerEdit::Increment(path("l"), 1),
            PointerEdit::Increment(path("big"), 1),
            PointerEdit::Push(path("n"), json("1")),
            PointerEdit::Set(path("n.a"), json("1")),
            PointerEdit::Set(path("l[7]"), json("1")),
            PointerEdit::Unset(path("")),
        ];
        for edit in table {
            let mut text = JsonText::parse(TEXT.as_bytes()).expect("it is JSON");
            let edits = [edit.clone(), PointerEdit::Set(path("later"), json("1"))];
            apply(&mut text, &edits).expect_err("it does not fit");
            assert_eq!(
                text.as_str(),
                TEXT,
                "{edit:?} changes nothing, nor what is behind it"
            );
        }
    }
}
