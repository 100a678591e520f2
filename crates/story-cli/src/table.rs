//! Rows in columns, the last of which is cut to the canvas. Pure.

use std::fmt::Write as _;

use crate::queries::cells::{cut, pad, width};
use crate::terminal::{Canvas, Style, escape_line};

/// Blanks between two columns.
const GAP: usize = 2;

/// What the last column is never narrowed below. Chosen.
const LEAST: usize = 12;

/// How much of the id of a commit is shown: what git shows in large repositories, and takes back.
const SHORT_ID: usize = 12;

/// The id of a commit as people read it.
pub fn short(id: &str) -> &str {
    id.get(..SHORT_ID).unwrap_or(id)
}

/// Draws rows under their headings. The cells must be on one line each, and harmless. A column that is empty in all rows is
/// left out.
pub fn render<const N: usize>(headings: [&str; N], rows: &[[String; N]], canvas: Canvas) -> String {
    let widths = widths(headings, rows, canvas.width);
    let line = |cells: [&str; N]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(widths).filter(|(_, width)| *width > 0) {
            text.push_str(&pad(&cut(cell, width), width + GAP));
        }
        text.trim_end().to_owned()
    };
    let mut text = canvas.paint(Style::Heading, &line(headings));
    text.push('\n');
    for row in rows {
        text.push_str(&line(row.each_ref().map(String::as_str)));
        text.push('\n');
    }
    text
}

/// Names and values, one line each, made harmless; what has no value is left out.
pub fn facts(facts: &[(&str, String)]) -> String {
    let shown = facts.iter().filter(|(_, value)| !value.is_empty());
    let widest = shown.clone().map(|(name, _)| width(name)).max();
    let widest = widest.unwrap_or_default() + GAP;
    let mut text = String::new();
    for (name, value) in shown {
        let name = pad(name, widest);
        writeln!(text, "{name}{}", escape_line(value)).expect("a String takes any text");
    }
    text
}

/// How wide each column is; 0: left out.
fn widths<const N: usize>(headings: [&str; N], rows: &[[String; N]], canvas: usize) -> [usize; N] {
    let mut widths = [0; N];
    for (column, heading) in headings.iter().enumerate() {
        let widest = rows.iter().map(|row| width(&row[column])).max();
        widths[column] = match widest.unwrap_or_default() {
            0 => 0,
            widest => widest.max(heading.len()),
        };
    }
    if let [others @ .., last] = &mut widths[..] {
        let taken: usize = others
            .iter()
            .filter(|width| **width > 0)
            .map(|width| width + GAP)
            .sum();
        *last = (*last).min(canvas.saturating_sub(taken).max(LEAST));
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn render_cuts_the_last_column_only_and_leaves_out_empty_ones() {
        let row = |id: &str, label: &str| [id.to_owned(), String::new(), label.to_owned()];
        let rows = [
            row("0123456789ab", "a label that is long enough"),
            row("b", ""),
        ];
        let table = [
            (
                80,
                "ID            LABEL\n0123456789ab  a label that is long enough\nb\n",
            ),
            (
                29,
                "ID            LABEL\n0123456789ab  a label that i…\nb\n",
            ),
            (5, "ID            LABEL\n0123456789ab  a label tha…\nb\n"),
        ];
        for (columns, expected) in table {
            let canvas = Canvas {
                width: columns,
                has_colour: false,
            };
            let text = render(["ID", "TASK", "LABEL"], &rows, canvas);
            assert_eq!(text, expected, "in {columns} columns");
        }
    }
}
