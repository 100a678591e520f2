//! The edits a document offers, each as one or more planned splices of a draft.

use crate::path::Step;
use crate::value::Value;
use crate::yaml::{Draft, Failure, Found, Refusal, Trail, locate};

/// Why an operation failed; the document knows the path and where the YAML stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    Refusal(Refusal),
    Failure(Failure),
    Overflow,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Failure> for Denied {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Gives the value at `steps` a new value. Says whether bytes changed, as all of these do.
pub(crate) fn set(draft: &mut Draft, steps: &[Step], value: &Value) -> Result<bool, Denied> {
    let Some(edit) = draft.planner().set(steps, value)? else {
        return Ok(false);
    };
    draft.apply(&edit)?;
    let stored = draft.planner().reader().at(steps);
    if !stored.is_some_and(|stored| stored.same(value)) {
        let reason = "the value does not read back equal at its path".to_owned();
        return Err(Failure::Disagreement(reason).into());
    }
    Ok(true)
}

/// Removes the key or item at `steps`, if it is there.
pub(crate) fn unset(draft: &mut Draft, steps: &[Step]) -> Result<bool, Denied> {
    let planner = draft.planner();
    let Found::Node(trail) = locate(planner.root(), steps)? else {
        return Ok(false);
    };
    let Some((container, index)) = trail.parent() else {
        return Ok(false);
    };
    let edit = planner.remove(&container, index)?;
    draft.apply(&edit)?;
    Ok(true)
}

/// Adds to the integer at `steps`; nothing and null count as 0.
pub(crate) fn increment(draft: &mut Draft, steps: &[Step], by: i64) -> Result<i128, Denied> {
    let old = match find(draft, steps)? {
        None => 0,
        Some((trail, _)) => {
            let planner = draft.planner();
            let node = trail.node(planner.root());
            match planner.reader().value(node) {
                Value::Int(old) => old,
                other => {
                    return Err(Denied::Refusal(Refusal::Type {
                        steps: steps.len(),
                        offset: node.outer,
                        found: describe(&other),
                        wanted: "an integer",
                    }));
                }
            }
        }
    };
    let sum = old + i128::from(by);
    if !(i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&sum) {
        return Err(Denied::Overflow);
    }
    set(draft, steps, &Value::Int(sum))?;
    Ok(sum)
}

/// Appends to the list at `steps`, then drops items from its front until `cap` are left.
pub(crate) fn push(
    draft: &mut Draft,
    steps: &[Step],
    value: &Value,
    cap: Option<usize>,
) -> Result<bool, Denied> {
    let Some((trail, items)) = list(draft, steps)? else {
        let items = if cap == Some(0) {
            Vec::new()
        } else {
            vec![value.clone()]
        };
        return set(draft, steps, &Value::List(items));
    };
    let surplus = (items.len() + 1).saturating_sub(cap.unwrap_or(usize::MAX));
    if surplus > items.len() {
        return set(draft, steps, &Value::List(Vec::new()));
    }
    let edit = draft.planner().append(&trail, value)?;
    draft.apply(&edit)?;
    for _ in 0..surplus {
        let edit = draft.planner().remove(&trail, 0)?;
        draft.apply(&edit)?;
    }
    Ok(true)
}

/// Appends to the list at `steps` unless an equal item is there.
pub(crate) fn add_to_set(draft: &mut Draft, steps: &[Step], value: &Value) -> Result<bool, Denied> {
    let items = list(draft, steps)?.map_or(Vec::new(), |found| found.1);
    if items.iter().any(|item| item.same(value)) {
        return Ok(false);
    }
    push(draft, steps, value, None)
}

/// Removes all items equal to `value` from the list at `steps`.
pub(crate) fn remove_from_set(
    draft: &mut Draft,
    steps: &[Step],
    value: &Value,
) -> Result<bool, Denied> {
    let Some((trail, items)) = list(draft, steps)? else {
        return Ok(false);
    };
    let matching = items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.same(value));
    let mut changed = false;
    // From the back, so that the indexes before stay right.
    for (index, _) in matching.rev() {
        let edit = draft.planner().remove(&trail, index)?;
        draft.apply(&edit)?;
        changed = true;
    }
    Ok(changed)
}

/// The list at `steps` and its items; `None` when nothing or null stands there.
fn list(draft: &Draft, steps: &[Step]) -> Result<Option<(Trail, Vec<Value>)>, Denied> {
    let Some((trail, value)) = find(draft, steps)? else {
        return Ok(None);
    };
    let planner = draft.planner();
    let node = trail.node(planner.root());
    match value {
        Value::List(items) if node.is_list() => Ok(Some((trail, items))),
        Value::List(_) => Err(Refusal::unsupported(node.outer, "the list is an alias").into()),
        other => Err(Denied::Refusal(Refusal::Type {
            steps: steps.len(),
            offset: node.outer,
            found: describe(&other),
            wanted: "a list",
        })),
    }
}

/// The value at `steps` for an edit that builds on it; `None` when nothing or null stands there.
fn find(draft: &Draft, steps: &[Step]) -> Result<Option<(Trail, Value)>, Denied> {
    let planner = draft.planner();
    match locate(planner.root(), steps)? {
        Found::Node(trail) => {
            let value = planner.reader().value(trail.node(planner.root()));
            Ok((value != Value::Null).then_some((trail, value)))
        }
        Found::Missing { trail, .. } => {
            let container = trail.node(planner.root());
            match container.merge_key() {
                // Readers of YAML 1.1 may see a value here that we do not.
                Some(offset) => Err(Refusal::unsupported(
                    offset,
                    "<< may bring the value from elsewhere",
                )
                .into()),
                None => Ok(None),
            }
        }
        Found::Null { .. } => Ok(None),
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "an integer",
        Value::Float(_) => "a number with a fraction",
        Value::String(_) => "a text",
        Value::Timestamp(_) => "a date",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}
