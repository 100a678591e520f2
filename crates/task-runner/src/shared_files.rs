//! Which files of the tree agents share, so that a restore must not undo what others did meanwhile.

use std::path::{Path, PathBuf};

use locked_file::Warning;
use locked_file::together::FinishError;
use sidecar_lock::{LockGuard, LockOptions};

use crate::journal::JOURNAL_NAME;
use crate::state_lock::STATE_LOCK_RESOURCE;

/// What is known about who changed a shared file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorship {
    /// Every change since the snapshot was made by the run that is undone.
    OnlyTheRun,
    /// Somebody else changed it too, or nobody can say.
    OthersToo,
}

/// A shared file that is about to be put back.
#[derive(Debug, Clone, Copy)]
pub struct SharedEdit<'a> {
    /// The file, with all links resolved.
    pub file: &'a Path,
    /// Its bytes as they are; `None`: there is no such file.
    pub from: Option<&'a [u8]>,
    /// Its bytes as they are to be; `None`: it is removed.
    pub to: Option<&'a [u8]>,
    /// The run that is undone. What is put back counts as its change, so that the restore can be undone as well.
    pub run: Option<&'a str>,
}

/// Knows the shared files of a tree. Paths are relative to its top.
pub trait SharedFiles {
    /// Whether others may change the file while a task runs, under its own lock.
    fn is_shared(&self, path: &Path) -> bool;

    /// Whether it is a lock, a temporary file, a journal, a store of leases or the like: neither recorded nor restored. Asked
    /// when a tree is recorded; what a snapshot holds was none then.
    fn is_apart(&self, path: &Path) -> bool;

    /// Who changed a shared file from the bytes `then` (at the snapshot) to the bytes `now`; `None`: there was no such file.
    /// `run` names the run that is undone; `None` where a snapshot was taken by hand. Asked under the file's lock.
    fn authorship(
        &self,
        path: &Path,
        then: Option<&[u8]>,
        now: Option<&[u8]>,
        run: Option<&str>,
    ) -> Authorship;

    /// The file in the same folder whose lock guards a shared file: itself, unless somebody says otherwise.
    fn guard_of(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }

    /// Finishes what a dead process had decided of the file that is locked, before it is read.
    ///
    /// # Errors
    ///
    /// [`FinishError`]: it stays decided, and the file is left alone.
    fn finish_under(
        &self,
        guard: &LockGuard,
        options: &LockOptions,
    ) -> Result<Vec<Warning>, FinishError> {
        let _ = (guard, options);
        Ok(Vec::new())
    }

    /// Puts a shared file back, under its lock, by `commit`, which says whether it is in place; for who keeps a journal of all
    /// changes, or knows that nobody but the holder of a lease may change it now, and then does not call `commit`.
    fn put_back(&self, edit: &SharedEdit<'_>, commit: &mut dyn FnMut() -> bool) {
        let _ = edit;
        commit();
    }
}

/// A tree in which nothing is shared, and only what this crate itself keeps at its top stands apart: lock and journal.
#[derive(Debug, Clone, Copy)]
pub struct NothingShared;

impl SharedFiles for NothingShared {
    fn is_shared(&self, _: &Path) -> bool {
        false
    }

    fn is_apart(&self, path: &Path) -> bool {
        let own = [STATE_LOCK_RESOURCE, JOURNAL_NAME];
        let endings = ["", ".lock", "-wal", "-shm"];
        let name = path.as_os_str().as_encoded_bytes();
        own.iter().any(|own| {
            let ending = name.strip_prefix(own.as_bytes());
            ending.is_some_and(|ending| endings.iter().any(|known| known.as_bytes() == ending))
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_at_the_top_stand_apart_and_no_others() {
        let table = [
            (".devs-state.lock", true),
            (".devs.db", true),
            (".devs.db-wal", true),
            (".devs.db-shm", true),
            (".devs.dbx", false),
            ("src/.devs.db", false),
            ("README.md", false),
        ];
        for (path, expected) in table {
            assert_eq!(NothingShared.is_apart(Path::new(path)), expected, "{path}");
        }
    }
}
