//! A frontmatter as the places of its top-level entries, each parsed only when somebody asks for it.
//!
//! An outline exists only where each entry is known to be valid and to read alone as it reads in its place (`local` says why column
//! 0 is enough for that): because `simple` recognised it, or because the parser read it alone, without anchors. Anything else, and
//! there is no outline: the whole text is parsed.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::draft::Parsed;
use super::edit::first_list_indent;
use super::local::{has_marker, shift};
use super::node::{Entry, Kind, Style, Tree};
use super::parser::Fault;
use super::second;
use super::simple::{self, Recogniser, Shape};

/// The entries of a frontmatter in file order. What stands before the first one are comments and empty lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Outline {
    chunks: Vec<Chunk>,
    length: usize,
}

/// A top-level entry with all lines up to the next one.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    start: usize,
    name: usize,
    list_indent: Option<usize>,
    /// Whether every reader takes it alike; if not, the second one is asked before the first edit.
    is_simple: bool,
    /// Its text alone, once parsed.
    parsed: OnceLock<Arc<Parsed>>,
}

impl Outline {
    /// The entries of a text; `None`: it has to be parsed as a whole.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut at = 0;
        while at < text.len() {
            let line = simple::line_at(text, at)?;
            if simple::begins_entry(line) {
                break;
            }
            if !simple::is_between(line) {
                return None;
            }
            at += line.len() + 1;
        }
        let mut chunks = Vec::new();
        let mut recogniser = Recogniser::default();
        while at < text.len() {
            let chunk = Chunk::first_of(&text[at..], &mut recogniser)?;
            chunks.push(Chunk {
                start: at,
                ..chunk.0
            });
            at += chunk.1;
        }
        let outline = Self {
            chunks,
            length: text.len(),
        };
        (text.ends_with('\n') && !outline.has_duplicates(text)).then_some(outline)
    }

    /// The entries of a text that begins with one, or is empty.
    pub(super) fn of_entries(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        Self::of(text)
            .filter(|outline| outline.chunks.first().is_some_and(|chunk| chunk.start == 0))
    }

    /// Whether both readers take the whole text as this outline has it, of which `whole` is the tree.
    pub(super) fn is_outline_of(&self, whole: &Tree, text: &str) -> bool {
        let Kind::Map { entries, .. } = &whole.root.kind else {
            return false;
        };
        let same = |(at, entry): (usize, &Entry)| {
            let start = self.chunks[at].start;
            self.parsed(at, text).is_ok_and(|parsed| {
                let mut alone = parsed.tree.root.clone();
                shift(&mut alone, |at| at + start);
                matches!(alone.kind, Kind::Map { entries, .. } if entries.as_slice() == std::slice::from_ref(entry))
            })
        };
        let all_simple = self.chunks.iter().all(|chunk| chunk.is_simple);
        entries.len() == self.len()
            && entries.iter().enumerate().all(same)
            && self.list_indent(0..self.len()) == first_list_indent(text, &whole.root)
            && (!all_simple || second::read(text).is_ok())
    }

    fn has_duplicates(&self, text: &str) -> bool {
        let mut seen = HashSet::with_capacity(self.chunks.len());
        self.names(text).any(|name| !seen.insert(name))
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// The keys in file order.
    pub(super) fn names<'text>(&self, text: &'text str) -> impl Iterator<Item = &'text str> {
        self.chunks.iter().map(|chunk| chunk.named(text))
    }

    /// Which entry has that key.
    pub(super) fn find(&self, name: &str, text: &str) -> Option<usize> {
        self.names(text).position(|other| other == name)
    }

    /// Where an entry stands.
    pub(super) fn range(&self, index: usize) -> Range<usize> {
        let end = self.chunks.get(index + 1);
        self.chunks[index].start..end.map_or(self.length, |next| next.start)
    }

    /// An entry, read as if nothing stood around it.
    pub(super) fn parsed(&self, index: usize, text: &str) -> Result<&Arc<Parsed>, Fault> {
        let place = &self.chunks[index].parsed;
        if let Some(parsed) = place.get() {
            return Ok(parsed);
        }
        let parsed = Arc::new(Parsed::new(&text[self.range(index)])?);
        Ok(place.get_or_init(|| parsed))
    }

    /// How far the first block list among some entries is indented below its key.
    pub(super) fn list_indent(&self, indexes: Range<usize>) -> Option<usize> {
        let chunks = &self.chunks[indexes];
        chunks.iter().find_map(|chunk| chunk.list_indent)
    }

    /// Whether the second reader takes each entry for one entry of that key.
    pub(super) fn is_sound(&self, text: &str) -> bool {
        (0..self.len())
            .filter(|at| !self.chunks[*at].is_simple)
            .all(|at| {
                let read = self.parsed(at, text);
                read.is_ok_and(|parsed| {
                    parsed.is_one_entry(&text[self.range(at)], self.chunks[at].named(text))
                })
            })
    }

    /// The same with other entries in the place of one.
    pub(super) fn replaced(&self, index: usize, by: &Self) -> Self {
        let range = self.range(index);
        let moved = |chunk: &Chunk, to: usize| Chunk {
            start: to,
            ..chunk.clone()
        };
        let mut chunks = Vec::with_capacity(self.len() + by.len());
        chunks.extend_from_slice(&self.chunks[..index]);
        chunks.extend(
            by.chunks
                .iter()
                .map(|chunk| moved(chunk, range.start + chunk.start)),
        );
        let behind = self.chunks[index + 1..].iter();
        chunks.extend(behind.map(|chunk| moved(chunk, chunk.start - range.len() + by.length)));
        Self {
            chunks,
            length: self.length - range.len() + by.length,
        }
    }

    /// Keeps what was read of the only entry.
    pub(super) fn keep(&self, parsed: &Arc<Parsed>) {
        if let [chunk] = self.chunks.as_slice() {
            chunk.parsed.get_or_init(|| Arc::clone(parsed));
        }
    }

    /// How many entries needed no parser.
    #[cfg(test)]
    pub(super) fn simple_entries(&self) -> usize {
        self.chunks.iter().filter(|chunk| chunk.is_simple).count()
    }
}

