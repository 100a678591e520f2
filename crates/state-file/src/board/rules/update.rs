//! Everything else about a task: its text, its place in the order, what it waits for, and the states that are nobody's work.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::{
    Decision, Edit, Edits, OPEN_AGAIN, Present, Right, check_agent, check_holder, check_line,
    check_tags, entry, wrong_status,
};
use crate::board::circle::{self, Links};
use crate::board::entry::{Action, Entry};
use crate::board::error::RuleError;
use crate::board::task::{Status, Task};
use crate::board::tasks::Tasks;

/// What is to change about a task. What is `None` or empty stays.
#[derive(Debug, Clone, Default)]
pub struct Amendment {
    /// Its title.
    pub title: Option<String>,
    /// Its description; an empty text takes it away.
    pub description: Option<String>,
    /// Its priority; 1 comes first.
    pub priority: Option<i64>,
    /// Its complexity; an empty text takes it away.
    pub complexity: Option<String>,
    /// [`Status::Blocked`], [`Status::Cancelled`] or [`Status::Pending`], which opens it again for everybody. The other
    /// states have verbs of their own.
    pub status: Option<Status>,
    /// For whom it is reserved while nobody works on it; an empty text frees it.
    pub assignee: Option<String>,
    /// Tags that it gets.
    pub add_tags: Vec<String>,
    /// Tags that it loses.
    pub remove_tags: Vec<String>,
    /// Tasks of the board that it is to wait for.
    pub add_dependencies: Vec<String>,
    /// Tasks that it is not to wait for any more.
    pub remove_dependencies: Vec<String>,
    /// Keys of its context, with JSON.
    pub context: Vec<(String, Box<RawValue>)>,
    /// Keys that its context loses.
    pub remove_context: Vec<String>,
    /// A line for the history.
    pub note: Option<String>,
    /// Who may end somebody's work by a change of status.
    pub right: Right,
}

/// Changes what an amendment names. One that changes nothing writes nothing.
pub(in crate::board) fn update(
    tasks: &Tasks,
    id: &str,
    amendment: &Amendment,
    present: &Present<'_>,
) -> Result<Decision, RuleError> {
    check_agent(present)?;
    let (at, task) = tasks.expect(id)?;
    let mut changes = Changes {
        edits: Edits::of(at),
        changed: Vec::new(),
    };
    let action = status(&mut changes, task, amendment, present)?;
    assignee(&mut changes, task, amendment)?;
    texts(&mut changes, task, amendment)?;
    tags(&mut changes, task, amendment)?;
    dependencies(&mut changes, tasks, task, amendment)?;
    context(&mut changes, task, amendment);
    let Changes { edits, changed } = changes;
    if edits.edits.is_empty() && amendment.note.is_none() {
        return Ok(Decision::already(at));
    }
    // Whose task it was matters where it was taken from them.
    let by = match action {
        Some(action) => entry(present, action, task),
        None => Entry::new(present.at, present.agent, Action::Updated),
    };
    Ok(edits.done(Entry {
        note: amendment.note.clone(),
        changed,
        ..by
    }))
}

struct Changes {
    edits: Edits,
    /// The members that change, for the history.
    changed: Vec<String>,
}

impl Changes {
    fn saying(&mut self, member: &str) -> &mut Edits {
        if !self.changed.iter().any(|it| it == member) {
            self.changed.push(member.to_owned());
        }
        &mut self.edits
    }
}

fn status(
    changes: &mut Changes,
    task: &Task,
    amendment: &Amendment,
    present: &Present<'_>,
) -> Result<Option<Action>, RuleError> {
    let Some(status) = amendment.status.filter(|it| *it != task.status) else {
        return Ok(None);
    };
    let action = match status {
        Status::Pending => Action::Reopened,
        Status::Blocked => Action::Blocked,
        Status::Cancelled => Action::Cancelled,
        Status::InProgress | Status::Completed | Status::Failed => {
            let (member, reason) = (
                "status",
                "in_progress is reached by a claim only, completed and failed by who holds the task",
            );
            return Err(RuleError::Invalid { member, reason });
        }
    };
    if task.status.is_ended() && status != Status::Pending {
        return Err(wrong_status(task, OPEN_AGAIN));
    }
    if task.status == Status::InProgress {
        check_holder(task, present, amendment.right)?;
    }
    changes.edits.set("status", &status);
    if status == Status::Pending {
        if amendment.assignee.is_none() && task.assignee.is_some() {
            changes.edits.unset("assignee");
        }
        if task.completed_at.is_some() {
            changes.edits.unset("completed_at");
        }
    }
    Ok(Some(action))
}

