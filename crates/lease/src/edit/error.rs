//! Why an edit was not made, and what may be worth telling beside one that was.

use std::path::PathBuf;

use atomic_file::{CommitError, CommitWarning, ReadError, Revision, RevisionPrefix, SweepError};
use sidecar_lock::{AcquireError, LostError, ReleaseError};

use super::replacement::MOST_COUNTED;
use crate::error::{LeaseError, StoreError};
use crate::project_path::{PathError, ProjectPath};

/// Why an edit was not made. The file is unchanged, except where [`EditError::is_committed`] is true.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The agent may not write the file: it does not hold it, or the leases cannot be read.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The piece that was to be replaced is not there. Read the file again.
    #[error("the text to replace does not occur in {path}")]
    NotFound {
        /// The file.
        path: ProjectPath,
    },
    /// The piece occurs more than once. Say more of what stands around it.
    #[error("the text to replace occurs {} times in {path}: {}", counted(*.count), in_lines(.lines, *.count))]
    Ambiguous {
        /// The file.
        path: ProjectPath,
        /// How often; counted up to 1,000.
        count: usize,
        /// The lines in which the first ten begin, from 1.
        lines: Vec<usize>,
    },
    /// No piece was named. Retrying does not help.
    #[error("the text to replace is empty")]
    NothingToFind,
    /// There is no such file.
    #[error("{path} does not exist")]
    Missing {
        /// The file.
        path: ProjectPath,
    },
    /// The file that was to be made is there. Read it, and decide anew.
    #[error("{path} exists already")]
    Exists {
        /// The file.
        path: ProjectPath,
    },
    /// The file is another version than was expected. Read it again.
    #[error("{path} has the revision {found}, not {expected}")]
    RevisionDiffers {
        /// The file.
        path: ProjectPath,
        /// What was expected.
        expected: RevisionPrefix,
        /// What it is.
        found: Revision,
    },
    /// The file is no agent's business. Retrying does not help.
    #[error("{path} is not for agents to edit: it {reason}")]
    Refused {
        /// The file.
        path: ProjectPath,
        /// What it is.
        reason: &'static str,
    },
    /// The file would no longer be what it has to be ([`Workplace::judge`](super::Workplace)). Retrying does not help.
    #[error("{path} was left as it is: {reason}")]
    Unfit {
        /// The file.
        path: ProjectPath,
        /// What would be wrong with it.
        reason: String,
    },
    /// The file, or what it would become, is too large. Retrying does not help.
    #[error("{path} has {size} bytes, and at most {limit} are edited")]
    TooLarge {
        /// The file.
        path: ProjectPath,
        /// Its bytes.
        size: u64,
        /// The most.
        limit: u64,
    },
    /// The lock of the file was not to be had. [`AcquireError::is_retryable`] says whether trying again helps.
    #[error(transparent)]
    Lock(#[from] AcquireError),
    /// A file with contents stands where the lock file would: data, or another tool's lock. It was left alone. Trying again
    /// helps once it is gone.
    #[error("{} stands where the lock of {path} would; whether it is a lock or data cannot be told, so it was left alone", .obstacle.display())]
    Obstructed {
        /// The file that was to be edited.
        path: ProjectPath,
        /// What stands there.
        obstacle: PathBuf,
    },
    /// Somebody kept removing the lock file. Try again later, and find out who it is.
    #[error("the lock of {path} was lost again and again")]
    LockLost {
        /// The file.
        path: ProjectPath,
        /// The last time.
        source: LostError,
    },
    /// Somebody without the lock kept changing the file, or the folders on the way to it. Try again later.
    #[error("others kept changing {path} while it was edited")]
    Conflict {
        /// The file.
        path: ProjectPath,
    },
    /// What a dead process had decided of the file could not be finished ([`Workplace::finish`](super::Workplace)). Retrying helps
    /// after repair.
    #[error("what another process had decided of {path} could not be finished: {reason}")]
    Unfinished {
        /// The file.
        path: ProjectPath,
        /// Why.
        reason: String,
    },
    /// The file cannot be read. [`ReadError::is_retryable`] says whether trying again helps.
    #[error(transparent)]
    Read(ReadError),
    /// The file cannot be written. [`CommitError::is_committed`] tells whether it was all the same.
    #[error(transparent)]
    Commit(CommitError),
}

fn counted(count: usize) -> String {
    let prefix = if count < MOST_COUNTED {
        ""
    } else {
        "at least "
    };
    format!("{prefix}{count}")
}

fn in_lines(lines: &[usize], count: usize) -> String {
    let named: Vec<_> = lines.iter().map(ToString::to_string).collect();
    let more = if count > lines.len() { ", ..." } else { "" };
    format!("in the lines {}{more}", named.join(", "))
}

impl From<PathError> for EditError {
    fn from(err: PathError) -> Self {
        Self::Lease(err.into())
    }
}

impl From<StoreError> for EditError {
    fn from(err: StoreError) -> Self {
        Self::Lease(err.into())
    }
}

impl EditError {
    /// Whether the same call may succeed later by itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lease(err) => err.is_retryable(),
            Self::Lock(err) => err.is_retryable(),
            Self::Read(err) => err.is_retryable(),
            Self::Commit(err) => err.is_retryable(),
            Self::Obstructed { .. } | Self::LockLost { .. } | Self::Conflict { .. } => true,
            _ => false,
        }
    }

    /// Whether the new contents are in place in spite of the error. Repeating the edit would apply it twice.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Commit(err) if err.is_committed())
    }
}

/// Something worth telling about an edit that was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditWarning {
    /// The commit left something to be desired.
    #[error(transparent)]
    Commit(CommitWarning),
    /// What a dead process had decided of the file was finished before it was edited.
    #[error("{what}")]
    Finished {
        /// What was done.
        what: String,
    },
    /// The lock file was not removed, or somebody else had removed it.
    #[error(transparent)]
    Release(ReleaseError),
    /// A writer had died while it held a version of somebody else; that version has its name again.
    #[error("{} is again the version that a writer who died had displaced", .path.display())]
    Restored {
        /// The file.
        path: PathBuf,
    },
    /// A version of somebody else was overtaken by a newer one and is kept for a person to look at.
    #[error("another version was kept as {}", .rescued.display())]
    Rescued {
        /// Where that version is.
        rescued: PathBuf,
    },
    /// A writer had died, and what it may have left beside the file was not looked at: a sweep does that later.
    #[error("what a dead writer may have left beside {} was not looked at", .path.display())]
    NotSwept {
        /// The file.
        path: PathBuf,
        /// Why; `None` when other writers were at work in the folder.
        source: Option<SweepError>,
    },
}
