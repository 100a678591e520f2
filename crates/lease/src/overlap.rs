//! The one conflict rule: whether two patterns mean a common path. Pure.

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
        (Glob(glob), File(path) | Directory(path)) | (File(path) | Directory(path), Glob(glob)) => {
            below(glob.key(), path)
        }
        (Glob(a), Glob(b)) if a == b => Overlap::Yes,
        (Glob(a), Glob(b)) => prefixes_meet(literal_prefix(a.key()), literal_prefix(b.key())),
    }
}

fn certain(overlap: bool) -> Overlap {
    if overlap { Overlap::Yes } else { Overlap::No }
}

fn below(glob: &str, path: &ProjectPath) -> Overlap {
    prefixes_meet(literal_prefix(glob), path.key())
}

/// The part of a glob before its first special character.
fn literal_prefix(glob: &str) -> &str {
    let end = glob.find(['*', '?', '[', '{', '\\']).unwrap_or(glob.len());
    &glob[..end]
}

fn prefixes_meet(one: &str, other: &str) -> Overlap {
    if one.starts_with(other) || other.starts_with(one) {
        Overlap::Perhaps
    } else {
        Overlap::No
    }
}
