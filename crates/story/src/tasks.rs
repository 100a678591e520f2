//! The table of tasks in a story's body: read, made once, changed cell by cell. Pure.
//!
//! ```text
//! ## Task Progress
//!
//! | Task | Status | Started | Completed |
//! |------|--------|---------|-----------|
//! | T1   | pending | - | - |
//! ```
//!
//! A change replaces the cells that it means; whatever else stands in the section, rows that we do not understand
//! included, is copied as it is.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::body;
use crate::document::Document;
use crate::moment::Moment;

/// The heading of the section.
pub const HEADING: &str = "Task Progress";

/// A cell with nothing in it.
const NONE: &str = "-";

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskStatus {
    /// Not begun.
    Pending,
    /// Being worked on.
    InProgress,
    /// Done.
    Completed,
    /// Given up.
    Failed,
}

/// A text that is no status of a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not the status of a task: pending, in_progress, completed or failed")]
#[non_exhaustive]
pub struct UnknownTaskStatus {
    /// The text as given.
    pub given: String,
}

impl TaskStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
    ];

    /// As it stands in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for TaskStatus {
    type Err = UnknownTaskStatus;

    fn from_str(text: &str) -> Result<Self, UnknownTaskStatus> {
        let found = Self::ALL.into_iter().find(|status| status.name() == text);
        found.ok_or_else(|| UnknownTaskStatus {
            given: text.to_owned(),
        })
    }
}

/// Why the table of tasks was not made or changed. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// A name cannot stand in the table.
    #[error("{name:?} is not the name of a task: {reason}")]
    Name {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A new table would have a name twice.
    #[error("the task {name:?} is given twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// No row has that name, or there is no table.
    #[error("there is no task {name:?} under ## Task Progress")]
    Missing {
        /// The name as given.
        name: String,
    },
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub status: TaskStatus,
    /// When it was begun, as it stands there.
    pub started: Option<String>,
    /// When it was done or given up, as it stands there.
    pub completed: Option<String>,
    /// What stands in a fifth column: an error, in old tables. It is read, and kept, but never written.
    pub error: Option<String>,
}

/// The table as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskTable {
    /// The rows in their order.
    pub tasks: Vec<Task>,
    /// Rows that are not understood: fewer than four cells, or an unknown status. They stay as they are.
    pub skipped: Vec<String>,
}

/// What became of a table that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initialised {
    /// It was added at the end of the body.
    Made,
    /// Its heading occurs in the body already; nothing was done.
    WasThere,
}

/// Reads the table; empty where the story has none.
pub fn read(story: &Document) -> TaskTable {
    let mut table = TaskTable::default();
    for row in rows(story.body()) {
        match row.task(story.body()) {
            Ok(task) => table.tasks.push(task),
            Err(line) => table.skipped.push(line),
        }
    }
    table
}

/// The first task that is pending. Tables do not say what depends on what: their order is the order of the work.
pub fn next_pending(story: &Document) -> Option<Task> {
    let mut tasks = read(story).tasks.into_iter();
    tasks.find(|task| task.status == TaskStatus::Pending)
}

/// Makes the table, with every task pending, at the end of the body; once: nothing happens where its heading occurs
/// *anywhere* in the body, even in a block of code.
///
/// # Errors
///
/// [`TaskError::Name`] for a name that cannot stand in a cell; [`TaskError::Twice`]. Retrying does not
/// help.
pub fn initialise(story: &mut Document, tasks: &[String]) -> Result<Initialised, TaskError> {
    let mut names = HashSet::new();
    for name in tasks {
        check_name(name)?;
        if !names.insert(name) {
            let name = name.clone();
            return Err(TaskError::Twice { name });
        }
    }
    let title = [body::MARK, HEADING.as_bytes()].concat();
    if memchr::memmem::find(story.body(), &title).is_some() {
        return Ok(Initialised::WasThere);
    }
    let eol = story.line_end();
    let mut lines = vec![
        "| Task | Status | Started | Completed |".to_owned(),
        "|------|--------|---------|-----------|".to_owned(),
    ];
    let pending = TaskStatus::Pending;
    lines.extend(
        tasks
            .iter()
            .map(|name| format!("| {name} | {pending} | {NONE} | {NONE} |")),
    );
    let table = lines.join(eol);
    let insertion = body::under(story.body(), HEADING, table.as_bytes(), eol);
    story.splice_body(insertion.at..insertion.at, &insertion.text);
    Ok(Initialised::Made)
}

