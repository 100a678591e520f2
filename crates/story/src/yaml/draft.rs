//! A frontmatter under edit: applies planned edits one after the other, each checked.

use std::sync::{Arc, OnceLock};

pub(super) use super::edit::Around;
use super::edit::{Edit, Planner};
use super::local::Place;
use super::second::{self, Objection};
use super::{Fault, check, node::Tree, parse_mapping};
use crate::MAX_FRONTMATTER_BYTES;
use crate::error::ParseErrorKind;
use crate::fence::{self, Eol};

/// A parsed frontmatter, shared by the clones of a document.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) tree: Tree,
    /// What the second reader made of the same text, asked for at the first edit only.
    second: OnceLock<Result<serde_yaml::Value, Objection>>,
}

impl Parsed {
    /// Parses the YAML between the fences.
    pub(crate) fn new(text: &str) -> Result<Self, Fault> {
        Ok(Self {
            tree: parse_mapping(text)?,
            second: OnceLock::new(),
        })
    }

    /// Whether the second reader can read the text, too.
    pub(crate) fn is_sound(&self, text: &str) -> bool {
        self.second(text).is_ok()
    }

    /// Whether the second reader sees one entry of that key.
    pub(super) fn is_one_entry(&self, text: &str, name: &str) -> bool {
        let read = self
            .second(text)
            .ok()
            .and_then(serde_yaml::Value::as_mapping);
        read.is_some_and(|entries| entries.len() == 1 && entries.contains_key(name))
    }

    fn second(&self, text: &str) -> Result<&serde_yaml::Value, Objection> {
        let read = self.second.get_or_init(|| second::read(text));
        read.as_ref().map_err(Clone::clone)
    }
}

/// Why a planned edit was not applied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The new text is not one a story may have.
    Unreadable(ParseErrorKind),
    /// The second reader refuses the text before the edit.
    Refused(Objection),
    /// One of the comparisons failed.
    Disagreement(String),
}

/// The text of a frontmatter and its tree, always in step.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'around> {
    text: String,
    parsed: Arc<Parsed>,
    eol: Eol,
    /// What stands around a text that is a part only.
    around: Option<Around<'around>>,
}

impl<'around> Draft<'around> {
    pub(crate) fn new(text: &str, parsed: &Arc<Parsed>, eol: Eol) -> Self {
        Self {
            text: text.to_owned(),
            parsed: Arc::clone(parsed),
            eol,
            around: None,
        }
    }

    /// A draft of one entry of a frontmatter.
    pub(super) fn of_entry(
        text: &str,
        parsed: &Arc<Parsed>,
        eol: Eol,
        around: Around<'around>,
    ) -> Self {
        Self {
            around: Some(around),
            ..Self::new(text, parsed, eol)
        }
    }

