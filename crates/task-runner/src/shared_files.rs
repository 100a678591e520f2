//! Which files of the tree agents share, so that a restore must not undo what others did meanwhile.

use std::path::Path;

/// What is known about who changed a shared file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorship {
    /// Every change since the snapshot was made by the run that is undone.
    OnlyTheRun,
    /// Somebody else changed it too, or nobody can say.
    OthersToo,
}

/// Knows the shared files of a tree. Paths are relative to its top.
pub trait SharedFiles {
    /// Whether others may change the file while a task runs, under its own lock.
    fn is_shared(&self, path: &Path) -> bool;

    /// Whether it is a lock, a temporary file, a journal, a store of leases or the like: neither recorded nor restored.
    fn is_apart(&self, path: &Path) -> bool;

    /// Who changed a shared file from the bytes `then` (at the snapshot) to the bytes `now`; `None`: there was no such file.
    /// `run` names the run that is undone; `None` where a snapshot was taken by hand.
    fn authorship(
        &self,
        path: &Path,
        then: Option<&[u8]>,
        now: Option<&[u8]>,
        run: Option<&str>,
    ) -> Authorship;
}

/// A tree in which nothing is shared and nothing stands apart.
#[derive(Debug, Clone, Copy)]
pub struct NothingShared;

impl SharedFiles for NothingShared {
    fn is_shared(&self, _: &Path) -> bool {
        false
    }

    fn is_apart(&self, _: &Path) -> bool {
        false
    }

    fn authorship(
        &self,
        _: &Path,
        _: Option<&[u8]>,
        _: Option<&[u8]>,
        _: Option<&str>,
    ) -> Authorship {
        Authorship::OthersToo
    }
}
