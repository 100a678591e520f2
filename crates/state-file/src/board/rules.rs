//! What may be done to a task, and what changes by it. Pure: a rule looks at the tasks and answers with edits.

mod claim;
mod create;
mod end;
#[cfg(test)]
mod test_support;
mod update;

pub(super) use claim::{claim, claim_next};
pub(super) use create::{create, spawn};
pub(super) use end::{complete, fail, release};
pub(super) use update::update;

pub use create::NewTask;
pub use end::{Completion, OpenChildren};
pub use update::Amendment;

use serde::Serialize;

use super::entry::{Action, Entry};
use super::error::RuleError;
use super::moment::Moment;
use super::task::{Status, Task};

/// What the library cannot know by itself: who acts, when, and a random number for ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present<'a> {
    /// The time.
    pub at: Moment,
    /// Who acts.
    pub agent: &'a str,
    /// A random number; the id of a new task is made from it.
    pub seed: u64,
}

/// Who may end somebody's work on a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Right {
    /// Only who holds the task.
    #[default]
    Holder,
    /// Anybody; the history says whose task it was.
    Anybody,
}

/// What a rule decides about the tasks.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    /// The place of the task that was asked for, after the edits.
    pub(super) place: usize,
    /// Nothing is to be done when there are none.
    pub(super) edits: Vec<Edit>,
}

/// One change of the list of tasks. Values are JSON.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// A task at the end of the list; its history is accounted for.
    Add(Box<Task>),
    /// A member of the task at a place.
    Set {
        at: usize,
        member: &'static str,
        value: String,
    },
    /// A member goes, if it is there.
    Unset { at: usize, member: &'static str },
    /// One more item in a list.
    Push {
        at: usize,
        member: &'static str,
        value: String,
    },
    /// One key of the context; `None` takes it away.
    Context {
        at: usize,
        key: String,
        value: Option<String>,
    },
    /// One more line in the history, accounted for.
    Note { at: usize, entry: Box<Entry> },
}

impl Decision {
    /// Nothing is to be done: it is as asked for.
    fn already(place: usize) -> Self {
        Self {
            place,
            edits: Vec::new(),
        }
    }
}

/// Collects the edits of one task.
struct Edits {
    at: usize,
    edits: Vec<Edit>,
}

impl Edits {
    fn of(at: usize) -> Self {
        Self {
            at,
            edits: Vec::new(),
        }
    }

    fn set(&mut self, member: &'static str, value: &impl Serialize) {
        let (at, value) = (self.at, json(value));
        self.edits.push(Edit::Set { at, member, value });
    }

    fn unset(&mut self, member: &'static str) {
        self.edits.push(Edit::Unset {
            at: self.at,
            member,
        });
    }

    fn push(&mut self, member: &'static str, value: &impl Serialize) {
        let (at, value) = (self.at, json(value));
        self.edits.push(Edit::Push { at, member, value });
    }

    /// The time of the change and its line in the history belong to every change.
    fn done(mut self, entry: Entry) -> Decision {
        if let Some(at) = entry.at {
            self.set("updated_at", &at);
        }
        self.edits.push(Edit::Note {
            at: self.at,
            entry: Box::new(entry),
        });
        Decision {
            place: self.at,
            edits: self.edits,
        }
    }
}

/// Texts, numbers, moments and lists of them: what is written here.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and lists of them are JSON")
}

/// A line about what `present.agent` does to a task; whose task it was is told where it was another's.
fn entry(present: &Present<'_>, action: Action, task: &Task) -> Entry {
    let holder = task.assignee.clone();
    let is_another = |holder: &String| holder != present.agent;
    Entry {
        holder: holder.filter(is_another),
        ..Entry::new(present.at, present.agent, action)
    }
}

/// Checks that nobody else works on a task.
fn check_holder(task: &Task, present: &Present<'_>, right: Right) -> Result<(), RuleError> {
    match &task.assignee {
        Some(by) if by != present.agent && right == Right::Holder => Err(RuleError::Taken {
            id: task.id.clone(),
            by: by.clone(),
        }),
        _ => Ok(()),
    }
}

fn wrong_status(task: &Task, advice: &'static str) -> RuleError {
    RuleError::WrongStatus {
        id: task.id.clone(),
        status: task.status,
        advice,
    }
}

const OPEN_AGAIN: &str = "set it to pending again first";

/// Whether a task came to its status by this agent: then whoever asks again is told that it is done.
fn was_by(task: &Task, status: Status, action: &Action, agent: &str) -> bool {
    let last = task.history.iter().rev().find(|it| it.action == *action);
    task.status == status && last.is_some_and(|it| it.agent == agent)
}

/// One line of text that says something.
fn check_line(member: &'static str, text: &str) -> Result<(), RuleError> {
    let reason = if text.trim().is_empty() {
        "it is empty"
    } else if text.chars().any(char::is_control) {
        "it has line ends or other control characters"
    } else {
        return Ok(());
    };
    Err(RuleError::Invalid { member, reason })
}

fn check_agent(present: &Present<'_>) -> Result<(), RuleError> {
    check_line("agent", present.agent)
}

fn check_tags(tags: &[String]) -> Result<(), RuleError> {
    tags.iter().try_for_each(|tag| check_line("tags", tag))
}
