//! Why a story was not made.

use std::path::PathBuf;

use atomic_file::CommitError;
use sidecar_lock::{AcquireError, LostError};

use crate::error::EditError;
use crate::folder::FolderError;
use crate::read::MAX_STORY_BYTES;
use crate::sanitise::IdError;

/// Why a story was not made. Nothing is left but perhaps an empty folder, except where [`CreateError::is_committed`] is true.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// There is no folder of stories. Retrying helps once it is made.
    #[error("there is no folder {}", .path.display())]
    NoStories {
        /// Where it should be.
        path: PathBuf,
    },
    /// The title is empty, or nothing of it may stand in a title. Retrying does not help.
    #[error("the title is empty")]
    NoTitle,
    /// The text that was asked for cannot be an id. Retrying does not help.
    #[error("{id:?} is not a story id")]
    Id {
        /// The text.
        id: String,
        /// Why.
        #[source]
        reason: IdError,
    },
    /// The id that was asked for is not a text. Retrying does not help.
    #[error("an id is a text")]
    IdIsNoText,
    /// The id that was asked for exists: as a story, as an empty folder, in a legacy folder or a worktree. Retrying does not
    /// help.
    #[error("the id {id} is taken")]
    Taken {
        /// The id.
        id: String,
        /// Where its story would be.
        path: PathBuf,
    },
    /// No lock. [`AcquireError::is_retryable`] says whether retrying helps.
    #[error(transparent)]
    Lock(#[from] AcquireError),
    /// The lock was lost while it was needed. Retrying helps.
    #[error(transparent)]
    Lost(#[from] LostError),
    /// A folder of stories cannot be listed, so that it is not known which ids exist. Retrying helps after repair.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A field cannot be written. Retrying does not help.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The story is larger than what is read. Retrying does not help.
    #[error("the story has {size} bytes, more than the {MAX_STORY_BYTES} that are read")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// The folder or the file was not made, or is not known to be durable.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl CreateError {
    /// Whether the same call may well succeed a moment later. Never after a commit.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lock(err) => err.is_retryable(),
            Self::Lost(_) => true,
            Self::Commit(err) => err.is_retryable(),
            _ => false,
        }
    }

    /// Whether the story is there in spite of the error.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Commit(err) if err.is_committed())
    }
}
