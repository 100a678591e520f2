//! Writes values in a layout, and notes where they stand in what is written.

use crate::error::Kind;
use crate::layout::{Layout, Lines};
use crate::tree::{Item, Node, Tree, narrow};

/// Which members are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// All.
    Kept,
    /// In a merge patch a null removes a member, so none comes of it (RFC 7396, section 2); lists are taken as they are.
    Dropped,
}

/// A value of some text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) tree: Tree<'a>,
    pub(crate) node: usize,
    pub(crate) nulls: Nulls,
}

/// A piece of text that is being written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// The places count from the beginning of the piece.
    pub(crate) nodes: Vec<Node>,
}

impl Piece {
    /// Writes punctuation or white space.
    pub(crate) fn mark(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Writes a member's name, in quotes already.
    pub(crate) fn key(&mut self, quoted: &str, layout: &Layout) {
        self.scalar(quoted);
        self.mark(&layout.colon);
    }

    /// Writes a value. Depth: as deep as the source, which is checked.
    pub(crate) fn value(&mut self, source: Source<'_>, layout: &Layout) {
        self.level(source, layout, 0);
    }

    fn level(&mut self, source: Source<'_>, layout: &Layout, level: usize) {
        let Source { tree, node, nulls } = source;
        let brackets = match tree.kind(node) {
            Kind::Object => ["{", "}"],
            Kind::List => ["[", "]"],
            _ => return self.scalar(tree.raw(node)),
        };
        let is_kept = |item: &Item| {
            nulls == Nulls::Kept || item.key.is_none() || tree.kind(item.value) != Kind::Null
        };
        let nulls = if tree.kind(node) == Kind::List {
            Nulls::Kept
        } else {
            nulls
        };
        let own = self.nodes.len();
        self.nodes.push(Node::new(self.text.len(), self.text.len()));
        self.mark(brackets[0]);
        let mut is_empty = true;
        for item in tree.items(node).filter(is_kept) {
            if !is_empty {
                self.mark(",");
            }
            self.line(layout, level + 1, if is_empty { "" } else { &layout.gap });
            is_empty = false;
            if let Some(key) = item.key {
                self.key(tree.raw(key), layout);
            }
            let node = item.value;
            self.level(Source { tree, node, nulls }, layout, level + 1);
        }
        if !is_empty {
            self.line(layout, level, "");
        }
        self.mark(brackets[1]);
        let size = self.nodes.len() - own;
        self.nodes[own].close(self.text.len(), size);
    }

    /// Ends the line, or leaves `gap` where all stands on one.
    fn line(&mut self, layout: &Layout, level: usize, gap: &str) {
        match &layout.lines {
            None => self.mark(gap),
            Some(Lines { end, base, unit }) => {
                self.mark(end);
                self.mark(base);
                for _ in 0..level {
                    self.mark(unit);
                }
            }
        }
    }

    fn scalar(&mut self, raw: &str) {
        let start = self.text.len();
        self.mark(raw);
        self.nodes.push(Node {
            start: narrow(start),
            end: narrow(self.text.len()),
            size: 1,
        });
    }
}
