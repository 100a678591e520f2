//! Transactions over several state files: what everybody who reads or changes one of them must know of those that are
//! decided and not carried out yet.

use std::path::{Path, PathBuf};

use atomic_file::{ReadError as FileError, Resolved};
use locked_file::together::{self, FinishError, Meeting, Place, Rules, Unfinished};
use locked_file::{Warning, locked_by};
use sidecar_lock::{LockGuard, LockOptions};

use crate::error::UpdateError;
use crate::read::MAX_STATE_BYTES;

/// The folder, beside the files, in which transactions over several of them are written down. It is there only while one
/// is under way, or after its process died.
pub const PENDING_FOLDER: &str = ".state-pending";

/// A file that somebody without our lock has changed since the decision is left as it is: what was decided was thought out
/// for other contents, and is kept for a person.
pub(crate) const RULES: Rules = Rules {
    place_of: |path| Some(place(path.parent()?)),
    meet: |_| Meeting::Conflict,
    max_bytes: MAX_STATE_BYTES,
};

fn place(folder: &Path) -> Place {
    Place::new(folder, &[PENDING_FOLDER])
}

/// Takes a file whose lock is held to where decided transactions want it. Whoever lets others work on a state file under a
/// lock of its own does this first: they would change what was there before, and what was decided would be set aside.
///
/// Where there is nothing to finish this costs one look at a folder that is not there. `options` say how to acquire the lock
/// of a record.
///
/// # Errors
///
/// [`FinishError`]: the transaction stays decided, and the file must not be changed before it is finished.
pub fn finish_under(guard: &LockGuard, options: &LockOptions) -> Result<Vec<Warning>, FinishError> {
    finish(locked_by(guard), options)
}

/// Takes a file, whose lock is held, to where decided transactions want it, before anything else is done with it.
pub(crate) fn finish(
    file: Resolved<'_>,
    options: &LockOptions,
) -> Result<Vec<Warning>, FinishError> {
    together::finish(file, &RULES, options)
}

/// What decided transactions make of a file that has these bytes (`None`: it is not there); `None`: nothing.
pub(crate) fn decided(path: &Path, now: Option<&[u8]>) -> Result<Option<Vec<u8>>, FileError> {
    // Records name files by their place in the folder, however one got there.
    let resolved = path.canonicalize().or_else(|_| in_its_folder(path));
    match resolved {
        Ok(resolved) => together::decided(&resolved, now, &RULES),
        Err(_) => Ok(None),
    }
}

fn in_its_folder(path: &Path) -> std::io::Result<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default();
    Ok(folder.canonicalize()?.join(name))
}

/// The decided transactions over state files of a folder that wait to be finished, by a change of one of the files or by
/// [`finish_all`].
///
/// # Errors
///
/// [`ReadError`](atomic_file::ReadError): they could not be looked for.
pub fn unfinished(folder: &Path) -> Result<Vec<Unfinished>, FileError> {
    together::unfinished(&place(folder), &RULES)
}

/// What state files of a folder were to be by transactions whose process died, where somebody without the lock had changed
/// them meanwhile: for a person to compare with the files, and remove.
///
/// # Errors
///
/// [`ReadError`](atomic_file::ReadError): they could not be looked for.
pub fn set_aside(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    together::set_aside(&place(folder), &RULES)
}

/// Finishes the decided transactions over state files of a folder; a file whose lock somebody holds is left to its holder.
///
/// # Errors
///
/// [`FinishError`]: a file could not be locked, read or written. The transaction stays decided.
pub fn finish_all(folder: &Path, options: &LockOptions) -> Result<Vec<Warning>, FinishError> {
    together::finish_all(&place(folder), &RULES, options)
}

impl<E: std::error::Error + 'static> From<FinishError> for UpdateError<E> {
    fn from(err: FinishError) -> Self {
        match err {
            FinishError::Read(err) => Self::Read(err.into()),
            FinishError::Lock(err) => Self::Lock(err),
            FinishError::Commit(err) => Self::Commit(err),
        }
    }
}
