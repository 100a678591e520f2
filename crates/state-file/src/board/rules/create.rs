//! New tasks, and children of others.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::{
    Decision, Edit, Edits, OPEN_AGAIN, Present, check_agent, check_line, check_tags, entry, json,
    wrong_status,
};
use crate::board::circle::{self, Links};
use crate::board::entry::{Action, Entry};
use crate::board::error::RuleError;
use crate::board::id::new_id;
use crate::board::task::{DEFAULT_PRIORITY, Status, Task};
use crate::board::tasks::Tasks;

/// A task that is to be put on the board.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// Its id; `None`: a new one is made.
    pub id: Option<String>,
    /// What it is about, in one line that is not empty.
    pub title: String,
    /// What it is about, in full.
    pub description: Option<String>,
    /// 1 comes first; [`DEFAULT_PRIORITY`] by default.
    pub priority: i64,
    /// A word for how hard it is.
    pub complexity: Option<String>,
    /// For whom it is reserved: nobody else can claim it.
    pub assignee: Option<String>,
    /// The tasks that must be completed before it can be claimed. All of them must be on the board.
    pub dependencies: Vec<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Whatever agents tell each other: keys, which differ, with JSON.
    pub context: Vec<(String, Box<RawValue>)>,
}

impl NewTask {
    /// A task of which nothing else is known.
    pub fn new(title: &str) -> Self {
        Self {
            id: None,
            title: title.to_owned(),
            description: None,
            priority: DEFAULT_PRIORITY,
            complexity: None,
            assignee: None,
            dependencies: Vec::new(),
            tags: Vec::new(),
            context: Vec::new(),
        }
    }
}

/// Puts a task on the board.
pub(in crate::board) fn create(
    tasks: &Tasks,
    new: &NewTask,
    present: &Present<'_>,
) -> Result<Decision, RuleError> {
    let task = task(tasks, new, None, present)?;
    let links = Links {
        instead: HashMap::from([(task.id.as_str(), waits(&new.dependencies))]),
    };
    circle::refuse(tasks, &links, &task.id)?;
    Ok(Decision {
        place: tasks.all().len(),
        edits: vec![Edit::Add(Box::new(task))],
    })
}

/// Puts a task on the board that is a part of another one.
pub(in crate::board) fn spawn(
    tasks: &Tasks,
    parent: &str,
    new: &NewTask,
    present: &Present<'_>,
) -> Result<Decision, RuleError> {
    let (at, parent) = tasks.expect(parent)?;
    if parent.status.is_ended() {
        return Err(wrong_status(parent, OPEN_AGAIN));
    }
    let child = task(tasks, new, Some(&parent.id), present)?;
    let mut waits_of_parent = waits(&parent.dependencies);
    waits_of_parent.extend(waits(&parent.children));
    waits_of_parent.push(&child.id);
    let links = Links {
        instead: HashMap::from([
            (child.id.as_str(), waits(&new.dependencies)),
            (parent.id.as_str(), waits_of_parent),
        ]),
    };
    circle::refuse(tasks, &links, &child.id)?;
    let mut edits = Edits::of(at);
    edits.push("children", &child.id);
    let line = Entry {
        child: Some(child.id.clone()),
        ..entry(present, Action::Spawned, parent)
    };
    let mut decision = edits.done(line);
    decision.place = tasks.all().len();
    decision.edits.push(Edit::Add(Box::new(child)));
    Ok(decision)
}

