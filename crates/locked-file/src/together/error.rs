//! Why several files were not changed together, and what stood in the way of finishing a transaction.

use std::error::Error;
use std::path::PathBuf;

use atomic_file::{CommitError, ReadError};
use sidecar_lock::AcquireError;

use crate::session_error::SessionError;

/// Why several files were not changed together.
///
/// None of them is changed, unless [`TogetherError::is_committed`] says so.
#[derive(Debug, thiserror::Error)]
pub enum TogetherError<E: Error + 'static> {
    /// The lock of one of the files, or its new version, stands in the way.
    #[error("{source}")]
    Session {
        /// Its place among the files that were given.
        index: usize,
        /// Why.
        source: SessionError,
    },
    /// What an earlier transaction wanted of one of the files could not be finished first.
    #[error("{source}")]
    Pending {
        /// Its place.
        index: usize,
        /// Why.
        source: FinishError,
    },
    /// The edit of one of the files refused.
    #[error("{source}")]
    Edit {
        /// Its place.
        index: usize,
        /// What the edit returned.
        source: E,
    },
    /// The edit would make a file larger than any that is read. Retrying does not help.
    #[error(
        "cannot update {}: it would have {size} bytes, more than the limit of {limit}",
        path.display()
    )]
    TooLarge {
        /// Its place.
        index: usize,
        /// The file, with all links resolved.
        path: PathBuf,
        /// The size that it would have.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Two of the paths mean one file. Retrying does not help.
    #[error("{} is named twice", path.display())]
    Twice {
        /// The place of the second.
        index: usize,
        /// The file, with all links resolved.
        path: PathBuf,
    },
    /// A file has no place for a transaction's record, or another than the first. Retrying does not help.
    #[error("{} does not lie where the first file lies", path.display())]
    OtherPlace {
        /// The place of the file among those that were given.
        index: usize,
        /// The file, with all links resolved.
        path: PathBuf,
    },
    /// The transaction could not be decided: its record was not written. Retrying helps after repair.
    #[error("the transaction cannot be written down")]
    Undecided {
        /// Why.
        source: CommitError,
    },
    /// The transaction is decided, but could not be carried out to the end. Whoever next updates one of the files
    /// finishes it; do not apply it again.
    #[error("the transaction is decided, and will be finished by the next update of its files")]
    Unfinished {
        /// Why it could not be finished at once.
        source: FinishError,
    },
}

impl<E: Error + 'static> TogetherError<E> {
    /// Whether the same call may well succeed a moment later, as far as the files are concerned: an edit's own error is
    /// for its author to judge. Never after the decision.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Session { source, .. } => source.is_retryable(),
            Self::Pending { source, .. } => source.is_retryable(),
            _ => false,
        }
    }

    /// Whether the edits are decided in spite of the error: they must not be applied again.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Unfinished { .. })
    }
}

/// What stood in the way of finishing a transaction. It stays decided.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// A file or a record could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The lock of a file or of a record was not acquired.
    #[error(transparent)]
    Lock(#[from] AcquireError),
    /// A file could not be written.
    #[error(transparent)]
    Commit(CommitError),
}

impl FinishError {
    /// Whether the same call may well succeed a moment later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Read(err) => err.is_retryable(),
            Self::Lock(err) => err.is_retryable(),
            Self::Commit(err) => err.is_retryable(),
        }
    }
}

impl From<CommitError> for FinishError {
    fn from(err: CommitError) -> Self {
        Self::Commit(match err {
            // It is another transaction's: nobody must think that the caller's own edit is in place.
            CommitError::CommittedUnsynced { path, source } => {
                let step = "finish a transaction durably";
                CommitError::Io { step, path, source }
            }
            err => err,
        })
    }
}
