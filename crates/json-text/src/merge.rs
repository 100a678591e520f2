//! A merge patch (RFC 7396) as changes of a text.

use std::collections::HashSet;

use crate::change::{self, Change, Slot};
use crate::error::{EditError, Kind};
use crate::json::Json;
use crate::keys::Members;
use crate::text::JsonText;
use crate::tree::Tree;
use crate::write::{Nulls, Source};

impl JsonText {
    /// Merges a patch in (RFC 7396): its members are set, one that is `null` is removed, objects are merged member by member, lists are
    /// replaced whole. What is the same already keeps its bytes.
    ///
    /// # Errors
    ///
    /// [`EditError::TooLong`].
    pub fn merge(&mut self, patch: &Json) -> Result<(), EditError> {
        let mut changes = Vec::new();
        plan(self.tree(), &mut vec![0], patch.tree(), 0, &mut changes);
        self.apply(changes)
    }
}

/// Plans the changes of the value at the end of `chain`. Both texts are walked from their tops, so nothing gets deeper than it
/// is in one of them.
fn plan(
    tree: Tree<'_>,
    chain: &mut Vec<usize>,
    patch: Tree<'_>,
    wanted: usize,
    changes: &mut Vec<Change>,
) {
    let node = chain[chain.len() - 1];
    let source = |node| Source {
        tree: patch,
        node,
        nulls: Nulls::Dropped,
    };
    if (tree.kind(node), patch.kind(wanted)) != (Kind::Object, Kind::Object) {
        if !tree.same(node, patch, wanted) {
            changes.push(change::replace(tree, chain, source(wanted)));
        }
        return;
    }
    let members = Members::of(tree, node);
    let mut going = HashSet::new();
    let mut coming = Vec::new();
    for item in patch.items(wanted) {
        let Some(key) = item.key else { continue };
        let is_null = patch.kind(item.value) == Kind::Null;
        match members.named(&patch.unescaped(key)) {
            Some(own) if is_null => {
                going.insert(own.value);
            }
            Some(own) => {
                chain.push(own.value);
                plan(tree, chain, patch, item.value, changes);
                chain.pop();
            }
            None if is_null => {}
            None => coming.push(Slot::Comes(Some(patch.raw(key)), source(item.value))),
        }
    }
    change::members(tree, chain, &going, coming, changes);
}
