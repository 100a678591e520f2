//! Tree -> values: what a reader gets for a path, with aliases resolved.

use super::node::{Kind, Node, Tree};
use super::resolve;
use crate::path::Step;
use crate::value::Value;

/// Reads values out of one tree.
pub(crate) struct Reader<'tree> {
    root: &'tree Node,
    /// Anchored nodes by their number; empty when nothing refers to them.
    anchored: Vec<Option<&'tree Node>>,
}

impl<'tree> Reader<'tree> {
    pub(crate) fn new(tree: &'tree Tree) -> Self {
        Self::of(&tree.root, tree.has_aliases)
    }

    pub(crate) fn of(root: &'tree Node, has_aliases: bool) -> Self {
        let mut anchored = Vec::new();
        if has_aliases {
            collect(root, &mut anchored);
        }
        Self { root, anchored }
    }

    /// The value of the whole tree.
    pub(crate) fn whole(&self) -> Value {
        self.value(self.root)
    }

    /// The value at the end of `steps`, if there is one.
    pub(crate) fn at(&self, steps: &[Step]) -> Option<Value> {
        let mut node = self.root;
        for step in steps {
            node = match (&self.resolved(node).kind, step) {
                (Kind::Map { entries, .. }, Step::Key(key)) => {
                    &entries.iter().find(|entry| entry.name() == key)?.value
                }
                (Kind::List { items, .. }, Step::Index(index)) => &items.get(*index)?.value,
                _ => return None,
            };
        }
        Some(self.value(node))
    }

    /// The value of a node. Terminates and stays small: the builder refused aliases that refer to
    /// themselves or expand beyond the limit.
    pub(crate) fn value(&self, node: &'tree Node) -> Value {
        let node = self.resolved(node);
        match &node.kind {
            Kind::Scalar { style, text } => resolve::scalar(text, *style, node.tag.as_deref()),
            Kind::List { items, .. } => {
                Value::List(items.iter().map(|item| self.value(&item.value)).collect())
            }
            Kind::Map { entries, .. } => Value::Map(
                entries
                    .iter()
                    .map(|entry| (entry.name().to_owned(), self.value(&entry.value)))
                    .collect(),
            ),
            // The parser refuses aliases without an anchor.
            Kind::Alias(_) => Value::Null,
        }
    }

    fn resolved(&self, node: &'tree Node) -> &'tree Node {
        let mut node = node;
        while let Kind::Alias(id) = node.kind {
            match self.anchored.get(id).copied().flatten() {
                Some(target) => node = target,
                None => break,
            }
        }
        node
    }
}

fn collect<'tree>(node: &'tree Node, anchored: &mut Vec<Option<&'tree Node>>) {
    if let Some(id) = node.anchor {
        if anchored.len() <= id {
            anchored.resize(id + 1, None);
        }
        anchored[id] = Some(node);
    }
    match &node.kind {
        Kind::Scalar { .. } | Kind::Alias(_) => {}
        Kind::List { items, .. } => items.iter().for_each(|item| collect(&item.value, anchored)),
        Kind::Map { entries, .. } => {
            for entry in entries {
                collect(&entry.key, anchored);
                collect(&entry.value, anchored);
            }
        }
    }
}
