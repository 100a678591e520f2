//! Splices in block lists and mappings: whole lines in, whole lines out.

use std::ops::Range;

use super::{Child, Refusal};
use crate::value::Value;
use crate::yaml::node::{Entry, Item, Kind, Node};
use crate::yaml::scan;
use crate::yaml::write::Renderer;

/// The places of one child.
struct Slot {
    start: usize,
    end: usize,
}

/// Plans to replace the children in `removed` by `inserted`. `renderer` tells the habits of the
/// file, given where the replaced bytes end.
pub(super) fn splice(
    text: &str,
    container: &Node,
    is_root: bool,
    removed: &Range<usize>,
    inserted: &[Child],
    renderer: impl Fn(usize) -> Renderer,
) -> Result<(Range<usize>, String), Refusal> {
    let slots = slots(container);
    let Some(first) = slots.first() else {
        // Only the frontmatter itself can be a block mapping without entries.
        let end = text.len();
        return Ok((end..end, lines(&renderer(end), inserted, 0)));
    };
    refuse_odd_lines(text, container, &slots, removed)?;
    let column = scan::column(text, first.start);
    let compact = !scan::starts_line(text, first.start);
    if compact && removed.start == 0 {
        return compact_head(text, &slots, removed, inserted, column, &renderer);
    }
    let range = whole_lines(text, &slots, removed, is_root);
    let new = lines(&renderer(range.end), inserted, column);
    let starts_midline = range.start > 0 && text.as_bytes()[range.start - 1] != b'\n';
    if starts_midline && !new.is_empty() {
        return Ok((range, format!("\n{}", new.trim_end_matches('\n'))));
    }
    Ok((range, new))
}

/// Renders children on lines of their own.
fn lines(renderer: &Renderer, children: &[Child], column: usize) -> String {
    if children.is_empty() {
        return String::new();
    }
    format!(
        "{}{}\n",
        " ".repeat(column),
        render(renderer, children, column)
    )
}

fn render(renderer: &Renderer, children: &[Child], column: usize) -> String {
    let entries: Option<Vec<(String, Value)>> = children
        .iter()
        .map(|child| match child {
            Child::Entry(name, value) => Some((name.clone(), value.clone())),
            Child::Item(_) => None,
        })
        .collect();
    if let Some(entries) = entries {
        return renderer.entries(&entries, column);
    }
    let items: Vec<Value> = children.iter().map(|child| child.value().clone()).collect();
    renderer.items(&items, column)
}

/// The lines of the removed children, or the empty place where new ones go.
fn whole_lines(text: &str, slots: &[Slot], removed: &Range<usize>, is_root: bool) -> Range<usize> {
    if let (Some(first), Some(last)) = (slots.get(removed.start), slots[..removed.end].last())
        && !removed.is_empty()
    {
        return scan::line_start(text, first.start)..scan::next_line(text, last.end);
    }
    let at = match slots.get(removed.start) {
        Some(next) => scan::line_start(text, next.start),
        // New keys go to the end of the frontmatter, behind its last comment.
        None if is_root => text.len(),
        None => slots
            .last()
            .map_or(text.len(), |last| scan::next_line(text, last.end)),
    };
    at..at
}

/// The first child stands behind a dash (`- a: 1`), so it shares that line.
fn compact_head(
    text: &str,
    slots: &[Slot],
    removed: &Range<usize>,
    inserted: &[Child],
    column: usize,
    renderer: &impl Fn(usize) -> Renderer,
) -> Result<(Range<usize>, String), Refusal> {
    let start = slots[0].start;
    if removed.is_empty() {
        let new = render(&renderer(start), inserted, column);
        return Ok((start..start, format!("{new}\n{}", " ".repeat(column))));
    }
    let last_end = slots[removed.end - 1].end;
    if !inserted.is_empty() {
        return Ok((
            start..last_end,
            render(&renderer(last_end), inserted, column),
        ));
    }
    let Some(next) = slots.get(removed.end) else {
        return Err(Refusal::unsupported(
            start,
            "nothing would be left behind the dash",
        ));
    };
    let between = scan::next_line(text, last_end)..next.start;
    if !text.get(between).is_some_and(|gap| gap.trim().is_empty()) {
        return Err(Refusal::unsupported(
            start,
            "a comment stands behind the first entry of a list item",
        ));
    }
    Ok((start..next.start, String::new()))
}

fn slots(container: &Node) -> Vec<Slot> {
    let of_item = |item: &Item| Slot {
        start: item.start(),
        end: item.end(),
    };
    let of_entry = |entry: &Entry| Slot {
        start: entry.key.outer,
        end: entry.end(),
    };
    match &container.kind {
        Kind::List { items, .. } => items.iter().map(of_item).collect(),
        Kind::Map { entries, .. } => entries.iter().map(of_entry).collect(),
        Kind::Scalar { .. } | Kind::Alias(_) => Vec::new(),
    }
}

/// Refuses shapes whose lines do not belong to one child alone.
fn refuse_odd_lines(
    text: &str,
    container: &Node,
    slots: &[Slot],
    removed: &Range<usize>,
) -> Result<(), Refusal> {
    let first = slots[0].start;
    let before = text[scan::line_start(text, first)..first].trim_end();
    if matches!(container.kind, Kind::List { .. }) && !before.is_empty() {
        return Err(Refusal::unsupported(
            first,
            "a list begins on the line of another (`- - x`)",
        ));
    }
    if before.contains('?') {
        return Err(Refusal::unsupported(first, "a key is written with `?`"));
    }
    for slot in &slots[removed.clone()] {
        if slot.start != first && !scan::starts_line(text, slot.start) {
            return Err(Refusal::unsupported(
                slot.start,
                "a key is written with `?`",
            ));
        }
    }
    Ok(())
}
