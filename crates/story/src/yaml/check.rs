//! The first opinion on an edit: the tree of the new text is the old one plus the change, and
//! nothing else.

use super::Reader;
use super::edit::{Change, Child, What, child_count};
use super::node::{Entry, Kind, Node, Style, Tree};

/// Compares the trees before and after an edit.
pub(crate) fn verify(old: &Tree, new: &Tree, change: &Change) -> Result<(), &'static str> {
    let reader = Reader::new(new);
    below(&old.root, &new.root, &change.path, &change.what, &reader)?;
    for (count, reason) in MISREAD {
        if count(&new.root) > count(&old.root) {
            return Err(reason);
        }
    }
    Ok(())
}

/// How often a shape stands there, and what the reference tool makes of it.
type Misread = (fn(&Node) -> usize, &'static str);

/// What the reader of the reference tool (js-yaml 3.14) takes otherwise than YAML says.
const MISREAD: [Misread; 3] = [
    (
        |root| usize::from(ends_in_kept_lines(root)),
        "a text with several line ends at its end would come last, where the reference tool cuts them off",
    ),
    (
        hiding_lists,
        "the item would follow an inner list that ends in a bare dash, and the reference tool reads it into that list",
    ),
    (
        marked_first_keys,
        "a key with an anchor or tag would come first in its mapping, which the reference tool refuses",
    ),
];

/// Whether the last value is a block scalar whose header keeps line ends at its end.
fn ends_in_kept_lines(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar {
            style: Style::Literal | Style::Folded,
            text,
        } => &**text == "\n" || text.ends_with("\n\n"),
        _ => child_count(node)
            .checked_sub(1)
            .and_then(|last| node.child(last))
            .is_some_and(ends_in_kept_lines),
    }
}

/// The inner lists whose last item is empty and behind which an item stands.
fn hiding_lists(node: &Node) -> usize {
    let here = match &node.kind {
        Kind::List { flow: false, items } => items
            .iter()
            .rev()
            .skip(1)
            .filter(|item| ends_in_bare_dash(&item.value))
            .count(),
        _ => 0,
    };
    here + below_node(node, hiding_lists)
}

fn ends_in_bare_dash(node: &Node) -> bool {
    let is_bare = |node: &Node| node.is_empty() && node.outer == node.span.start;
    match &node.kind {
        Kind::List { flow: false, items } => items
            .last()
            .is_some_and(|item| is_bare(&item.value) || ends_in_bare_dash(&item.value)),
        Kind::Map {
            flow: false,
            entries,
        } => entries
            .last()
            .is_some_and(|entry| ends_in_bare_dash(&entry.value)),
        _ => false,
    }
}

/// The block mappings whose first key has an anchor or a tag.
fn marked_first_keys(node: &Node) -> usize {
    let is_marked = match &node.kind {
        Kind::Map {
            flow: false,
            entries,
        } => entries
            .first()
            .is_some_and(|entry| entry.key.outer < entry.key.span.start),
        _ => false,
    };
    usize::from(is_marked) + below_node(node, marked_first_keys)
}

fn below_node(node: &Node, count: fn(&Node) -> usize) -> usize {
    (0..child_count(node))
        .filter_map(|at| node.child(at))
        .map(count)
        .sum()
}

fn below<'tree>(
    old: &Node,
    new: &'tree Node,
    path: &[usize],
    what: &What,
    reader: &Reader<'tree>,
) -> Result<(), &'static str> {
    let Some((index, rest)) = path.split_first() else {
        return changed(old, new, what, reader);
    };
    if !same_frame(old, new) || child_count(old) != child_count(new) {
        return Err("what stands around the edit changed");
    }
    for at in 0..child_count(old) {
        let same = if at == *index {
            same_name(old, at, new, at)
        } else {
            same_child(old, at, new, at)
        };
        if !same {
            return Err("another value changed");
        }
    }
    match (old.child(*index), new.child(*index)) {
        (Some(old), Some(new)) => below(old, new, rest, what, reader),
        _ => Err("the edited value is gone"),
    }
}

