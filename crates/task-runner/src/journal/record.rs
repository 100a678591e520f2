//! What the journal says about tasks and their attempts.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::ended::Ended;
use crate::task_id::TaskId;

/// What became of a task or of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It runs, or its runner was killed and nobody has looked since.
    Running,
    /// [`Ended::Done`].
    Done,
    /// [`Ended::Failed`].
    Failed,
    /// [`Ended::Signalled`].
    Signalled,
    /// [`Ended::TimedOut`].
    TimedOut,
    /// [`Ended::NotStarted`].
    NotStarted,
    /// Its runner was killed, or came to its end without an outcome.
    Interrupted,
    /// The tree was brought back to the state before; of tasks only.
    Restored,
    /// A person has decided to leave it at that; of tasks only.
    Abandoned,
}

impl State {
    const ALL: [Self; 9] = [
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Signalled,
        Self::TimedOut,
        Self::NotStarted,
        Self::Interrupted,
        Self::Restored,
        Self::Abandoned,
    ];

    /// As it stands in the database and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Signalled => "signalled",
            Self::TimedOut => "timed-out",
            Self::NotStarted => "not-started",
            Self::Interrupted => "interrupted",
            Self::Restored => "restored",
            Self::Abandoned => "abandoned",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl From<Ended> for State {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Done => Self::Done,
            Ended::Failed { .. } => Self::Failed,
            Ended::Signalled { .. } => Self::Signalled,
            Ended::TimedOut => Self::TimedOut,
            Ended::NotStarted => Self::NotStarted,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An attempt that is about to begin.
#[derive(Debug, Clone)]
pub struct NewAttempt {
    /// Of which task.
    pub task: TaskId,
    /// Free text; the label of the task from now on.
    pub label: String,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Where it runs, relative to the top of the tree; empty for the top.
    pub folder: PathBuf,
    /// Who.
    pub owner: Option<String>,
    /// The process that runs it.
    pub pid: u32,
    /// The token of the tree's lock that this process holds, by which a later one can tell whether it still does.
    pub lock_token: Option<String>,
}

/// An attempt at a task: a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The task.
    pub task: TaskId,
    /// The first one is 1.
    pub number: u32,
    /// What became of it.
    pub state: State,
    /// Free text.
    pub label: String,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Where it ran, relative to the top of the tree; empty for the top.
    pub folder: PathBuf,
    /// Who.
    pub owner: Option<String>,
    /// The process that ran it.
    pub pid: u32,
    /// The token of the tree's lock that this process held.
    pub lock_token: Option<String>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended, or when it was found interrupted.
    pub ended_at: Option<Timestamp>,
    /// What it ended with, where it ended by itself.
    pub exit_code: Option<i32>,
    /// What it was ended by.
    pub signal: Option<i32>,
    /// The commit of its snapshot; `None` until there is one.
    pub snapshot: Option<String>,
    /// Whether that was neither dropped nor given up.
    pub is_snapshot_kept: bool,
}

impl Attempt {
    /// The name of the run: `<task>.<number>`.
    pub fn run(&self) -> String {
        format!("{}.{}", self.task, self.number)
    }
}

/// Where something about an attempt was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Where it was begun.
    InPlace,
    /// Somebody has deleted the journal since the attempt began. It is made anew, and knows of this attempt only.
    Anew,
}

/// A task with all of its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRecord {
    /// The task.
    pub task: TaskId,
    /// What became of it.
    pub state: State,
    /// Free text.
    pub label: String,
    /// The program and its arguments, as in the latest attempt.
    pub command: Vec<OsString>,
    /// Where the latest attempt ran, relative to the top of the tree; empty for the top.
    pub folder: PathBuf,
    /// The commit of the earliest snapshot that is kept: the state before all that is unfinished.
    pub snapshot: Option<String>,
    /// When its first attempt began.
    pub created_at: Timestamp,
    /// When something of it changed last.
    pub changed_at: Timestamp,
    /// The earliest first.
    pub attempts: Vec<Attempt>,
}

impl TaskRecord {
    /// Whether there is something to decide about it: it runs, was interrupted, or has a snapshot that nobody gave up.
    pub fn is_open(&self) -> bool {
        match self.state {
            State::Restored | State::Abandoned => false,
            State::Running | State::Interrupted => true,
            _ => self.snapshot.is_some(),
        }
    }
}

/// Which tasks to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// Those about which there is something to decide; see [`TaskRecord::is_open`].
    #[default]
    Open,
    /// All of them.
    All,
}

/// What a person decided about a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The tree was brought back to the state before.
    Restored,
    /// To leave it at that.
    Abandoned,
}

impl From<Decision> for State {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Restored => Self::Restored,
            Decision::Abandoned => Self::Abandoned,
        }
    }
}