    pub(crate) fn planner(&self) -> Planner<'_> {
        let around = self.around.unwrap_or_default();
        Planner::new(&self.text, &self.parsed.tree, around)
    }

    pub(crate) fn finish(self) -> (String, Arc<Parsed>) {
        (self.text, self.parsed)
    }

    /// Applies an edit if both readers see the old text plus the change and nothing else.
    pub(crate) fn apply(&mut self, edit: &Edit) -> Result<(), Failure> {
        let mut text = String::with_capacity(self.text.len() + edit.text.len() + 16);
        text.push_str(&self.text[..edit.range.start]);
        match self.eol {
            Eol::Lf => text.push_str(&edit.text),
            Eol::CrLf => text.push_str(&edit.text.replace('\n', "\r\n")),
        }
        text.push_str(&self.text[edit.range.end..]);
        if text.len() > MAX_FRONTMATTER_BYTES {
            return Err(Failure::Unreadable(ParseErrorKind::TooLarge {
                limit: MAX_FRONTMATTER_BYTES,
            }));
        }
        if !fence::can_enclose(&text) {
            let reason = "between the fences it would not be read as it is";
            return Err(Failure::Disagreement(reason.to_owned()));
        }
        let locally = match self.around {
            Some(_) => None,
            None => self.check_locally(edit, &text),
        };
        let parsed = match locally {
            Some(parsed) => parsed,
            None => self.check_whole(edit, &text)?,
        };
        self.text = text;
        self.parsed = Arc::new(parsed);
        Ok(())
    }

    /// The usual edit stays inside one entry: that entry is read again, by both readers.
    fn check_locally(&self, edit: &Edit, text: &str) -> Option<Parsed> {
        let place = Place::of(edit, &self.text, &self.parsed.tree)?;
        let second = if self.parsed.tree.is_plain {
            None
        } else {
            Some(self.parsed.second(&self.text).ok()?)
        };
        let old = (self.text.as_str(), &self.parsed.tree, second);
        let accepted = place.accept(edit, old, text)?;
        Some(Parsed {
            tree: accepted.tree,
            second: accepted
                .second
                .map(Ok)
                .map_or_else(OnceLock::new, OnceLock::from),
        })
    }

    /// Any other is checked by reading the whole new text.
    fn check_whole(&self, edit: &Edit, text: &str) -> Result<Parsed, Failure> {
        let parsed = Parsed::new(text).map_err(|(_, kind)| Failure::Unreadable(kind))?;
        let disagreement = |reason: &str| Failure::Disagreement(reason.to_owned());
        check::verify(&self.parsed.tree, &parsed.tree, &edit.change).map_err(disagreement)?;
        let before = self.parsed.second(&self.text).map_err(Failure::Refused)?;
        let after = parsed.second(text).map_err(|objection| {
            let message = objection.message;
            Failure::Disagreement(format!("another YAML reader refuses the result: {message}"))
        })?;
        second::verify(before, after, &edit.change).map_err(disagreement)?;
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::edit::{Change, Child, What};
    use super::*;
    use crate::value::Value;

    const TEXT: &str = "a: 1\nb: 2 # two\nc:\n  - x\n";

    fn draft(text: &str) -> Draft<'static> {
        let parsed = Parsed::new(text).expect("the text is a mapping");
        Draft::new(text, &Arc::new(parsed), Eol::Lf)
    }

    /// An edit that says it gives the second entry the value `x`.
    fn claim(range: std::ops::Range<usize>, text: &str) -> Edit {
        Edit {
            range,
            text: text.to_owned(),
            change: Change {
                path: vec![1],
                what: What::Value(Value::from("x")),
            },
        }
    }

    #[test]
    fn apply_accepts_an_edit_that_does_what_it_claims() {
        let mut draft = draft(TEXT);
        assert_eq!(
            draft.apply(&claim(8..9, "x")),
            Ok(()),
            "the value becomes x"
        );
        assert_eq!(
            draft.finish().0,
            "a: 1\nb: x # two\nc:\n  - x\n",
            "only its bytes change"
        );
    }

    #[test]
    fn apply_refuses_an_edit_that_does_something_else() {
        let table = [
            ("another value is written", claim(8..9, "y")),
            ("the value reads as another type", claim(8..9, "1.5")),
            ("the key is renamed", claim(5..9, "d: x")),
            ("the entry before changes too", claim(3..9, "3\nb: x")),
            ("the entry behind changes too", claim(8..23, "x\nc:\n  - y")),
            ("the entry behind goes", claim(8..24, "x")),
            ("a key is added", claim(8..9, "x\nd: 1")),
            ("an anchor is added", claim(8..9, "&n x")),
            ("a tag is added", claim(8..9, "!t x")),
            ("the key is doubled", claim(8..9, "x\nb: x")),
            ("a document is ended", claim(8..9, "x\n...")),
            ("the text is no YAML", claim(8..9, "[x")),
            ("the value moves behind the comment", claim(8..9, "")),
            ("the last line end goes", claim(8..25, "x # two\nc:\n  - x")),
        ];
        for (what, edit) in table {
            let mut draft = draft(TEXT);
            assert!(draft.apply(&edit).is_err(), "{what}: the edit is refused");
            assert_eq!(draft.finish().0, TEXT, "{what}: the text is unchanged");
        }
    }

    #[test]
    fn apply_refuses_what_the_fences_cannot_enclose() {
        let end = TEXT.len();
        for (range, text, key) in [
            (end..end, "<<<<<<< d: 1\n", "<<<<<<< d"),
            (end..end, "d: 1", "d"),
        ] {
            let mut edit = claim(range, text);
            edit.change.path = Vec::new();
            edit.change.what = What::Children {
                removed: 3..3,
                inserted: vec![Child::Entry(key.to_owned(), Value::from(1))],
            };
            let outcome = draft(TEXT).apply(&edit);
            assert!(
                matches!(outcome, Err(Failure::Disagreement(_))),
                "{text:?} is valid YAML, but not found again: {outcome:?}"
            );
        }
    }

    #[test]
    fn apply_refuses_what_only_the_second_reader_sees() {
        // A line separator: a character for YAML 1.2, a line break for libyaml.
        let value = "x\u{2028}y";
        let mut edit = claim(8..9, value);
        edit.change.what = What::Value(Value::from(value));
        let outcome = draft(TEXT).apply(&edit);
        assert!(
            matches!(outcome, Err(Failure::Disagreement(_))),
            "the readers differ: {outcome:?}"
        );
        let outcome = draft("a: x\u{85}y\nb: 2\n").apply(&claim(11..12, "x"));
        assert!(
            matches!(outcome, Err(Failure::Refused(_))),
            "the story itself is doubtful: {outcome:?}"
        );
    }
}
