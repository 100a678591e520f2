//! What can go wrong with the journal, and what is worth telling about it.

use std::fmt;
use std::path::PathBuf;

use sqlite_file::{DatabaseError, Leftovers};

/// Why the journal could not be read or written. What was to be written is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The database. Retrying helps where [`DatabaseError::is_retryable`] says so.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A row makes no sense; somebody has edited it. Retrying does not help.
    #[error("{} cannot be understood: {reason}", .path.display())]
    Unreadable {
        /// The database.
        path: PathBuf,
        /// Which row, and why.
        reason: String,
    },
    /// It was deleted or replaced again and again while it was being written. Retrying may help.
    #[error("somebody keeps deleting {}", .path.display())]
    Interfered {
        /// The database.
        path: PathBuf,
    },
}

impl JournalError {
    /// Whether the same call may succeed later by itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Database(err) => err.is_retryable(),
            Self::Unreadable { .. } => false,
            Self::Interfered { .. } => true,
        }
    }
}

/// Something about the journal that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalWarning {
    /// Nobody used it, but a `-wal` or `-shm` lay beside it: who used it last was killed. What was committed is in it now.
    LeftBehind {
        /// The database.
        path: PathBuf,
        /// What lay there.
        found: Leftovers,
    },
}

impl fmt::Display for JournalWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::LeftBehind { path, found } = self;
        let path = path.display();
        let came_to_its_end = !found.checkpoint.busy;
        match found.wal_bytes {
            None | Some(0) => write!(
                f,
                "a process that was killed left files beside {path}; nothing was in them"
            ),
            Some(bytes) if came_to_its_end => write!(
                f,
                "a process that was killed left {path}-wal ({bytes} bytes); all that it had committed is in {path} now"
            ),
            Some(bytes) => write!(
                f,
                "a process that was killed left {path}-wal ({bytes} bytes); all that it had committed is read, and comes \
                 into {path} itself later"
            ),
        }
    }
}
