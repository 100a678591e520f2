//! The text and its edits.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::change::{self, Change, Slot};
use crate::error::{EditError, Kind, ParseError};
use crate::json::{Json, quoted};
use crate::path::{Path, Step};
use crate::scan::{MAX_DEPTH, decode, scan};
use crate::tree::{Item, Node, Tree};
use crate::write::{Nulls, Source};

/// One JSON text that is edited in place.
///
/// An edit that fails leaves the text as it was. One that changes nothing, because the same value stands there, leaves each byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText {
    text: String,
    nodes: Vec<Node>,
}

impl JsonText {
    /// Reads a text, strictly by RFC 8259.
    ///
    /// # Errors
    ///
    /// [`ParseError`], with the place. Retrying does not help.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        bytes.to_vec().try_into()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The bytes of the text.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The bytes of the text, without copying them.
    pub fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    /// What stands at a path; `None`: nothing.
    pub fn kind(&self, path: &Path) -> Option<Kind> {
        Some(self.tree().kind(self.node(path)?))
    }

    /// The value at a path as it is written; `None`: there is none.
    pub fn raw(&self, path: &Path) -> Option<&str> {
        Some(self.tree().raw(self.node(path)?))
    }

    /// How many members or items stand at a path; `None`: neither an object nor a list.
    pub fn len(&self, path: &Path) -> Option<usize> {
        let node = self.node(path)?;
        let is_container = matches!(self.tree().kind(node), Kind::Object | Kind::List);
        is_container.then(|| self.tree().items(node).count())
    }

    /// The value at a path; `None`: there is none.
    ///
    /// A view: numbers are what `serde_json` makes of them, rounded where 64 bits do not hold them, and beyond the range of an
    /// `f64` the greatest one. [`raw`](Self::raw) has what is written.
    pub fn value(&self, path: &Path) -> Option<Value> {
        let node = self.node(path)?;
        let value = serde_json::from_str(self.tree().raw(node));
        Some(value.unwrap_or_else(|_| within_range(self.tree(), node)))
    }

