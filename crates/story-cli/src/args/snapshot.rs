//! The grammar of `story snapshot`: the working tree as it was, and back to it.

use clap::{Args, Subcommand};
use task_runner::TaskId;

use super::run::task_id;

/// What to do with snapshots.
#[derive(Debug, Subcommand)]
pub enum SnapshotVerb {
    Take(TakeArgs),
    List(ListArgs),
    Show(ShowArgs),
    Restore(RestoreArgs),
    Drop(DropArgs),
}

/// Record the working tree as it is, staged and untracked files included
///
/// Changes nothing: neither a file nor the index, a branch or the stash. Prints the id of the snapshot, a commit; a ref of its
/// own under refs/devs-snapshots/ keeps it until `story snapshot drop`. Files that git ignores are not recorded, nor are locks,
/// leases and journals. With a merge or rebase in progress it is refused.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story snapshot take
  story snapshot take 'before the new parser' --task parser")]
pub struct TakeArgs {
    /// What it is, for whoever reads the list
    #[arg(value_name = "LABEL")]
    pub label: Option<String>,
    /// The task that it is for; its ref is called so
    #[arg(long, value_name = "ID", value_parser = task_id, default_value = "by-hand")]
    pub task: TaskId,
    /// Also enter it in git's list of stashes: the next `git stash pop` then takes it
    #[arg(long)]
    pub stash_list: bool,
}

/// Show all snapshots of the repository, the oldest first
///
/// Those that `story run` takes go by themselves when their task is done; what is listed was taken by hand, belongs to a task
/// that did not end well, or saves what a restore has overwritten.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story snapshot list
  story snapshot list --json")]
pub struct ListArgs {}

/// Show what a snapshot holds, and what has changed since
///
/// ID is its commit (7 characters or more), its ref, or the task that it was taken for, which means that task's latest one;
/// a rescue goes by its commit or ref only.
/// Without an option: what it is, what in it differs from its commit, and what in the working tree differs from it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story snapshot show parser
  story snapshot show parser --diff")]
pub struct ShowArgs {
    /// A commit, a ref or a task
    #[arg(value_name = "ID")]
    pub id: String,
    /// What in it differs from its commit, as a patch
    #[arg(long, conflicts_with_all = ["stat", "files"])]
    pub diff: bool,
    /// The same, as a count of lines for each file
    #[arg(long, conflicts_with = "files")]
    pub stat: bool,
    /// The names of all files that it holds
    #[arg(long)]
    pub files: bool,
}

/// Bring the working tree back to exactly what a snapshot holds
///
/// Files and index become what they were: what was changed since is changed back, what is new is removed, what was removed
/// comes back. Files that git ignores are never touched. What is overwritten is in a snapshot of its own first, the rescue;
/// the last line tells the command that goes back to it. Files that agents share, stories among them, are restored only
/// where nobody else has changed them since; others are left and named. While a task runs in the tree it is refused.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story snapshot restore parser
  story snapshot restore parser --head")]
pub struct RestoreArgs {
    /// A commit, a ref or a task
    #[arg(value_name = "ID")]
    pub id: String,
    /// Move the branch back, too, to the commit that it was at; without it commits since then stay
    #[arg(long)]
    pub head: bool,
    /// Also where the snapshot was taken in another working tree
    #[arg(long)]
    pub elsewhere: bool,
    /// Also files that agents share, even where others have changed them since
    #[arg(long)]
    pub shared: bool,
}

/// Drop snapshots, unless one holds the only copy of something
///
/// One that does is kept, and what would be lost is named (exit 7).
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story snapshot drop parser")]
pub struct DropArgs {
    /// Commits, refs or tasks
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Even if something is lost
    #[arg(long)]
    pub force: bool,
}
