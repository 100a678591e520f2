//! Lists and mappings -> block or flow text.

use super::{Spot, float_text, key, string};
use crate::value::Value;
use crate::yaml::node::Style;

/// Writes values in the habits of one file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renderer {
    /// How far a list is indented below its key: 2 as in the reference, or 0.
    pub(crate) list_indent: usize,
    /// Whether the text written last ends the frontmatter.
    pub(crate) at_end: bool,
}

impl Renderer {
    /// Writes a value that fits behind a key or dash without an indented block of its own: a
    /// scalar or an empty collection. `None` for others.
    pub(crate) fn scalar(
        &self,
        value: &Value,
        indent: usize,
        keep: Option<Style>,
    ) -> Option<String> {
        let spot = Spot {
            block_indent: Some(indent),
            at_end: self.at_end,
        };
        match value {
            Value::String(text) => Some(string(text, spot, keep)),
            Value::List(items) if !items.is_empty() => None,
            Value::Map(entries) if !entries.is_empty() => None,
            other => Some(flow(other, None)),
        }
    }

    /// Writes the items of a list, each on lines of its own, the dash at `column`. The first line
    /// is not indented, the last has no line end.
    pub(crate) fn items(&self, items: &[Value], column: usize) -> String {
        let lines = items.iter().enumerate().map(|(at, item)| {
            let inner = self.of_child(at + 1 == items.len());
            match inner.scalar(item, column + 2, None) {
                Some(scalar) => format!("- {scalar}"),
                None => format!("- {}", inner.block(item, column + 2)),
            }
        });
        join(lines, column)
    }

    /// Writes the entries of a mapping, each on lines of its own, the key at `column`. The first
    /// line is not indented, the last has no line end.
    pub(crate) fn entries(&self, entries: &[(String, Value)], column: usize) -> String {
        let lines = entries.iter().enumerate().map(|(at, (name, value))| {
            let inner = self.of_child(at + 1 == entries.len());
            if let Some(scalar) = inner.scalar(value, column + 2, None) {
                return format!("{}: {scalar}", key(name));
            }
            let deeper = column + inner.indent_of(value);
            let pad = " ".repeat(deeper);
            format!("{}:\n{pad}{}", key(name), inner.block(value, deeper))
        });
        join(lines, column)
    }

    /// Writes a list or mapping with content as a block.
    pub(crate) fn block(&self, value: &Value, column: usize) -> String {
        match value {
            Value::List(items) => self.items(items, column),
            Value::Map(entries) => self.entries(entries, column),
            scalar => flow(scalar, None),
        }
    }

    /// How far a block value is indented below its key.
    pub(crate) fn indent_of(&self, value: &Value) -> usize {
        match value {
            Value::List(_) => self.list_indent,
            _ => 2,
        }
    }

    fn of_child(&self, last: bool) -> Self {
        Self {
            at_end: self.at_end && last,
            ..*self
        }
    }
}

/// Writes a value behind a name, as an entry of a frontmatter, for people to read; the last line has no line end.
pub(crate) fn named(name: &str, value: &Value) -> String {
    let renderer = Renderer {
        list_indent: 2,
        at_end: false,
    };
    if let Some(scalar) = renderer.scalar(value, 2, None) {
        return format!("{name}: {scalar}");
    }
    let column = renderer.indent_of(value);
    let pad = " ".repeat(column);
    format!("{name}:\n{pad}{}", renderer.block(value, column))
}

/// Writes a value on one line, as it stands inside brackets or braces.
pub(crate) fn flow(value: &Value, keep: Option<Style>) -> String {
    let spot = Spot {
        block_indent: None,
        at_end: false,
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Float(float) => float_text(*float),
        Value::String(text) => string(text, spot, keep),
        Value::Timestamp(text) => text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, None)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(name, value)| flow_entry(name, value))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Writes an entry as it stands inside braces.
pub(crate) fn flow_entry(name: &str, value: &Value) -> String {
    format!("{}: {}", key(name), flow(value, None))
}

fn join(lines: impl Iterator<Item = String>, column: usize) -> String {
    let lines: Vec<String> = lines.collect();
    lines.join(&format!("\n{}", " ".repeat(column)))
}
