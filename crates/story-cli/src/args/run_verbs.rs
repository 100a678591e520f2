//! The grammar of what `story run` offers beside running: tasks that were run, and what can be done about those that did not end well.

use clap::{Args, Subcommand};
use task_runner::TaskId;

use super::run::task_id;

/// What to do with tasks that were run.
#[derive(Debug, Subcommand)]
pub enum RunVerb {
    List(ListArgs),
    Show(ShowArgs),
    Resume(ResumeArgs),
    Restore(RestoreArgs),
    Abandon(AbandonArgs),
}

/// Show the tasks that run, and those that did not end well
///
/// Of each: how it ended, when its last attempt began, the snapshot of the tree before it, what can be done, and its command.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story run list
  story run list --all --json")]
pub struct ListArgs {
    /// Also those that are done or given up
    #[arg(long)]
    pub all: bool,
}

/// Show a task with all its attempts
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story run show parser")]
pub struct ShowArgs {
    /// The task, as `story run list` shows it
    #[arg(value_name = "TASK", value_parser = task_id)]
    pub task: TaskId,
}

/// Run the command of a task again, in the files as they are now
///
/// The same command in the same folder, as a new attempt. The snapshot of the tree before the first attempt stays the one that
/// `story run restore` goes back to. To start from the files as they were, restore first.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story run resume parser")]
pub struct ResumeArgs {
    /// The task
    #[arg(value_name = "TASK", value_parser = task_id)]
    pub task: TaskId,
}

/// Bring back the files as they were before a task that did not end well
///
/// That is: before the first of its attempts that was not finished. As `story snapshot restore`, and the task is settled then: it
/// is `restored`, and its snapshot goes if the tree holds all of it again. What is overwritten is kept as a rescue.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story run restore parser")]
pub struct RestoreArgs {
    /// The task
    #[arg(value_name = "TASK", value_parser = task_id)]
    pub task: TaskId,
    /// Move the branch back, too, to the commit that it was at; without it commits of the task stay
    #[arg(long)]
    pub head: bool,
    /// Also files that agents share, even where others have changed them since
    #[arg(long)]
    pub shared: bool,
}

/// Give up a task that did not end well, and leave the files as they are
///
/// Its snapshot is dropped if nothing is lost with it; else it is kept, and what it holds is named.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story run abandon parser")]
pub struct AbandonArgs {
    /// The task
    #[arg(value_name = "TASK", value_parser = task_id)]
    pub task: TaskId,
    /// Drop its snapshot even if something is lost
    #[arg(long)]
    pub force: bool,
}