fn changed<'tree>(
    old: &Node,
    new: &'tree Node,
    what: &What,
    reader: &Reader<'tree>,
) -> Result<(), &'static str> {
    let (removed, inserted) = match what {
        What::Value(value) => {
            let plain = new.anchor.is_none() && new.tag.is_none();
            let equal = plain && reader.value(new).same(value);
            return equal
                .then_some(())
                .ok_or("the new value does not read back equal");
        }
        What::Children { removed, inserted } => (removed, inserted),
    };
    let count = child_count(old) - removed.len() + inserted.len();
    if old.anchor != new.anchor || old.tag != new.tag || child_count(new) != count {
        return Err("the list or mapping did not change as meant");
    }
    let kept_before = (0..removed.start).all(|at| same_child(old, at, new, at));
    let shifted = |at: usize| at - removed.len() + inserted.len();
    let kept_after =
        (removed.end..child_count(old)).all(|at| same_child(old, at, new, shifted(at)));
    if !kept_before || !kept_after {
        return Err("another value changed");
    }
    let arrived = |(at, child): (usize, &Child)| is_child(new, removed.start + at, child, reader);
    if !inserted.iter().enumerate().all(arrived) {
        return Err("a new value does not read back equal");
    }
    Ok(())
}

fn is_child<'tree>(node: &'tree Node, at: usize, child: &Child, reader: &Reader<'tree>) -> bool {
    let (name, value) = match (&node.kind, child) {
        (Kind::List { items, .. }, Child::Item(_)) => (None, &items[at].value),
        (Kind::Map { entries, .. }, Child::Entry(..)) => (Some(&entries[at]), &entries[at].value),
        _ => return false,
    };
    let named = match (name, child) {
        (Some(entry), Child::Entry(name, _)) => entry.name() == name && !entry.is_merge(),
        _ => true,
    };
    named
        && value.tag.is_none()
        && value.anchor.is_none()
        && reader.value(value).same(child.value())
}

fn same_frame(old: &Node, new: &Node) -> bool {
    let same_shape = match (&old.kind, &new.kind) {
        (Kind::List { flow: old, .. }, Kind::List { flow: new, .. })
        | (Kind::Map { flow: old, .. }, Kind::Map { flow: new, .. }) => old == new,
        _ => false,
    };
    same_shape && old.anchor == new.anchor && old.tag == new.tag
}

fn same_child(old: &Node, old_at: usize, new: &Node, new_at: usize) -> bool {
    let values = old.child(old_at).zip(new.child(new_at));
    same_name(old, old_at, new, new_at) && values.is_some_and(|(old, new)| same(old, new))
}

fn same_name(old: &Node, old_at: usize, new: &Node, new_at: usize) -> bool {
    match (&old.kind, &new.kind) {
        (Kind::Map { entries: old, .. }, Kind::Map { entries: new, .. }) => {
            match (old.get(old_at), new.get(new_at)) {
                (Some(old), Some(new)) => same(&old.key, &new.key),
                _ => false,
            }
        }
        (Kind::List { .. }, Kind::List { .. }) => true,
        _ => false,
    }
}

/// Whether two nodes are written alike, places aside.
fn same(old: &Node, new: &Node) -> bool {
    if old.anchor != new.anchor || old.tag != new.tag {
        return false;
    }
    match (&old.kind, &new.kind) {
        (
            Kind::Scalar { style, text },
            Kind::Scalar {
                style: new_style,
                text: new_text,
            },
        ) => style == new_style && text == new_text,
        (Kind::Alias(old), Kind::Alias(new)) => old == new,
        (Kind::List { items: a, .. }, Kind::List { items: b, .. }) => {
            same_frame(old, new)
                && a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| same(&a.value, &b.value))
        }
        (Kind::Map { entries: a, .. }, Kind::Map { entries: b, .. }) => {
            let same_entry =
                |(a, b): (&Entry, &Entry)| same(&a.key, &b.key) && same(&a.value, &b.value);
            same_frame(old, new) && a.len() == b.len() && a.iter().zip(b).all(same_entry)
        }
        _ => false,
    }
}
