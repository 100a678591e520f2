//! What can go wrong, told apart by what the caller can do about it.

use std::convert::Infallible;
use std::error::Error;
use std::path::{Path, PathBuf};

use atomic_file::CommitError;
use json_text::{EditError, ParseError};
use locked_file::SessionError;
use sidecar_lock::{AcquireError, InheritError, LostError};

use crate::version::{Version, VersionError};

/// Why a state file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be read: not there, not a file, too large, no permission.
    #[error(transparent)]
    File(#[from] atomic_file::ReadError),
    /// The file is not one JSON text. A person must repair it.
    #[error("{} is not readable JSON", path.display())]
    Parse {
        /// The file, with all links resolved.
        path: PathBuf,
        /// What is wrong, and where.
        source: ParseError,
    },
    /// It is JSON, but not of the expected type.
    #[error("{} is not what is expected at {member}", path.display())]
    Shape {
        /// The file, with all links resolved.
        path: PathBuf,
        /// The member that does not fit, `tasks[3].priority`; `.` is the whole.
        member: String,
        /// What was expected there.
        source: serde_json::Error,
    },
    /// It has no version member that serves.
    #[error("cannot tell the version of {}", path.display())]
    Version {
        /// The file, with all links resolved.
        path: PathBuf,
        /// What is wrong with the member.
        source: VersionError,
    },
}

impl ReadError {
    /// Whether the same call may well succeed a moment later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::File(err) => err.is_retryable(),
            Self::Parse { .. } | Self::Shape { .. } | Self::Version { .. } => false,
        }
    }

    /// Whether there is no such file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::File(atomic_file::ReadError::NotFound { .. }))
    }

    /// The file that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(err) => err.path(),
            Self::Parse { path, .. } | Self::Shape { path, .. } | Self::Version { path, .. } => {
                path
            }
        }
    }
}

/// Why a state file was not changed. `E` is what the caller's closure may return.
///
/// The file holds nothing of the change, unless [`UpdateError::is_committed`] says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError<E: Error + 'static = Infallible> {
    /// The lock was not acquired.
    #[error(transparent)]
    Lock(AcquireError),
    /// The lock of the parent process does not serve.
    #[error(transparent)]
    Inherit(InheritError),
    /// The file was not read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The closure refused.
    #[error(transparent)]
    Edit(E),
    /// The new value is none that JSON can say.
    #[error("cannot write the new value of {} as JSON", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// What differs between the old value and the new one has no place in the file's text.
    #[error("cannot change {}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// Which member, and what stands there.
        source: EditError,
    },
    /// The change would make the file larger than any that is read ([`MAX_STATE_BYTES`](crate::MAX_STATE_BYTES)).
    #[error(
        "cannot change {}: it would have {size} bytes, more than the limit of {limit}",
        path.display()
    )]
    TooLarge {
        /// The file, with all links resolved.
        path: PathBuf,
        /// The size that it would have.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The file is another version than the one that the change was thought out for. Read it again, think again.
    #[error("cannot change {}: it is no longer version {expected}, but {found}", path.display())]
    Conflict {
        /// The file, with all links resolved.
        path: PathBuf,
        /// The version that the caller had seen.
        expected: Version,
        /// The version that it has now.
        found: Version,
    },
    /// Others, without our lock, changed the file again and again until the limit. Try again later.
    #[error(
        "cannot change {}: others kept changing it; the change was tried {} times",
        path.display(), reruns + 1
    )]
    Interfered {
        /// The file, with all links resolved.
        path: PathBuf,
        /// How often the change was tried again.
        reruns: u32,
    },
    /// Somebody kept removing the lock file until the limit, or that of the parent process is gone. Try again.
    #[error("cannot change {}: its lock was lost", path.display())]
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

impl<E: Error + 'static> UpdateError<E> {
    /// Whether the same call may well succeed a moment later: for [`UpdateError::Conflict`] after reading again. Never
    /// after a commit.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lock(err) => err.is_retryable(),
            Self::Read(err) => err.is_retryable(),
            Self::Commit(err) => err.is_retryable(),
            Self::Conflict { .. } | Self::Interfered { .. } | Self::LockLost { .. } => true,
            Self::Inherit(_)
            | Self::Edit(_)
            | Self::Unwritable { .. }
            | Self::Text { .. }
            | Self::TooLarge { .. } => false,
        }
    }

    /// Whether the change is in the file in spite of the error: it must not be made again.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Commit(err) if err.is_committed())
    }

    /// Whether there is no such file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Read(err) if err.is_not_found())
    }
}

impl<E: Error + 'static> From<SessionError> for UpdateError<E> {
    fn from(err: SessionError) -> Self {
        match err {
            SessionError::Lock(err) => Self::Lock(err),
            SessionError::Inherit(err) => Self::Inherit(err),
            SessionError::Conflict { path, reruns } => Self::Interfered { path, reruns },
            SessionError::LockLost { path, source } => Self::LockLost { path, source },
            SessionError::Commit(err) => Self::Commit(err),
        }
    }
}