/// Whose task it is to be. Nobody's work is given to another: it is ended first.
fn assignee(changes: &mut Changes, task: &Task, amendment: &Amendment) -> Result<(), RuleError> {
    let Some(assignee) = amendment.assignee.as_deref() else {
        return Ok(());
    };
    if task.assignee.as_deref().unwrap_or_default() == assignee {
        return Ok(());
    }
    match amendment.status.unwrap_or(task.status) {
        Status::Pending | Status::Blocked => {}
        Status::InProgress => return Err(wrong_status(task, "give it back first")),
        Status::Completed | Status::Failed | Status::Cancelled => {
            return Err(wrong_status(task, OPEN_AGAIN));
        }
    }
    optional(
        changes,
        "assignee",
        task.assignee.as_deref(),
        Some(assignee),
    )
}

fn texts(changes: &mut Changes, task: &Task, amendment: &Amendment) -> Result<(), RuleError> {
    if let Some(title) = &amendment.title {
        check_line("title", title)?;
        if title.trim() != task.title {
            changes.saying("title").set("title", &title.trim());
        }
    }
    if let Some(description) = &amendment.description
        && task.description.as_deref().unwrap_or_default() != description
    {
        let edits = changes.saying("description");
        if description.is_empty() {
            edits.unset("description");
        } else {
            edits.set("description", description);
        }
    }
    if let Some(priority) = amendment.priority.filter(|it| *it != task.priority) {
        changes.saying("priority").set("priority", &priority);
    }
    let (old, new) = (&task.complexity, &amendment.complexity);
    optional(changes, "complexity", old.as_deref(), new.as_deref())
}

