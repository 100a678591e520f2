//! Why a tree could not be recorded, or a snapshot not be found.

use std::fmt;
use std::io;
use std::path::PathBuf;

use atomic_file::ReadError;
use serde::{Deserialize, Serialize};
use sidecar_lock::AcquireError;

use crate::git::GitError;

/// What git is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Operation {
    /// `git merge`.
    Merge,
    /// `git rebase`.
    Rebase,
    /// `git am`.
    Am,
    /// `git cherry-pick`.
    CherryPick,
    /// `git revert`.
    Revert,
}

impl Operation {
    /// The plain git command that ends it and leaves the files, the index and HEAD as they are. `git merge --quit` needs git 2.23,
    /// the others less.
    pub fn quit_command(self) -> String {
        format!("git {self} --quit")
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::Am => "am",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
        })
    }
}

/// A tree was not recorded, or a snapshot not found. Nothing was touched, and no ref was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Git could not be used. Whether retrying helps is in what it said.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Git is in the middle of something that a snapshot cannot hold. Retrying helps after it was ended.
    #[error("a git {operation} is in progress in {}", top.display())]
    InProgress {
        /// What.
        operation: Operation,
        /// The top of the tree.
        top: PathBuf,
    },
    /// The index holds conflicts of a merge. Retrying helps after they were resolved.
    #[error("the index of {} holds unmerged files, {} among them", top.display(), paths[0].display())]
    Unmerged {
        /// The top of the tree.
        top: PathBuf,
        /// All of them, relative to it; at least one.
        paths: Vec<PathBuf>,
    },
    /// A file or folder of the tree cannot be read. Retrying helps after repair.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Relative to the top of the tree.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder that git does not let us see, and so neither the files in it. Retrying helps after repair.
    #[error("cannot list a folder: {}", stderr.trim_end())]
    Unlisted {
        /// What git said.
        stderr: String,
    },
    /// Our own files inside git's folder could not be written. Retrying helps after repair.
    #[error("cannot work on {}", path.display())]
    Scratch {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder for our own files inside git's could not be listed. Retrying helps after repair.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The folder for our own files inside git's could not be locked. Retrying may help.
    #[error("cannot lock a folder of our own")]
    Lock(#[from] AcquireError),
    /// Objects of the snapshot were removed while it was taken: somebody prunes the repository. Retrying helps when that has
    /// ended.
    #[error("parts of the snapshot {id} were removed while it was taken: {}", stderr.trim_end())]
    Vanished {
        /// The id of its commit.
        id: String,
        /// What git said.
        stderr: String,
    },
    /// No snapshot goes by that. Retrying does not help.
    #[error("there is no snapshot {given:?}{}", rescues_of(rescues))]
    NotFound {
        /// What was looked for.
        given: String,
        /// The ids of the rescues of the task that has this name: they are meant by their ids only.
        rescues: Vec<String>,
    },
    /// More than one snapshot goes by that. Retrying does not help, more digits do.
    #[error("{given:?} may be one of {} snapshots: {}", ids.len(), ids.join(", "))]
    Ambiguous {
        /// What was looked for.
        given: String,
        /// The ids of all of them.
        ids: Vec<String>,
    },
    /// What the snapshot's commit holds is not what we write. Retrying does not help.
    #[error("the snapshot {id} is damaged, or of a later version: {what}")]
    Damaged {
        /// The id of its commit.
        id: String,
        /// What is wrong.
        what: String,
    },
}

fn rescues_of(rescues: &[String]) -> String {
    if rescues.is_empty() {
        return String::new();
    }
    format!(
        "; of that task there are only rescues: {}",
        rescues.join(", ")
    )
}
