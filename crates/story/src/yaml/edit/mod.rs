//! Plans an edit: one splice of the YAML text, and what it claims to change.
//!
//! A plan is never trusted. Its text is parsed again and compared with the old tree, and a second
//! parser of another family must agree (`check`, `second`).

mod block;
mod diff;
mod flow;
mod locate;
mod whole;

use std::ops::Range;

pub(crate) use locate::{Found, Trail, locate};

use super::node::{Kind, Node, Style, Tree};
use super::write::{self, Renderer};
use super::{MAX_DEPTH, Reader, parse_mapping, resolve, scan};
use crate::path::Step;
use crate::value::Value;

/// One splice of the YAML text.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    /// The text to put there, with LF as line ends.
    pub(crate) text: String,
    pub(crate) change: Change,
}

/// What an edit claims to change: something below one node, everything else stays.
#[derive(Debug)]
pub(crate) struct Change {
    /// Child indexes from the root.
    pub(crate) path: Vec<usize>,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// The node gets this value.
    Value(Value),
    /// Some children of the node are replaced by others.
    Children {
        removed: Range<usize>,
        inserted: Vec<Child>,
    },
}

/// A new child of a list or mapping.
#[derive(Debug, Clone)]
pub(crate) enum Child {
    Item(Value),
    Entry(String, Value),
}

impl Child {
    pub(crate) fn value(&self) -> &Value {
        match self {
            Self::Item(value) | Self::Entry(_, value) => value,
        }
    }
}

/// Why an edit cannot be planned; offsets are of the YAML text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The value after `steps` steps of the path has another type.
    Type {
        steps: usize,
        offset: usize,
        found: &'static str,
        wanted: &'static str,
    },
    /// The list after `steps` steps has no such item.
    Index {
        steps: usize,
        index: usize,
        length: usize,
    },
    Unsupported {
        offset: usize,
        construct: &'static str,
    },
    Value(&'static str),
}

impl Refusal {
    pub(crate) fn unsupported(offset: usize, construct: &'static str) -> Self {
        Self::Unsupported { offset, construct }
    }
}

/// What stands around a text that is a part of a frontmatter; the habits of the file show there too.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around<'text> {
    pub(crate) before: &'text str,
    pub(crate) behind: &'text str,
    /// How far the first block list before is indented below its key.
    pub(crate) list_indent_before: Option<usize>,
    pub(crate) list_indent_behind: Option<usize>,
}

/// Plans edits of one text.
pub(crate) struct Planner<'tree> {
    text: &'tree str,
    root: &'tree Node,
    reader: Reader<'tree>,
    around: Around<'tree>,
}

impl<'tree> Planner<'tree> {
    pub(crate) fn new(text: &'tree str, tree: &'tree Tree, around: Around<'tree>) -> Self {
        Self {
            text,
            root: &tree.root,
            reader: Reader::new(tree),
            around,
        }
    }

