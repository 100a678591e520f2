//! Why a task was not run.

use crate::journal::JournalError;
use crate::snapshot::SnapshotError;
use crate::state_lock::StateLockError;

/// Why a task was not run. The work was not called, and the tree is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Another task runs in the tree, or its lock cannot be used. Retrying helps as its own words say.
    #[error(transparent)]
    Lock(#[from] StateLockError),
    /// The journal of the tree cannot be used. Retrying helps where [`JournalError::is_retryable`] says so.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The tree cannot be recorded. Retrying helps after what it says was done.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}
