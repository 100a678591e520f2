//! Tasks and what agents did as tables for people. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use state_file::board::{AgentMetrics, Task, Tasks};

use crate::durations::rough;
use crate::queries::cells::{cut, pad, width};
use crate::terminal::{Canvas, Style, escape_line};

/// Blanks between two columns.
const GAP: usize = 2;

/// The name of an agent is cut beyond this. Chosen.
const WIDEST_NAME: usize = 24;

/// How much is told of each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// One line.
    Short,
    /// Also tags, and what it waits for.
    Long,
}

/// The tasks, one a line.
pub fn tasks(shown: &[&Task], all: &Tasks, detail: Detail, canvas: Canvas) -> String {
    let row = |task: &&Task| {
        [
            escape_line(&task.id).into_owned(),
            task.priority.to_string(),
            task.status.to_string(),
            name(task.assignee.as_deref().unwrap_or("-")),
            escape_line(&task.title).into_owned(),
        ]
    };
    let rows: Vec<_> = shown.iter().map(row).collect();
    let columns = Columns::new(["ID", "PRIO", "STATUS", "AGENT", "TITLE"], &rows);
    let mut text = columns.heading(canvas);
    for (row, task) in rows.iter().zip(shown) {
        text.push_str(&columns.line(row, canvas));
        if detail == Detail::Long {
            text.push_str(&details(task, all));
        }
    }
    text
}

/// What the line of a task has no room for.
fn details(task: &Task, all: &Tasks) -> String {
    let mut text = String::new();
    let list = |items: &[String]| escape_line(&items.join(", ")).into_owned();
    if !task.tags.is_empty() {
        line(&mut text, &format!("tags {}", list(&task.tags)));
    }
    if let Some(parent) = &task.parent {
        line(&mut text, &format!("part of {}", escape_line(parent)));
    }
    for open in all.waits_for(task) {
        let what = match open.status {
            Some(status) => format!("waits for {}, which is {status}", open.id),
            None => format!("waits for {}, which is not on the board", open.id),
        };
        line(&mut text, &escape_line(&what));
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "    {line}").expect("a String takes any text");
}

/// What each agent did, one a line.
pub fn metrics(agents: &BTreeMap<String, AgentMetrics>, canvas: Canvas) -> String {
    let row = |(agent, did): (&String, &AgentMetrics)| {
        let busy = rough(Duration::from_millis(did.busy_ms));
        [
            name(agent),
            did.created.to_string(),
            did.spawned.to_string(),
            did.claimed.to_string(),
            did.completed.to_string(),
            did.failed.to_string(),
            did.released.to_string(),
            busy,
        ]
    };
    let headings = [
        "AGENT",
        "CREATED",
        "SPAWNED",
        "CLAIMED",
        "COMPLETED",
        "FAILED",
        "RELEASED",
        "BUSY",
    ];
    let rows: Vec<_> = agents.iter().map(row).collect();
    let columns = Columns::new(headings, &rows);
    let mut text = columns.heading(canvas);
    for row in &rows {
        text.push_str(&columns.line(row, canvas));
    }
    text
}

fn name(name: &str) -> String {
    cut(&escape_line(name), WIDEST_NAME).into_owned()
}

/// As wide as what stands in them; the last one gets what is left.
struct Columns<const N: usize> {
    headings: [&'static str; N],
    widths: [usize; N],
}

impl<const N: usize> Columns<N> {
    fn new(headings: [&'static str; N], rows: &[[String; N]]) -> Self {
        let widths = std::array::from_fn(|column| {
            let widest = rows.iter().map(|row| width(&row[column])).max();
            widest.unwrap_or_default().max(headings[column].len())
        });
        Self { headings, widths }
    }

    fn heading(&self, canvas: Canvas) -> String {
        let cells = self.headings.map(str::to_owned);
        let line = self.line(&cells, canvas);
        canvas.paint(Style::Heading, line.trim_end()) + "\n"
    }

    fn line(&self, cells: &[String; N], canvas: Canvas) -> String {
        let mut text = String::new();
        let before = self.widths[..N - 1].iter().map(|width| width + GAP).sum();
        let left = canvas
            .width
            .saturating_sub(before)
            .max(self.headings[N - 1].len());
        for (column, cell) in cells.iter().enumerate() {
            if column + 1 == N {
                text.push_str(&cut(cell, left));
            } else {
                text.push_str(&pad(cell, self.widths[column] + GAP));
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_cut_the_title_to_the_canvas_and_never_the_id() {
        let text = r#"[{"id": "task_1768212000000_k3x9a2", "title": "a title that is longer than most terminals are wide, by far",
            "assignee": "an agent whose name nobody wants to read in full"}]"#;
        let all = Tasks::parse(text).expect("a board");
        let shown: Vec<_> = all.all().iter().collect();
        for columns in [80, 100] {
            let canvas = Canvas {
                width: columns,
                has_colour: false,
            };
            let table = tasks(&shown, &all, Detail::Short, canvas);
            assert!(
                table.lines().all(|line| width(line) <= columns),
                "not wider than {columns}:\n{table}"
            );
            assert!(
                table.contains("task_1768212000000_k3x9a2"),
                "the id is whole:\n{table}"
            );
        }
    }
}
