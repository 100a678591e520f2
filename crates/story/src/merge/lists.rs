//! Two lists put together: as sets, or as histories. Pure.

use std::collections::HashSet;

use super::values::{Merging, Versions, equal, value_in};
use crate::path::Step;
use crate::value::Value;

/// What tells one entry of a history from another; an entry is known by those of them that it has.
const IDENTITY: [&str; 10] = [
    "id",
    "hash",
    "firstSeen",
    "iteration",
    "startedAt",
    "cycle_number",
    "test_name",
    "red_timestamp",
    "timestamp",
    "attempt",
];

/// Merges two changed lists; `None`: they contradict each other.
pub(super) fn merge(
    merging: &mut Merging,
    base: &[Value],
    ours: &[Value],
    theirs: &[Value],
) -> Option<Vec<Value>> {
    let all = [base, ours, theirs];
    if all.iter().all(|list| list.iter().all(is_single)) {
        // A list in which a value stands twice is no set.
        let are_sets = all.iter().all(|list| is_set(list));
        return are_sets.then(|| sets(base, ours, theirs));
    }
    histories(merging, base, ours, theirs)
}

fn is_single(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Map(_))
}

fn is_set(list: &[Value]) -> bool {
    names(list).len() == list.len()
}

/// Single values by a text that tells them apart, type included.
fn names(list: &[Value]) -> HashSet<String> {
    list.iter().map(name).collect()
}

fn name(value: &Value) -> String {
    format!("{value:?}")
}

/// What `ours` has and `theirs` did not remove, then what `theirs` added.
fn sets(base: &[Value], ours: &[Value], theirs: &[Value]) -> Vec<Value> {
    let [in_base, in_ours, in_theirs] = [base, ours, theirs].map(names);
    let kept = ours.iter().filter(|item| {
        let name = name(item);
        in_theirs.contains(&name) || !in_base.contains(&name)
    });
    let added = theirs.iter().filter(|item| {
        let name = name(item);
        !in_base.contains(&name) && !in_ours.contains(&name)
    });
    kept.chain(added).cloned().collect()
}

/// Entries of the base that are left on both sides, each merged for itself, then the new ones: `ours` first.
fn histories(
    merging: &mut Merging,
    base: &[Value],
    ours: &[Value],
    theirs: &[Value],
) -> Option<Vec<Value>> {
    let ours_dropped = dropped(base, ours)?;
    let theirs_dropped = dropped(base, theirs)?;
    let first = ours_dropped.max(theirs_dropped);
    let mut merged = Vec::with_capacity(ours.len() + theirs.len());
    for (at, entry) in base.iter().enumerate().skip(first) {
        let versions = Versions {
            base: Some(entry),
            ours: Some(&ours[at - ours_dropped]),
            theirs: Some(&theirs[at - theirs_dropped]),
        };
        let step = Step::Index(at - ours_dropped);
        merged.extend(merging.at(step, versions));
    }
    let ours_new = &ours[base.len() - ours_dropped..];
    let theirs_new = &theirs[base.len() - theirs_dropped..];
    merged.extend_from_slice(ours_new);
    // One that both appended (a commit that was picked onto both sides) is there once.
    let mut of_both: Vec<&Value> = ours_new.iter().collect();
    for entry in theirs_new {
        match of_both.iter().position(|ours| equal(ours, entry)) {
            Some(at) => drop(of_both.swap_remove(at)),
            None => merged.push(entry.clone()),
        }
    }
    Some(merged)
}

/// How many entries a side has dropped from the front, as a push with a cap does; `None`: it did something else than
/// change entries, drop some from the front and append some.
fn dropped(base: &[Value], side: &[Value]) -> Option<usize> {
    let is_aligned = |dropped: &usize| {
        let left = &base[*dropped..];
        left.len() <= side.len()
            && left
                .iter()
                .zip(side)
                .all(|(old, new)| is_same_entry(old, new))
    };
    // That all are gone says nothing about how: unless there were none.
    (0..base.len().max(1)).find(is_aligned)
}

/// Whether it is the entry it was, perhaps with more known about it.
fn is_same_entry(old: &Value, new: &Value) -> bool {
    let (Value::Map(old_entries), Value::Map(new_entries)) = (old, new) else {
        return equal(old, new);
    };
    let mut known = IDENTITY
        .iter()
        .filter_map(|name| Some((name, value_in(old_entries, name)?)))
        .peekable();
    if known.peek().is_none() {
        return equal(old, new);
    }
    known.all(|(name, value)| value_in(new_entries, name).is_some_and(|new| equal(value, new)))
}
