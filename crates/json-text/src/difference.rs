//! What differs between two serialisations of a value, as changes of the text that the value was read from.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::align::{Fate, Mark, align};
use crate::change::{self, Change, Slot};
use crate::error::{EditError, Kind, ParseError};
use crate::keys::Members;
use crate::narrow::{Inwards, narrow};
use crate::scan::{decoded, scan, scan_within};
use crate::text::JsonText;
use crate::tree::{Item, Node, Tree};
use crate::write::{Nulls, Source};

impl JsonText {
    /// Applies to this text whatever differs between two serialisations of a value: one before it was changed, one after.
    ///
    /// The value was read from this text, by a type that may know only a part of it and may write numbers in another form. What
    /// is alike in both serialisations keeps its bytes here, and so do members that stand in neither. Items of lists are
    /// followed by their member `id` if they have one, else by their place. Where the text has another shape than the
    /// serialisations have, the smallest value around that is replaced.
    ///
    /// A member that the type reads under another name than it writes is added under the written name when it changes.
    ///
    /// # Errors
    ///
    /// [`EditError::Serialisation`], as far as the serialisations had to be looked at; [`EditError::TooLong`].
    pub fn follow(&mut self, before: &[u8], after: &[u8]) -> Result<(), EditError> {
        if before == after {
            return Ok(());
        }
        let unusable = |source| EditError::Serialisation { source };
        let before = decoded(before).map_err(unusable)?;
        let after = decoded(after).map_err(unusable)?;
        if let Some(changes) = self.within_one_value(before, after) {
            return self.apply(changes?);
        }
        let before = Serialised::scanned(before).map_err(unusable)?;
        let after = Serialised::scanned(after).map_err(unusable)?;
        let mut changes = Vec::new();
        let was = Some(Place {
            tree: before.tree(),
            node: 0,
        });
        let is = Place {
            tree: after.tree(),
            node: 0,
        };
        plan(self.tree(), &mut vec![0], was, is, &mut changes)?;
        self.apply(changes)
    }

    /// The changes, if all that differs lies within one list or object, and the text has it, too: then of both serialisations
    /// only that is scanned.
    fn within_one_value(
        &self,
        before: &str,
        after: &str,
    ) -> Option<Result<Vec<Change>, EditError>> {
        let narrowed = narrow(before, after)?;
        let mut chain = self.chain_to(&narrowed.way)?;
        let (was, is) = (
            scan_within(narrowed.before, chain.len() - 1).ok()?,
            scan_within(narrowed.after, chain.len() - 1).ok()?,
        );
        let was = Place {
            tree: Tree::new(narrowed.before, &was),
            node: 0,
        };
        let is = Place {
            tree: Tree::new(narrowed.after, &is),
            node: 0,
        };
        // With another `id` an item is another one, and the list has changed.
        let id = |place: Place<'_>| Some(place.tree.raw(id(place.tree, 0)?).to_owned());
        let is_item = matches!(narrowed.way.last(), Some(Inwards::Item { .. }));
        if is_item && id(was) != id(is) {
            return None;
        }
        let mut changes = Vec::new();
        let planned = plan(self.tree(), &mut chain, Some(was), is, &mut changes);
        Some(planned.map(|()| changes))
    }

    /// The values of the text on the way to one of a serialisation, if both have the same shape so far.
    fn chain_to(&self, way: &[Inwards<'_>]) -> Option<Vec<usize>> {
        let tree = self.tree();
        let (mut chain, mut node) = (vec![0], 0);
        for (step, inwards) in way.iter().enumerate() {
            let is_item = step > 0 && matches!(way[step - 1], Inwards::Item { .. });
            let item = match (tree.kind(node), inwards) {
                // What differs is the `id` of an item.
                (_, Inwards::Member("\"id\"")) if is_item => return None,
                (Kind::Object, Inwards::Member(name)) => tree.member(node, &unquoted(name)?)?,
                (Kind::List, Inwards::Item { number, of }) if tree.items(node).count() == *of => {
                    tree.items(node).nth(*number)?
                }
                _ => return None,
            };
            node = item.value;
            chain.push(node);
        }
        Some(chain)
    }
}

/// What a name says; `None`: it is no JSON.
fn unquoted(name: &str) -> Option<Cow<'_, str>> {
    if name.contains('\\') {
        return serde_json::from_str(name).ok().map(Cow::Owned);
    }
    let inside = name.strip_prefix('"')?.strip_suffix('"')?;
    Some(Cow::Borrowed(inside))
}

/// A serialisation.
struct Serialised<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Serialised<'a> {
    fn scanned(text: &'a str) -> Result<Self, ParseError> {
        let nodes = scan(text).map_err(|fault| fault.in_text(text.as_bytes()))?;
        Ok(Self { text, nodes })
    }

    fn tree(&self) -> Tree<'_> {
        Tree::new(self.text, &self.nodes)
    }
}

/// A value of a serialisation.
#[derive(Clone, Copy)]
struct Place<'a> {
    tree: Tree<'a>,
    node: usize,
}

