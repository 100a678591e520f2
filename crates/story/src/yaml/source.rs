//! The YAML of a story: read and edited entry by entry where its outline is certain, else as a whole.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::draft::{Around, Draft, Failure, Parsed};
use super::node::Tree;
use super::outline::Outline;
use super::{Fault, Reader};
use crate::MAX_FRONTMATTER_BYTES;
use crate::fence::Eol;
use crate::path::Step;
use crate::value::Value;

/// What is known of the YAML of a story. The text itself stands in the document, which hands it to each function.
#[derive(Debug)]
pub(crate) struct Source {
    outline: Option<Outline>,
    /// The whole text parsed, once somebody needs that.
    whole: OnceLock<Arc<Parsed>>,
    /// Whether the second reader takes the entries of the outline as we do.
    is_sound: OnceLock<bool>,
}

/// An accepted edit: what to put in which place of the text, and what is known of the YAML then.
#[derive(Debug)]
pub(crate) struct Splice {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
    pub(crate) source: Source,
}

impl Splice {
    /// What becomes of `text`.
    fn applied_to(&self, text: &str) -> String {
        let Range { start, end } = self.range;
        [&text[..start], &self.text, &text[end..]].concat()
    }
}

impl Source {
    /// Reads the YAML between the fences.
    pub(crate) fn new(text: &str) -> Result<Self, Fault> {
        let Some(outline) = Outline::of(text) else {
            return Ok(Self::of_whole(Arc::new(Parsed::new(text)?)));
        };
        let source = Self::of_outline(outline);
        debug_assert!(
            source.agrees(text),
            "entries read alone as they read in their place"
        );
        Ok(source)
    }

    fn of_whole(parsed: Arc<Parsed>) -> Self {
        Self {
            outline: None,
            whole: OnceLock::from(parsed),
            is_sound: OnceLock::new(),
        }
    }

    fn of_outline(outline: Outline) -> Self {
        Self {
            outline: Some(outline),
            whole: OnceLock::new(),
            is_sound: OnceLock::new(),
        }
    }

    /// The whole text, parsed.
    pub(crate) fn parsed(&self, text: &str) -> Result<&Arc<Parsed>, Fault> {
        if let Some(parsed) = self.whole.get() {
            return Ok(parsed);
        }
        let parsed = Arc::new(Parsed::new(text)?);
        Ok(self.whole.get_or_init(|| parsed))
    }

    /// The tree of the whole text.
    pub(crate) fn tree(&self, text: &str) -> Result<&Tree, Fault> {
        self.parsed(text).map(|parsed| &parsed.tree)
    }

    /// The top-level keys in file order.
    pub(crate) fn names<'a>(&'a self, text: &'a str) -> Vec<&'a str> {
        match &self.outline {
            Some(outline) => outline.names(text).collect(),
            None => self.tree(text).map_or_else(|_| Vec::new(), Tree::names),
        }
    }

    /// The value at the end of a path, if there is one.
    pub(crate) fn at(&self, text: &str, steps: &[Step]) -> Result<Option<Value>, Fault> {
        let (Some(outline), Some(Step::Key(name))) = (&self.outline, steps.first()) else {
            return Ok(Reader::new(self.tree(text)?).at(steps));
        };
        let Some(index) = outline.find(name, text) else {
            return Ok(None);
        };
        Ok(Reader::new(&outline.parsed(index, text)?.tree).at(steps))
    }

    /// The whole frontmatter as a value.
    pub(crate) fn whole(&self, text: &str) -> Result<Value, Fault> {
        Ok(Reader::new(self.tree(text)?).whole())
    }

