//! What differs between two serialisations of a value, as changes of the text that the value was read from.

use std::collections::HashSet;

use crate::align::{Fate, Mark, align};
use crate::change::{self, Change, Slot};
use crate::error::{EditError, Kind, ParseError};
use crate::keys::Members;
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
    /// [`EditError::Serialisation`], [`EditError::TooLong`].
    pub fn follow(&mut self, before: &[u8], after: &[u8]) -> Result<(), EditError> {
        if before == after {
            return Ok(());
        }
        let unusable = |source| EditError::Serialisation { source };
        let before = Serialised::read(before).map_err(unusable)?;
        let after = decoded(after).map_err(unusable)?;
        if let Some(changes) = self.within_one_value(&before, after) {
            return self.apply(changes?);
        }
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

    /// The changes, if all that differs lies within one value and the text has it, too: then of the second serialisation only that
    /// value is scanned.
    fn within_one_value(
        &self,
        before: &Serialised<'_>,
        after: &str,
    ) -> Option<Result<Vec<Change>, EditError>> {
        let tree = self.tree();
        let was = before.tree();
        let differs = Differing::of(was.text.as_bytes(), after.as_bytes());
        let mut chain = vec![0];
        let mut node = 0;
        if !differs.is_within(was, node) {
            return None;
        }
        while let Some((number, item)) = differs.child(was, node) {
            chain.push(counterpart(
                tree,
                chain[chain.len() - 1],
                was,
                node,
                number,
                item,
            )?);
            node = item.value;
        }
        let piece = counterpiece(was, node, after)?;
        let nodes = scan_within(piece, chain.len() - 1).ok()?;
        let is = Place {
            tree: Tree::new(piece, &nodes),
            node: 0,
        };
        let mut changes = Vec::new();
        let planned = plan(
            tree,
            &mut chain,
            Some(Place { tree: was, node }),
            is,
            &mut changes,
        );
        Some(planned.map(|()| changes))
    }
}

/// A serialisation.
struct Serialised<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Serialised<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, ParseError> {
        Self::scanned(decoded(bytes)?)
    }

    fn scanned(text: &'a str) -> Result<Self, ParseError> {
        let nodes = scan(text).map_err(|fault| fault.in_text(text.as_bytes()))?;
        Ok(Self { text, nodes })
    }

    fn tree(&self) -> Tree<'_> {
        Tree::new(self.text, &self.nodes)
    }
}

/// The stretch outside of which two texts are alike.
struct Differing {
    /// How many bytes are alike at the beginning.
    start: usize,
    /// Where the first text is alike again, up to its end.
    end: usize,
}

impl Differing {
    fn of(before: &[u8], after: &[u8]) -> Self {
        let start = alike(before, after);
        let most = before.len().min(after.len()) - start;
        let tail = before[before.len() - most..].iter().rev();
        let tail = tail.zip(after[after.len() - most..].iter().rev());
        let tail = tail.take_while(|(before, after)| before == after).count();
        Self {
            start,
            end: before.len() - tail,
        }
    }

    /// Whether the stretch lies in a value, and the value begins before it and ends behind it.
    fn is_within(&self, tree: Tree<'_>, node: usize) -> bool {
        let range = tree.range(node);
        range.start < self.start && range.end > self.end
    }

    /// The member or item that the stretch lies in. With another `id` an item is another one, and the list has changed.
    fn child(&self, tree: Tree<'_>, node: usize) -> Option<(usize, Item)> {
        let before = |item: &(usize, Item)| tree.range(item.1.value).start < self.start;
        let mut items = tree.items(node).enumerate().take_while(before);
        let (number, item) = items.find(|(_, item)| self.is_within(tree, item.value))?;
        let is_in_list = tree.kind(node) == Kind::List;
        let id = is_in_list.then(|| id(tree, item.value)).flatten();
        let is_same = id.is_none_or(|id| {
            let range = tree.range(id);
            range.end < self.start || range.start > self.end
        });
        is_same.then_some((number, item))
    }
}

/// The piece of a text that stands where a value of another one does, if both are alike outside of it.
fn counterpiece<'a>(tree: Tree<'_>, node: usize, after: &'a str) -> Option<&'a str> {
    let range = tree.range(node);
    let behind = tree.text.len() - range.end;
    after.get(range.start..after.len() - behind)
}

/// How many bytes are alike from the beginning on.
fn alike(before: &[u8], after: &[u8]) -> usize {
    // Whole blocks are compared at once; chosen.
    const BLOCK: usize = 4096;
    let blocks = before.chunks_exact(BLOCK).zip(after.chunks_exact(BLOCK));
    let start = BLOCK * blocks.take_while(|(before, after)| before == after).count();
    let rest = before[start..].iter().zip(&after[start..]);
    start + rest.take_while(|(before, after)| before == after).count()
}

/// The value of the text that is a serialisation's member or item.
fn counterpart(
    tree: Tree<'_>,
    node: usize,
    was: Tree<'_>,
    outer: usize,
    number: usize,
    item: Item,
) -> Option<usize> {
    match (tree.kind(node), was.kind(outer), item.key) {
        (Kind::Object, Kind::Object, Some(key)) => {
            Some(tree.member(node, &was.unescaped(key))?.value)
        }
        (Kind::List, Kind::List, None) if tree.items(node).count() == was.items(outer).count() => {
            Some(tree.items(node).nth(number)?.value)
        }
        _ => None,
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
