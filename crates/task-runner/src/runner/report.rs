//! What a run has come to.

use std::fmt;
use std::path::PathBuf;

use sidecar_lock::{LostError, ReleaseError};

use crate::drop::DropError;
use crate::ended::Ended;
use crate::journal::JournalError;
use crate::restore::{RestoreError, Restored};
use crate::snapshot::{Snapshot, SnapshotError};
use crate::task_id::TaskId;

/// What a run has come to.
#[derive(Debug)]
pub struct Report {
    /// The task.
    pub task: TaskId,
    /// The name of this attempt.
    pub run: String,
    /// The state before.
    pub snapshot: Snapshot,
    /// How the work ended.
    pub ended: Ended,
    /// What became of the snapshot and the tree.
    pub fate: Fate,
    /// What went wrong beside the work. Nothing is lost by any of them.
    pub troubles: Vec<Trouble>,
}

/// What became of the snapshot and the tree.
#[derive(Debug)]
pub enum Fate {
    /// The snapshot is gone: all that it held is in the tree, the index or the history.
    Dropped,
    /// The tree is as it is, and somebody has deleted the ref of the snapshot: git removes it some day, if it is there at all.
    Gone,
    /// Snapshot and tree are as they are.
    Kept(Kept),
    /// The tree is what it was before.
    Restored {
        /// What this took.
        restored: Box<Restored>,
        /// Whether the snapshot is gone, because the tree holds all of it again.
        is_dropped: bool,
    },
}

/// Why a snapshot was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The work did not end well, and the way back is kept.
    NotDone,
    /// The work ended well, but the snapshot holds something that is nowhere else; see [`Dropped::Kept`](crate::Dropped).
    OnlyCopy {
        /// The files, relative to the top of the tree.
        only_there: Vec<PathBuf>,
        /// The commit that no branch leads to any more.
        commit: Option<String>,
    },
    /// Something went wrong that is among the troubles.
    Trouble,
}

/// Something that went wrong beside the work.
#[derive(Debug)]
#[non_exhaustive]
pub enum Trouble {
    /// The lock was taken from us while the work went on: others may have worked in the tree as well.
    LockLost(LostError),
    /// Somebody has deleted the journal meanwhile. It was begun anew, with this run alone.
    JournalDeleted,
    /// The journal does not say how the run ended, or what became of its snapshot.
    NotWrittenDown(JournalError),
    /// The snapshot is not found where it was.
    NotFound(SnapshotError),
    /// Whether the snapshot could be dropped is not known.
    NotDropped(DropError),
    /// The tree was not restored, or not wholly.
    NotRestored(RestoreError),
    /// The lock was not removed.
    NotReleased(ReleaseError),
}

impl Trouble {
    /// The error behind it, where there is one.
    pub fn error(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::LockLost(err) => err,
            Self::JournalDeleted => return None,
            Self::NotWrittenDown(err) => err,
            Self::NotFound(err) => err,
            Self::NotDropped(err) => err,
            Self::NotRestored(err) => err,
            Self::NotReleased(err) => err,
        })
    }
}

/// What it means, without the error behind it.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LockLost(_) => {
                "the lock of the tree was not held to the end, so others may have worked in it"
            }
            Self::JournalDeleted => {
                "somebody has deleted the journal of tasks; it was begun anew, and says nothing of earlier ones"
            }
            Self::NotWrittenDown(_) => "how the task ended is not written down",
            Self::NotFound(_) => "the snapshot is not found",
            Self::NotDropped(_) => "the snapshot was not dropped",
            Self::NotRestored(_) => "the tree was not restored",
            Self::NotReleased(_) => "the lock of the tree was not released",
        })
    }
}
