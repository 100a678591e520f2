//! Stories as JSON: the items of the reference tool's `status --json`. Pure.

use serde_json::{Map, Value, json};
use story::board::column_of;
use story::workspace::StoryCopy;
use story::{Head, Moment};

use crate::json;

/// The members for the columns, in their order; the last is for the words of other tools.
const MEMBERS: [&str; 6] = ["backlog", "ready", "inProgress", "done", "blocked", "other"];

/// The version of the reference tool's shape.
const VERSION: u32 = 1;

/// The result of `list` and `board`.
pub fn result(shown: &[&Head], now: Moment, warnings: Vec<String>) -> Map<String, Value> {
    let mut columns: [Vec<Value>; MEMBERS.len()] = Default::default();
    for head in shown {
        columns[column_of(&head.status)].push(item(head));
    }
    let mut result = json::success();
    result.insert("version".to_owned(), VERSION.into());
    result.insert("generatedAt".to_owned(), now.stamp().into());
    for (name, items) in MEMBERS.into_iter().zip(columns) {
        // The reference tool knows no such column.
        if name != "other" || !items.is_empty() {
            result.insert(name.to_owned(), items.into());
        }
    }
    result.insert("total".to_owned(), shown.len().into());
    let copies = shown.iter().filter(|head| head.copy != StoryCopy::Main);
    let copies: Vec<_> = copies.map(|head| copy(head)).collect();
    result.insert("copies".to_owned(), copies.into());
    result.insert("warnings".to_owned(), warnings.into());
    result
}

fn item(head: &Head) -> Value {
    json!({
        "id": head.id,
        "slug": head.slug,
        "title": head.title,
        "status": head.status.as_str(),
        "priority": head.priority.map(number),
        "type": head.kind,
        "created": head.created,
        "labels": head.labels,
    })
}

/// A story that is not shown by its main copy.
fn copy(head: &Head) -> Value {
    json!({
        "id": head.id,
        "copy": head.copy.to_string(),
        "path": json::text(&head.path),
    })
}

/// A priority as it is usually written: 10 and not 10.0.
pub fn number(priority: f64) -> Value {
    // Beyond this not every whole number has a value of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is a whole number within the limits"
    )]
    if priority.fract() == 0.0 && priority.abs() <= EXACT {
        (priority as i64).into()
    } else {
        priority.into()
    }
}
