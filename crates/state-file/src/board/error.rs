//! Why the rules of the board refuse something. Pure.

use std::fmt;

use super::task::Status;

/// Why a task was not changed. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The board has no such task. Retrying does not help.
    #[error("there is no task {id}")]
    NotFound {
        /// The id that was asked for.
        id: String,
    },
    /// Somebody else has it. Retrying helps when they have completed it or given it back.
    #[error("{id} is taken by {by}")]
    Taken {
        /// The task.
        id: String,
        /// Who works on it, or for whom it is reserved.
        by: String,
    },
    /// It depends on tasks that are not completed. Retrying helps when they are.
    #[error("{id} is not ready: {}", list(waits_for))]
    NotReady {
        /// The task.
        id: String,
        /// What it waits for.
        waits_for: Vec<WaitsFor>,
    },
    /// No task can be claimed now by this agent. Retrying helps when one was completed or put on the board.
    #[error("no task is ready ({pending} pending, {waiting} of them wait for others)")]
    NothingReady {
        /// How many tasks are pending among those that the filter accepts.
        pending: usize,
        /// How many of them depend on tasks that are not completed.
        waiting: usize,
    },
    /// Its status forbids this. Retrying does not help.
    #[error("{id} is {status}: {advice}")]
    WrongStatus {
        /// The task.
        id: String,
        /// What it is.
        status: Status,
        /// What would be possible instead.
        advice: &'static str,
    },
    /// Parts of it are not ended. Retrying helps when they are.
    #[error("{id} has children that are not ended: {}", children.join(", "))]
    OpenChildren {
        /// The task.
        id: String,
        /// Its children that are not ended.
        children: Vec<String>,
    },
    /// Tasks would wait for each other for ever, by their dependencies or as the parts of one. Retrying does not help.
    #[error("tasks would wait for each other in a circle: {}", ids.join(" -> "))]
    Circle {
        /// The way round, the first again at the end.
        ids: Vec<String>,
    },
    /// A new task has the id of another one. Retrying does not help.
    #[error("there is a task {id} already")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// A dependency that is not on the board was asked for. Retrying does not help.
    #[error("there is no task {id} to depend on")]
    UnknownDependency {
        /// The id that was given.
        id: String,
    },
    /// Something that was given cannot stand on the board. Retrying does not help.
    #[error("{member}: {reason}")]
    Invalid {
        /// The member of the task.
        member: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file is JSON, but not a board. Retrying does not help; somebody has to mend the file.
    #[error("{task}: {member}{reason}", task = named(task.as_deref()), member = prefixed(member))]
    Unclear {
        /// The task that cannot be read: its id, or its place.
        task: Option<String>,
        /// The member that cannot be read; empty for the whole.
        member: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl RuleError {
    /// Whether the same call may succeed later, when others have done something.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Taken { .. }
                | Self::NotReady { .. }
                | Self::NothingReady { .. }
                | Self::OpenChildren { .. }
        )
    }
}

/// A dependency that keeps a task from being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitsFor {
    /// Its id.
    pub id: String,
    /// How far it is; `None`: the board has no such task.
    pub status: Option<Status>,
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} is {status}", self.id),
            None => write!(f, "there is no task {}", self.id),
        }
    }
}

fn list(waits_for: &[WaitsFor]) -> String {
    let one = |it: &WaitsFor| it.to_string();
    waits_for.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn named(task: Option<&str>) -> String {
    task.map_or_else(|| "the file".to_owned(), |id| format!("task {id}"))
}

fn prefixed(member: &str) -> String {
    match member {
        "" | "." => String::new(),
        member => format!("{member}: "),
    }
}
