//! The table of `story list`. Pure.

use std::fmt::Write as _;

use story::{Head, Moment};

use super::cells::{cut, id, mark, owner, pad, priority, style_of, title, width};
use crate::terminal::{Canvas, Style, escape_line};

/// Blanks between two columns.
const GAP: usize = 2;
/// What a title is never narrowed below, as long as other columns can be left out. Chosen.
const LEAST_TITLE: usize = 24;
/// No column but the title grows beyond this. Chosen.
const WIDEST: usize = 24;

/// The columns behind the title, the least important last.
const EXTRAS: [&str; 3] = ["OWNER", "TYPE", "LABELS"];

/// One line a story.
struct Row<'a> {
    head: &'a Head,
    fixed: [String; 3],
    title: String,
    extras: [String; EXTRAS.len()],
}

/// How wide each column is.
struct Widths {
    fixed: [usize; 3],
    title: usize,
    /// 0: left out.
    extras: [usize; EXTRAS.len()],
}

/// Draws stories as a table that is not wider than the canvas. A canvas too narrow for anything gets the titles cut away.
pub fn render(shown: &[&Head], now: Moment, canvas: Canvas) -> String {
    let rows: Vec<_> = shown.iter().map(|head| Row::new(head, now)).collect();
    let widths = widths(&rows, canvas.width);
    let mut text = String::with_capacity(rows.len() * (canvas.width + 1));
    let headings = line(
        &["ID", "STATUS", "PRIO"].map(str::to_owned),
        "TITLE",
        &EXTRAS.map(str::to_owned),
        &widths,
    );
    push(
        &mut text,
        &canvas.paint(Style::Heading, headings.join("").trim_end()),
    );
    for row in &rows {
        let cells = line(&row.fixed, &row.title, &row.extras, &widths);
        if canvas.has_colour {
            push(&mut text, &coloured(&cells, row.head, canvas));
        } else {
            push(&mut text, cells.concat().trim_end());
        }
    }
    text
}

impl<'a> Row<'a> {
    fn new(head: &'a Head, now: Moment) -> Self {
        let labels: Vec<_> = head.labels.iter().map(|label| escape_line(label)).collect();
        let kind = head.kind.as_deref().map(escape_line).unwrap_or_default();
        let mark = mark(head);
        let title = title(head);
        Self {
            head,
            fixed: [
                id(head).into_owned(),
                escape_line(head.status.as_str()).into_owned(),
                priority(head),
            ],
            title: if mark.is_empty() {
                title.into_owned()
            } else {
                format!("{mark} {title}")
            },
            extras: [
                owner(head, now).into_owned(),
                kind.into_owned(),
                labels.join(" "),
            ],
        }
    }
}

/// Gives the title what the others leave; leaves out others until it has enough.
fn widths(rows: &[Row<'_>], most: usize) -> Widths {
    let widest = |cell: &dyn Fn(&Row<'_>) -> usize, heading: &str| {
        let cells = rows.iter().map(cell).max().unwrap_or_default();
        if cells == 0 {
            0
        } else {
            cells.max(heading.len()).min(WIDEST)
        }
    };
    let fixed = [(0, "ID"), (1, "STATUS"), (2, "PRIO")]
        .map(|(at, heading)| widest(&|row| width(&row.fixed[at]), heading));
    let mut extras = [0, 1, 2].map(|at| widest(&|row| width(&row.extras[at]), EXTRAS[at]));
    let title = rows
        .iter()
        .map(|row| width(&row.title))
        .max()
        .unwrap_or_default()
        .max(5);
    let taken = |columns: &[usize]| {
        columns
            .iter()
            .filter(|width| **width > 0)
            .map(|width| width + GAP)
            .sum::<usize>()
    };
    let enough = title.min(LEAST_TITLE);
    for at in (0..extras.len()).rev() {
        if taken(&fixed) + enough + taken(&extras) > most {
            extras[at] = 0;
        }
    }
    let left = most.saturating_sub(taken(&fixed) + taken(&extras));
    Widths {
        fixed,
        title: title.min(left),
        extras,
    }
}

/// The cells of a line, each filled up to its column, with the gap behind it.
fn line(fixed: &[String; 3], title: &str, extras: &[String; 3], widths: &Widths) -> Vec<String> {
    let cell = |text: &str, width: usize| {
        if width == 0 {
            String::new()
        } else {
            pad(&cut(text, width), width + GAP)
        }
    };
    let fixed = fixed
        .iter()
        .zip(widths.fixed)
        .map(|(text, width)| cell(text, width));
    let extras = extras
        .iter()
        .zip(widths.extras)
        .map(|(text, width)| cell(text, width));
    fixed
        .chain([cell(title, widths.title)])
        .chain(extras)
        .collect()
}

fn coloured(cells: &[String], head: &Head, canvas: Canvas) -> String {
    let styles = [
        Some(Style::Heading),
        Some(style_of(&head.status)),
        None,
        None,
        Some(Style::Owner),
        Some(Style::Dim),
        Some(Style::Dim),
    ];
    let mut line = String::new();
    for (cell, style) in cells.iter().zip(styles) {
        let text = cell.trim_end();
        let painted = style.map_or_else(|| text.to_owned(), |style| canvas.paint(style, text));
        write!(line, "{painted}{}", &cell[text.len()..]).expect("a String takes any text");
    }
    line.truncate(line.trim_end().len());
    line
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