    pub(crate) fn root(&self) -> &'tree Node {
        self.root
    }

    pub(crate) fn reader(&self) -> &Reader<'tree> {
        &self.reader
    }

    /// Plans to give the value at `steps` a new value. `None`: it has it already.
    pub(crate) fn set(&self, steps: &[Step], value: &Value) -> Result<Option<Edit>, Refusal> {
        write::refuse_unsound(value).map_err(Refusal::Value)?;
        if steps.len() + write::levels(value) > MAX_DEPTH {
            return Err(Refusal::Value("it would be nested too deep"));
        }
        match locate(self.root, steps)? {
            Found::Node(trail) => self.replace(&trail, value),
            Found::Missing { trail, rest } => {
                let (name, value) = nested(rest, trail.len(), value)?;
                write::refuse_unsound_key(&name).map_err(Refusal::Value)?;
                let count = child_count(trail.node(self.root));
                if count == 0 && !trail.is_root() {
                    return self.replace(&trail, &Value::Map(vec![(name, value)]));
                }
                let entry = vec![Child::Entry(name, value)];
                self.children(&trail, count..count, entry).map(Some)
            }
            Found::Null { trail, rest } => {
                let (name, value) = nested(rest, trail.len(), value)?;
                write::refuse_unsound_key(&name).map_err(Refusal::Value)?;
                self.replace(&trail, &Value::Map(vec![(name, value)]))
            }
        }
    }

    /// Plans to remove one child of the container at the end of `trail`; the last one leaves `{}`
    /// or `[]`, in the frontmatter itself nothing.
    pub(crate) fn remove(&self, trail: &Trail, index: usize) -> Result<Edit, Refusal> {
        let container = trail.node(self.root);
        if child_count(container) > 1 || trail.is_root() {
            return self.children(trail, index..index + 1, Vec::new());
        }
        refuse_marks(container)?;
        let empty = match container.kind {
            Kind::List { .. } => Value::List(Vec::new()),
            _ => Value::Map(Vec::new()),
        };
        self.whole(trail, &empty)
    }

    /// Plans to append an item to the non-empty or empty list at the end of `trail`.
    pub(crate) fn append(&self, trail: &Trail, value: &Value) -> Result<Edit, Refusal> {
        write::refuse_unsound(value).map_err(Refusal::Value)?;
        if trail.len() + 1 + write::levels(value) > MAX_DEPTH {
            return Err(Refusal::Value("it would be nested too deep"));
        }
        let count = child_count(trail.node(self.root));
        if count == 0 {
            refuse_marks(trail.node(self.root))?;
            return self.whole(trail, &Value::List(vec![value.clone()]));
        }
        self.children(trail, count..count, vec![Child::Item(value.clone())])
    }

    /// Plans to replace some children of a container.
    pub(super) fn children(
        &self,
        trail: &Trail,
        removed: Range<usize>,
        inserted: Vec<Child>,
    ) -> Result<Edit, Refusal> {
        let container = trail.node(self.root);
        if container.tag.is_some() {
            return Err(Refusal::unsupported(
                container.outer,
                "its list or mapping has a tag",
            ));
        }
        if container.anchor.is_some() {
            return Err(Refusal::unsupported(
                container.outer,
                "its list or mapping has an anchor",
            ));
        }
        for index in removed.clone() {
            if child_holds_anchor(container, index) {
                return Err(Refusal::unsupported(
                    container.outer,
                    "what would be removed holds an anchor",
                ));
            }
        }
        let (range, text) = if is_flow(container) {
            flow::splice(self.text, container, &removed, &inserted)?
        } else {
            block::splice(
                self.text,
                container,
                trail.is_root(),
                &removed,
                &inserted,
                |end| self.renderer(end),
            )?
        };
        Ok(Edit {
            range,
            text,
            change: Change {
                path: trail.indexes(),
                what: What::Children { removed, inserted },
            },
        })
    }

    /// The habits of this file; `end` is where the bytes end that a splice replaces.
    fn renderer(&self, end: usize) -> Renderer {
        let around = &self.around;
        let indent = around
            .list_indent_before
            .or_else(|| first_list_indent(self.text, self.root))
            .or(around.list_indent_behind);
        let is_blank = |text: &str| text.trim().is_empty();
        Renderer {
            list_indent: if indent == Some(0) { 0 } else { 2 },
            at_end: is_blank(&self.text[end..]) && is_blank(around.behind),
        }
    }

    /// Writes a value as one scalar with `write`, given the style to keep. A value that replaces
    /// another keeps its style, unless the whole file stands as the reference writes it: there a
    /// kept style would be the one line that the reference does not leave alone.
    fn in_style_of<T: PartialEq>(&self, old: &Node, write: impl Fn(Option<Style>) -> T) -> T {
        let canonical = write(None);
        let Kind::Scalar { style, text } = &old.kind else {
            return canonical;
        };
        if *style == Style::Plain && matches!(resolve::plain(text), Value::Null) {
            return canonical;
        }
        let kept = write(Some(*style));
        if kept == canonical || self.is_canonical() {
            canonical
        } else {
            kept
        }
    }

    /// Whether the whole frontmatter stands as the reference tool would write it.
    fn is_canonical(&self) -> bool {
        let Around { before, behind, .. } = self.around;
        let is_written = |text: &str, is_last: bool| {
            text.is_empty()
                || parse_mapping(text)
                    .is_ok_and(|tree| is_as_written(&Reader::new(&tree), text, is_last))
        };
        is_as_written(&self.reader, self.text, behind.is_empty())
            && is_written(before, false)
            && is_written(behind, true)
    }
}