    /// The whole as a value of some type.
    ///
    /// # Errors
    ///
    /// It does not fit the type; the error names the path of what does not.
    pub fn to<T: DeserializeOwned>(
        &self,
    ) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
        // Keeping track of the path costs; nearly always none is wanted.
        serde_json::from_str(&self.text).or_else(|_| {
            let mut deserializer = serde_json::Deserializer::from_str(&self.text);
            serde_path_to_error::deserialize(&mut deserializer)
        })
    }

    /// Puts a value in the place of the one at a path, or adds the member with the objects that are missing on the way to it.
    ///
    /// The new value is laid out as its place is. White space around the whole text stays when the whole is replaced.
    ///
    /// # Errors
    ///
    /// [`EditError::NotAnObject`], [`EditError::NotAList`] (`null` is neither), [`EditError::NoItem`] (the number behind the
    /// last item, too), [`EditError::TooDeep`], [`EditError::TooLong`].
    pub fn set(&mut self, path: &Path, value: &Json) -> Result<(), EditError> {
        let reached = self.reach(path)?;
        if reached.missing == 0 {
            return self.replace(path, &reached.chain, value);
        }
        self.add(path, &reached, value)
    }

    /// Removes a member or an item, with its comma and its line; whether there was one.
    ///
    /// # Errors
    ///
    /// [`EditError::Whole`]: the path is empty.
    pub fn unset(&mut self, path: &Path) -> Result<bool, EditError> {
        if path.is_whole() {
            return Err(EditError::Whole);
        }
        let Ok(Reached {
            mut chain,
            missing: 0,
        }) = self.reach(path)
        else {
            return Ok(false);
        };
        let node = chain.pop();
        let container = chain[chain.len() - 1];
        let tree = self.tree();
        let slot = |item: Item| {
            if Some(item.value) == node {
                Slot::Goes(item)
            } else {
                Slot::Stays(item)
            }
        };
        let slots: Vec<_> = tree.items(container).map(slot).collect();
        let mut changes = Vec::new();
        change::rearrange(tree, &chain, &slots, &mut changes);
        self.apply(changes)?;
        Ok(true)
    }

    /// Adds to a whole number, and says what it is then. What is missing, or `null`, counts as 0.
    ///
    /// # Errors
    ///
    /// [`EditError::NotAnInteger`] (1.0 is none), [`EditError::Overflow`], and those of [`set`](Self::set).
    pub fn increment(&mut self, path: &Path, by: i64) -> Result<i64, EditError> {
        let found = self.raw(path).unwrap_or("null");
        let number = match self.kind(path) {
            None | Some(Kind::Null) => Some(0),
            Some(Kind::Number) if found.contains(['.', 'e', 'E']) => {
                return Err(not_an_integer(path, found));
            }
            // One that is too long for an i64 overflows, whatever is added.
            Some(Kind::Number) => found.parse::<i64>().ok(),
            Some(kind) => return Err(not_an_integer(path, &kind.to_string())),
        };
        let Some(sum) = number.and_then(|number| number.checked_add(by)) else {
            return Err(EditError::Overflow {
                path: path.clone(),
                found: found.to_owned(),
                by,
            });
        };
        self.set(path, &Json::integer(sum))?;
        Ok(sum)
    }

    /// Adds an item at the end of a list; a missing one is made.
    ///
    /// # Errors
    ///
    /// [`EditError::NotAList`] (`null` is none either), and those of [`set`](Self::set).
    pub fn push(&mut self, path: &Path, item: &Json) -> Result<(), EditError> {
        let reached = self.reach(path)?;
        if reached.missing > 0 {
            let list = Json::checked(format!("[{}]", item.as_str())).map_err(|_| too_deep(path))?;
            return self.add(path, &reached, &list);
        }
        let chain = &reached.chain;
        let list = chain[chain.len() - 1];
        let tree = self.tree();
        if tree.kind(list) != Kind::List {
            return Err(EditError::NotAList {
                path: path.clone(),
                found: tree.kind(list),
            });
        }
        check_depth(path, chain.len(), item)?;
        // Only the last one matters to the place of the new one.
        let last = tree.items(list).last().map(Slot::Stays);
        let slots: Vec<_> = last
            .into_iter()
            .chain([Slot::Comes(None, whole(item))])
            .collect();
        let mut changes = Vec::new();
        change::rearrange(tree, chain, &slots, &mut changes);
        self.apply(changes)
    }

    /// A value of a text as a text of its own.
    pub(crate) fn of_value(tree: Tree<'_>, node: usize) -> Self {
        let start = tree.nodes[node].start;
        let moved = |node: &Node| Node {
            start: node.start - start,
            end: node.end - start,
            size: node.size,
        };
        Self {
            text: tree.raw(node).to_owned(),
            nodes: tree.nodes[node..tree.behind(node)]
                .iter()
                .map(moved)
                .collect(),
        }
    }

    pub(crate) fn tree(&self) -> Tree<'_> {
        Tree::new(&self.text, &self.nodes)
    }

    /// Puts planned changes in.
    pub(crate) fn apply(&mut self, changes: Vec<Change>) -> Result<(), EditError> {
        if change::apply(&mut self.text, &mut self.nodes, changes) {
            Ok(())
        } else {
            Err(EditError::TooLong)
        }
    }

    fn replace(&mut self, path: &Path, chain: &[usize], value: &Json) -> Result<(), EditError> {
        let tree = self.tree();
        if tree.same(chain[chain.len() - 1], value.tree(), 0) {
            return Ok(());
        }
        check_depth(path, chain.len() - 1, value)?;
        let change = change::replace(tree, chain, whole(value));
        self.apply(vec![change])
    }

    /// Adds the member that `reached` has not found, with the objects on the way to it.
    fn add(&mut self, path: &Path, reached: &Reached, value: &Json) -> Result<(), EditError> {
        let chain = &reached.chain;
        let missing = &path.steps()[path.steps().len() - reached.missing..];
        let mut names = missing.iter().filter_map(|step| match step {
            Step::Name(name) => Some(quoted(name)),
            Step::Index(_) => None,
        });
        let name = names.next();
        let inner: Vec<_> = names.collect();
        let value = wrapped(&inner, value).map_err(|_| too_deep(path))?;
        check_depth(path, chain.len(), &value)?;
        let tree = self.tree();
        let object = chain[chain.len() - 1];
        let last = tree.items(object).last().map(Slot::Stays);
        let new = Slot::Comes(name.as_deref(), whole(&value));
        let slots: Vec<_> = last.into_iter().chain([new]).collect();
        let mut changes = Vec::new();
        change::rearrange(tree, chain, &slots, &mut changes);
        self.apply(changes)
    }

    fn node(&self, path: &Path) -> Option<usize> {
        let reached = self
            .reach(path)
            .ok()
            .filter(|reached| reached.missing == 0)?;
        reached.chain.last().copied()
    }

    /// Goes down a path as far as it leads.
    fn reach(&self, path: &Path) -> Result<Reached, EditError> {
        let tree = self.tree();
        let steps = path.steps();
        let mut chain = Vec::with_capacity(steps.len() + 1);
        let mut node = 0;
        chain.push(node);
        for (depth, step) in steps.iter().enumerate() {
            let next = match (tree.kind(node), step) {
                (Kind::Object, Step::Name(name)) => tree.member(node, name),
                (Kind::List, step) => Some(item(tree, node, step, path, depth)?),
                (found, Step::Name(_)) => {
                    return Err(EditError::NotAnObject {
                        path: path.up_to(depth),
                        found,
                    });
                }
                (found, Step::Index(_)) => {
                    return Err(EditError::NotAList {
                        path: path.up_to(depth),
                        found,
                    });
                }
            };
            let Some(item) = next else {
                let missing = steps.len() - depth;
                // What is missing is made of objects: there is no item in them.
                let is_index = |step: &Step| matches!(step, Step::Index(_));
                if let Some(number) = steps[depth + 1..].iter().position(is_index) {
                    let path = path.up_to(depth + number + 2);
                    return Err(EditError::NoItem { path, len: 0 });
                }
                return Ok(Reached { chain, missing });
            };
            node = item.value;
            chain.push(node);
        }
        Ok(Reached { chain, missing: 0 })
    }
}

