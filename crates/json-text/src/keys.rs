//! The names of an object's members: whether one stands there twice, and which member has which name.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::tree::{Item, Tree};

/// Up to this many members names are compared one by one; beyond it they are hashed, or 100,000 members would take 5 billion
/// comparisons. Chosen.
const FEW: usize = 32;

/// The second of two members with one name.
pub(crate) fn duplicate(tree: Tree<'_>, object: usize) -> Option<usize> {
    let mut marks = [0_u64; 4];
    for (count, item) in tree.items(object).enumerate() {
        let key = item.key?;
        let name = tree.raw(key);
        if count == FEW || name.contains('\\') {
            return duplicate_of_many(tree, object);
        }
        // Most names differ in this already.
        let mark = mark(name.as_bytes());
        let (word, bit) = (mark / 64, 1 << (mark % 64));
        let is_named = |item: Item| item.key.is_some_and(|key| tree.raw(key) == name);
        if marks[word] & bit != 0 && tree.items(object).take(count).any(is_named) {
            return Some(key);
        }
        marks[word] |= bit;
    }
    None
}

fn duplicate_of_many(tree: Tree<'_>, object: usize) -> Option<usize> {
    let mut seen = HashSet::with_capacity(tree.size(object) / 2);
    let mut keys = tree.items(object).filter_map(|item| item.key);
    keys.find(|key| !seen.insert(tree.unescaped(*key)))
}

/// A number below 256 that depends on some of the bytes of a name in quotes.
fn mark(name: &[u8]) -> usize {
    let byte = |at: usize| usize::from(name[at]);
    let middle = name.len() / 2;
    // The first and the last byte are quotes.
    (name.len() * 7 + byte(1) * 3 + byte(middle) * 5 + byte(name.len() - 2) * 11) % 256
}

/// The members of an object by name, for looking up many.
pub(crate) struct Members<'a> {
    tree: Tree<'a>,
    object: usize,
    hashed: Option<HashMap<Cow<'a, str>, Item>>,
}

impl<'a> Members<'a> {
    pub(crate) fn of(tree: Tree<'a>, object: usize) -> Self {
        let is_large = tree.items(object).nth(FEW).is_some();
        let named = |item: Item| item.key.map(|key| (tree.unescaped(key), item));
        Self {
            tree,
            object,
            hashed: is_large.then(|| tree.items(object).filter_map(named).collect()),
        }
    }

    pub(crate) fn named(&self, name: &str) -> Option<Item> {
        match &self.hashed {
            Some(hashed) => hashed.get(name).copied(),
            None => self.tree.member(self.object, name),
        }
    }
}
