//! Why the lock of a tree was not had.

use std::path::PathBuf;
use std::time::Duration;

use sidecar_lock::{AcquireError, InheritError, InspectError};

use super::holder::TreeHolder;

/// Somebody else runs a task in the tree. Nothing was changed; retrying helps once they are done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tree {} is locked by another process: {holder}", .top.display())]
pub struct StateLockConflictError {
    /// The top of the tree.
    pub top: PathBuf,
    /// The lock.
    pub path: PathBuf,
    /// Who has it.
    pub holder: TreeHolder,
    /// How long this call waited.
    pub waited: Duration,
}

impl StateLockConflictError {
    /// The process that took the lock, where its file tells.
    pub fn pid(&self) -> Option<u32> {
        self.holder.pid
    }

    /// The task that runs there, where its file tells.
    pub fn task_id(&self) -> Option<&str> {
        self.holder.task_id.as_deref()
    }
}

/// Why the lock of a tree was not acquired, looked at or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateLockError {
    /// Somebody else runs a task in the tree.
    #[error(transparent)]
    Conflict(#[from] Box<StateLockConflictError>),
    /// This thread, or a process that started this one, runs a task in the tree: waiting would be waiting for itself. Retrying
    /// does not help.
    #[error("a task that runs in {} cannot start another one there", .top.display())]
    Nested {
        /// The top of the tree.
        top: PathBuf,
    },
    /// The lock cannot be made: no permission, no space, or something that is no lock stands there. Retrying helps after
    /// repair.
    #[error(transparent)]
    Acquire(AcquireError),
    /// The lock cannot be read. Retrying helps after repair.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// The lock of the process that started this one cannot be read. Retrying helps after repair.
    #[error(transparent)]
    Inherit(InheritError),
}
