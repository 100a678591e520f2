//! Path -> the node it leads to, refusing what an edit must not pass through.

use super::Refusal;
use crate::path::Step;
use crate::value::Value;
use crate::yaml::node::{Kind, Node, Style};
use crate::yaml::resolve;

/// The way from the root to a node, as child indexes.
#[derive(Debug, Clone)]
pub(crate) struct Trail(Vec<usize>);

impl Trail {
    pub(crate) fn root() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn indexes(&self) -> Vec<usize> {
        self.0.clone()
    }

    /// The node at the end.
    pub(crate) fn node<'tree>(&self, root: &'tree Node) -> &'tree Node {
        self.nodes(root).last().unwrap_or(root)
    }

    /// The way to the parent, and which child of it this is; `None` at the root.
    pub(crate) fn parent(&self) -> Option<(Self, usize)> {
        let (last, rest) = self.0.split_last()?;
        Some((Self(rest.to_vec()), *last))
    }

    pub(crate) fn child(&self, index: usize) -> Self {
        let mut indexes = self.0.clone();
        indexes.push(index);
        Self(indexes)
    }

    /// All nodes on the way, the root first.
    pub(crate) fn nodes<'tree>(&self, root: &'tree Node) -> impl Iterator<Item = &'tree Node> {
        let mut node = root;
        let below = self.0.iter().map_while(move |index| {
            node = node.child(*index)?;
            Some(node)
        });
        std::iter::once(root).chain(below)
    }
}

/// Where a path ends.
#[derive(Debug)]
pub(crate) enum Found<'path> {
    Node(Trail),
    /// The mapping at the end of the trail lacks the first of the remaining steps.
    Missing {
        trail: Trail,
        rest: &'path [Step],
    },
    /// Null stands where the first of the remaining steps needs a mapping.
    Null {
        trail: Trail,
        rest: &'path [Step],
    },
}

/// Follows a path from the root.
pub(crate) fn locate<'path>(root: &Node, steps: &'path [Step]) -> Result<Found<'path>, Refusal> {
    let mut node = root;
    let mut trail = Trail::root();
    for (at, step) in steps.iter().enumerate() {
        refuse_passing(node)?;
        let wrong = |wanted| Refusal::Type {
            steps: at,
            offset: node.outer,
            found: node.describe(),
            wanted,
        };
        let rest = &steps[at..];
        let index = match (&node.kind, step) {
            (Kind::Map { entries, .. }, Step::Key(key)) => {
                match entries.iter().position(|entry| entry.name() == key) {
                    Some(index) if entries[index].is_merge() => {
                        let construct = "<< takes entries over from elsewhere";
                        return Err(Refusal::unsupported(entries[index].key.outer, construct));
                    }
                    Some(index) => index,
                    None => return Ok(Found::Missing { trail, rest }),
                }
            }
            (Kind::List { items, .. }, Step::Index(index)) if *index < items.len() => *index,
            (Kind::List { items, .. }, Step::Index(index)) => {
                return Err(Refusal::Index {
                    steps: at,
                    index: *index,
                    length: items.len(),
                });
            }
            (Kind::Scalar { .. }, Step::Key(_)) if is_null(node) => {
                return Ok(Found::Null { trail, rest });
            }
            (_, Step::Key(_)) => return Err(wrong("a mapping")),
            (_, Step::Index(_)) => return Err(wrong("a list")),
        };
        trail = trail.child(index);
        node = node.child(index).unwrap_or(node);
    }
    Ok(Found::Node(trail))
}

/// Whether a node reads as null.
pub(crate) fn is_null(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar {
            style: Style::Plain,
            text,
        } => node.tag.is_none() && matches!(resolve::plain(text), Value::Null),
        _ => false,
    }
}

/// A change below these nodes would show elsewhere, or be read by other rules.
fn refuse_passing(node: &Node) -> Result<(), Refusal> {
    let construct = if matches!(node.kind, Kind::Alias(_)) {
        "the path goes through an alias"
    } else if node.anchor.is_some() {
        "the path goes through a value with an anchor"
    } else if node.tag.is_some() {
        "the path goes through a value with a tag"
    } else {
        return Ok(());
    };
    Err(Refusal::unsupported(node.outer, construct))
}