impl Chunk {
    /// The entry that a text begins with, and its length.
    fn first_of<'text>(
        text: &'text str,
        recogniser: &mut Recogniser<'text>,
    ) -> Option<(Self, usize)> {
        if let Some(shape) = recogniser.entry(text) {
            return Some((Self::new(&shape, None), shape.length));
        }
        let name = simple::key(simple::line_at(text, 0)?)?;
        let text = alone(text).filter(|text| !has_marker(text))?;
        let parsed = Parsed::new(text).ok()?;
        let Kind::Map {
            flow: false,
            entries,
        } = &parsed.tree.root.kind
        else {
            return None;
        };
        let [entry] = entries.as_slice() else {
            return None;
        };
        let is_plain = matches!(
            entry.key.kind,
            Kind::Scalar {
                style: Style::Plain,
                ..
            }
        );
        let begins =
            entry.key.outer == 0 && entry.colon == Some(name.len()) && entry.name() == name;
        if !is_plain || !begins || parsed.tree.has_aliases || parsed.tree.root.holds_anchor() {
            return None;
        }
        let shape = Shape {
            length: text.len(),
            name: name.len(),
            list_indent: first_list_indent(text, &parsed.tree.root),
        };
        Some((Self::new(&shape, Some(parsed)), shape.length))
    }

    fn new(shape: &Shape, parsed: Option<Parsed>) -> Self {
        Self {
            start: 0,
            name: shape.name,
            list_indent: shape.list_indent,
            is_simple: parsed.is_none(),
            parsed: parsed
                .map(Arc::new)
                .map_or_else(OnceLock::new, OnceLock::from),
        }
    }

    fn named<'text>(&self, text: &'text str) -> &'text str {
        &text[self.start..self.start + self.name]
    }
}

/// The lines of a text up to the second one that begins an entry.
fn alone(text: &str) -> Option<&str> {
    let mut at = simple::line_at(text, 0)?.len() + 1;
    while at < text.len() {
        let line = simple::line_at(text, at)?;
        if simple::begins_entry(line) {
            break;
        }
        at += line.len() + 1;
    }
    Some(&text[..at])
}

#[cfg(test)]
mod tests;
