//! What is worth telling beside a change of a file that was made.

use std::path::{Path, PathBuf};

use atomic_file::{CommitError, CommitWarning, SweepError};
use sidecar_lock::ReleaseError;

/// Something worth telling beside an update that succeeded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The commit left something to be desired.
    #[error(transparent)]
    Commit(CommitWarning),
    /// The lock file was not removed, or somebody else had removed it.
    #[error(transparent)]
    Release(ReleaseError),
    /// A writer had died while it held a version of somebody else; that version has its name again.
    #[error("{} is again the version that a writer who died had displaced", path.display())]
    Restored {
        /// The file.
        path: PathBuf,
    },
    /// A writer had died, and what it may have left beside the file was not looked at: a sweep does that later.
    #[error("what a dead writer may have left beside {} was not looked at", path.display())]
    NotSwept {
        /// The file.
        path: PathBuf,
        /// Why; `None` when other writers were at work in the folder.
        source: Option<SweepError>,
    },
    /// A version of somebody else was overtaken by a newer one and is kept beside the file for a person to look at.
    #[error("another version of {} was kept as {}", path.display(), rescued.display())]
    Rescued {
        /// The file.
        path: PathBuf,
        /// Where that version is.
        rescued: PathBuf,
    },
    /// A transaction over several files had been decided by a process that died; its part in this one is in place now.
    #[error("finished in {} what a process that died had begun", path.display())]
    Finished {
        /// The file.
        path: PathBuf,
    },
    /// The same as [`Warning::Finished`], but somebody has changed the file otherwise meanwhile: what it was to be is kept
    /// for a person.
    #[error("a process that died had begun to change {}; somebody else has changed the same; its version was kept as {}", path.display(), kept.display())]
    SetAside {
        /// The file.
        path: PathBuf,
        /// Where that version is.
        kept: PathBuf,
    },
    /// A transaction over several files is in place, but the file that described it could not be removed.
    #[error(
        "what described the transaction was not removed; the next update of its files does that"
    )]
    RecordLeft {
        /// Why.
        source: CommitError,
    },
}

impl Warning {
    pub(crate) fn not_swept(path: &Path, source: Option<SweepError>) -> Self {
        Self::NotSwept {
            path: path.to_path_buf(),
            source,
        }
    }

    pub(crate) fn rescued(path: &Path, rescued: PathBuf) -> Self {
        Self::Rescued {
            path: path.to_path_buf(),
            rescued,
        }
    }
}
