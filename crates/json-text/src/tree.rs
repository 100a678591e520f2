//! The values of a scanned text, and the ways between them.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::Kind;

/// Where a value, or the name of a member, stands. A text of 4 GiB is refused, so that 32 bits do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// How many nodes it is, itself included: the next one behind it is that far away.
    pub(crate) size: u32,
}

impl Node {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self {
            start: narrow(start),
            end: narrow(end),
            size: 1,
        }
    }

    pub(crate) fn close(&mut self, end: usize, size: usize) {
        self.end = narrow(end);
        self.size = narrow(size);
    }

    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    pub(crate) fn end(&self) -> usize {
        self.end as usize
    }

    pub(crate) fn range(&self) -> Range<usize> {
        self.start()..self.end()
    }
}

/// A place or a number of nodes, of which a text has less than 4 Gi: `scan` and `change` see to that.
#[expect(
    clippy::cast_possible_truncation,
    reason = "texts of 4 GiB are refused"
)]
pub(crate) fn narrow(number: usize) -> u32 {
    number as u32
}

/// A member of an object or an item of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    /// The name, if it is a member.
    pub(crate) key: Option<usize>,
    pub(crate) value: usize,
}

impl Item {
    /// Its first node.
    pub(crate) fn first(self) -> usize {
        self.key.unwrap_or(self.value)
    }
}

/// A scanned text. A number of a node is valid for the tree that it comes from only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tree<'a> {
    pub(crate) text: &'a str,
    pub(crate) nodes: &'a [Node],
}

impl<'a> Tree<'a> {
    pub(crate) fn new(text: &'a str, nodes: &'a [Node]) -> Self {
        Self { text, nodes }
    }

    pub(crate) fn range(self, node: usize) -> Range<usize> {
        self.nodes[node].range()
    }

    /// The text of a value, as it stands there.
    pub(crate) fn raw(self, node: usize) -> &'a str {
        &self.text[self.range(node)]
    }

    pub(crate) fn kind(self, node: usize) -> Kind {
        match self.text.as_bytes()[self.nodes[node].start()] {
            b'{' => Kind::Object,
            b'[' => Kind::List,
            b'"' => Kind::String,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The node behind a value and all that is in it.
    pub(crate) fn behind(self, node: usize) -> usize {
        node + self.nodes[node].size as usize
    }

    pub(crate) fn size(self, node: usize) -> usize {
        self.nodes[node].size as usize
    }

    /// What a text in quotes says.
    pub(crate) fn unescaped(self, node: usize) -> Cow<'a, str> {
        let raw = self.raw(node);
        let inside = &raw[1..raw.len() - 1];
        if inside.contains('\\') {
            Cow::Owned(serde_json::from_str(raw).expect("a scanned text has no wrong escape"))
        } else {
            Cow::Borrowed(inside)
        }
    }

    /// The members or items of an object or list; of a scalar none.
    pub(crate) fn items(self, node: usize) -> impl Iterator<Item = Item> + Clone + 'a {
        let is_object = self.kind(node) == Kind::Object;
        let end = self.behind(node);
        let mut at = node + 1;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let key = is_object.then_some(at);
            let value = at + usize::from(is_object);
            at = self.behind(value);
            Some(Item { key, value })
        })
    }

    /// The member of that name; a list or a scalar has none.
    pub(crate) fn member(self, object: usize, name: &str) -> Option<Item> {
        let is_it = |item: &Item| item.key.is_some_and(|key| self.says(key, name));
        self.items(object).find(is_it)
    }

    /// Whether a text in quotes says that.
    fn says(self, node: usize, name: &str) -> bool {
        let raw = self.raw(node);
        let inside = &raw[1..raw.len() - 1];
        if inside.len() == name.len() {
            // An escape is longer than what it stands for.
            return inside == name && !name.contains('\\');
        }
        inside.len() > name.len() && inside.contains('\\') && self.unescaped(node) == name
    }

    /// Whether two values say the same: white space and escapes aside. Numbers and the order of members count as written.
    pub(crate) fn same(self, node: usize, other: Tree<'_>, there: usize) -> bool {
        if self.raw(node) == other.raw(there) {
            return true;
        }
        let both = (node..self.behind(node)).zip(there..other.behind(there));
        self.size(node) == other.size(there)
            && both.into_iter().all(|(a, b)| self.alike(a, other, b))
    }

    fn alike(self, node: usize, other: Tree<'_>, there: usize) -> bool {
        let kind = self.kind(node);
        kind == other.kind(there)
            && match kind {
                Kind::Object | Kind::List => self.size(node) == other.size(there),
                Kind::String => {
                    self.raw(node) == other.raw(there)
                        || self.unescaped(node) == other.unescaped(there)
                }
                Kind::Null | Kind::Bool | Kind::Number => self.raw(node) == other.raw(there),
            }
    }
}
