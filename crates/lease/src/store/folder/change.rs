//! One file that is to become another: made, replaced or removed, if it is still what was read.

use std::path::{Path, PathBuf};

use atomic_file::{
    CommitError, CommitOptions, Committed, Durability, HardLinks, Original, ReadError, Resolved,
};

use crate::error::StoreError;

/// A change of one file.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: PathBuf,
    /// What was read; `None`: there was no file.
    pub(super) before: Option<Vec<u8>>,
    /// What is to be there; `None`: no file.
    pub(super) after: Option<Vec<u8>>,
}

impl Change {
    /// Makes sure that the file is still what was read.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.original()
            .map(|_| ())
            .map_err(|err| store_error(&self.path, err))
    }

    /// Makes the change, if the file is still what was read.
    pub(super) fn apply(self, durability: Durability) -> Result<(), StoreError> {
        let path = self.path.clone();
        match self.put(durability) {
            Ok(committed) => {
                for warning in &committed.warnings {
                    tracing::warn!(%warning, "beside writing the leases");
                }
                Ok(())
            }
            Err(err) => Err(store_error(&path, err)),
        }
    }

    fn put(self, durability: Durability) -> Result<Committed, CommitError> {
        let options = CommitOptions {
            durability,
            hard_links: HardLinks::Refuse,
        };
        match (self.original()?, self.after) {
            (Some(original), Some(after)) => {
                atomic_file::replace_if_unchanged(original, &after, &options)
            }
            (Some(original), None) => original.remove(&options),
            (None, Some(after)) => {
                atomic_file::create_resolved(resolved(&self.path), &after, &options)
            }
            (None, None) => Ok(Committed {
                warnings: Vec::new(),
            }),
        }
    }

    /// The file, if it is still what was read; `None`: there is still none.
    fn original(&self) -> Result<Option<Original>, CommitError> {
        let path = &self.path;
        let limit = self.before.as_ref().map_or(0, |before| before.len() as u64);
        match (Original::read_resolved(resolved(path), limit), &self.before) {
            (Ok(original), Some(before)) if original.bytes() == before => Ok(Some(original)),
            (Err(ReadError::NotFound { .. }), None) => Ok(None),
            (Err(ReadError::NoPermission { path, source }), _) => {
                Err(CommitError::NoPermission { path, source })
            }
            (Err(ReadError::Io { step, path, source }), _) => {
                Err(CommitError::Io { step, path, source })
            }
            _ => Err(CommitError::Changed { path: path.clone() }),
        }
    }
}

fn resolved(path: &Path) -> Resolved<'_> {
    Resolved { path, folder: None }
}

/// Somebody without the lock of the folder was at work, or the system refuses.
fn store_error(path: &Path, err: CommitError) -> StoreError {
    match err {
        CommitError::Rescued { path, rescued } => {
            let kept = rescued.display();
            tracing::warn!(path = %path.display(), %kept, "two others wrote at the same instant; one version was kept");
            StoreError::Interfered { path }
        }
        // The folder went, with the file in it.
        CommitError::Changed { .. }
        | CommitError::AlreadyExists { .. }
        | CommitError::NotFound { .. } => StoreError::Interfered {
            path: path.to_path_buf(),
        },
        err => StoreError::Commit(err),
    }
}
