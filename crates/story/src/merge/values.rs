//! The values of two frontmatters put together, key by key. Pure.

use std::cmp::Ordering;

use super::rules::{Rule, compare_moments, rule_of, sum};
use super::{Conflict, lists};
use crate::document::Document;
use crate::path::{Step, display};
use crate::value::Value;

/// The entries of a mapping, in file order.
pub(super) type Entries = Vec<(String, Value)>;

/// One value in three versions; `None`: it is not there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Versions<'a> {
    pub(super) base: Option<&'a Value>,
    pub(super) ours: Option<&'a Value>,
    pub(super) theirs: Option<&'a Value>,
}

/// Merges the frontmatters and says where they contradict each other; there the result has what `ours` has.
pub(super) fn merge(
    base: Option<&Document>,
    ours: &Document,
    theirs: &Document,
) -> (Entries, Vec<Conflict>) {
    let mut merging = Merging {
        has_base: base.is_some(),
        path: Vec::new(),
        conflicts: Vec::new(),
    };
    let base = base.map_or_else(Vec::new, entries_of);
    let merged = merging.maps(&base, &entries_of(ours), &entries_of(theirs));
    (merged, merging.conflicts)
}

/// The frontmatter as entries.
pub(super) fn entries_of(story: &Document) -> Entries {
    match story.to_value() {
        Value::Map(entries) => entries,
        _ => Vec::new(),
    }
}

/// The value of a key.
pub(super) fn value_in<'a>(entries: &'a [(String, Value)], key: &str) -> Option<&'a Value> {
    let found = entries.iter().find(|(name, _)| name == key);
    found.map(|(_, value)| value)
}

/// Whether two values are the same to readers, for whom the order of keys means nothing.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| value_in(b, key).is_some_and(|other| equal(value, other)))
        }
        _ => a.same(b),
    }
}

/// The same for values that may be missing.
pub(super) fn equal_or_missing(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => equal(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// A merge under way, at one place of the tree.
#[derive(Debug)]
pub(super) struct Merging {
    /// Whether the two have a common past: else nobody has counted up from anything.
    has_base: bool,
    path: Vec<Step>,
    conflicts: Vec<Conflict>,
}

impl Merging {
    /// Merges entry by entry; keys stand as in `ours`, then those that only `theirs` has.
    pub(super) fn maps(
        &mut self,
        base: &[(String, Value)],
        ours: &[(String, Value)],
        theirs: &[(String, Value)],
    ) -> Entries {
        let only_theirs = theirs
            .iter()
            .filter(|(key, _)| value_in(ours, key).is_none());
        let mut merged = Vec::new();
        for (key, _) in ours.iter().chain(only_theirs) {
            let versions = Versions {
                base: value_in(base, key),
                ours: value_in(ours, key),
                theirs: value_in(theirs, key),
            };
            if let Some(value) = self.at(Step::Key(key.clone()), versions) {
                merged.push((key.clone(), value));
            }
        }
        merged
    }

    /// Merges the value one step below.
    pub(super) fn at(&mut self, step: Step, versions: Versions) -> Option<Value> {
        self.path.push(step);
        let merged = self.value(versions);
        self.path.pop();
        merged
    }

    fn value(&mut self, versions: Versions) -> Option<Value> {
        let Versions { base, ours, theirs } = versions;
        if equal_or_missing(theirs, base) {
            return ours.cloned();
        }
        if equal_or_missing(ours, base) {
            return theirs.cloned();
        }
        let rule = self.rule();
        // Two that counted to the same number have both counted.
        if equal_or_missing(ours, theirs) && !(rule == Rule::Counter && self.has_base) {
            return ours.cloned();
        }
        if let (Some(ours), Some(theirs)) = (ours, theirs)
            && let Some(merged) = self.both_changed(rule, base, ours, theirs)
        {
            return Some(merged);
        }
        if !equal_or_missing(ours, theirs) {
            self.conflicts.push(Conflict::Field {
                path: display(&self.path),
                base: base.cloned(),
                ours: ours.cloned(),
                theirs: theirs.cloned(),
            });
        }
        ours.cloned()
    }

    /// What both changes make together; `None`: they contradict each other.
    fn both_changed(
        &mut self,
        rule: Rule,
        base: Option<&Value>,
        ours: &Value,
        theirs: &Value,
    ) -> Option<Value> {
        match (rule, ours, theirs) {
            (Rule::Counter, Value::Int(ours), Value::Int(theirs)) if self.has_base => {
                let base = match base {
                    None | Some(Value::Null) => 0,
                    Some(Value::Int(base)) => *base,
                    _ => return None,
                };
                sum(base, *ours, *theirs).map(Value::Int)
            }
            (Rule::Later, _, _) => pick(ours, theirs, ours, theirs, Ordering::Less),
            (Rule::Earlier, _, _) => pick(ours, theirs, ours, theirs, Ordering::Greater),
            (Rule::LatestRecord, Value::Map(of_ours), Value::Map(of_theirs)) => {
                let ours_at = value_in(of_ours, "timestamp")?;
                let theirs_at = value_in(of_theirs, "timestamp")?;
                match compare_moments(ours_at, theirs_at)? {
                    Ordering::Equal => None,
                    _ => pick(ours_at, theirs_at, ours, theirs, Ordering::Less),
                }
            }
            (Rule::Plain, Value::Map(ours), Value::Map(theirs)) => {
                let base = match base {
                    Some(Value::Map(base)) => base.as_slice(),
                    None | Some(Value::Null) => &[],
                    _ => return None,
                };
                Some(Value::Map(self.maps(base, ours, theirs)))
            }
            (_, Value::List(ours), Value::List(theirs)) => {
                let base = match base {
                    Some(Value::List(base)) => base.as_slice(),
                    None | Some(Value::Null) => &[],
                    _ => return None,
                };
                lists::merge(self, base, ours, theirs).map(Value::List)
            }
            _ => None,
        }
    }

    fn rule(&self) -> Rule {
        match self.path.last() {
            Some(Step::Key(key)) => rule_of(key),
            _ => Rule::Plain,
        }
    }
}

/// `theirs` where the moment of `ours` compares to that of `theirs` as `theirs_if` says, else `ours`.
fn pick(
    ours_at: &Value,
    theirs_at: &Value,
    ours: &Value,
    theirs: &Value,
    theirs_if: Ordering,
) -> Option<Value> {
    let order = compare_moments(ours_at, theirs_at)?;
    Some(if order == theirs_if { theirs } else { ours }.clone())
}
