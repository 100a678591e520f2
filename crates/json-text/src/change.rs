//! Changes of a text: what is planned on it as it stands, and then put in.

use std::collections::HashSet;
use std::ops::Range;

use crate::layout::{self, Beside};
use crate::scan::scan;
use crate::tree::{Item, Node, Tree, narrow};
use crate::write::{Piece, Source};

/// One stretch of a text that is exchanged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The bytes that go.
    range: Range<usize>,
    /// The values that go.
    nodes: Range<usize>,
    new: Piece,
}

/// What becomes of a list's or object's items, in order.
#[derive(Debug)]
pub(crate) enum Slot<'a> {
    /// It stays; what changes in it is planned by itself.
    Stays(Item),
    Goes(Item),
    /// A new one; with a name, in quotes, if it is a member.
    Comes(Option<&'a str>, Source<'a>),
}

/// Puts another value in the place of the last one in `chain`.
pub(crate) fn replace(tree: Tree<'_>, chain: &[usize], source: Source<'_>) -> Change {
    let node = chain[chain.len() - 1];
    let mut new = Piece::default();
    new.value(source, &layout::in_place(tree, chain));
    Change {
        range: tree.range(node),
        nodes: node..tree.behind(node),
        new,
    }
}

/// Takes items out of the list or object at the end of `chain`, and puts others in.
pub(crate) fn rearrange(
    tree: Tree<'_>,
    chain: &[usize],
    slots: &[Slot<'_>],
    changes: &mut Vec<Change>,
) {
    let mut before = None;
    for stretch in slots.split_inclusive(|slot| matches!(slot, Slot::Stays(_))) {
        let (stretch, behind) = match stretch.split_last() {
            Some((Slot::Stays(item), stretch)) => (stretch, Some(*item)),
            _ => (stretch, None),
        };
        if !stretch.is_empty() {
            let gap = Gap {
                tree,
                chain,
                before,
                behind,
            };
            changes.push(gap.fill(stretch));
        }
        before = behind;
    }
}

/// Takes members, by their values, out of the object at the end of `chain`, and adds others behind the last one.
pub(crate) fn members(
    tree: Tree<'_>,
    chain: &[usize],
    going: &HashSet<usize>,
    coming: Vec<Slot<'_>>,
    changes: &mut Vec<Change>,
) {
    if going.is_empty() && coming.is_empty() {
        return;
    }
    let slot = |item: Item| {
        if going.contains(&item.value) {
            Slot::Goes(item)
        } else {
            Slot::Stays(item)
        }
    };
    let items = tree.items(chain[chain.len() - 1]);
    let slots: Vec<_> = items.map(slot).chain(coming).collect();
    rearrange(tree, chain, &slots, changes);
}

/// A stretch between two items that stay, or between one and a bracket.
struct Gap<'t> {
    tree: Tree<'t>,
    chain: &'t [usize],
    before: Option<Item>,
    behind: Option<Item>,
}