    /// Runs an operation on a draft of what the path leads to. `None`: it changes nothing.
    pub(crate) fn edit<T, E: From<Failure>>(
        &self,
        text: &str,
        eol: Eol,
        steps: &[Step],
        operation: impl Fn(&mut Draft<'_>, &[Step]) -> Result<T, E>,
    ) -> Result<(T, Option<Splice>), E> {
        if let Some(edited) = self.edit_entry(text, eol, steps, &operation) {
            debug_assert!(
                self.edit_whole(text, eol, steps, &operation)
                    .is_ok_and(|whole| {
                        let becomes = |splice: &Splice| splice.applied_to(text);
                        whole.1.as_ref().map(becomes) == edited.1.as_ref().map(becomes)
                    }),
                "an edit of an entry is that edit of the whole"
            );
            debug_assert!(
                edited
                    .1
                    .as_ref()
                    .is_none_or(|splice| splice.source.agrees(&splice.applied_to(text))),
                "the outline is moved as the text is"
            );
            return Ok(edited);
        }
        self.edit_whole(text, eol, steps, operation)
    }

    fn edit_whole<T, E: From<Failure>>(
        &self,
        text: &str,
        eol: Eol,
        steps: &[Step],
        operation: impl Fn(&mut Draft<'_>, &[Step]) -> Result<T, E>,
    ) -> Result<(T, Option<Splice>), E> {
        let parsed = self
            .parsed(text)
            .map_err(|(_, kind)| Failure::Unreadable(kind))?;
        let mut draft = Draft::new(text, parsed, eol);
        let outcome = operation(&mut draft, steps)?;
        let (new, now) = draft.finish();
        let splice = (!Arc::ptr_eq(&now, parsed)).then(|| Splice {
            source: Self {
                outline: self.outline.as_ref().and_then(|_| Outline::of(&new)),
                ..Self::of_whole(now)
            },
            range: 0..text.len(),
            text: new,
        });
        Ok((outcome, splice))
    }

    /// The same within one entry. `None`: the outline is not enough, or the operation fails, which the whole text explains better.
    fn edit_entry<T, E>(
        &self,
        text: &str,
        eol: Eol,
        steps: &[Step],
        operation: impl Fn(&mut Draft<'_>, &[Step]) -> Result<T, E>,
    ) -> Option<(T, Option<Splice>)> {
        let (outline, Step::Key(name)) = (self.outline.as_ref()?, steps.first()?) else {
            return None;
        };
        if !*self.is_sound.get_or_init(|| outline.is_sound(text)) {
            return None;
        }
        // A new key comes behind the last entry.
        let last = outline.len().checked_sub(1)?;
        let index = outline.find(name, text).unwrap_or(last);
        let range = outline.range(index);
        let parsed = outline.parsed(index, text).ok()?;
        let around = Around {
            before: &text[..range.start],
            behind: &text[range.end..],
            list_indent_before: outline.list_indent(0..index),
            list_indent_behind: outline.list_indent(index + 1..outline.len()),
        };
        let mut draft = Draft::of_entry(&text[range.clone()], parsed, eol, around);
        let outcome = operation(&mut draft, steps).ok()?;
        let (new, now) = draft.finish();
        if Arc::ptr_eq(&now, parsed) {
            return Some((outcome, None));
        }
        if text.len() - range.len() + new.len() > MAX_FRONTMATTER_BYTES {
            return None;
        }
        let entries = Outline::of_entries(&new)?;
        let begins = entries.names(&new).next() == outline.names(text).nth(index);
        // Lines left over by an entry that goes could mean something behind another one.
        let is_gone = new.is_empty() && index < last;
        let is_grown =
            entries.len() == 2 && index == last && entries.names(&new).nth(1) == Some(name);
        if !(is_gone || begins && (entries.len() == 1 || is_grown)) {
            return None;
        }
        entries.keep(&now);
        let outline = outline.replaced(index, &entries);
        let source = Self::of_outline(outline);
        source.is_sound.set(true).ok();
        let splice = Splice {
            range,
            text: new,
            source,
        };
        Some((outcome, Some(splice)))
    }

    /// Whether both readers take the whole text as the outline has it.
    fn agrees(&self, text: &str) -> bool {
        let Some(outline) = &self.outline else {
            return true;
        };
        let Ok(whole) = self.tree(text) else {
            return false;
        };
        outline.is_outline_of(whole, text)
    }
}
