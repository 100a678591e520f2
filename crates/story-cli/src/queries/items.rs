//! Stories as JSON: the members and items of the reference tool's `status --json`. Pure.

use serde::Serialize;
use serde_json::{Map, Value};
use story::board::column_of;
use story::workspace::StoryCopy;
use story::{Head, Moment};

use crate::json;

/// The version of the reference tool's shape.
const VERSION: u32 = 1;

/// The result of `list` and `board`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Board<'a> {
    #[serde(flatten)]
    success: Map<String, Value>,
    version: u32,
    generated_at: String,
    #[serde(flatten)]
    columns: Columns<'a>,
    total: usize,
    copies: Vec<Elsewhere<'a>>,
    warnings: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Columns<'a> {
    backlog: Vec<Item<'a>>,
    ready: Vec<Item<'a>>,
    in_progress: Vec<Item<'a>>,
    done: Vec<Item<'a>>,
    blocked: Vec<Item<'a>>,
    /// The reference tool knows no such column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other: Vec<Item<'a>>,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    id: &'a str,
    slug: &'a str,
    title: Option<&'a str>,
    status: &'a str,
    priority: Option<Value>,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    created: Option<&'a str>,
    labels: &'a [String],
}

/// A story that is not shown by its main copy.
#[derive(Debug, Serialize)]
struct Elsewhere<'a> {
    id: &'a str,
    copy: String,
    path: Value,
}

impl<'a> Board<'a> {
    /// Puts stories, which are in the order of the board, into their columns.
    pub fn new(shown: &[&'a Head], now: Moment, warnings: Vec<String>) -> Self {
        let mut columns = Columns::default();
        for head in shown {
            columns.at(column_of(&head.status)).push(Item::of(head));
        }
        let copies = shown.iter().filter(|head| head.copy != StoryCopy::Main);
        Self {
            success: json::success(),
            version: VERSION,
            generated_at: now.stamp(),
            columns,
            total: shown.len(),
            copies: copies.map(|head| Elsewhere::of(head)).collect(),
            warnings,
        }
    }
}

impl<'a> Columns<'a> {
    fn at(&mut self, column: usize) -> &mut Vec<Item<'a>> {
        match column {
            0 => &mut self.backlog,
            1 => &mut self.ready,
            2 => &mut self.in_progress,
            3 => &mut self.done,
            4 => &mut self.blocked,
            _ => &mut self.other,
        }
    }
}

impl<'a> Item<'a> {
    fn of(head: &'a Head) -> Self {
        Self {
            id: &head.id,
            slug: &head.slug,
            title: head.title.as_deref(),
            status: head.status.as_str(),
            priority: head.priority.map(number),
            kind: head.kind.as_deref(),
            created: head.created.as_deref(),
            labels: &head.labels,
        }
    }
}

impl<'a> Elsewhere<'a> {
    fn of(head: &'a Head) -> Self {
        Self {
            id: &head.id,
            copy: head.copy.to_string(),
            path: json::text(&head.path),
        }
    }
}

/// A priority as it is usually written: 10 and not 10.0.
fn number(priority: f64) -> Value {
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