impl TryFrom<Vec<u8>> for JsonText {
    type Error = ParseError;

    /// Like [`JsonText::parse`], without copying the bytes.
    fn try_from(bytes: Vec<u8>) -> Result<Self, ParseError> {
        let text = decode(bytes)?;
        match scan(&text) {
            Ok(nodes) => Ok(Self { text, nodes }),
            Err(fault) => Err(fault.in_text(text.as_bytes())),
        }
    }
}

/// How far a path leads.
struct Reached {
    /// The nodes on the way, the whole first.
    chain: Vec<usize>,
    /// How many steps are left.
    missing: usize,
}

fn item(
    tree: Tree<'_>,
    list: usize,
    step: &Step,
    path: &Path,
    depth: usize,
) -> Result<Item, EditError> {
    if let Some(item) = step
        .as_index()
        .and_then(|index| tree.items(list).nth(index))
    {
        return Ok(item);
    }
    if matches!(step, Step::Name(name) if name != "-") && step.as_index().is_none() {
        return Err(EditError::NotAnObject {
            path: path.up_to(depth),
            found: Kind::List,
        });
    }
    let len = tree.items(list).count();
    Err(EditError::NoItem {
        path: path.up_to(depth + 1),
        len,
    })
}

/// A value within objects of one member each.
fn wrapped(names: &[String], value: &Json) -> Result<Json, ParseError> {
    if names.is_empty() {
        return Ok(value.clone());
    }
    let opened = names.iter().flat_map(|name| ["{", name, ":"]);
    let opened: String = opened.collect();
    Json::checked(opened + value.as_str() + &"}".repeat(names.len()))
}

fn whole(value: &Json) -> Source<'_> {
    Source {
        tree: value.tree(),
        node: 0,
        nulls: Nulls::Kept,
    }
}

/// Whether a value can stand within so many lists and objects.
fn check_depth(path: &Path, around: usize, value: &Json) -> Result<(), EditError> {
    if around + depth(value.tree()) >= MAX_DEPTH {
        return Err(too_deep(path));
    }
    Ok(())
}

/// How many levels of lists and objects a text has.
fn depth(tree: Tree<'_>) -> usize {
    let mut ends: Vec<usize> = Vec::new();
    let mut deepest = 0;
    for node in 0..tree.nodes.len() {
        while ends.last().is_some_and(|end| *end <= node) {
            ends.pop();
        }
        if matches!(tree.kind(node), Kind::Object | Kind::List) {
            ends.push(tree.behind(node));
            deepest = deepest.max(ends.len());
        }
    }
    deepest
}

/// A value with the numbers that no `f64` holds made the greatest that one does.
fn within_range(tree: Tree<'_>, node: usize) -> Value {
    let whole = tree.range(node);
    let mut text = String::with_capacity(whole.len());
    let mut at = whole.start;
    for number in (node..tree.behind(node)).filter(|node| tree.kind(*node) == Kind::Number) {
        let parsed: f64 = tree.raw(number).parse().unwrap_or_default();
        if parsed.is_infinite() {
            let range = tree.range(number);
            text.push_str(&tree.text[at..range.start]);
            text.push_str(if parsed > 0.0 { GREATEST } else { LEAST });
            at = range.end;
        }
    }
    text.push_str(&tree.text[at..whole.end]);
    serde_json::from_str(&text)
        .expect("a scanned text whose numbers are in range is JSON to serde_json, too")
}

/// `f64::MAX`.
const GREATEST: &str = "1.7976931348623157e308";
/// `f64::MIN`.
const LEAST: &str = "-1.7976931348623157e308";

fn too_deep(path: &Path) -> EditError {
    EditError::TooDeep { path: path.clone() }
}

fn not_an_integer(path: &Path, found: &str) -> EditError {
    EditError::NotAnInteger {
        path: path.clone(),
        found: found.to_owned(),
    }
}