fn waits(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

fn task(
    tasks: &Tasks,
    new: &NewTask,
    parent: Option<&str>,
    present: &Present<'_>,
) -> Result<Task, RuleError> {
    check(tasks, new, present)?;
    let is_taken = |id: &str| tasks.find(id).is_some();
    let id = match &new.id {
        Some(id) => id.clone(),
        None => new_id(present.at, present.seed, is_taken),
    };
    Ok(Task {
        id,
        title: new.title.trim().to_owned(),
        description: new.description.clone(),
        status: Status::Pending,
        priority: new.priority,
        complexity: new.complexity.clone(),
        assignee: new.assignee.clone(),
        parent: parent.map(str::to_owned),
        children: Vec::new(),
        dependencies: distinct(&new.dependencies),
        tags: distinct(&new.tags),
        context: Some(context(&new.context)),
        created_at: Some(present.at),
        updated_at: Some(present.at),
        completed_at: None,
        history: vec![Entry::new(present.at, present.agent, Action::Created)],
    })
}

fn check(tasks: &Tasks, new: &NewTask, present: &Present<'_>) -> Result<(), RuleError> {
    check_agent(present)?;
    check_line("title", &new.title)?;
    check_tags(&new.tags)?;
    for (member, text) in [("complexity", &new.complexity), ("assignee", &new.assignee)] {
        text.as_ref()
            .map_or(Ok(()), |text| check_line(member, text))?;
    }
    if let Some(id) = &new.id {
        check_line("id", id)?;
        if tasks.find(id).is_some() {
            return Err(RuleError::DuplicateId { id: id.clone() });
        }
    }
    let own = |id: &String| new.id.as_ref() == Some(id);
    match new
        .dependencies
        .iter()
        .find(|id| tasks.find(id).is_none() && !own(id))
    {
        Some(id) => Err(RuleError::UnknownDependency { id: id.clone() }),
        None => Ok(()),
    }
}

/// Each once, in the order in which they were given.
fn distinct(words: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for word in words {
        if !kept.contains(word) {
            kept.push(word.clone());
        }
    }
    kept
}

/// An object, with the last of the values that were given for one key.
fn context(given: &[(String, Box<RawValue>)]) -> Box<RawValue> {
    let is_last = |at: usize, key: &String| given[at + 1..].iter().all(|(later, _)| later != key);
    let members = given.iter().enumerate();
    let members: Vec<_> = members
        .filter(|(at, (key, _))| is_last(*at, key))
        .map(|(_, (key, value))| format!("{}: {}", json(key), value.get()))
        .collect();
    let text = format!("{{{}}}", members.join(", "));
    RawValue::from_string(text).expect("keys and values of JSON make an object of JSON")
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{board, present, shown};
    use super::*;

    #[test]
    fn create_adds_a_whole_task() {
        let tasks = board(r#"[{"id": "a"}]"#);
        let new = NewTask {
            dependencies: vec!["a".to_owned(), "a".to_owned()],
            tags: vec!["x".to_owned()],
            context: vec![(
                "k".to_owned(),
                RawValue::from_string("1e400".to_owned()).expect("JSON"),
            )],
            ..NewTask::new(" Write it ")
        };
        let decision = create(&tasks, &new, &present("ann")).expect("it is sound");
        let [Edit::Add(task)] = decision.edits.as_slice() else {
            panic!("one edit: {decision:?}");
        };
        let id = &task.id;
        assert!(id.starts_with("task_1768212000000_"), "a new id: {id}");
        let text = serde_json::to_string(task).expect("a task is JSON");
        let expected = format!(
            r#"{{"id":"{id}","title":"Write it","status":"pending","priority":3,"children":[],"dependencies":["a"],"tags":["x"],"context":{{"k": 1e400}},"created_at":"2026-01-12T10:00:00.000Z","updated_at":"2026-01-12T10:00:00.000Z","history":[{{"at":"2026-01-12T10:00:00.000Z","agent":"ann","action":"created"}}]}}"#
        );
        assert_eq!(text, expected, "as it stands in the file");
    }

    #[test]
    fn create_refuses_what_cannot_stand_on_a_board() {
        let tasks = board(r#"[{"id": "a", "dependencies": ["new"]}]"#);
        let with = |change: fn(&mut NewTask)| {
            let mut new = NewTask::new("Write it");
            change(&mut new);
            new
        };
        let table = [
            (with(|it| it.title = " ".to_owned()), "title: it is empty"),
            (
                with(|it| it.title = "a\nb".to_owned()),
                "title: it has line ends",
            ),
            (
                with(|it| it.tags = vec![String::new()]),
                "tags: it is empty",
            ),
            (
                with(|it| it.assignee = Some(String::new())),
                "assignee: it is empty",
            ),
            (
                with(|it| it.id = Some("a".to_owned())),
                "there is a task a already",
            ),
            (
                with(|it| it.dependencies = vec!["b".to_owned()]),
                "there is no task b to depend on",
            ),
            (
                with(|it| {
                    it.id = Some("new".to_owned());
                    it.dependencies = vec!["a".to_owned()];
                }),
                "tasks would wait for each other in a circle: new -> a -> new",
            ),
            (
                with(|it| {
                    it.id = Some("b".to_owned());
                    it.dependencies = vec!["b".to_owned()];
                }),
                "tasks would wait for each other in a circle: b -> b",
            ),
        ];
        for (new, expected) in table {
            let err = create(&tasks, &new, &present("ann")).expect_err("it is unsound");
            assert!(err.to_string().starts_with(expected), "{err}");
        }
        let err = create(&tasks, &NewTask::new("t"), &present("")).expect_err("by nobody");
        assert_eq!(err.to_string(), "agent: it is empty", "somebody must act");
    }

    #[test]
    fn spawn_links_parent_and_child() {
        let tasks = board(
            r#"[{"id": "p", "status": "in_progress", "assignee": "ann"}, {"id": "e", "status": "failed"}]"#,
        );
        let new = NewTask {
            id: Some("c".to_owned()),
            ..NewTask::new("Part")
        };
        let decision = spawn(&tasks, "p", &new, &present("bob")).expect("it is sound");
        assert_eq!(decision.place, 2, "the child is what was asked for");
        assert_eq!(
            shown(&decision),
            [
                r#"0.children += "c""#,
                r#"0.updated_at = "2026-01-12T10:00:00.000Z""#,
                "0.history += spawned by bob of ann",
                "+ c"
            ],
            "both ways"
        );
        let Some(Edit::Add(child)) = decision.edits.last() else {
            panic!("the child is last");
        };
        assert_eq!(child.parent.as_deref(), Some("p"), "it knows its parent");
        let refused = |parent: &str, dependency: Option<&str>| {
            let dependencies = dependency.into_iter().map(str::to_owned).collect();
            let new = NewTask {
                dependencies,
                ..new.clone()
            };
            let err = spawn(&tasks, parent, &new, &present("bob"));
            err.expect_err("it is unsound").to_string()
        };
        assert_eq!(refused("x", None), "there is no task x", "no parent");
        assert_eq!(
            refused("e", None),
            "e is failed: set it to pending again first",
            "an ended parent"
        );
        assert_eq!(
            refused("p", Some("p")),
            "tasks would wait for each other in a circle: c -> p -> c",
            "a part cannot wait for the whole"
        );
    }
}
