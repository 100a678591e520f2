//! A recorded tree: what names it, and what it is about.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::task_id::TaskId;

/// Where the refs of snapshots stand.
pub const BASE_REF: &str = "refs/devs-snapshots/";

/// A recorded tree. Named by its commit: that never means another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The id of its commit, in full. `git stash apply <id>` takes it.
    pub id: String,
    /// The ref that keeps it alive.
    pub reference: String,
    /// The task that it was taken for.
    pub task: TaskId,
    /// The run that it was taken for, an attempt at that task; `None` where it was taken by hand.
    pub run: Option<String>,
    /// The snapshot whose restoring took this one, because it overwrote something: a rescue.
    pub rescue_of: Option<String>,
    /// Free text.
    pub label: String,
    /// When.
    pub taken_at: Timestamp,
    /// The top of the working tree.
    pub worktree: PathBuf,
    /// The commit that HEAD was at; `None` before the first commit.
    pub head: Option<String>,
    /// The branch that HEAD was on, in full (`refs/heads/main`); `None` where it was detached.
    pub branch: Option<String>,
}
