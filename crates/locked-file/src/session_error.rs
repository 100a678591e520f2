//! Why a session under a file's lock came to nothing.

use std::path::PathBuf;

use atomic_file::CommitError;
use sidecar_lock::{AcquireError, InheritError, LostError};

/// Why a file was not changed.
///
/// It holds nothing of the change, unless [`SessionError::is_committed`] says so.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The lock was not acquired.
    #[error(transparent)]
    Lock(AcquireError),
    /// The lock of the parent process does not serve.
    #[error(transparent)]
    Inherit(InheritError),
    /// Others, without our lock, changed the file again and again until the limit. Try again later.
    #[error(
        "cannot update {}: others kept changing it; the edit was tried {} times",
        path.display(), reruns + 1
    )]
    Conflict {
        /// The file, with all links resolved.
        path: PathBuf,
        /// How often the edit was tried again.
        reruns: u32,
    },
    /// Somebody kept removing the lock file until the limit, or that of the parent process is gone. Try again.
    #[error("cannot update {}: its lock was lost", path.display())]
    LockLost {
        /// The file, with all links resolved.
        path: PathBuf,
        /// What became of the lock file.
        source: LostError,
    },
    /// The new version was not put in place, or not known to be durable.
    #[error(transparent)]
    Commit(CommitError),
}

impl SessionError {
    /// Whether the same call may well succeed a moment later. Never after a commit.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lock(err) => err.is_retryable(),
            Self::Commit(err) => err.is_retryable(),
            Self::Conflict { .. } | Self::LockLost { .. } => true,
            Self::Inherit(_) => false,
        }
    }

    /// Whether the change is in the file in spite of the error: it must not be made again.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Commit(err) if err.is_committed())
    }
}