/// A member of one line that an empty text takes away.
fn optional(
    changes: &mut Changes,
    member: &'static str,
    old: Option<&str>,
    new: Option<&str>,
) -> Result<(), RuleError> {
    match new {
        Some(new) if new != old.unwrap_or_default() => {
            if new.is_empty() {
                changes.saying(member).unset(member);
            } else {
                check_line(member, new)?;
                changes.saying(member).set(member, &new);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn tags(changes: &mut Changes, task: &Task, amendment: &Amendment) -> Result<(), RuleError> {
    check_tags(&amendment.add_tags)?;
    let (add, remove) = (&amendment.add_tags, &amendment.remove_tags);
    list(changes, "tags", &task.tags, add, remove);
    Ok(())
}

fn dependencies(
    changes: &mut Changes,
    tasks: &Tasks,
    task: &Task,
    amendment: &Amendment,
) -> Result<(), RuleError> {
    let (add, remove) = (&amendment.add_dependencies, &amendment.remove_dependencies);
    if let Some(id) = add.iter().find(|id| tasks.find(id).is_none()) {
        return Err(RuleError::UnknownDependency { id: id.clone() });
    }
    let new = list(changes, "dependencies", &task.dependencies, add, remove);
    if add.is_empty() {
        return Ok(());
    }
    let waits = new.iter().chain(&task.children).map(String::as_str);
    let links = Links {
        instead: HashMap::from([(task.id.as_str(), waits.collect())]),
    };
    circle::refuse(tasks, &links, &task.id)
}

/// Adds to a list what it does not have, and takes from it what it has; answers with what it is to be.
fn list(
    changes: &mut Changes,
    member: &'static str,
    old: &[String],
    add: &[String],
    remove: &[String],
) -> Vec<String> {
    let mut new: Vec<String> = old.to_vec();
    new.retain(|it| !remove.contains(it));
    let loses = new.len() < old.len();
    for word in add {
        if !new.contains(word) {
            if !loses {
                changes.saying(member).push(member, word);
            }
            new.push(word.clone());
        }
    }
    if loses && new != old {
        changes.saying(member).set(member, &new);
    }
    new
}

fn context(changes: &mut Changes, task: &Task, amendment: &Amendment) {
    let set = amendment.context.iter();
    let set = set.map(|(key, value)| (key, Some(value.get().to_owned())));
    let unset = amendment.remove_context.iter().map(|key| (key, None));
    let members: HashMap<String, Box<RawValue>> = task
        .context
        .as_ref()
        .and_then(|context| serde_json::from_str(context.get()).ok())
        .unwrap_or_default();
    for (key, value) in set.chain(unset) {
        if members.get(key).map(|it| it.get()) != value.as_deref() {
            let at = changes.edits.at;
            let key = key.clone();
            let edits = changes.saying(&format!("context.{key}"));
            edits.edits.push(Edit::Context { at, key, value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{board, present, shown};
    use super::*;

    const BOARD: &str = r#"[{"id": "free", "title": "Old", "tags": ["x", "y"], "context": {"k": 1, "l": 2}},
        {"id": "mine", "status": "in_progress", "assignee": "ann", "dependencies": ["free"]},
        {"id": "his", "status": "in_progress", "assignee": "bob"},
        {"id": "done", "status": "completed", "assignee": "ann", "completed_at": "2026-01-12T10:00:00Z"},
        {"id": "blocked", "status": "blocked", "assignee": "bob"}]"#;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn status(status: Status) -> Amendment {
        Amendment {
            status: Some(status),
            ..Amendment::default()
        }
    }

    fn assignee(agent: &str) -> Amendment {
        Amendment {
            assignee: Some(agent.to_owned()),
            ..Amendment::default()
        }
    }

    fn check(table: &[(&str, Amendment, &[&str])]) {
        for (id, amendment, expected) in table {
            let decision = update(&board(BOARD), id, amendment, &present("ann"));
            let shown = shown(&decision.unwrap_or_else(|err| panic!("{id}: {err}")));
            let shown: Vec<_> = shown
                .iter()
                .filter_map(|it| it.split_once('.').map(|(_, edit)| edit))
                .filter(|it| !it.starts_with("updated_at"))
                .collect();
            assert_eq!(shown, *expected, "{id} with {amendment:?}");
        }
    }

    #[test]
    fn update_changes_what_is_named() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
        let texts = Amendment {
            title: Some(" New ".to_owned()),
            description: Some("a\nb".to_owned()),
            priority: Some(1),
            complexity: Some("low".to_owned()),
            add_tags: words(&["y", "z"]),
            ..Amendment::default()
        };
        let lists = Amendment {
            add_tags: words(&["z"]),
            remove_tags: words(&["x"]),
            context: vec![("k".to_owned(), raw("1")), ("l".to_owned(), raw("1.0"))],
            remove_context: words(&["k", "m"]),
            note: Some("so".to_owned()),
            ..Amendment::default()
        };
        let nothing = Amendment {
            title: Some("Old".to_owned()),
            add_tags: words(&["x"]),
            remove_tags: words(&["z"]),
            ..status(Status::Pending)
        };
        check(&[
            (
                "free",
                texts,
                &[
                    r#"title = "New""#,
                    r#"description = "a\nb""#,
                    "priority = 1",
                    r#"complexity = "low""#,
                    r#"tags += "z""#,
                    "history += updated by ann (title, description, priority, complexity, tags)",
                ],
            ),
            (
                "free",
                lists,
                &[
                    r#"tags = ["y","z"]"#,
                    "context.l = 1.0",
                    "context.k -",
                    "history += updated by ann (tags, context.l, context.k): so",
                ],
            ),
            ("free", nothing, &[]),
        ]);
    }

    #[test]
    fn update_moves_a_task_between_the_states_that_are_nobodys_work() {
        let by_force = Amendment {
            right: Right::Anybody,
            ..status(Status::Cancelled)
        };
        check(&[
            (
                "free",
                assignee("bob"),
                &[
                    r#"assignee = "bob""#,
                    "history += updated by ann (assignee)",
                ],
            ),
            ("free", assignee(""), &[]),
            (
                "mine",
                status(Status::Blocked),
                &[r#"status = "blocked""#, "history += blocked by ann"],
            ),
            (
                "done",
                status(Status::Pending),
                &[
                    r#"status = "pending""#,
                    "assignee -",
                    "completed_at -",
                    "history += reopened by ann",
                ],
            ),
            (
                "blocked",
                status(Status::Pending),
                &[
                    r#"status = "pending""#,
                    "assignee -",
                    "history += reopened by ann of bob",
                ],
            ),
            (
                "his",
                by_force,
                &[
                    r#"status = "cancelled""#,
                    "history += cancelled by ann of bob",
                ],
            ),
        ]);
    }

    #[test]
    fn update_refuses_what_has_verbs_of_its_own_or_is_anothers() {
        let depends = |id: &str| Amendment {
            add_dependencies: words(&[id]),
            ..Amendment::default()
        };
        let table = [
            (
                "free",
                status(Status::InProgress),
                "status: in_progress is reached by a claim only",
            ),
            (
                "mine",
                status(Status::Completed),
                "status: in_progress is reached",
            ),
            ("his", status(Status::Pending), "his is taken by bob"),
            ("his", status(Status::Blocked), "his is taken by bob"),
            (
                "done",
                status(Status::Blocked),
                "done is completed: set it to pending again",
            ),
            (
                "mine",
                assignee("bob"),
                "mine is in_progress: give it back first",
            ),
            (
                "done",
                assignee("bob"),
                "done is completed: set it to pending again",
            ),
            (
                "free",
                depends("nobody"),
                "there is no task nobody to depend on",
            ),
            (
                "free",
                depends("mine"),
                "tasks would wait for each other in a circle: free -> mine -> free",
            ),
            (
                "free",
                depends("free"),
                "tasks would wait for each other in a circle: free -> free",
            ),
            ("x", Amendment::default(), "there is no task x"),
        ];
        for (id, amendment, expected) in table {
            let found = update(&board(BOARD), id, &amendment, &present("ann"));
            let err = found.expect_err("it is refused").to_string();
            assert!(err.starts_with(expected), "{id}: {err}");
        }
    }
}
