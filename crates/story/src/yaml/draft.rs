//! A frontmatter under edit: applies planned edits one after the other, each checked.

use std::sync::{Arc, OnceLock};

use super::edit::{Edit, Planner};
use super::local::Place;
use super::second::{self, Objection};
use super::{Fault, check, node::Tree, parse_mapping};
use crate::MAX_FRONTMATTER_BYTES;
use crate::error::ParseErrorKind;
use crate::fence::Eol;

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
pub(crate) struct Draft {
    text: String,
    parsed: Arc<Parsed>,
    eol: Eol,
}

impl Draft {
    pub(crate) fn new(text: &str, parsed: &Arc<Parsed>, eol: Eol) -> Self {
        Self {
            text: text.to_owned(),
            parsed: Arc::clone(parsed),
            eol,
        }
    }

    pub(crate) fn planner(&self) -> Planner<'_> {
        Planner::new(&self.text, &self.parsed.tree)
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
        let parsed = match self.check_locally(edit, &text) {
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
        let second = self.parsed.second(&self.text).ok()?;
        let old = (self.text.as_str(), &self.parsed.tree, second);
        let accepted = place.accept(edit, old, text)?;
        Some(Parsed {
            tree: accepted.tree,
            second: OnceLock::from(Ok(accepted.second)),
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
