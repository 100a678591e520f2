//! What can go wrong with a board on disk, told apart by what the caller can do about it.

use std::path::{Path, PathBuf};

use atomic_file::CommitError;
use locked_file::SessionError;
use locked_file::together::{FinishError, TogetherError};

use super::error::RuleError;
use super::paper::TextError;
use crate::error::ReadError;

/// Why a board was not read or changed.
///
/// Neither file holds anything of the change, unless [`BoardError::is_committed`] says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoardError {
    /// A rule refuses it.
    #[error(transparent)]
    Rule(RuleError),
    /// A file is JSON, but not what is expected of it. A person must repair it.
    #[error("{} cannot be understood: {source}", path.display())]
    Unclear {
        /// The file.
        path: PathBuf,
        /// Which task and member; always [`RuleError::Unclear`].
        source: RuleError,
    },
    /// A file was not read: not there, not JSON, no permission.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The lock of a file, or its new version, stands in the way.
    #[error(transparent)]
    Session(SessionError),
    /// What an earlier transaction wanted of a file could not be finished first.
    #[error("what another process had begun could not be finished")]
    Pending {
        /// Why.
        source: FinishError,
    },
    /// The change would make a file larger than any that is read ([`MAX_STATE_BYTES`](crate::MAX_STATE_BYTES)).
    #[error("cannot change {}: it would have {size} bytes, more than the limit of {limit}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The size that it would have.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Tasks and metrics do not lie in one folder, or are one file: they could not change together. Retrying does not help.
    #[error("the tasks {} and the metrics {} must be two files of one folder", tasks.display(), metrics.display())]
    Apart {
        /// The file of tasks.
        tasks: PathBuf,
        /// The metrics file.
        metrics: PathBuf,
    },
    /// The transaction could not be written down. Retrying helps after repair.
    #[error("the change cannot be written down")]
    Undecided {
        /// Why.
        source: CommitError,
    },
    /// The change is decided, but could not be carried out to the end. Whoever next changes the board finishes it,
    /// and whoever reads it sees it; do not make it again.
    #[error("the change is decided, and will be finished by the next one")]
    Unfinished {
        /// Why it could not be finished at once.
        source: FinishError,
    },
}

impl BoardError {
    /// Whether the same call may well succeed a moment later. Never after the decision.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Rule(err) => err.is_retryable(),
            Self::Read(err) => err.is_retryable(),
            Self::Session(err) => err.is_retryable(),
            Self::Pending { source } => source.is_retryable(),
            Self::Unclear { .. }
            | Self::TooLarge { .. }
            | Self::Apart { .. }
            | Self::Undecided { .. }
            | Self::Unfinished { .. } => false,
        }
    }

    /// Whether the change is decided in spite of the error: it must not be made again.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Unfinished { .. })
    }

    /// The error of a text of a file.
    pub(super) fn of_text(err: TextError, path: &Path) -> Self {
        let path = path.to_path_buf();
        match err {
            TextError::Parse(source) => Self::Read(ReadError::Parse { path, source }),
            TextError::Rule(source @ RuleError::Unclear { .. }) => Self::Unclear { path, source },
            TextError::Rule(err) => Self::Rule(err),
        }
    }

    /// The error of the transaction over both files.
    pub(super) fn of_both(err: TogetherError<Self>, tasks: &Path, metrics: &Path) -> Self {
        match err {
            TogetherError::Edit { source, .. } => source,
            TogetherError::Session { source, .. } => Self::Session(source),
            TogetherError::Pending { source, .. } => Self::Pending { source },
            TogetherError::TooLarge {
                path, size, limit, ..
            } => Self::TooLarge { path, size, limit },
            TogetherError::Twice { .. } | TogetherError::OtherPlace { .. } => Self::Apart {
                tasks: tasks.to_path_buf(),
                metrics: metrics.to_path_buf(),
            },
            TogetherError::Undecided { source } => Self::Undecided { source },
            TogetherError::Unfinished { source } => Self::Unfinished { source },
        }
    }
}
