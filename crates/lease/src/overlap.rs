//! The one conflict rule: whether two patterns mean a common path. Pure.
//!
//! - A directory means its path and everything below it, and so does a file against files and directories, should a folder
//!   stand there after all. Two of them overlap if one lies within the other.
//! - A glob means the paths that it matches, and nothing below them: `src/*` means `src/a`, not `src/a/b`. It overlaps a
//!   directory if it matches that path or, whatever exists now, could match a path below it. It overlaps a file if it matches
//!   that path. Below a file it could match as well, but then `**/*_test.go` would stand against every file of the tree. If
//!   a folder does stand there, neither holder may write what both mean, because another one has it too.
//! - No overlap is that a glob matches a folder above: `src/*` and `src/a/b.rs` go together.
//! - Two globs overlap if there is a path that both match. That is not guessed from their beginnings: both are run side by
//!   side over all possible paths, so `src/*_test.go` and `src/*.rs` do not overlap.
//!
//! All compare paths without case and composition of letters. What is common need not exist.
//!
//! [`Overlap::Yes`] and [`Overlap::No`] are certain. [`Overlap::Perhaps`], which counts as an overlap, is left for globs whose
//! comparison would take too long (some hundred stars each), or whose only common paths would have to consist of letters
//! outside ASCII that neither names.

use crate::glob::{Glob, Meeting};
use crate::pattern::Pattern;
use crate::project_path::ProjectPath;

/// Whether two patterns mean a common path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overlap {
    /// They do not.
    No,
    /// It cannot be decided; taken for an overlap, and told as a possible one.
    Perhaps,
    /// They do, at least for paths that might exist.
    Yes,
}

impl Overlap {
    /// Whether it has to be treated as an overlap.
    pub fn is_conflict(self) -> bool {
        self != Self::No
    }
}

pub(crate) fn overlap(one: &Pattern, other: &Pattern) -> Overlap {
    use Pattern::{Directory, File, Glob};
    match (one, other) {
        (File(a) | Directory(a), File(b) | Directory(b)) => {
            certain(a.is_within(b) || b.is_within(a))
        }
        (Glob(glob), File(path)) | (File(path), Glob(glob)) => glob_and_file(glob, path),
        (Glob(glob), Directory(path)) | (Directory(path), Glob(glob)) => {
            told(&glob_and_directory(glob, path))
        }
        (Glob(a), Glob(b)) if a == b => Overlap::Yes,
        (Glob(a), Glob(b)) => told(&two_globs(a, b)),
    }
}

fn certain(overlap: bool) -> Overlap {
    if overlap { Overlap::Yes } else { Overlap::No }
}

fn glob_and_file(glob: &Glob, path: &ProjectPath) -> Overlap {
    if begin_alike(glob.literal_prefix(), path.key()) {
        glob.meets(path).map_or(Overlap::Perhaps, certain)
    } else {
        Overlap::No
    }
}

fn told(meeting: &Meeting) -> Overlap {
    match meeting {
        Meeting::Nowhere => Overlap::No,
        Meeting::At(_) => Overlap::Yes,
        Meeting::Undecided => Overlap::Perhaps,
    }
}

/// Where a glob matches a path or something below it.
pub(crate) fn glob_and_directory(glob: &Glob, path: &ProjectPath) -> Meeting {
    if begin_alike(glob.literal_prefix(), path.key()) {
        glob.meeting_below(path)
    } else {
        Meeting::Nowhere
    }
}

/// Where both globs match.
pub(crate) fn two_globs(one: &Glob, other: &Glob) -> Meeting {
    if begin_alike(one.literal_prefix(), other.literal_prefix()) {
        one.meeting(other)
    } else {
        Meeting::Nowhere
    }
}

/// The cheap answer to most comparisons, without running anything.
fn begin_alike(one: &str, other: &str) -> bool {
    let length = one.len().min(other.len());
    one.as_bytes()[..length] == other.as_bytes()[..length]
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tables;
