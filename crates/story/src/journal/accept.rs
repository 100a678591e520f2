//! Accepting the present version of a story although its journal does not explain it.

use sidecar_lock::{AcquireError, LockOptions, SidecarLock};

use std::path::Path;

use crate::journal::line::{Line, Seen};
use crate::journal::writing::{OnDisk, append};
use crate::journal::{JournalError, JournalOptions};
use crate::read::{ReadError, read_under};

/// Why a version was not accepted. The journal is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The story's lock was not acquired. Retrying helps once it is free.
    #[error(transparent)]
    Lock(#[from] AcquireError),
    /// The story cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Takes down in the journal that the story's present version was seen, so that how it came to be is no question any
/// more. Waits for the story's lock as `lock` says.
///
/// # Errors
///
/// [`AcceptError`].
pub fn accept(
    story: &Path,
    journal: &JournalOptions,
    lock: &LockOptions,
) -> Result<(), AcceptError> {
    let guard = SidecarLock::new(story)?.acquire(lock)?;
    let resource = guard.resource();
    let Some(file) = journal.file_of(resource) else {
        let (story, root) = (resource.to_path_buf(), journal.root.clone());
        return Err(JournalError::NoPlace { story, root }.into());
    };
    let present = read_under(&guard)?;
    let seen = Line::Seen(Seen {
        revision: present.revision().to_string(),
        at: journal.at.stamp(),
        owner: journal.owner.clone(),
    });
    append(&file, &present, &[seen], resource, OnDisk::Later)?;
    Ok(())
}
