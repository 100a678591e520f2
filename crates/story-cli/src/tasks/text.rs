//! One task in full, for people. Pure.

use std::fmt::Write as _;

use state_file::board::{Entry, Task, Tasks};

use crate::terminal::escape_line;

/// All that is known of a task, one fact a line; its history and its description at the end.
pub fn of(task: &Task, all: &Tasks) -> String {
    let mut page = Page(String::new());
    page.fact("id", &task.id);
    page.fact("title", &task.title);
    page.fact("status", task.status.as_str());
    page.fact("priority", &task.priority.to_string());
    page.perhaps("complexity", task.complexity.as_deref());
    page.perhaps("assignee", task.assignee.as_deref());
    page.list("tags", &task.tags);
    page.perhaps("parent", task.parent.as_deref());
    page.list("children", &task.children);
    page.list("dependencies", &task.dependencies);
    for open in all.waits_for(task) {
        page.fact("waits", &open.to_string());
    }
    page.perhaps(
        "context",
        task.context.as_ref().map(|context| context.get()),
    );
    for (name, moment) in [
        ("created", task.created_at),
        ("updated", task.updated_at),
        ("completed", task.completed_at),
    ] {
        page.perhaps(name, moment.map(|moment| moment.to_string()).as_deref());
    }
    if !task.history.is_empty() {
        page.heading("history");
    }
    for entry in &task.history {
        page.line(&format!("  {}", told(entry)));
    }
    if let Some(description) = &task.description {
        page.heading("description");
        for line in description.lines() {
            page.line(&format!("  {line}"));
        }
    }
    page.0
}

fn told(entry: &Entry) -> String {
    let at = entry.at.map_or_else(|| "?".to_owned(), |at| at.to_string());
    let mut line = format!("{at} {} {}", entry.agent, entry.action);
    for (name, text) in [
        ("instead of", &entry.holder),
        ("child", &entry.child),
        ("result", &entry.result),
        ("reason", &entry.reason),
        ("note", &entry.note),
    ] {
        if let Some(text) = text {
            write!(line, ", {name}: {text}").expect("a String takes any text");
        }
    }
    if !entry.changed.is_empty() {
        let changed = entry.changed.join(", ");
        write!(line, " ({changed})").expect("a String takes any text");
    }
    line
}

struct Page(String);

impl Page {
    /// What stands in the file is on one line, and harmless for a terminal.
    fn line(&mut self, line: &str) {
        writeln!(self.0, "{}", escape_line(line)).expect("a String takes any text");
    }

    fn heading(&mut self, name: &str) {
        self.line(&format!("{name}:"));
    }

    fn fact(&mut self, name: &str, text: &str) {
        self.line(&format!("{name}: {text}"));
    }

    fn perhaps(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.fact(name, text);
        }
    }

    fn list(&mut self, name: &str, items: &[String]) {
        if !items.is_empty() {
            self.fact(name, &items.join(", "));
        }
    }
}
