//! What a lease covers: a file, a directory with all under it, or a glob. Pure.

use std::fmt;

use crate::glob::Glob;
use crate::overlap::Overlap;
use crate::project_path::ProjectPath;

/// One thing that a lease covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// A file, which need not exist. If a folder stands there after all, everything under it is meant; only a glob does not
    /// stand against it because of that.
    File(ProjectPath),
    /// A directory and everything under it.
    Directory(ProjectPath),
    /// Every path that the glob matches.
    Glob(Glob),
}

impl Pattern {
    /// Whether `path` is meant.
    pub fn covers(&self, path: &ProjectPath) -> bool {
        match self {
            Self::File(own) | Self::Directory(own) => path.is_within(own),
            Self::Glob(glob) => glob.matches(path),
        }
    }

    /// Whether both are the same path, as a file or as a directory, or the same glob.
    pub fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(own) | Self::Directory(own), Self::File(path) | Self::Directory(path)) => {
                own == path
            }
            (Self::Glob(own), Self::Glob(glob)) => own == glob,
            _ => false,
        }
    }

    /// Whether both mean a common path, one that need not exist.
    ///
    /// Of files and directories: whether one lies within the other. Of a glob and a directory: whether it matches that path
    /// or can match one below it. Of a glob and a file: whether it matches it. Of two globs: whether there is a path that both
    /// match; that is found out, not guessed.
    pub fn overlap(&self, other: &Self) -> Overlap {
        crate::overlap::overlap(self, other)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Directory(path) => write!(f, "{path}/"),
            Self::Glob(glob) => glob.fmt(f),
        }
    }
}
