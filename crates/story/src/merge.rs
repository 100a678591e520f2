//! Three-way merge of stories: what two sides did to one version, put together. Pure.
//!
//! Values are merged key by key with the rules in `values` and `lists`, the body line by line. The result is the text of
//! `ours` with what `theirs` changed taken over, its comments and layout included (`layout`).

mod body;
mod layout;
mod lists;
mod markers;
mod rules;
mod values;

use crate::document::Document;
use crate::value::Value;

use body::Body;

/// What both sides changed, each in its own way. The merged story keeps what `ours` says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Conflict {
    /// A value of the frontmatter. `None`: it is not there.
    Field {
        /// Its path, such as `status` or `last_test_run.passed`.
        path: String,
        /// What it was.
        base: Option<Value>,
        /// What one side made of it.
        ours: Option<Value>,
        /// What the other side made of it.
        theirs: Option<Value>,
    },
    /// A comment of the frontmatter; the values are merged.
    Comment {
        /// The key that it stands at; empty: at the end of the frontmatter.
        key: String,
        /// What one side made of it.
        ours: String,
        /// What the other side made of it.
        theirs: String,
    },
    /// Lines of the body.
    Body {
        /// The line of the file of `ours` where they begin, counted from 1.
        line: usize,
        /// What they were.
        base: Vec<u8>,
        /// What one side made of them.
        ours: Vec<u8>,
        /// What the other side made of them.
        theirs: Vec<u8>,
    },
}

impl Conflict {
    /// The key or path that it is about; `content` is the body.
    pub fn key(&self) -> &str {
        match self {
            Self::Field { path, .. } => path,
            Self::Comment { key, .. } => key,
            Self::Body { .. } => crate::Changes::CONTENT,
        }
    }
}

/// Two versions of a story put together.
#[derive(Debug, Clone)]
pub struct Merge {
    /// The story with what both sides changed. Where they contradict each other it keeps what `ours` says.
    pub merged: Document,
    /// Where they contradict each other: fields and comments first, then the body from its top.
    pub conflicts: Vec<Conflict>,
    body: Body,
}

impl Merge {
    /// Whether nothing is left for a person to decide.
    pub fn is_clean(&self) -> bool {
        self.conflicts.is_empty()
    }

    /// The merged story with each conflict between markers in its body, as git makes them. It is a readable story: the
    /// frontmatter holds no markers, what conflicts there stands at the top of the body.
    pub fn with_markers(&self) -> Document {
        let mut marked = self.merged.clone();
        if !self.is_clean() {
            markers::set(&mut marked, &self.conflicts, &self.body);
        }
        marked
    }
}

/// Merges what `ours` and `theirs` made of `base`; `None`: they have no common past.
///
/// A key that one side changed gets that side's value. Where both changed it: mappings are merged key by key, lists of
/// single values as sets, histories entry by entry with both sides' new entries at the end (those of `ours` first),
/// counters by what was added on each side, `updated` and timestamps to the later one. Whatever else both changed, each in
/// its own way, is a [`Conflict`]. Of the body, hunks with an unchanged line between them are merged.
///
/// Bytes that nobody changed stay; `merge(Some(b), o, b)` is `o` and `merge(Some(b), b, t)` is `t`, byte for byte.
///
/// # Example
///
/// ```
/// use story::{Document, merge};
///
/// let base = Document::parse("---\nstatus: ready # by hand\nlabels: [a]\n---\n")?;
/// let ours = Document::parse("---\nstatus: done # by hand\nlabels: [a, b]\n---\n")?;
/// let theirs = Document::parse("---\nstatus: ready # by hand\nlabels: [c]\n---\n")?;
/// let merge = merge(Some(&base), &ours, &theirs);
/// assert!(merge.is_clean());
/// assert_eq!(merge.merged.as_str(), Some("---\nstatus: done # by hand\nlabels: [b, c]\n---\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn merge(base: Option<&Document>, ours: &Document, theirs: &Document) -> Merge {
    let base = base.filter(|_| ours != theirs);
    let (mut merged, mut conflicts) = head(base, ours, theirs);
    let first_line = 1 + memchr::memchr_iter(b'\n', ours.head()).count();
    let body = Body::merge(
        base.map_or(&b""[..], Document::body),
        ours.body(),
        theirs.body(),
        first_line,
    );
    let text = body.ours();
    if merged.body() != text {
        merged.replace_body(&text);
    }
    conflicts.extend(body.conflicts());
    Merge {
        merged,
        conflicts,
        body,
    }
}

/// Everything before the body, with the body of one of the sides behind it.
fn head(base: Option<&Document>, ours: &Document, theirs: &Document) -> (Document, Vec<Conflict>) {
    let is_base = |side: &Document| base.is_some_and(|base| base.head() == side.head());
    let are_equal = ours.head() == theirs.head();
    // Where a counter is what both made of it, both have counted.
    if (are_equal && base.is_none()) || is_base(theirs) {
        return (ours.clone(), Vec::new());
    }
    if is_base(ours) {
        return (theirs.clone(), Vec::new());
    }
    let (wanted, conflicts) = values::merge(base, ours, theirs);
    let (merged, lost) = layout::merge([base, Some(ours), Some(theirs)], ours, &wanted);
    (merged, conflicts.into_iter().chain(lost).collect())
}
