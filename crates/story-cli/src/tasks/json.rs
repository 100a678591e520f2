//! Tasks in JSON. Pure.
//!
//! The context of a task is JSON of its agents: it is told as it stands in the file, numbers of any size included, which
//! is why the answers are types and no `serde_json::Value`.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use state_file::board::{Task, Tasks, WaitsFor};

use crate::json::success;

/// An answer about one task: `{"v":1,"ok":true,"task":{…},…}`.
#[derive(Debug, Serialize)]
pub struct OneTask {
    #[serde(flatten)]
    head: Map<String, Value>,
    task: Task,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl OneTask {
    /// With what there is to say beside the task.
    pub fn new(task: &Task, rest: Map<String, Value>) -> Self {
        Self {
            head: success(),
            task: on_one_line(task),
            rest,
        }
    }
}

/// An answer about many: `{"v":1,"ok":true,"tasks":[…],…}`.
#[derive(Debug, Serialize)]
pub struct ManyTasks {
    #[serde(flatten)]
    head: Map<String, Value>,
    tasks: Vec<Listed>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A task, and whether somebody could claim it.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    task: Task,
    ready: bool,
    waits_for: Vec<String>,
}

impl ManyTasks {
    /// With what there is to say beside the tasks.
    pub fn new(
        shown: &[&Task],
        all: &Tasks,
        asking: Option<&str>,
        rest: Map<String, Value>,
    ) -> Self {
        let listed = |task: &&Task| Listed {
            task: on_one_line(task),
            ready: super::is_claimable(task, all, asking),
            waits_for: names(&all.waits_for(task)),
        };
        Self {
            head: success(),
            tasks: shown.iter().map(listed).collect(),
            rest,
        }
    }
}

/// The ids of what a task waits for.
pub fn names(waits_for: &[WaitsFor]) -> Vec<String> {
    waits_for.iter().map(|it| it.id.clone()).collect()
}

/// An answer is one line, whatever the layout of the context in the file.
fn on_one_line(task: &Task) -> Task {
    let mut task = task.clone();
    task.context = task.context.map(|context| {
        let text = without_layout(context.get());
        RawValue::from_string(text).expect("blanks between the parts of JSON mean nothing")
    });
    task
}

/// JSON without the blanks between its parts.
fn without_layout(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut is_text, mut is_escaped) = (false, false);
    for c in json.chars() {
        if is_text {
            is_text = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            is_text = c == '"';
        }
        compact.push(c);
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_layout_keeps_all_but_the_blanks_between() {
        let table = [
            ("{ \"a b\" : [ 1.0,\n\t1e400 ] }", "{\"a b\":[1.0,1e400]}"),
            (r#"["a \" b", " \\" , "c "]"#, r#"["a \" b"," \\","c "]"#),
            ("null", "null"),
        ];
        for (given, expected) in table {
            assert_eq!(without_layout(given), expected, "{given}");
        }
    }
}