impl<'a> Place<'a> {
    fn raw(self) -> &'a str {
        self.tree.raw(self.node)
    }

    fn kind(self) -> Kind {
        self.tree.kind(self.node)
    }

    fn at(self, node: usize) -> Self {
        Self { node, ..self }
    }

    fn source(self) -> Source<'a> {
        Source {
            tree: self.tree,
            node: self.node,
            nulls: Nulls::Kept,
        }
    }

    fn marks(self) -> Vec<Mark<'a>> {
        let Self { tree, node } = self;
        let mark = |item: Item| Mark {
            raw: tree.raw(item.value),
            id: id(tree, item.value).map(|id| tree.raw(id)),
        };
        tree.items(node).map(mark).collect()
    }
}

/// The value of an object's member `id`.
fn id(tree: Tree<'_>, node: usize) -> Option<usize> {
    Some(tree.member(node, "id")?.value)
}

/// Plans the changes of the value at the end of `chain`. All are walked from their tops, so nothing gets deeper than it is in
/// one of them.
fn plan(
    tree: Tree<'_>,
    chain: &mut Vec<usize>,
    was: Option<Place<'_>>,
    is: Place<'_>,
    changes: &mut Vec<Change>,
) -> Result<(), EditError> {
    if was.is_some_and(|was| was.raw() == is.raw()) {
        return Ok(());
    }
    let node = chain[chain.len() - 1];
    if let Some(was) = was {
        match (tree.kind(node), was.kind(), is.kind()) {
            (Kind::Object, Kind::Object, Kind::Object) => {
                return members(tree, chain, was, is, changes);
            }
            (Kind::List, Kind::List, Kind::List) => {
                let own: Vec<_> = tree.items(node).collect();
                if own.len() == was.tree.items(was.node).count() {
                    return items(tree, chain, &own, was, is, changes);
                }
            }
            _ => {}
        }
    }
    if !tree.same(node, is.tree, is.node) {
        changes.push(change::replace(tree, chain, is.source()));
    }
    Ok(())
}

fn members(
    tree: Tree<'_>,
    chain: &mut Vec<usize>,
    was: Place<'_>,
    is: Place<'_>,
    changes: &mut Vec<Change>,
) -> Result<(), EditError> {
    let own = Members::of(tree, chain[chain.len() - 1]);
    let old = Members::of(was.tree, was.node);
    let new = Members::of(is.tree, is.node);
    let mut coming = Vec::new();
    for item in is.tree.items(is.node) {
        let Some(key) = item.key else { continue };
        let name = is.tree.unescaped(key);
        let (is, was) = (
            is.at(item.value),
            old.named(&name).map(|old| was.at(old.value)),
        );
        if let Some(own) = own.named(&name) {
            chain.push(own.value);
            plan(tree, chain, was, is, changes)?;
            chain.pop();
        } else if was.is_none_or(|was| was.raw() != is.raw()) {
            coming.push(Slot::Comes(Some(is.tree.raw(key)), is.source()));
        }
    }
    let names = was.tree.items(was.node).filter_map(|item| item.key);
    let gone = names
        .map(|key| was.tree.unescaped(key))
        .filter(|name| new.named(name).is_none());
    let going: HashSet<_> = gone
        .filter_map(|name| Some(own.named(&name)?.value))
        .collect();
    change::members(tree, chain, &going, coming, changes);
    Ok(())
}

fn items(
    tree: Tree<'_>,
    chain: &mut Vec<usize>,
    own: &[Item],
    was: Place<'_>,
    is: Place<'_>,
    changes: &mut Vec<Change>,
) -> Result<(), EditError> {
    let (old, new) = (was.marks(), is.marks());
    let values = |place: Place<'_>| {
        place
            .tree
            .items(place.node)
            .map(|item| item.value)
            .collect::<Vec<_>>()
    };
    let (before, after) = (values(was), values(is));
    let fates = align(&old, &new);
    let moved = fates.iter().filter_map(|fate| match *fate {
        Fate::Moves(number, there) => Some(moved(
            tree,
            own[number].value,
            was.at(before[number]),
            is.at(after[there]),
        )),
        _ => None,
    });
    let moved: Vec<_> = moved.collect::<Result<_, _>>()?;
    let mut moved = moved.iter();
    let mut slots = Vec::with_capacity(own.len());
    for fate in fates {
        slots.push(match fate {
            Fate::Stays(number, there) => {
                chain.push(own[number].value);
                let was = was.at(before[number]);
                plan(tree, chain, Some(was), is.at(after[there]), changes)?;
                chain.pop();
                Slot::Stays(own[number])
            }
            Fate::Goes(number) => Slot::Goes(own[number]),
            Fate::Comes(there) => Slot::Comes(None, is.at(after[there]).source()),
            Fate::Moves(_, there) => {
                let text = moved.next().map(|text| Place {
                    tree: text.tree(),
                    node: 0,
                });
                Slot::Comes(None, text.unwrap_or(is.at(after[there])).source())
            }
        });
    }
    change::rearrange(tree, chain, &slots, changes);
    Ok(())
}

/// An item that has another place now, with what only the text knows of it, and with what has changed in it.
fn moved(tree: Tree<'_>, own: usize, was: Place<'_>, is: Place<'_>) -> Result<JsonText, EditError> {
    let mut item = JsonText::of_value(tree, own);
    let mut changes = Vec::new();
    plan(item.tree(), &mut vec![0], Some(was), is, &mut changes)?;
    item.apply(changes)?;
    Ok(item)
}
