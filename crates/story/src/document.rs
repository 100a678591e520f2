//! One story in memory: parse, read, edit. Pure: no I/O.

use std::ops::Range;
use std::sync::Arc;

use atomic_file::Revision;

use crate::error::{EditError, ParseError, ParseErrorKind, Position};
use crate::fence::{self, Eol, Fences};
use crate::file_bytes::FileBytes;
use crate::operations::{self, Denied};
use crate::path::{self, Step};
use crate::value::Value;
use crate::yaml::{Draft, Failure, Pieces, Refusal, Source, Splice};

/// One story in memory: the bytes of its file, and where each value of the frontmatter stands.
///
/// Invariant: the frontmatter parses within the limits, and `as_bytes` is what was parsed plus the
/// edits that were accepted, byte for byte.
///
/// # Edits
///
/// An edit replaces the bytes of what it means to change and nothing else. Before it is accepted
/// what changed is read again and compared, the entry alone or the whole frontmatter: it must be the
/// old one plus this edit, for our parser and for a second one of another family. Else the edit is refused and the document is
/// unchanged. Values are written as the reference tool writes them; a changed value keeps the quote
/// style of the old one where it can, lists and mappings keep their indentation, and `[a, b]` stays
/// on its line.
///
/// # Paths
///
/// `status`, `last_test_run.passed`, `review_history[0].decision`. A key that holds a dot, a
/// bracket or a double quote stands in double quotes: `"odd.key"`, with `\"` and `\\` as escapes.
///
/// # Limits
///
/// The frontmatter is at most [`crate::MAX_FRONTMATTER_BYTES`] long and nested at most
/// [`crate::MAX_DEPTH`] deep, aliases expand to at most [`crate::MAX_EXPANDED_BYTES`]. The body is
/// opaque bytes of any length. Entries that `<<` takes over are not seen by [`Document::get`].
///
/// # Example
///
/// ```
/// use story::{Document, Value};
///
/// let text = "---\nid: S-0034\nstatus: ready # set by hand\nlabels: [a, b]\n---\n\n# Title\n";
/// let mut story = Document::parse(text)?;
/// story.set("status", "in-progress")?;
/// story.increment("retry_count", 1)?;
/// story.add_to_set("labels", "urgent")?;
/// assert_eq!(
///     story.as_str(),
///     Some(
///         "---\nid: S-0034\nstatus: in-progress # set by hand\nlabels: [a, b, urgent]\n\
///          retry_count: 1\n---\n\n# Title\n"
///     )
/// );
/// assert_eq!(story.get("labels[2]")?, Some(Value::from("urgent")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Document {
    bytes: FileBytes,
    fences: Fences,
    source: Arc<Source>,
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Document {}

