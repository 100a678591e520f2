//! What a call left as it is, and why.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A path that was left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Left {
    /// Relative to the top of the tree.
    pub path: PathBuf,
    /// Why.
    pub reason: Reason,
}

/// Why a path was left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// A submodule: only which commit it is at was recorded, and it was not moved.
    Submodule,
    /// A repository of its own inside the tree.
    NestedRepository,
    /// A file that agents share, and somebody else changed it since, or nobody can say who did.
    ChangedByOthers,
    /// Git ignores it by the rules that were restored, or did so until they were: it is in no record, or may have been there.
    Ignored,
    /// It changed while it was being restored.
    ChangedMeanwhile,
    /// It changed while it was being recorded, again and again: what is recorded may be of no one moment.
    ChangedWhileRecorded,
    /// A pipe, a socket or a device where git has a file.
    NotAFile,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.reason {
            Reason::Submodule => "is a submodule",
            Reason::NestedRepository => "is a repository of its own",
            Reason::ChangedByOthers => "is shared, and others may have changed it",
            Reason::Ignored => "is, or was until now, ignored by git",
            Reason::ChangedMeanwhile => "changed while it was being restored",
            Reason::ChangedWhileRecorded => "changed while it was being recorded",
            Reason::NotAFile => "is not a file, a link or a folder",
        };
        write!(f, "{} {why}", self.path.display())
    }
}
