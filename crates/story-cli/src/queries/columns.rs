//! The board: columns by status side by side, or below each other where there is no room. Pure.

use story::board::column_of;
use story::{Head, Moment, Status};

use super::cells::{cut, id, mark, owner, pad, priority, style_of, title, width, wrap};
use crate::terminal::{Canvas, Style, escape_line};

/// Blanks between two columns.
const GAP: usize = 2;
/// Columns narrower than this are no longer read with ease. Chosen.
const LEAST: usize = 15;
/// How many lines of a title a card in a column shows. Chosen.
const TITLE_LINES: usize = 2;

/// Cells of a line: the text and what it is.
type Spans = Vec<(Option<Style>, String)>;

/// A column: its heading and its stories.
struct Column<'a> {
    status: Status,
    heads: Vec<&'a Head>,
}

/// Draws the board, not wider than the canvas. `shown` is in the order of the board.
pub fn render(shown: &[&Head], now: Moment, canvas: Canvas) -> String {
    let columns = columns(shown);
    let gaps = GAP * (columns.len() - 1);
    let each = canvas.width.saturating_sub(gaps) / columns.len();
    let lines = if each >= LEAST {
        side_by_side(&columns, each, now)
    } else {
        stacked(&columns, canvas.width, now)
    };
    let mut text = String::new();
    for line in lines {
        let line: String = line
            .iter()
            .map(|(style, cell)| painted(*style, cell, canvas))
            .collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The five columns, empty or not, and one for each word of another tool.
fn columns<'a>(shown: &[&'a Head]) -> Vec<Column<'a>> {
    let mut columns: Vec<_> = Status::ALL
        .into_iter()
        .map(|status| Column {
            status,
            heads: Vec::new(),
        })
        .collect();
    for head in shown {
        let place = column_of(&head.status);
        let column = if place < Status::ALL.len() {
            Some(place)
        } else {
            columns
                .iter()
                .position(|column| column.status == head.status)
        };
        match column {
            Some(at) => columns[at].heads.push(head),
            None => columns.push(Column {
                status: head.status.clone(),
                heads: vec![head],
            }),
        }
    }
    columns
}

impl Column<'_> {
    fn heading(&self, most: usize) -> (Option<Style>, String) {
        let name = escape_line(self.status.as_str()).to_uppercase();
        let count = format!(" ({})", self.heads.len());
        let name = cut(&name, most.saturating_sub(count.len()));
        (Some(style_of(&self.status)), format!("{name}{count}"))
    }
}

fn painted(style: Option<Style>, cell: &str, canvas: Canvas) -> String {
    let text = cell.trim_end();
    let blanks = &cell[text.len()..];
    match style {
        Some(style) => canvas.paint(style, text) + blanks,
        None => cell.to_owned(),
    }
}

fn side_by_side(columns: &[Column<'_>], each: usize, now: Moment) -> Vec<Spans> {
    let drawn: Vec<Vec<Spans>> = columns
        .iter()
        .map(|column| column_lines(column, each, now))
        .collect();
    let height = drawn.iter().map(Vec::len).max().unwrap_or_default();
    (0..height)
        .map(|at| {
            let cells = drawn.iter().map(|lines| filled(lines.get(at), each + GAP));
            cells.flatten().collect()
        })
        .collect()
}

/// A line of a column, filled up to its width.
fn filled(line: Option<&Spans>, to: usize) -> Spans {
    let mut line = line.cloned().unwrap_or_default();
    let used: usize = line.iter().map(|(_, cell)| width(cell)).sum();
    line.push((None, pad("", to.saturating_sub(used))));
    line
}

fn column_lines(column: &Column<'_>, each: usize, now: Moment) -> Vec<Spans> {
    let mut lines = vec![
        vec![column.heading(each)],
        vec![(Some(Style::Dim), "─".repeat(each))],
    ];
    for (at, head) in column.heads.iter().enumerate() {
        if at > 0 {
            lines.push(Vec::new());
        }
        lines.extend(card(head, each, now));
    }
    lines
}

/// A story in a column: id and priority, title, owner and mark.
fn card(head: &Head, each: usize, now: Moment) -> Vec<Spans> {
    let priority = priority(head);
    let room = each.saturating_sub(if priority.is_empty() {
        0
    } else {
        priority.len() + 1
    });
    let id = cut(&id(head), room).into_owned();
    let blanks = each.saturating_sub(width(&id) + priority.len());
    let mut lines = vec![vec![
        (Some(Style::Heading), id),
        (None, " ".repeat(blanks)),
        (Some(Style::Dim), cut(&priority, each).into_owned()),
    ]];
    for line in wrap(&title(head), each, TITLE_LINES) {
        lines.push(vec![(None, line)]);
    }
    let owner = owner(head, now);
    if !owner.is_empty() {
        lines.push(vec![(
            Some(Style::Owner),
            cut(&format!("@{owner}"), each).into_owned(),
        )]);
    }
    if !mark(head).is_empty() {
        lines.push(vec![(Some(Style::Dim), mark(head).to_owned())]);
    }
    lines
}

fn stacked(columns: &[Column<'_>], most: usize, now: Moment) -> Vec<Spans> {
    let mut lines = Vec::new();
    for column in columns {
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        lines.push(vec![column.heading(most)]);
        let ids = column.heads.iter().map(|head| width(&id(head))).max();
        let ids = ids.unwrap_or_default().min(most / 3);
        for head in &column.heads {
            lines.push(stacked_line(head, ids, most, now));
        }
    }
    lines
}

/// A story on a line of its own: id, title, owner and mark.
fn stacked_line(head: &Head, ids: usize, most: usize, now: Moment) -> Spans {
    let owner = owner(head, now);
    let owner = if owner.is_empty() {
        String::new()
    } else {
        format!("  @{owner}")
    };
    let owner = cut(&owner, most / 4).into_owned();
    let mark = if mark(head).is_empty() {
        String::new()
    } else {
        format!("  {}", mark(head))
    };
    let before = 2 + ids + GAP;
    let room = most.saturating_sub(before + width(&owner) + width(&mark));
    vec![
        (None, "  ".to_owned()),
        (Some(Style::Heading), pad(&cut(&id(head), ids), ids + GAP)),
        (None, cut(&title(head), room).into_owned()),
        (Some(Style::Owner), owner),
        (Some(Style::Dim), mark),
    ]
}
