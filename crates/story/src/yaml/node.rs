//! The tree of a YAML text: what stands where. Offsets are bytes of the YAML text.

use std::ops::Range;

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Single,
    Double,
    Literal,
    Folded,
}

/// One value or key with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// The text of the node without anchor and tag. An empty node has an empty span right behind
    /// its indicator (or its anchor and tag). A block scalar's span begins with its header and a
    /// span never ends with a line end.
    pub(crate) span: Range<usize>,
    /// Where the node begins, anchor and tag included.
    pub(crate) outer: usize,
    /// The anchor defined here, as a number of the parser.
    pub(crate) anchor: Option<usize>,
    /// The tag, resolved: `tag:yaml.org,2002:str`, `!local`.
    pub(crate) tag: Option<Box<str>>,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar { style: Style, text: Box<str> },
    Alias(usize),
    List { flow: bool, items: Vec<Item> },
    Map { flow: bool, entries: Vec<Entry> },
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// The place of its dash; flow lists have none.
    pub(crate) dash: Option<usize>,
    pub(crate) value: Node,
}

/// An entry of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Node,
    /// The place of the colon; `{a, b}` has none.
    pub(crate) colon: Option<usize>,
    pub(crate) value: Node,
}

impl Entry {
    /// The key as text; a key is always a scalar, the builder refuses others.
    pub(crate) fn name(&self) -> &str {
        match &self.key.kind {
            Kind::Scalar { text, .. } => text,
            _ => "",
        }
    }

    /// Whether this is `<<`, which readers of YAML 1.1 replace by the entries of its value.
    pub(crate) fn is_merge(&self) -> bool {
        matches!(&self.key.kind, Kind::Scalar { style: Style::Plain, text } if &**text == "<<")
    }

    /// Where the entry ends.
    pub(crate) fn end(&self) -> usize {
        let indicator = self.colon.map_or(self.key.span.end, |colon| colon + 1);
        self.value.span.end.max(indicator)
    }
}

impl Item {
    /// Where the item begins: its dash, or itself in a flow list.
    pub(crate) fn start(&self) -> usize {
        self.dash.unwrap_or(self.value.outer)
    }

    /// Where the item ends.
    pub(crate) fn end(&self) -> usize {
        let indicator = self.dash.map_or(0, |dash| dash + 1);
        self.value.span.end.max(indicator)
    }
}

impl Node {
    /// Whether nothing stands there, which reads as null.
    pub(crate) fn is_empty(&self) -> bool {
        self.span.is_empty()
    }

    /// Whether an anchor is defined on this node or inside it.
    pub(crate) fn holds_anchor(&self) -> bool {
        self.anchor.is_some()
            || match &self.kind {
                Kind::Scalar { .. } | Kind::Alias(_) => false,
                Kind::List { items, .. } => items.iter().any(|item| item.value.holds_anchor()),
                Kind::Map { entries, .. } => entries
                    .iter()
                    .any(|entry| entry.key.holds_anchor() || entry.value.holds_anchor()),
            }
    }

    /// The child value of an index, in file order.
    pub(crate) fn child(&self, index: usize) -> Option<&Node> {
        match &self.kind {
            Kind::Scalar { .. } | Kind::Alias(_) => None,
            Kind::List { items, .. } => items.get(index).map(|item| &item.value),
            Kind::Map { entries, .. } => entries.get(index).map(|entry| &entry.value),
        }
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.kind, Kind::List { .. })
    }

    /// The place of a `<<` key in this mapping.
    pub(crate) fn merge_key(&self) -> Option<usize> {
        match &self.kind {
            Kind::Map { entries, .. } => entries
                .iter()
                .find(|entry| entry.is_merge())
                .map(|entry| entry.key.outer),
            _ => None,
        }
    }

    /// What the node is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { .. } if self.is_empty() => "empty",
            Kind::Scalar { .. } => "a single value",
            Kind::Alias(_) => "an alias",
            Kind::List { .. } => "a list",
            Kind::Map { .. } => "a mapping",
        }
    }
}

/// A parsed YAML text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) root: Node,
    /// Whether any alias stands in the text.
    pub(crate) has_aliases: bool,
    /// Whether the text is one that every YAML reader takes alike (see `plain`).
    pub(crate) is_plain: bool,
}

impl Tree {
    /// The keys of the root in file order.
    pub(crate) fn names(&self) -> Vec<&str> {
        match &self.root.kind {
            Kind::Map { entries, .. } => entries.iter().map(Entry::name).collect(),
            _ => Vec::new(),
        }
    }
}