/// Whether a text stands as the reference tool would write what is read there; blanks at the end of the last one count for nothing.
fn is_as_written(reader: &Reader<'_>, text: &str, is_last: bool) -> bool {
    let renderer = Renderer {
        list_indent: 2,
        at_end: false,
    };
    match reader.whole() {
        Value::Map(entries) if entries.iter().all(|entry| is_of_javascript(&entry.1)) => {
            let written = renderer.entries(&entries, 0);
            if is_last {
                written.trim_end() == text.trim_end()
            } else {
                // A blank line before the first entry is nobody's entry, and not written.
                !entries.is_empty() && text.strip_suffix('\n') == Some(written.as_str())
            }
        }
        _ => false,
    }
}

/// Whether JavaScript writes the value as we do: not dates, nor floats that are whole numbers.
fn is_of_javascript(value: &Value) -> bool {
    match value {
        Value::Timestamp(_) => false,
        Value::Float(float) => float.fract() != 0.0 || !float.is_finite(),
        Value::List(items) => items.iter().all(is_of_javascript),
        Value::Map(entries) => entries.iter().all(|entry| is_of_javascript(&entry.1)),
        _ => true,
    }
}

/// The entry that has to be made so that `rest` leads to the value.
fn nested(rest: &[Step], steps: usize, value: &Value) -> Result<(String, Value), Refusal> {
    let mut value = value.clone();
    for (at, step) in rest.iter().enumerate().rev() {
        match step {
            Step::Key(key) if at == 0 => return Ok((key.clone(), value)),
            Step::Key(key) => value = Value::Map(vec![(key.clone(), value)]),
            Step::Index(index) => {
                return Err(Refusal::Index {
                    steps: steps + at,
                    index: *index,
                    length: 0,
                });
            }
        }
    }
    Err(Refusal::Value("the path has no key"))
}

pub(crate) fn child_count(node: &Node) -> usize {
    match &node.kind {
        Kind::List { items, .. } => items.len(),
        Kind::Map { entries, .. } => entries.len(),
        Kind::Scalar { .. } | Kind::Alias(_) => 0,
    }
}

fn child_holds_anchor(node: &Node, index: usize) -> bool {
    match &node.kind {
        Kind::List { items, .. } => items[index].value.holds_anchor(),
        Kind::Map { entries, .. } => {
            entries[index].key.holds_anchor() || entries[index].value.holds_anchor()
        }
        Kind::Scalar { .. } | Kind::Alias(_) => false,
    }
}

fn is_flow(node: &Node) -> bool {
    matches!(
        node.kind,
        Kind::List { flow: true, .. } | Kind::Map { flow: true, .. }
    )
}

/// Refuses to replace a node that others refer to, or whose tag says how to read it.
fn refuse_marks(node: &Node) -> Result<(), Refusal> {
    if node.holds_anchor() {
        return Err(Refusal::unsupported(
            node.outer,
            "the value holds an anchor",
        ));
    }
    if node.tag.is_some() {
        return Err(Refusal::unsupported(node.outer, "the value has a tag"));
    }
    Ok(())
}

/// How far the first block list of the file is indented below its key.
pub(super) fn first_list_indent(text: &str, node: &Node) -> Option<usize> {
    let Kind::Map {
        flow: false,
        entries,
    } = &node.kind
    else {
        return None;
    };
    entries.iter().find_map(|entry| match &entry.value.kind {
        Kind::List { flow: false, .. } => {
            let dash = scan::column(text, entry.value.span.start);
            Some(dash.saturating_sub(scan::column(text, entry.key.outer)))
        }
        _ => first_list_indent(text, &entry.value),
    })
}
