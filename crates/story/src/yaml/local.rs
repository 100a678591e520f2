//! An edit inside one top-level entry, checked by reading that entry alone.
//!
//! Why that is enough: a key of the top-level block mapping stands at column 0, and column 0 ends
//! whatever came before it (a plain text, a block scalar, a nested block); what is still open there
//! (a quoted text, a flow collection) is an error. So the text of an entry, from its key to the next
//! key, reads alone as it reads in its place, as long as it defines and uses no anchor and holds no
//! line that means something to the whole text (`---`, `...`, `%`). An edit that stays inside an
//! entry, and leaves it one entry that ends with its line, therefore changes that entry and nothing
//! else. Whatever does not fit this description is checked by reading the whole text, and debug
//! builds read the whole text each time and compare.

use std::ops::Range;

use serde_yaml::Value as Other;

use super::edit::{Change, Edit};
use super::node::{Entry, Kind, Node, Tree};
use super::{check, parse_mapping, second};

/// The top-level entry that an edit stays inside of.
pub(crate) struct Place {
    index: usize,
    /// From its key to the next key, or to the end of the text.
    range: Range<usize>,
}

/// The parts of an accepted edit: the tree of the new text, and what the second reader sees there.
pub(crate) struct Accepted {
    pub(crate) tree: Tree,
    pub(crate) second: Option<Other>,
}

impl Place {
    /// The entry that `edit` stays inside of, if the text is of the simple kind.
    pub(crate) fn of(edit: &Edit, text: &str, tree: &Tree) -> Option<Self> {
        let index = *edit.change.path.first()?;
        let Kind::Map {
            flow: false,
            entries,
        } = &tree.root.kind
        else {
            return None;
        };
        let start = entries.get(index)?.key.outer;
        let end = match entries.get(index + 1) {
            Some(next) => next.key.outer,
            None => text.len(),
        };
        let begins_line = |at: usize| at == 0 || text.as_bytes()[at - 1] == b'\n';
        let is_inside = start <= edit.range.start && edit.range.end <= end;
        (is_inside && begins_line(start) && begins_line(end) && !tree.root.holds_anchor())
            .then_some(Self {
                index,
                range: start..end,
            })
    }

    /// Checks the edit that makes `new` of `old`. `None`: it has to be checked as a whole.
    ///
    /// `old_second` is what the second reader made of the whole old text; `None` for a plain text, of
    /// which no reader makes anything else.
    pub(crate) fn accept(
        &self,
        edit: &Edit,
        (old, old_tree, old_second): (&str, &Tree, Option<&Other>),
        new: &str,
    ) -> Option<Accepted> {
        let new_end = (new.len() + self.range.end).checked_sub(old.len())?;
        let old_text = &old[self.range.clone()];
        let new_text = new.get(self.range.start..new_end)?;
        if !new_text.ends_with('\n') || has_marker(new_text) || has_marker(old_text) {
            return None;
        }
        let old_entry = parse_mapping(old_text).ok()?;
        let new_entry = parse_mapping(new_text).ok()?;
        let change = Change {
            path: [&[0], &edit.change.path[1..]].concat(),
            what: edit.change.what.clone(),
        };
        check::verify(&old_entry, &new_entry, &change).ok()?;
        let (old_read, new_read) = (second::read(old_text).ok()?, second::read(new_text).ok()?);
        second::verify(&old_read, &new_read, &change).ok()?;
        let accepted = Accepted {
            tree: self.put_in(old_tree, new_entry, new.len(), old.len())?,
            second: match old_second {
                Some(old) => Some(self.put_in_second(old, &old_read, new_read)?),
                None => None,
            },
        };
        debug_assert!(
            parse_mapping(new).is_ok_and(|whole| whole.root == accepted.tree.root)
                && second::read(new)
                    .is_ok_and(|whole| accepted.second.as_ref().is_none_or(|read| *read == whole)),
            "an entry reads alone as it reads in its place"
        );
        Some(accepted)
    }

    /// The old tree with the new entry, and everything behind it moved along.
    fn put_in(&self, old: &Tree, new: Tree, new_len: usize, old_len: usize) -> Option<Tree> {
        let is_plain = old.is_plain && new.is_plain;
        let (Kind::Map { entries: old, .. }, root) = (&old.root.kind, &old.root) else {
            return None;
        };
        let Kind::Map {
            flow: false,
            entries: mut arrived,
        } = new.root.kind
        else {
            return None;
        };
        let mut arrived = arrived.pop().filter(|_| arrived.is_empty())?;
        shift_entry(&mut arrived, |at| at + self.range.start);
        let mut entries = Vec::with_capacity(old.len());
        entries.extend_from_slice(&old[..self.index]);
        entries.push(arrived);
        for entry in &old[self.index + 1..] {
            let mut entry = entry.clone();
            shift_entry(&mut entry, |at| at + new_len - old_len);
            entries.push(entry);
        }
        let end = entries.last().map(Entry::end)?;
        Some(Tree {
            root: Node {
                span: root.span.start..end,
                outer: root.outer,
                anchor: None,
                tag: root.tag.clone(),
                kind: Kind::Map {
                    flow: false,
                    entries,
                },
            },
            has_aliases: false,
            is_plain,
        })
    }

    /// The same for the second reader, which must have seen the old entry in its place as it sees it alone.
    fn put_in_second(&self, old: &Other, old_entry: &Other, new_entry: Other) -> Option<Other> {
        let (Other::Mapping(old), Other::Mapping(alone)) = (old, old_entry) else {
            return None;
        };
        let (key, value) = alone.iter().next()?;
        if alone.len() != 1 || old.iter().nth(self.index) != Some((key, value)) {
            return None;
        }
        let Other::Mapping(new_entry) = new_entry else {
            return None;
        };
        let mut new = old.clone();
        *new.get_mut(key)? = new_entry.into_iter().next()?.1;
        Some(Other::Mapping(new))
    }
}

/// Whether a line of the text ends or begins a document, or is a directive. To YAML a CR alone ends a line, too; to YAML 1.1, as the
/// second reader has it, so do NEL, LS and PS.
pub(super) fn has_marker(text: &str) -> bool {
    text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
        .any(|line| line.starts_with("---") || line.starts_with("...") || line.starts_with('%'))
}

fn shift_entry(entry: &mut Entry, to: impl Fn(usize) -> usize + Copy) {
    entry.colon = entry.colon.map(to);
    shift(&mut entry.key, to);
    shift(&mut entry.value, to);
}

pub(super) fn shift(node: &mut Node, to: impl Fn(usize) -> usize + Copy) {
    node.span = to(node.span.start)..to(node.span.end);
    node.outer = to(node.outer);
    match &mut node.kind {
        Kind::Scalar { .. } | Kind::Alias(_) => {}
        Kind::List { items, .. } => {
            for item in items {
                item.dash = item.dash.map(to);
                shift(&mut item.value, to);
            }
        }
        Kind::Map { entries, .. } => {
            for entry in entries {
                shift_entry(entry, to);
            }
        }
    }
}
