//! What crashes leave: sidecars of dead owners and unpublished temporary files.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::AcquireError;
use crate::guard::TookOver;
use crate::inspect::{LockState, inspect};
use crate::lock::SidecarLock;
use crate::options::LockOptions;
use crate::record;
use crate::sys::{self, Folder, Kind, Name};

pub(crate) const TEMPORARY_PREFIX: &str = ".sidecar-";
pub(crate) const TEMPORARY_SUFFIX: &str = ".lock-tmp";

/// Whether a file name is one that this crate gives to a sidecar which is not yet, or no longer, in place.
pub fn is_temporary_name(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let middle = name
        .strip_prefix(TEMPORARY_PREFIX.as_bytes())
        .and_then(|rest| rest.strip_suffix(TEMPORARY_SUFFIX.as_bytes()));
    middle.is_some_and(|middle| middle.len() == 16 && middle.iter().all(u8::is_ascii_hexdigit))
}

/// Why a folder could not be searched for temporary files.
#[derive(Debug, thiserror::Error)]
#[error("cannot {step} {}", .path.display())]
pub struct LeftoverError {
    /// What was being done.
    pub step: &'static str,
    /// On which file.
    pub path: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

/// Finds temporary files of this crate in `folder` whose owner is gone. Changes nothing.
///
/// # Errors
///
/// [`LeftoverError`]: the folder cannot be read.
pub fn find_temporaries(folder: &Path) -> Result<Vec<PathBuf>, LeftoverError> {
    Ok(paths(&find(folder)?))
}

/// Removes what [`find_temporaries`] finds and returns it.
///
/// # Errors
///
/// [`LeftoverError`]: the folder cannot be read, or a file not be removed.
pub fn sweep_temporaries(folder: &Path) -> Result<Vec<PathBuf>, LeftoverError> {
    remove(&find(folder)?)
}

/// The same in the folder that a lock is in.
pub(crate) fn sweep_beside(sidecar: &Name) -> Result<Vec<PathBuf>, LeftoverError> {
    let path = sidecar.path().parent().unwrap_or(sidecar.path());
    let beside = |name| sidecar.beside(name);
    remove(&abandoned(sidecar.folder(), path, beside)?)
}

fn find(path: &Path) -> Result<Vec<Name>, LeftoverError> {
    let folder = Folder::open(path).map_err(|source| cannot_read(path, source))?;
    let folder = Arc::new(folder);
    let within = |name: OsString| Name::within(&folder, path, name);
    abandoned(&folder, path, within)
}

fn abandoned(
    folder: &Folder,
    path: &Path,
    to_name: impl Fn(OsString) -> Name,
) -> Result<Vec<Name>, LeftoverError> {
    let names = sys::names_in(folder).map_err(|source| cannot_read(path, source))?;
    Ok(names
        .into_iter()
        .filter(|name| is_temporary_name(name))
        .map(to_name)
        .filter(|name| is_abandoned(name).unwrap_or(false))
        .collect())
}

fn cannot_read(path: &Path, source: io::Error) -> LeftoverError {
    LeftoverError {
        step: "read the folder",
        path: path.to_path_buf(),
        source,
    }
}

fn remove(found: &[Name]) -> Result<Vec<PathBuf>, LeftoverError> {
    for name in found {
        let removed = match sys::look(name) {
            Ok(Some(look)) if look.kind == Kind::Directory => sys::remove_folder(name),
            Ok(Some(_)) => sys::remove_file(name),
            Ok(None) => Ok(()),
            Err(err) => Err(err),
        };
        match removed {
            // Somebody else sweeps at the same time.
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(|source| LeftoverError {
                step: "remove",
                path: name.path().to_owned(),
                source,
            })?,
        }
    }
    Ok(paths(found))
}

fn paths(names: &[Name]) -> Vec<PathBuf> {
    names.iter().map(|name| name.path().to_owned()).collect()
}

/// A file of ours that nobody has locked, or a lock of another tool that was judged stale and
/// displaced when its breaker died: such a one is empty or carries no record of ours.
fn is_abandoned(name: &Name) -> io::Result<bool> {
    let Some(look) = sys::look(name)? else {
        return Ok(false);
    };
    match look.kind {
        Kind::Directory => {
            let (folder, _) = sys::open_folder(name)?;
            // Whoever replaces another tool's folder has the kernel lock on it.
            Ok(sys::try_lock_shared(&folder)? && sys::is_empty_folder(&folder, name)?)
        }
        Kind::File => {
            let (file, _) = sys::open_existing(name)?;
            let free = sys::try_lock_shared(&file)?;
            let ours = record::is_family(&sys::read_head(&file)?);
            let settled = look
                .modified
                .and_then(|modified| modified.elapsed().ok())
                .is_some_and(|age| age > SETTLED_AFTER);
            Ok(free && (ours || settled))
        }
        Kind::Symlink | Kind::Special => Ok(false),
    }
}

/// A temporary file without a record may be one that is just being written (chosen, generous).
const SETTLED_AFTER: Duration = Duration::from_mins(1);

pub(crate) fn remove_leftover(
    lock: &SidecarLock,
    stale_after: Duration,
) -> Result<Option<TookOver>, AcquireError> {
    let state = inspect(lock, stale_after)
        .map_err(|err| AcquireError::from_io("look at", lock.sidecar(), err.source))?;
    // Long enough to watch another tool's lock on our own clock.
    let timeout = match state {
        LockState::Leftover(_) | LockState::LeftoverUnreadable => Duration::ZERO,
        LockState::Foreign(foreign) if foreign.age > stale_after => {
            stale_after.min(Duration::from_secs(2)) + Duration::from_secs(1)
        }
        _ => return Ok(None),
    };
    let options = LockOptions {
        timeout,
        stale_after: Some(stale_after),
        purpose: Some("remove a leftover".into()),
        ..LockOptions::default()
    };
    match lock.acquire(&options) {
        Ok(guard) => Ok(guard.took_over().cloned()),
        Err(AcquireError::Contended { .. }) => Ok(None),
        Err(err) => Err(err),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_exactly_ours() {
        for (name, ours) in [
            (".sidecar-0123456789abcdef.lock-tmp", true),
            (".sidecar-0123456789abcde.lock-tmp", false),
            (".sidecar-0123456789abcdeg.lock-tmp", false),
            ("story.md.lock", false),
            (".sidecar-.lock-tmp", false),
        ] {
            assert_eq!(is_temporary_name(OsStr::new(name)), ours, "{name}");
        }
    }
}