impl Gap<'_> {
    fn fill(&self, stretch: &[Slot<'_>]) -> Change {
        let mut going = stretch.iter().filter_map(|slot| match slot {
            Slot::Goes(item) => Some(*item),
            _ => None,
        });
        let coming: Vec<_> = stretch
            .iter()
            .filter_map(|slot| match slot {
                Slot::Comes(key, source) => Some((*key, *source)),
                _ => None,
            })
            .collect();
        let first = going.next();
        match (first, coming.is_empty()) {
            (None, _) => self.insert(&coming),
            (Some(first), true) => self.remove(first, going.next_back().unwrap_or(first)),
            (Some(first), false) => {
                self.exchange(first, going.next_back().unwrap_or(first), &coming)
            }
        }
    }

    fn insert(&self, coming: &[(Option<&str>, Source<'_>)]) -> Change {
        let Self {
            tree,
            chain,
            before,
            behind,
        } = *self;
        let container = chain[chain.len() - 1];
        let mut new = Piece::default();
        if let Some(before) = before {
            let beside = layout::beside(tree, chain, before);
            for item in coming {
                new.mark(",");
                new.mark(&beside.separator);
                write(&mut new, *item, &beside);
            }
            let at = tree.range(before.value).end;
            let node = tree.behind(before.value);
            return Change {
                range: at..at,
                nodes: node..node,
                new,
            };
        }
        if let Some(behind) = behind {
            let beside = layout::beside(tree, chain, behind);
            for item in coming {
                write(&mut new, *item, &beside);
                new.mark(",");
                new.mark(&beside.separator);
            }
            let at = tree.range(behind.first()).start;
            let node = behind.first();
            return Change {
                range: at..at,
                nodes: node..node,
                new,
            };
        }
        let inside = tree.range(container);
        self.first_items(&mut new, coming);
        Change {
            range: inside.start + 1..inside.end - 1,
            nodes: container + 1..container + 1,
            new,
        }
    }

    /// The first items of an empty list or object.
    fn first_items(&self, new: &mut Piece, coming: &[(Option<&str>, Source<'_>)]) {
        let mut layout = layout::of_empty(self.tree, self.chain);
        let line = layout
            .lines
            .as_ref()
            .map(|lines| format!("{}{}", lines.end, lines.base));
        let close = line.clone().unwrap_or_default();
        let mut separator = layout.gap.clone();
        if let (Some(line), Some(lines)) = (line, &mut layout.lines) {
            lines.base.push_str(&lines.unit);
            separator = format!("{line}{}", lines.unit);
            new.mark(&separator);
        }
        let beside = Beside {
            separator,
            value: layout,
        };
        join(new, coming, &beside);
        new.mark(&close);
    }

    fn exchange(&self, first: Item, last: Item, coming: &[(Option<&str>, Source<'_>)]) -> Change {
        let Self { tree, chain, .. } = *self;
        let mut new = Piece::default();
        join(&mut new, coming, &layout::beside(tree, chain, first));
        Change {
            range: tree.range(first.first()).start..tree.range(last.value).end,
            nodes: first.first()..tree.behind(last.value),
            new,
        }
    }

    /// Removes neighbours with the commas and lines that are theirs.
    fn remove(&self, first: Item, last: Item) -> Change {
        let Self {
            tree,
            chain,
            before,
            behind,
        } = *self;
        let start = tree.range(first.first()).start;
        let end = tree.range(last.value).end;
        let range = match (before, behind) {
            (None, None) => {
                let outer = tree.range(chain[chain.len() - 1]);
                outer.start + 1..outer.end - 1
            }
            (Some(before), None) => tree.range(before.value).end..end,
            (None, Some(behind)) => start..tree.range(behind.first()).start,
            (Some(before), Some(behind)) => {
                let before = tree.range(before.value).end;
                let behind = tree.range(behind.first()).start;
                // The larger gap stays: it may be what parts two groups of lines.
                if lines(&tree.text[before..start]) > lines(&tree.text[end..behind]) {
                    start..behind
                } else {
                    before..end
                }
            }
        };
        Change {
            range,
            nodes: first.first()..tree.behind(last.value),
            new: Piece::default(),
        }
    }
}

fn join(new: &mut Piece, coming: &[(Option<&str>, Source<'_>)], beside: &Beside) {
    for (number, item) in coming.iter().enumerate() {
        if number > 0 {
            new.mark(",");
            new.mark(&beside.separator);
        }
        write(new, *item, beside);
    }
}

fn write(new: &mut Piece, (key, source): (Option<&str>, Source<'_>), beside: &Beside) {
    if let Some(key) = key {
        new.key(key, &beside.value);
    }
    new.value(source, &beside.value);
}

fn lines(blank: &str) -> usize {
    blank.bytes().filter(|byte| *byte == b'\n').count()
}

/// Up to this many changes are put in one by one, each of which moves what stands behind it; more are put in at once, and the
/// text is scanned again. Chosen: a scan costs as much as about ten moves.
const FEW: usize = 8;

/// Puts changes in. `false`: the text would have 4 GiB or more, and is left as it is.
#[must_use]
pub(crate) fn apply(text: &mut String, nodes: &mut Vec<Node>, mut changes: Vec<Change>) -> bool {
    // An insertion stands before a change at the same place.
    changes.sort_by_key(|change| (change.range.start, change.range.end));
    let gone: usize = changes.iter().map(|change| change.range.len()).sum();
    let come: usize = changes.iter().map(|change| change.new.text.len()).sum();
    if u32::try_from(text.len() - gone + come).is_err() {
        return false;
    }
    if changes.len() > FEW {
        let new = all_at_once(text, &changes);
        *nodes = scan(&new).expect("changes leave JSON behind");
        *text = new;
        return true;
    }
    // From the last one on, so that the places of the others stay valid.
    for change in changes.into_iter().rev() {
        put_in(text, nodes, change);
    }
    true
}

fn all_at_once(text: &str, changes: &[Change]) -> String {
    let mut new = String::with_capacity(
        text.len()
            + changes
                .iter()
                .map(|change| change.new.text.len())
                .sum::<usize>(),
    );
    let mut at = 0;
    for change in changes {
        new.push_str(&text[at..change.range.start]);
        new.push_str(&change.new.text);
        at = change.range.end;
    }
    new.push_str(&text[at..]);
    new
}

fn put_in(text: &mut String, nodes: &mut Vec<Node>, change: Change) {
    let Change {
        range,
        nodes: going,
        new,
    } = change;
    let start = narrow(range.start);
    let end = narrow(range.end);
    // Differences wrap around: adding one that is negative takes away.
    let longer = narrow(new.text.len()).wrapping_sub(end - start);
    let more = narrow(new.nodes.len()).wrapping_sub(narrow(going.len()));
    let behind = going.start + new.nodes.len();
    // What begins before the change and ends behind it is around it.
    for outer in nodes[..going.start]
        .iter_mut()
        .filter(|node| node.end > end)
    {
        outer.end = outer.end.wrapping_add(longer);
        outer.size = outer.size.wrapping_add(more);
    }
    let moved = new.nodes.into_iter().map(|node| Node {
        start: node.start + start,
        end: node.end + start,
        size: node.size,
    });
    nodes.splice(going, moved);
    for node in &mut nodes[behind..] {
        node.start = node.start.wrapping_add(longer);
        node.end = node.end.wrapping_add(longer);
    }
    text.replace_range(range, &new.text);
}