impl Document {
    /// Reads a story from the bytes of its file.
    ///
    /// # Errors
    ///
    /// [`ParseError`] with line and column: no or unclosed frontmatter, invalid YAML, something
    /// that readers of stories take differently, or a limit. Retrying does not help.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, ParseError> {
        let bytes = bytes.into();
        let fences = fence::split(&bytes)?;
        let start = fences.yaml.start;
        let fault = |(offset, kind)| ParseError::at(&bytes, start + offset, kind);
        let yaml = &bytes[fences.yaml.clone()];
        if let Some(nul) = memchr::memchr(0, yaml) {
            return Err(fault((nul, ParseErrorKind::Nul)));
        }
        let text = std::str::from_utf8(yaml)
            .map_err(|err| fault((err.valid_up_to(), ParseErrorKind::NotUtf8)))?;
        if let Some(marker) = fence::conflict_marker(text) {
            return Err(fault((marker, ParseErrorKind::MergeConflict)));
        }
        let source = Arc::new(Source::new(text).map_err(fault)?);
        Ok(Self {
            bytes: FileBytes::new(bytes),
            fences,
            source,
        })
    }

    /// The bytes of the file, as they are now.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.whole()
    }

    /// The bytes of the file, as they are now.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_vec()
    }

    /// The same as [`Document::as_bytes`] in up to two parts, without making one piece of them.
    pub fn parts(&self) -> [&[u8]; 2] {
        self.bytes.parts()
    }

    /// The whole file as text; `None` when the body is not UTF-8. Costs a look at every byte.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()).ok()
    }

    /// The YAML text between the fences, with its last line end.
    #[expect(
        clippy::missing_panics_doc,
        reason = "only UTF-8 passes the parser and the edits"
    )]
    pub fn frontmatter(&self) -> &str {
        let yaml = &self.bytes.parts()[0][self.fences.yaml.clone()];
        std::str::from_utf8(yaml).expect("the frontmatter was UTF-8 when it was parsed")
    }

    /// Everything after the line of the closing fence, uninterpreted.
    pub fn body(&self) -> &[u8] {
        let [head, rest] = self.bytes.parts();
        if head.len() == self.fences.body_start {
            return rest;
        }
        &self.as_bytes()[self.fences.body_start..]
    }

    /// The top-level keys in file order.
    pub fn fields(&self) -> Vec<&str> {
        self.source.names(self.frontmatter())
    }

    /// Reads the value at `path`, aliases resolved; `None` when there is nothing.
    ///
    /// # Errors
    ///
    /// [`EditError::Path`] when `path` is malformed. Retrying does not help.
    pub fn get(&self, path: &str) -> Result<Option<Value>, EditError> {
        let steps = path::parse(path)?;
        let unreadable = |(_, kind)| EditError::Unreadable {
            path: path.to_owned(),
            kind,
        };
        self.source
            .at(self.frontmatter(), &steps)
            .map_err(unreadable)
    }

    /// The whole frontmatter as a [`Value::Map`].
    #[expect(
        clippy::missing_panics_doc,
        reason = "only what the parser reads has an outline"
    )]
    pub fn to_value(&self) -> Value {
        let whole = self.source.whole(self.frontmatter());
        whole.expect("the frontmatter was readable when the document was made")
    }

    /// Sets the value at `path`, making missing mappings on the way. `true`: bytes changed.
    ///
    /// A list or mapping that replaces one keeps the bytes of what is equal at its head and tail.
    ///
    /// # Errors
    ///
    /// [`EditError`]; the document is unchanged and retrying does not help.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<bool, EditError> {
        let value = value.into();
        self.edit(path, |draft, steps| operations::set(draft, steps, &value))
    }

    /// Removes the key or list item at `path` with its line. `false`: it was not there.
    ///
    /// A nested mapping that loses its last key stays as `{}`, a list as `[]`.
    ///
    /// # Errors
    ///
    /// [`EditError`]; the document is unchanged and retrying does not help.
    pub fn unset(&mut self, path: &str) -> Result<bool, EditError> {
        self.edit(path, operations::unset)
    }

    /// Adds `by` to the integer at `path` and returns the sum; nothing and null count as 0.
    ///
    /// # Errors
    ///
    /// [`EditError::Type`] when something else stands there, [`EditError::Overflow`], or another
    /// [`EditError`]; the document is unchanged and retrying does not help.
    pub fn increment(&mut self, path: &str, by: i64) -> Result<i128, EditError> {
        self.edit(path, |draft, steps| operations::increment(draft, steps, by))
    }

    /// Appends to the list at `path`, then drops items from its front until at most `cap` are
    /// left. Nothing and null count as an empty list. `true`: bytes changed.
    ///
    /// # Errors
    ///
    /// [`EditError::Type`] when something else than a list stands there, or another
    /// [`EditError`]; the document is unchanged and retrying does not help.
    pub fn push(
        &mut self,
        path: &str,
        value: impl Into<Value>,
        cap: Option<usize>,
    ) -> Result<bool, EditError> {
        let value = value.into();
        self.edit(path, |draft, steps| {
            operations::push(draft, steps, &value, cap)
        })
    }

    /// Appends to the list at `path` unless an equal item is there. `true`: bytes changed.
    ///
    /// # Errors
    ///
    /// As [`Document::push`].
    pub fn add_to_set(&mut self, path: &str, value: impl Into<Value>) -> Result<bool, EditError> {
        let value = value.into();
        self.edit(path, |draft, steps| {
            operations::add_to_set(draft, steps, &value)
        })
    }

    /// Removes all items equal to `value` from the list at `path`. `true`: bytes changed.
    ///
    /// # Errors
    ///
    /// As [`Document::push`].
    pub fn remove_from_set(&mut self, path: &str, value: &Value) -> Result<bool, EditError> {
        self.edit(path, |draft, steps| {
            operations::remove_from_set(draft, steps, value)
        })
    }

    /// Appends text to the body, on a line of its own and with a line end behind it.
    ///
    /// In a file whose fence ends with CR LF, the lines of `text` do so too. An empty text changes
    /// nothing.
    pub fn append_body(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.end_line();
        let mut lines = match self.fences.eol {
            Eol::Lf => text.to_owned(),
            Eol::CrLf => text.replace("\r\n", "\n").replace('\n', "\r\n"),
        };
        if !lines.ends_with('\n') {
            lines.push_str(self.line_end());
        }
        self.append(lines.as_bytes());
    }

    /// Replaces everything after the closing fence by `text`, as it is.
    pub fn set_body(&mut self, text: &str) {
        self.replace_body(text.as_bytes());
    }

    /// The same for bytes that may be no text.
    pub(crate) fn replace_body(&mut self, bytes: &[u8]) {
        self.bytes.truncate(self.fences.body_start);
        if !bytes.is_empty() {
            self.end_line();
            self.fences.body_start = self.bytes.len();
        }
        self.append(bytes);
    }

    /// Everything before the body: the fences and what stands between them.
    pub(crate) fn head(&self) -> &[u8] {
        &self.bytes.parts()[0][..self.fences.body_start]
    }

    /// The frontmatter cut into its entries; `None` where they cannot be moved on their own.
    pub(crate) fn pieces(&self) -> Option<Pieces<'_>> {
        let text = self.frontmatter();
        Pieces::of(text, self.source.tree(text).ok()?)
    }

    /// The same story with another text between its fences, if both readers can read that.
    pub(crate) fn with_frontmatter(&self, yaml: &str) -> Option<Self> {
        let Range { start, end } = self.fences.yaml;
        let whole = self.as_bytes();
        let bytes = [&whole[..start], yaml.as_bytes(), &whole[end..]].concat();
        let story = Self::parse(bytes).ok()?;
        let is_whole = story.frontmatter() == yaml
            && story
                .source
                .parsed(yaml)
                .is_ok_and(|parsed| parsed.is_sound(yaml));
        is_whole.then_some(story)
    }

    /// The line end of the opening fence, which new lines get.
    pub(crate) fn line_end(&self) -> &'static str {
        self.fences.eol.as_str()
    }

    /// Replaces a part of the body, counted from its start, by bytes as they are.
    pub(crate) fn splice_body(&mut self, range: Range<usize>, bytes: &[u8]) {
        if !bytes.is_empty() && self.bytes.len() == self.fences.body_start {
            self.end_line();
            self.fences.body_start = self.bytes.len();
        }
        let start = self.fences.body_start;
        let range = start + range.start..start + range.end;
        self.bytes.splice(range, bytes);
    }

    /// The hash of the whole file; costs a look at every byte.
    pub fn revision(&self) -> Revision {
        Revision::of(self.as_bytes())
    }

    fn append(&mut self, bytes: &[u8]) {
        let end = self.bytes.len();
        self.bytes.splice(end..end, bytes);
    }

    /// Makes sure that the file ends with a line end.
    fn end_line(&mut self) {
        if self.bytes.last() == Some(&b'\n') {
            return;
        }
        let bare_fence = self.bytes.len() == self.fences.body_start;
        self.append(self.fences.eol.as_str().as_bytes());
        if bare_fence {
            self.fences.body_start = self.bytes.len();
        }
    }

    /// Runs one operation on a draft of the frontmatter and takes the result over if it succeeds.
    fn edit<T>(
        &mut self,
        path: &str,
        operation: impl Fn(&mut Draft<'_>, &[Step]) -> Result<T, Denied>,
    ) -> Result<T, EditError> {
        let steps = path::parse(path)?;
        let (outcome, splice) = self
            .source
            .edit(self.frontmatter(), self.fences.eol, &steps, operation)
            .map_err(|denied| self.explain(path, &steps, denied))?;
        if let Some(splice) = splice {
            self.put(splice);
        }
        Ok(outcome)
    }

    fn put(&mut self, splice: Splice) {
        let Range { start, end } = splice.range;
        let yaml = &self.fences.yaml;
        let range = yaml.start + start..yaml.start + end;
        let length = yaml.len() - (end - start) + splice.text.len();
        let (fences, head_end) = (self.fences.with_yaml(length), self.fences.body_start);
        self.bytes.replace(range, splice.text.as_bytes(), head_end);
        self.fences = fences;
        self.source = Arc::new(splice.source);
    }

    /// Adds path and place to what an operation says.
    fn explain(&self, path: &str, steps: &[Step], denied: Denied) -> EditError {
        let head = self.head();
        let position = |offset: usize| Position::of(head, self.fences.yaml.start + offset);
        let up_to = |count: usize| match count {
            0 => "the frontmatter".to_owned(),
            _ => path::display(&steps[..count.min(steps.len())]),
        };
        let path = path.to_owned();
        match denied {
            Denied::Overflow => EditError::Overflow { path },
            Denied::Refusal(Refusal::Type {
                steps,
                offset,
                found,
                wanted,
            }) => EditError::Type {
                path: up_to(steps),
                found,
                wanted,
                position: position(offset),
            },
            Denied::Refusal(Refusal::Index {
                steps,
                index,
                length,
            }) => EditError::Index {
                path: up_to(steps),
                index,
                length,
            },
            Denied::Refusal(Refusal::Unsupported { offset, construct }) => EditError::Unsupported {
                path,
                construct,
                position: position(offset),
            },
            Denied::Refusal(Refusal::Value(reason)) => EditError::Value { path, reason },
            Denied::Failure(Failure::Unreadable(kind)) => EditError::Unreadable { path, kind },
            Denied::Failure(Failure::Refused(objection)) => EditError::Refused {
                path,
                position: position(objection.offset),
                message: objection.message,
            },
            Denied::Failure(Failure::Disagreement(reason)) => {
                EditError::Disagreement { path, reason }
            }
        }
    }
}
