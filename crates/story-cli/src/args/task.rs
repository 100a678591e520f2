//! The grammar of the verbs about the table of tasks.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use story::tasks::TaskStatus;

/// What to do with the tasks of a story.
#[derive(Debug, Subcommand)]
pub enum TaskVerb {
    Init(TaskInitArgs),
    Set(TaskSetArgs),
    Next(TaskNextArgs),
    List(TaskListArgs),
}

/// Make the table of tasks, all of them pending
///
/// It goes to the end of the body, as `## Task Progress`. Where that heading occurs in the body already nothing happens but
/// a warning.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story task init S-0034 T1 T2 'T3: the documents'")]
pub struct TaskInitArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The names of the tasks, in the order of the work
    #[arg(value_name = "TASK", required = true)]
    pub tasks: Vec<String>,
}

/// Set the status of a task
///
/// `in_progress` notes the time of the first start, completed and failed that of the end. Only the cells of this row
/// change; rows that are not understood are told, and stay.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story task set S-0034 T1 in_progress
  story task set S-0034 T1 completed")]
pub struct TaskSetArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The name of the task
    pub task: String,
    /// What it is now
    #[arg(value_enum)]
    pub status: NewTaskStatus,
}

/// The status of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum NewTaskStatus {
    /// Not begun
    Pending,
    /// Being worked on
    #[value(alias = "in-progress")]
    InProgress,
    /// Done
    Completed,
    /// Given up
    Failed,
}

impl NewTaskStatus {
    /// As the library has it.
    pub fn status(self) -> TaskStatus {
        match self {
            Self::Pending => TaskStatus::Pending,
            Self::InProgress => TaskStatus::InProgress,
            Self::Completed => TaskStatus::Completed,
            Self::Failed => TaskStatus::Failed,
        }
    }
}

/// Print the first task that is pending
///
/// None is exit 3. The table does not say what depends on what: its order is the order of the work.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story task next S-0034")]
pub struct TaskNextArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
}

/// Print the tasks with their status
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story task list S-0034
  story task list S-0034 --json")]
pub struct TaskListArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
}
