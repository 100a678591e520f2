//! `error_history`: which errors an implementation met, and how often the same one in a row. Pure.

use atomic_file::Revision;

use crate::document::Document;
use crate::moment::Moment;
use crate::operation_error::OperationError;
use crate::value::Value;

const HISTORY: &str = "error_history";
/// How many different errors are kept, from the contract.
const KEPT: usize = 10;
/// How much of an error's text is kept, in UTF-16 units as the reference tool counts; from the contract.
const PREVIEW_UNITS: usize = 200;

/// An error as the history holds it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenError {
    /// The SHA-256 of its text, in hexadecimal digits.
    pub hash: String,
    /// How often it was seen without another one in between.
    pub consecutive: u64,
}

/// Notes an error. The one that was noted last counts once more; any other is a new entry, and the last ten are kept.
///
/// # Errors
///
/// [`OperationError::Edit`] when the history is no list, or its last entry cannot be edited.
pub fn record(story: &mut Document, text: &str, now: Moment) -> Result<SeenError, OperationError> {
    let hash = Revision::of(text.as_bytes()).to_string();
    let last = story.list(HISTORY).len().checked_sub(1);
    if let Some(last) = last {
        let at = |key: &str| format!("{HISTORY}[{last}].{key}");
        if story.get(&at("hash")).ok().flatten() == Some(Value::String(hash.clone())) {
            let count = story.get(&at("consecutiveCount"))?;
            // An entry that does not say how often was seen once.
            let by = if matches!(count, None | Some(Value::Null)) {
                2
            } else {
                1
            };
            let consecutive = story.increment(&at("consecutiveCount"), by)?;
            story.set(&at("lastSeen"), now.stamp())?;
            let consecutive = u64::try_from(consecutive.max(0)).unwrap_or(u64::MAX);
            return Ok(SeenError { hash, consecutive });
        }
    }
    story.push(HISTORY, entry(&hash, text, now), Some(KEPT))?;
    Ok(SeenError {
        hash,
        consecutive: 1,
    })
}

/// Empties the history after a success; a story without one stays without.
///
/// # Errors
///
/// [`OperationError::Edit`] when it cannot be edited.
pub fn clear(story: &mut Document) -> Result<(), OperationError> {
    if story.get(HISTORY)?.is_some() {
        story.set(HISTORY, Vec::new())?;
    }
    Ok(())
}

fn entry(hash: &str, text: &str, now: Moment) -> Value {
    let entries: [(&str, Value); 5] = [
        ("hash", hash.into()),
        ("firstSeen", now.stamp().into()),
        ("lastSeen", now.stamp().into()),
        ("consecutiveCount", 1.into()),
        ("errorPreview", preview(text).into()),
    ];
    Value::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

/// The beginning of a text, cut between characters.
fn preview(text: &str) -> &str {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units > PREVIEW_UNITS {
            return &text[..at];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(yaml: &str) -> Document {
        Document::parse(format!("---\n{yaml}---\n")).expect("a story")
    }

    fn at(second: u32) -> Moment {
        Moment::parse(&format!("2026-03-04T05:06:{second:02}Z")).expect("an instant")
    }

    /// The SHA-256 of `x` and `y`, as `sha256sum` prints them.
    const X: &str = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    const Y: &str = "a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa";

    #[test]
    fn record_counts_the_same_error_and_keeps_others_apart() {
        let mut story = story("id: S-1 # one\nerror_history: [] # none yet\n");
        let mut seen = Vec::new();
        for (second, text) in ["x", "x", "y", "x"].into_iter().enumerate() {
            let second = u32::try_from(second).expect("a small number");
            let found = record(&mut story, text, at(second)).expect("a list");
            seen.push((found.hash, found.consecutive));
        }
        let expected = [(X, 1), (X, 2), (Y, 1), (X, 1)].map(|(hash, n)| (hash.to_owned(), n));
        assert_eq!(seen, expected, "what each was told");
        let entry = |hash, first: &str, last: &str, n, text: &str| {
            serde_json::json!({
                "hash": hash,
                "firstSeen": format!("2026-03-04T05:06:{first}.000Z"),
                "lastSeen": format!("2026-03-04T05:06:{last}.000Z"),
                "consecutiveCount": n,
                "errorPreview": text,
            })
        };
        let found = story.get("error_history").expect("a path").expect("there");
        let expected = serde_json::json!([
            entry(X, "00", "01", 2, "x"),
            entry(Y, "02", "02", 1, "y"),
            entry(X, "03", "03", 1, "x"),
        ]);
        assert_eq!(found.to_json(), expected, "the history");
        assert!(
            story.frontmatter().starts_with("id: S-1 # one\n"),
            "the rest stays"
        );
    }

    #[test]
    fn record_keeps_the_last_ten() {
        let mut story = story("id: S-1\n");
        for number in 1..=12 {
            record(&mut story, &format!("error {number}"), at(number)).expect("a list");
        }
        let previews: Vec<_> = (0..10)
            .map(|at| story.get(&format!("error_history[{at}].errorPreview")))
            .collect();
        let expected: Vec<_> = (3..=12)
            .map(|number| Ok(Some(Value::from(format!("error {number}")))))
            .collect();
        assert_eq!(previews, expected, "the two oldest are gone");
        assert_eq!(story.list(HISTORY).len(), 10, "and no more are kept");
    }

    #[test]
    fn record_meets_histories_of_others() {
        let table = [
            (format!("error_history:\n  - hash: {X}\n"), Some(2)),
            (
                format!("error_history:\n  - hash: {X}\n    consecutiveCount: 7\n"),
                Some(8),
            ),
            ("error_history:\n".to_owned(), Some(1)),
            ("error_history:\n  - just a text\n".to_owned(), Some(1)),
            ("error_history: none\n".to_owned(), None),
            (
                format!("error_history:\n  - hash: {X}\n    consecutiveCount: often\n"),
                None,
            ),
        ];
        for (yaml, expected) in table {
            let found = record(&mut story(&yaml), "x", at(1)).map(|seen| seen.consecutive);
            assert_eq!(found.ok(), expected, "in {yaml:?}");
        }
    }

    #[test]
    fn preview_is_cut_between_characters() {
        let table = [
            ("a".repeat(200), 200),
            ("a".repeat(201), 200),
            ("😀".repeat(101), 400),
            (format!("a{}", "😀".repeat(100)), 397),
            ("ü".repeat(201), 400),
        ];
        for (text, bytes) in table {
            assert_eq!(preview(&text).len(), bytes, "the bytes kept of {text:.9}…");
        }
    }

    #[test]
    fn clear_empties_what_is_there() {
        let table = [
            (
                "error_history:\n  - hash: x\nb: 1\n",
                "error_history: []\nb: 1\n",
            ),
            ("error_history: []\n", "error_history: []\n"),
            ("error_history: x\n", "error_history: []\n"),
            ("b: 1\n", "b: 1\n"),
        ];
        for (before, expected) in table {
            let mut story = story(before);
            clear(&mut story).expect("it can be edited");
            assert_eq!(story.frontmatter(), expected, "from {before:?}");
        }
    }
}
