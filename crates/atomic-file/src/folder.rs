//! Names in a folder, beside commits: making a folder, removing a file, both so that a power cut does not undo them.

use std::io;
use std::path::Path;

use crate::commit::{Committed, sync_folder};
use crate::error::CommitError;
use crate::sys::Directory;
use crate::target::{Resolved, split};

/// Makes a folder in an existing one, durably; `false`: it was there.
///
/// # Errors
///
/// - [`CommitError::AlreadyExists`]: something else than a folder has the name; a link to one does, too.
/// - [`CommitError::CommittedUnsynced`]: the folder is there, but not known to be durable.
/// - Others: nothing was made; trying again does not help by itself.
pub fn create_folder(path: &Path) -> Result<bool, CommitError> {
    match std::fs::create_dir(path) {
        Ok(()) => sync_parent(path).map(|()| true),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            let path = path.to_path_buf();
            match path.symlink_metadata() {
                Ok(found) if found.is_dir() => Ok(false),
                Err(err) if err.kind() != io::ErrorKind::NotFound => {
                    Err(CommitError::from_io("look at the folder", &path, err))
                }
                _ => Err(CommitError::AlreadyExists { path }),
            }
        }
        Err(err) => Err(CommitError::from_io("make the folder", path, err)),
    }
}

/// Makes a folder in an existing one where it is missing, and makes its name durable in any case: whoever made it may not
/// have done that. `true`: it is new.
///
/// # Errors
///
/// Those of [`create_folder`], but never [`CommitError::CommittedUnsynced`]: a folder alone commits nothing.
pub fn ensure_folder(path: &Path) -> Result<bool, CommitError> {
    let ensured = match create_folder(path) {
        Ok(false) => sync_parent(path).map(|()| false),
        made => made,
    };
    ensured.map_err(|err| match err {
        CommitError::CommittedUnsynced { path, source } => {
            let step = "make the folder durable";
            CommitError::Io { step, path, source }
        }
        err => err,
    })
}

/// Removes a file, durably; what is not there needs no removing.
///
/// # Errors
///
/// - [`CommitError::CommittedUnsynced`]: it is gone, but a power cut may bring it back.
/// - Others: it is there still; trying again does not help by itself.
pub fn remove(file: Resolved<'_>) -> Result<Committed, CommitError> {
    let fail = |step, err| CommitError::from_io(step, file.path, err);
    let Some(opened) = file.open_folder() else {
        return Err(fail(
            "use it as a name",
            io::ErrorKind::InvalidFilename.into(),
        ));
    };
    let (directory, name) = opened.map_err(|err| fail("open its folder", err))?;
    match directory.remove(name) {
        Ok(()) => {}
        Err(err) if err.kind() == io::ErrorKind::NotFound => {}
        Err(err) => return Err(fail("remove it", err)),
    }
    let warnings = sync_folder(&directory, file.path)?.into_iter().collect();
    Ok(Committed { warnings })
}

/// Makes a name that has just been made durable; whatever fails, it is there.
fn sync_parent(path: &Path) -> Result<(), CommitError> {
    let unsynced = |source| CommitError::CommittedUnsynced {
        path: path.to_path_buf(),
        source,
    };
    let (folder, _) = split(path).ok_or_else(|| unsynced(io::ErrorKind::InvalidFilename.into()))?;
    let directory = Directory::open(folder).map_err(unsynced)?;
    sync_folder(&directory, path).map(|_| ())
}
