//! Splices in flow lists and mappings: `[a, b]` stays on its line, several lines keep their shape.

use std::ops::Range;

use super::{Child, Refusal};
use crate::yaml::node::{Entry, Item, Kind, Node};
use crate::yaml::scan;
use crate::yaml::write;

/// Plans to replace the children in `removed` by `inserted`.
pub(super) fn splice(
    text: &str,
    container: &Node,
    removed: &Range<usize>,
    inserted: &[Child],
) -> Result<(Range<usize>, String), Refusal> {
    let open = container.span.start;
    if !matches!(text.as_bytes().get(open), Some(b'[' | b'{')) {
        return Err(Refusal::unsupported(
            open,
            "a mapping without braces inside a list",
        ));
    }
    let spans = spans(container);
    refuse_explicit_keys(text, open, &spans)?;
    let new: Vec<String> = inserted.iter().map(render).collect();
    let count = spans.len();
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
        return Ok((open + 1..container.span.end - 1, new.join(", ")));
    };
    if removed.is_empty() {
        if removed.start < count {
            let next = &spans[removed.start];
            let separator = separator(text, next);
            return Ok((next.start..next.start, new.join(&separator) + &separator));
        }
        return Ok(append(text, last, &new));
    }
    let range = spans[removed.start].start..spans[removed.end - 1].end;
    if !new.is_empty() {
        return Ok((range, new.join(&separator(text, last))));
    }
    // One separator goes with what is removed: the one behind it, at the end the one before it.
    Ok(if let Some(next) = spans.get(removed.end) {
        (range.start..next.start, String::new())
    } else if removed.start > 0 {
        let kept = spans[removed.start - 1].end;
        (kept..range.end, remark(&text[kept..range.start]))
    } else {
        (first.start..last.end, String::new())
    })
}

/// Appends behind the last child; a comma that stands there already stays the last thing.
fn append(text: &str, last: &Range<usize>, new: &[String]) -> (Range<usize>, String) {
    let separator = separator(text, last);
    let joined = new.join(&separator);
    let after = scan::line_end(text, last.end);
    let rest = &text[last.end..after];
    let behind_comma = rest.trim_start().strip_prefix(',');
    let remark = behind_comma.unwrap_or(rest).trim_start();
    let ends_line = remark.is_empty() || remark.starts_with('#');
    if !separator.contains('\n') || !ends_line {
        return (last.end..last.end, format!("{separator}{joined}"));
    }
    // A comment behind the last child stays on its line.
    let line_break = &separator[1..];
    let text = match behind_comma {
        Some(_) => format!("{rest}{line_break}{joined},"),
        None => format!(",{rest}{line_break}{joined}"),
    };
    (last.end..after, text)
}

/// The comment behind a child that becomes the last one, without the comma.
fn remark(gap: &str) -> String {
    match gap.split_once('#') {
        Some((before, comment)) => {
            format!("{}#{}", before.replacen(',', "", 1), comment.trim_end())
        }
        None => String::new(),
    }
}

/// What stands between two children: a line break where children begin lines.
fn separator(text: &str, child: &Range<usize>) -> String {
    if scan::starts_line(text, child.start) {
        format!(",\n{}", " ".repeat(scan::column(text, child.start)))
    } else {
        ", ".to_owned()
    }
}

fn render(child: &Child) -> String {
    match child {
        Child::Item(value) => write::flow(value, None),
        Child::Entry(name, value) => write::flow_entry(name, value),
    }
}

fn spans(container: &Node) -> Vec<Range<usize>> {
    let of_item = |item: &Item| item.start()..item.end();
    let of_entry = |entry: &Entry| entry.key.outer..entry.end();
    match &container.kind {
        Kind::List { items, .. } => items.iter().map(of_item).collect(),
        Kind::Map { entries, .. } => entries.iter().map(of_entry).collect(),
        Kind::Scalar { .. } | Kind::Alias(_) => Vec::new(),
    }
}

/// Between brackets, commas and children only space may stand; `?` is what else could.
fn refuse_explicit_keys(text: &str, open: usize, spans: &[Range<usize>]) -> Result<(), Refusal> {
    let mut boundary = open + 1;
    for span in spans {
        let mut at = scan::skip_space(text, boundary);
        if text.as_bytes().get(at) == Some(&b',') {
            at = scan::skip_space(text, at + 1);
        }
        if at != span.start {
            return Err(Refusal::unsupported(at, "a key is written with `?`"));
        }
        boundary = span.end;
    }
    Ok(())
}
