//! Why an update did not happen, and what went wrong beside one that did.

use std::error::Error;
use std::path::PathBuf;

use atomic_file::CommitError;
use locked_file::SessionError;
use locked_file::together::FinishError;
use sidecar_lock::{AcquireError, InheritError, LostError};

use crate::journal::JournalError;
use crate::read::ReadError;

/// Why a story was not updated.
///
/// The file holds nothing of the edit, unless [`UpdateError::is_committed`] says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError<E: Error + 'static> {
    /// The lock was not acquired.
    #[error(transparent)]
    Lock(AcquireError),
    /// The lock of the parent process does not serve.
    #[error(transparent)]
    Inherit(InheritError),
    /// The story was not read.
    #[error(transparent)]
    Read(ReadError),
    /// The closure refused.
    #[error(transparent)]
    Edit(E),
    /// The edit would make the story larger than any that is read ([`MAX_STORY_BYTES`](crate::MAX_STORY_BYTES)).
    #[error(
        "cannot update {}: it would have {size} bytes, more than the limit of {limit}",
        path.display()
    )]
    TooLarge {
        /// The story, with all links resolved.
        path: PathBuf,
        /// The size that it would have.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Others, without our lock, changed the story again and again until the limit. Try again later.
    #[error(
        "cannot update {}: others kept changing it; the edit was tried {} times",
        path.display(), reruns + 1
    )]
    Conflict {
        /// The story, with all links resolved.
        path: PathBuf,
        /// How often the edit was tried again.
        reruns: u32,
    },
    /// Somebody kept removing the lock file until the limit, or that of the parent process is gone. Try again.
    #[error("cannot update {}: its lock was lost", path.display())]
    LockLost {
        /// The story, with all links resolved.
        path: PathBuf,
        /// What became of the lock file.
        source: LostError,
    },
    /// The new version was not put in place, or not known to be durable.
    #[error(transparent)]
    Commit(CommitError),
    /// The journal does not take the operation's line, or does not say whether it was done before. Retrying helps after
    /// repair.
    #[error("operation {op} is not safe to do: it would not be remembered")]
    Journal {
        /// The operation's id.
        op: String,
        /// What is wrong with the journal.
        source: JournalError,
    },
    /// The operation with this id was done before: it is in the story, and was not done again.
    #[error("operation {op} was done before, at {at}")]
    AlreadyDone {
        /// The operation's id.
        op: String,
        /// When, as the journal has it.
        at: String,
        /// The story, with all links resolved.
        path: PathBuf,
        /// The story's revision now.
        revision: String,
    },
    /// An operation with this id was begun, and nobody can say whether it was done: the file was changed by somebody
    /// without a journal since. Look at the story; repeat the operation under another id if it is not in it.
    #[error(
        "nobody can say whether operation {op} of {at} was done: the file was changed without a journal since"
    )]
    OutcomeUnknown {
        /// The operation's id.
        op: String,
        /// When it was begun, as the journal has it.
        at: String,
    },
    /// The id belongs to an operation of another kind. Retrying does not help.
    #[error("operation {op} is another: {command} at {at}")]
    OtherOperation {
        /// The operation's id.
        op: String,
        /// What it was.
        command: String,
        /// When.
        at: String,
    },
}

impl<E: Error + 'static> UpdateError<E> {
    /// Whether the same call may well succeed a moment later. Never after a commit.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lock(err) => err.is_retryable(),
            Self::Read(err) => err.is_retryable(),
            Self::Commit(err) => err.is_retryable(),
            Self::Conflict { .. } | Self::LockLost { .. } => true,
            Self::Inherit(_)
            | Self::Edit(_)
            | Self::TooLarge { .. }
            | Self::Journal { .. }
            | Self::AlreadyDone { .. }
            | Self::OutcomeUnknown { .. }
            | Self::OtherOperation { .. } => false,
        }
    }

    /// Whether the edit is in the file in spite of the error: it must not be applied again.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Commit(err) if err.is_committed())
    }
}

impl<E: Error + 'static> From<FinishError> for UpdateError<E> {
    fn from(err: FinishError) -> Self {
        match err {
            FinishError::Read(err) => Self::Read(err.into()),
            FinishError::Lock(err) => Self::Lock(err),
            FinishError::Commit(err) => Self::Commit(err),
        }
    }
}

impl<E: Error + 'static> From<SessionError> for UpdateError<E> {
    fn from(err: SessionError) -> Self {
        match err {
            SessionError::Lock(err) => Self::Lock(err),
            SessionError::Inherit(err) => Self::Inherit(err),
            SessionError::Conflict { path, reruns } => Self::Conflict { path, reruns },
            SessionError::LockLost { path, source } => Self::LockLost { path, source },
            SessionError::Commit(err) => Self::Commit(err),
        }
    }
}

/// Something worth telling beside an update that succeeded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The change has no line in the journal.
    #[error(transparent)]
    Journal(JournalError),
    /// Something about the story's file, its lock, or a transaction over several stories.
    #[error(transparent)]
    File(#[from] locked_file::Warning),
}