/// Sets the status of a task. `in_progress` notes the time of the first start, `completed` and `failed` that of the end.
///
/// Only the cells that change are replaced, in the first row of that name.
///
/// # Errors
///
/// [`TaskError::Missing`] when no row that is understood has that name. Retrying does not help.
pub fn set_status(
    story: &mut Document,
    name: &str,
    status: TaskStatus,
    now: Moment,
) -> Result<(), TaskError> {
    let body = story.body();
    let found = rows(body).find_map(|row| {
        let task = row.task(body).ok()?;
        (task.name == name).then_some((row, task))
    });
    let Some((row, task)) = found else {
        return Err(TaskError::Missing {
            name: name.to_owned(),
        });
    };
    let mut cells = Vec::new();
    match status {
        TaskStatus::Completed | TaskStatus::Failed => cells.push((3, now.stamp())),
        TaskStatus::InProgress if task.started.is_none() => cells.push((2, now.stamp())),
        TaskStatus::InProgress | TaskStatus::Pending => {}
    }
    cells.push((1, status.name().to_owned()));
    // From the back, so that the places of the others stay.
    for (column, text) in cells {
        story.splice_body(row.cells[column].clone(), text.as_bytes());
    }
    Ok(())
}

/// A name must survive being read back, by us and by a reader that splits rows at every bar.
fn check_name(name: &str) -> Result<(), TaskError> {
    let reason = if name.trim() != name || name.is_empty() {
        "it is empty or has blanks around it"
    } else if name.contains(['|', '\\']) || name.chars().any(char::is_control) {
        "it holds a bar, a backslash or a control character"
    } else {
        return Ok(());
    };
    Err(TaskError::Name {
        name: name.to_owned(),
        reason,
    })
}

/// A line of the table, and where the text of each cell stands in the body.
struct Row {
    line: Range<usize>,
    cells: Vec<Range<usize>>,
}

/// The rows below the head of the table, understood or not.
fn rows(body: &[u8]) -> impl Iterator<Item = Row> {
    let content = body::section(body, HEADING).map_or(0..0, |found| found.content);
    body::plain_lines(body, content)
        .filter(|line| body[line.clone()].trim_ascii_start().starts_with(b"|"))
        .map(|line| Row {
            cells: cells(body, &line),
            line,
        })
        .filter(|row| !row.is_head(body))
}

impl Row {
    fn text<'a>(&self, body: &'a [u8], column: usize) -> Option<&'a [u8]> {
        self.cells.get(column).map(|cell| &body[cell.clone()])
    }

    /// The titles, or the line below them.
    fn is_head(&self, body: &[u8]) -> bool {
        let is = |column, title: &[u8]| {
            self.text(body, column)
                .is_some_and(|text| text.eq_ignore_ascii_case(title))
        };
        let is_rule = self.cells.iter().all(|cell| is_rule(&body[cell.clone()]));
        is_rule || is(0, b"task") && is(1, b"status")
    }

    /// The task that it is about; the line where that cannot be told.
    fn task(&self, body: &[u8]) -> Result<Task, String> {
        let text = |column| self.text(body, column).map(String::from_utf8_lossy);
        let filled = |column| {
            text(column)
                .filter(|text| !text.is_empty() && text != NONE)
                .map(std::borrow::Cow::into_owned)
        };
        let status = text(1).and_then(|status| status.parse().ok());
        match (text(0), status) {
            (Some(name), Some(status)) if self.cells.len() >= 4 && !name.is_empty() => Ok(Task {
                name: name.into_owned(),
                status,
                started: filled(2),
                completed: filled(3),
                error: filled(4),
            }),
            _ => {
                let line = body[self.line.clone()].trim_ascii();
                Err(String::from_utf8_lossy(line).into_owned())
            }
        }
    }
}

