//! Why a tree was not brought back, or not whole.

use std::io;
use std::path::PathBuf;

use super::apply::ApplyError;
use super::index::IndexError;
use super::obstacle::Obstacle;
use super::rules::RulesError;
use super::shared::SharedError;
use crate::git::GitError;
use crate::snapshot::{Snapshot, SnapshotError};

/// A tree was not brought back. All but [`RestoreError::Unfinished`] mean that nothing was touched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Git could not be used. Whether retrying helps is in what it said.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The snapshot cannot be read, or what is there cannot be recorded before it is overwritten. Retrying helps after
    /// repair.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The snapshot is one of another working tree. Retrying helps there, or with leave to restore it elsewhere.
    #[error("the snapshot {id} is one of {}, not of {}", worktree.display(), here.display())]
    Elsewhere {
        /// The snapshot.
        id: String,
        /// Where it was taken.
        worktree: PathBuf,
        /// Where it was to be restored.
        here: PathBuf,
    },
    /// Something stands where a file has to come, and is in no snapshot. Retrying helps after it was moved away.
    #[error("nothing was touched, for something is in the way ({} in all): {}", obstacles.len(), first(obstacles))]
    Obstacles {
        /// All of them; at least one.
        obstacles: Vec<Obstacle>,
    },
    /// Another git has the index. Retrying helps when it has ended.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// It is not known what the recorded rules ignore. Retrying helps after repair.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The tree cannot be looked at. Retrying helps after repair.
    #[error("cannot look at the files of {}", top.display())]
    Look {
        /// The top of the tree.
        top: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Some of it was brought back, some not. Nothing is lost: the rescue has everything as it was before. The same call again
    /// brings it to an end when the reason is gone.
    #[error("only a part of the files was brought back ({written} written, {removed} removed); the rescue {} has all that was there", rescue.id)]
    Unfinished {
        /// What was there before this call.
        rescue: Box<Snapshot>,
        /// How many files were written.
        written: usize,
        /// How many files were removed.
        removed: usize,
        /// Why it did not go on.
        source: Box<Interruption>,
    },
}

/// Why a restore stopped on its way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Interruption {
    /// A file could not be brought back. Retrying helps after repair: there may be no space left.
    #[error(transparent)]
    File(#[from] ApplyError),
    /// A shared file could not be brought back.
    #[error("cannot bring back the shared file {}", path.display())]
    Shared {
        /// The file, relative to the top of the tree.
        path: PathBuf,
        /// Why.
        source: SharedError,
    },
    /// The files are back; the index is not.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A question to git failed, or HEAD could not be moved; the files are back.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Our own folder inside git's cannot be written.
    #[error("cannot write into git's folder")]
    Scratch {
        /// What the system said.
        source: io::Error,
    },
}

impl RestoreError {
    /// What has everything that was there before, where something was touched.
    pub fn rescue(&self) -> Option<&Snapshot> {
        match self {
            Self::Unfinished { rescue, .. } => Some(rescue),
            _ => None,
        }
    }

    /// Whether the same call may well succeed a moment later, without repair.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Index(err) => err.is_retryable(),
            Self::Unfinished { source, .. } => match &**source {
                Interruption::Index(err) => err.is_retryable(),
                _ => false,
            },
            _ => false,
        }
    }
}

fn first(obstacles: &[Obstacle]) -> String {
    let first = obstacles.first();
    first.map(Obstacle::to_string).unwrap_or_default()
}
