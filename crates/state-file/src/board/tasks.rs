//! All tasks of a board, as they were read: finding one, who waits for whom. Pure.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{RuleError, WaitsFor};
use super::task::{Status, Task};

/// Where the list of tasks stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `{"tasks": […]}`.
    Member,
    /// The list is the whole file.
    Bare,
}

/// All tasks of a board, in the order of the file. No two of them have one id.
#[derive(Debug, Clone)]
pub struct Tasks {
    all: Vec<Task>,
    places: HashMap<String, usize>,
    pub(super) shape: Shape,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    tasks: Option<Vec<Task>>,
}

/// For the search of what could not be read.
#[derive(Deserialize)]
struct RawFile<'a> {
    #[serde(borrow, default)]
    tasks: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(deserialize_with = "super::lenient::id")]
    id: String,
}

impl Tasks {
    /// Reads the text of a board, `{"tasks": […]}` or a bare list.
    ///
    /// # Errors
    ///
    /// [`RuleError::Unclear`] names the task and the member that cannot be read, or the id that two have. Retrying
    /// does not help.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let shape = match text.trim_start().as_bytes().first() {
            Some(b'[') => Shape::Bare,
            _ => Shape::Member,
        };
        let tasks = match shape {
            Shape::Bare => serde_json::from_str(text),
            Shape::Member => {
                serde_json::from_str(text).map(|file: File| file.tasks.unwrap_or_default())
            }
        };
        Self::new(tasks.map_err(|err| unclear(text, shape, &err))?, shape)
    }

    fn new(tasks: Vec<Task>, shape: Shape) -> Result<Self, RuleError> {
        let mut places = HashMap::with_capacity(tasks.len());
        for (at, task) in tasks.iter().enumerate() {
            if places.insert(task.id.clone(), at).is_some() {
                return Err(RuleError::Unclear {
                    task: Some(task.id.clone()),
                    member: "id".to_owned(),
                    reason: "another task has it, too".to_owned(),
                });
            }
        }
        Ok(Self {
            all: tasks,
            places,
            shape,
        })
    }

    /// The tasks, in the order of the file.
    pub fn all(&self) -> &[Task] {
        &self.all
    }

    /// The task with that id.
    pub fn find(&self, id: &str) -> Option<&Task> {
        self.place(id).map(|at| &self.all[at])
    }

    /// Where it stands in the list.
    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The task with that id, and its place.
    pub(super) fn expect(&self, id: &str) -> Result<(usize, &Task), RuleError> {
        let at = self
            .place(id)
            .ok_or_else(|| RuleError::NotFound { id: id.to_owned() })?;
        Ok((at, &self.all[at]))
    }

    /// The dependencies of a task that are not completed; none: it is ready, as far as they go.
    pub fn waits_for(&self, task: &Task) -> Vec<WaitsFor> {
        let open = task.dependencies.iter().filter_map(|id| {
            let status = self.find(id).map(|other| other.status);
            (status != Some(Status::Completed)).then(|| WaitsFor {
                id: id.clone(),
                status,
            })
        });
        open.collect()
    }

    /// Whether all of a task's dependencies are completed.
    pub fn is_ready(&self, task: &Task) -> bool {
        let is_completed = |id: &String| {
            self.find(id)
                .is_some_and(|other| other.status == Status::Completed)
        };
        task.dependencies.iter().all(is_completed)
    }

    /// The children of a task that are not ended. A child that is not on the board does not count.
    pub fn open_children(&self, task: &Task) -> Vec<String> {
        let is_open = |id: &&String| self.find(id).is_some_and(|child| !child.status.is_ended());
        task.children.iter().filter(is_open).cloned().collect()
    }
}

/// Which task could not be read, and what of it: looked for only when the whole could not.
fn unclear(text: &str, shape: Shape, whole: &serde_json::Error) -> RuleError {
    let list = match shape {
        Shape::Bare => Some(text),
        Shape::Member => serde_json::from_str(text)
            .ok()
            .and_then(|file: RawFile<'_>| file.tasks.map(RawValue::get)),
    };
    let items: Option<Vec<&RawValue>> = list.and_then(|list| serde_json::from_str(list).ok());
    for (at, item) in items.unwrap_or_default().into_iter().enumerate() {
        let mut reader = serde_json::Deserializer::from_str(item.get());
        let read: Result<Task, _> = serde_path_to_error::deserialize(&mut reader);
        if let Err(err) = read {
            let named: Option<Named> = serde_json::from_str(item.get()).ok();
            return RuleError::Unclear {
                task: Some(named.map_or_else(|| format!("number {at} (from 0)"), |it| it.id)),
                member: err.path().to_string(),
                reason: without_place(err.inner()),
            };
        }
    }
    RuleError::Unclear {
        task: None,
        member: String::new(),
        reason: without_place(whole),
    }
}

/// The line and column of an item by itself would mislead.
pub(super) fn without_place(err: &serde_json::Error) -> String {
    let text = err.to_string();
    let place = format!(" at line {} column {}", err.line(), err.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_read_from_an_object_or_a_bare_list() {
        let table = [
            (r#"{"v": 1, "tasks": [{"id": "a"}, {"id": "b"}]}"#, 2),
            (r#" [{"id": "a"}]"#, 1),
            ("{}", 0),
            (r#"{"tasks": null}"#, 0),
            ("[]", 0),
        ];
        for (text, count) in table {
            let found = Tasks::parse(text).unwrap_or_else(|err| panic!("{text}: {err}"));
            assert_eq!(found.all().len(), count, "tasks in {text}");
        }
    }

    #[test]
    fn tasks_that_are_unclear_are_named() {
        let table = [
            (
                r#"{"tasks": [{"id": "a"}, {"id": "b", "priority": "high"}]}"#,
                "task b: priority: ",
            ),
            (
                r#"[{"title": "x"}]"#,
                "task number 0 (from 0): missing field `id`",
            ),
            (r#"[{"id": "b", "history": 3}]"#, "task b: history: "),
            (
                r#"[{"id": "b", "status": "up"}]"#,
                "task b: status: unknown variant `up`",
            ),
            (
                r#"[{"id": 1}, {"id": "1"}]"#,
                "task 1: id: another task has it, too",
            ),
            (r#"{"tasks": 3}"#, "the file: "),
            ("3", "the file: "),
        ];
        for (text, expected) in table {
            let err = Tasks::parse(text).expect_err("it is unclear").to_string();
            assert!(err.starts_with(expected), "{text}: {err}");
            assert!(
                !err.contains("column"),
                "no place that would mislead: {err}"
            );
        }
    }

    #[test]
    fn waits_for_names_what_is_open_and_what_is_not_there() {
        let text = r#"[{"id": "a", "dependencies": ["b", "c", "d"]}, {"id": "b", "status": "completed"},
            {"id": "c", "status": "failed"}]"#;
        let tasks = Tasks::parse(text).expect("a board");
        let task = tasks.find("a").expect("it is there");
        let waits: Vec<_> = tasks
            .waits_for(task)
            .iter()
            .map(WaitsFor::to_string)
            .collect();
        assert_eq!(
            waits,
            ["c is failed", "there is no task d"],
            "a clear reason for each"
        );
        assert!(!tasks.is_ready(task), "so it is not ready");
        assert!(
            tasks.is_ready(tasks.find("b").expect("it is there")),
            "nothing to wait for"
        );
    }
}