/// Dashes and colons, as they stand between the titles and the rows.
fn is_rule(text: &[u8]) -> bool {
    text.contains(&b'-') && text.iter().all(|byte| matches!(byte, b'-' | b':'))
}

/// Where the texts between the bars of a line stand, without the blanks around them. A bar behind a backslash parts nothing.
fn cells(body: &[u8], line: &Range<usize>) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let mut start = None;
    let mut is_escaped = false;
    for at in line.clone() {
        match body[at] {
            b'|' if !is_escaped => {
                if let Some(start) = start {
                    cells.push(without_blanks(body, start..at));
                }
                start = Some(at + 1);
            }
            byte => is_escaped = byte == b'\\' && !is_escaped,
        }
    }
    // Without a bar at the end the rest is a cell, too.
    if let Some(start) = start {
        let last = without_blanks(body, start..line.end);
        if !last.is_empty() {
            cells.push(last);
        }
    }
    cells
}

fn without_blanks(body: &[u8], cell: Range<usize>) -> Range<usize> {
    let text = &body[cell.clone()];
    let start = cell.start + text.len() - text.trim_ascii_start().len();
    start..start + text.trim_ascii().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Moment {
        Moment::parse("2026-03-04T05:06:07Z").expect("an instant")
    }

    fn story(body: &str) -> Document {
        Document::parse(format!("---\nid: S-1\n---\n{body}")).expect("a story")
    }

    const TABLE: &str = "# T

## Task Progress

Some words. | with a bar

| Task | Status | Started | Completed |
|:-----|--------|---|-----------|
| T1   | pending     | -       | -         |
|T2|in_progress|2026-01-01T00:00:00.000Z|-|
  | T3 \\| x | failed | a | b | it broke |
| T4 | unheard | - | - |
| T5 | pending |
| T1 | completed | - | - |
| T6 | pending | |

```
| T7 | pending | - | - |
```
## Next
| T8 | pending | - | - |
";

    #[test]
    fn read_takes_rows_and_reports_what_it_does_not_understand() {
        let task = |name: &str, status, started: Option<&str>, completed: Option<&str>| Task {
            name: name.to_owned(),
            status,
            started: started.map(str::to_owned),
            completed: completed.map(str::to_owned),
            error: None,
        };
        let table = read(&story(TABLE));
        let expected = [
            task("T1", TaskStatus::Pending, None, None),
            task(
                "T2",
                TaskStatus::InProgress,
                Some("2026-01-01T00:00:00.000Z"),
                None,
            ),
            Task {
                error: Some("it broke".to_owned()),
                ..task("T3 \\| x", TaskStatus::Failed, Some("a"), Some("b"))
            },
            task("T1", TaskStatus::Completed, None, None),
        ];
        assert_eq!(table.tasks, expected, "the rows in their order");
        let skipped = [
            "| T4 | unheard | - | - |",
            "| T5 | pending |",
            "| T6 | pending | |",
        ];
        assert_eq!(table.skipped, skipped, "and those that are not understood");
        assert_eq!(read(&story("# T\n")), TaskTable::default(), "no table");
        assert_eq!(
            next_pending(&story(TABLE)).map(|task| task.name).as_deref(),
            Some("T1"),
            "the first one that is pending"
        );
        assert_eq!(next_pending(&story("# T\n")), None, "nothing to do");
    }

    #[test]
    fn set_status_changes_its_cells_and_no_other_byte() {
        use TaskStatus::{Completed, Failed, InProgress, Pending};
        let at = "2026-03-04T05:06:07.000Z";
        let table = [
            (
                "T1",
                Pending,
                "| T1   | pending     | -       | -         |".to_owned(),
            ),
            (
                "T1",
                InProgress,
                format!("| T1   | in_progress     | {at}       | -         |"),
            ),
            (
                "T1",
                Completed,
                format!("| T1   | completed     | -       | {at}         |"),
            ),
            (
                "T1",
                Failed,
                format!("| T1   | failed     | -       | {at}         |"),
            ),
        ];
        for (name, status, row) in table {
            let mut edited = story(TABLE);
            set_status(&mut edited, name, status, now()).expect("the task is there");
            let expected = TABLE.replace("| T1   | pending     | -       | -         |", &row);
            assert_eq!(edited, story(&expected), "{name} {status}");
        }
        let mut edited = story(TABLE);
        set_status(&mut edited, "T2", InProgress, now()).expect("the task is there");
        assert_eq!(edited, story(TABLE), "the first start counts");
        set_status(&mut edited, "T2", Completed, now()).expect("the task is there");
        let expected = TABLE.replace(
            "|T2|in_progress|2026-01-01T00:00:00.000Z|-|",
            &format!("|T2|completed|2026-01-01T00:00:00.000Z|{at}|"),
        );
        assert_eq!(edited, story(&expected), "a row without blanks");
        set_status(&mut edited, "T3 \\| x", Pending, now()).expect("the task is there");
        let expected = expected.replace("x | failed |", "x | pending |");
        assert_eq!(edited, story(&expected), "the fifth column stays");
    }

    #[test]
    fn set_status_refuses_tasks_that_are_not_there() {
        for name in ["T4", "T5", "T7", "T8", "t1", "", "Task"] {
            let mut edited = story(TABLE);
            let refused = set_status(&mut edited, name, TaskStatus::Failed, now());
            assert!(
                matches!(refused, Err(TaskError::Missing { .. })),
                "{name:?}: {refused:?}"
            );
            assert_eq!(edited, story(TABLE), "and nothing has changed");
        }
    }

    #[test]
    fn initialise_makes_a_table_once() {
        let names = ["T1".to_owned(), "Zwei ü".to_owned()];
        let mut edited = story("# T\n");
        let made = initialise(&mut edited, &names);
        assert_eq!(made, Ok(Initialised::Made), "there was none");
        let expected = "# T\n\n## Task Progress\n\n| Task | Status | Started | Completed |\n\
                        |------|--------|---------|-----------|\n\
                        | T1 | pending | - | - |\n| Zwei ü | pending | - | - |\n";
        assert_eq!(edited, story(expected), "at the end, all pending");
        let again = initialise(&mut edited, &["T9".to_owned()]);
        assert_eq!(again, Ok(Initialised::WasThere), "only once");
        assert_eq!(edited, story(expected), "nothing has changed");
        let read_back = read(&edited);
        assert_eq!(read_back.tasks.len(), 2, "they can be read back");
        assert!(read_back.skipped.is_empty(), "all of them: {read_back:?}");
        for body in [
            "```\n## Task Progress\n```\n",
            "### Task Progress by week\n",
        ] {
            let mut edited = story(body);
            let there = initialise(&mut edited, &names);
            assert_eq!(there, Ok(Initialised::WasThere), "{body:?} has it anywhere");
        }
    }

    #[test]
    fn initialise_keeps_the_line_ends_of_the_file() {
        let mut edited = Document::parse("---\r\nid: S-1\r\n---\r\n# T\r\n").expect("a story");
        initialise(&mut edited, &["T1".to_owned()]).expect("a name");
        let text = edited.as_str().expect("it is text");
        assert_eq!(
            text.matches('\n').count(),
            text.matches("\r\n").count(),
            "{text:?}"
        );
        set_status(&mut edited, "T1", TaskStatus::Pending, now()).expect("it is there");
    }

    #[test]
    fn initialise_refuses_names_that_cannot_stand_in_a_cell() {
        for name in ["", " ", "a ", "a|b", "a\\", "a\nb", "a\tb"] {
            let refused = initialise(&mut story("# T\n"), &[name.to_owned()]);
            assert!(
                matches!(refused, Err(TaskError::Name { .. })),
                "{name:?}: {refused:?}"
            );
        }
        let twice = ["a".to_owned(), "a".to_owned()];
        let refused = initialise(&mut story("# T\n"), &twice);
        assert!(
            matches!(refused, Err(TaskError::Twice { .. })),
            "a name given twice: {refused:?}"
        );
    }
}
