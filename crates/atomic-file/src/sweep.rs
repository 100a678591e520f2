//! Cleaning up after writers that died: what is ours goes, what is somebody's stays.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::SweepError;
use crate::name::{Mark, TemporaryName, is_rescued_name, is_temporary_name};
use crate::stage::patiently;
use crate::stamp::Kind;
use crate::swap::{Outcome, give_back, rescue};
use crate::sys::Directory;
use crate::target::Resolved;

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Temporary files that were removed, by the names they had: unfinished new versions, and displaced old ones.
    pub removed: Vec<PathBuf>,
    /// Files that got back somebody's version, which a commit had displaced when its writer died.
    pub restored: Vec<PathBuf>,
    /// Somebody's versions that could not be put back because the file has changed since. They are kept here.
    pub rescued: Vec<PathBuf>,
    /// Whether a writer or another sweep was at work, or the file system has no locks for folders: nothing was done.
    pub busy: bool,
}

/// Removes the temporary files that dead writers left in `directory` (not below it).
///
/// Takes the folder's lock alone and gives up after a second, with `busy`, when writers keep it. Deletes only what is
/// provably a new version that was never finished or the old version that a commit has replaced. Everything else is
/// somebody's work: it is put back if the file has not changed since, or kept as `NAME.<random>.rescued`.
///
/// # Errors
///
/// - [`SweepError::Io`]: the folder or one of the leftovers refuses. Others have been looked at all the same;
///   trying again does not help by itself.
pub fn sweep(directory: &Path) -> Result<Swept, SweepError> {
    let opened = Directory::open(directory).map_err(|err| cannot_open(directory, err))?;
    sweep_matching(&opened, directory, |_| true)
}

/// Removes the temporary files that dead writers of one file left beside it; see [`sweep`].
///
/// # Errors
///
/// As [`sweep`], and when `path` cannot be resolved.
pub fn sweep_file(path: &Path) -> Result<Swept, SweepError> {
    let resolved = path
        .canonicalize()
        .map_err(|err| fail("resolve the file", path, err))?;
    let file = Resolved {
        path: &resolved,
        folder: None,
    };
    let Some((directory, name)) = open_folder(file)? else {
        return Ok(Swept::default());
    };
    let folder = folder_of(file.path);
    sweep_matching(&directory, folder, |temporary| temporary.belongs_to(name))
}

/// Removes what dead writers of *any* file left in the folder of one that a lock has resolved already: for locks that guard
/// more than one file.
///
/// # Errors
///
/// As [`sweep`].
pub fn sweep_beside(file: Resolved<'_>) -> Result<Swept, SweepError> {
    let Some((directory, _)) = open_folder(file)? else {
        return Ok(Swept::default());
    };
    sweep_matching(&directory, folder_of(file.path), |_| true)
}

fn open_folder(file: Resolved<'_>) -> Result<Option<(Directory, &OsStr)>, SweepError> {
    let opened = file.open_folder().transpose();
    let opened = opened.and_then(|opened| match opened {
        // Who sweeps has the folder's lock alone; others may use the handle that was given.
        Some((shared, name)) if file.folder.is_some() => Ok(Some((shared.reopened()?, name))),
        opened => Ok(opened),
    });
    opened.map_err(|err| cannot_open(folder_of(file.path), err))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(file)
}

/// Lists the temporary files and rescued copies in `directory` (not below it), in order. Looks only.
///
/// A temporary file is not a leftover as long as its writer lives. Tell the two kinds apart by [`is_temporary_name`]
/// and [`is_rescued_name`].
///
/// # Errors
///
/// - [`SweepError::Io`]: the folder cannot be listed; trying again does not help by itself.
pub fn find_leftovers(directory: &Path) -> Result<Vec<PathBuf>, SweepError> {
    let opened = Directory::open(directory).map_err(|err| cannot_open(directory, err))?;
    let mut found: Vec<PathBuf> = names(&opened, directory)?
        .into_iter()
        .filter(|name| is_temporary_name(name) || is_rescued_name(name))
        .map(|name| directory.join(name))
        .collect();
    found.sort();
    Ok(found)
}

/// Looks at a folder that writers have, about a second in all. A writer that was killed while the disk took its sync
/// keeps the folder until that is over, and after the lock of its file has gone to the one that sweeps: with 60 ms a
/// soak of an hour left a temporary file for good.
const LOOKS: u32 = 80;

fn sweep_matching(
    directory: &Directory,
    path: &Path,
    is_wanted: impl Fn(&TemporaryName) -> bool,
) -> Result<Swept, SweepError> {
    let mut swept = Swept::default();
    let mut locked = Ok(false);
    patiently(LOOKS, || {
        locked = directory.try_lock_exclusive();
        !matches!(locked, Ok(false))
    });
    if !locked.unwrap_or(false) {
        swept.busy = true;
        return Ok(swept);
    }
    let result = sweep_locked(directory, path, is_wanted, &mut swept);
    directory.unlock_exclusive();
    result.map(|()| swept)
}

fn sweep_locked(
    directory: &Directory,
    path: &Path,
    is_wanted: impl Fn(&TemporaryName) -> bool,
    swept: &mut Swept,
) -> Result<(), SweepError> {
    // Listed under the lock: what is listed then has no living writer.
    let names = names(directory, path)?;
    let mut first_error = None;
    for name in &names {
        let Some(temporary) = TemporaryName::parse(name).filter(&is_wanted) else {
            continue;
        };
        let sweeping = Sweeping {
            directory,
            path,
            names: &names,
        };
        if let Err(err) = sweeping.judge(name, &temporary, swept) {
            tracing::warn!(path = %path.join(name).display(), %err, "cannot sweep a leftover");
            first_error.get_or_insert(fail("sweep a leftover", &path.join(name), err));
        }
    }
    let has_moved_work = !(swept.restored.is_empty() && swept.rescued.is_empty());
    if has_moved_work && let Err(err) = directory.sync() {
        tracing::warn!(path = %path.display(), %err, "cannot sync a folder");
    }
    first_error.map_or(Ok(()), Err)
}

struct Sweeping<'a> {
    directory: &'a Directory,
    path: &'a Path,
    names: &'a [OsString],
}

impl Sweeping<'_> {
    fn judge(&self, name: &OsStr, temporary: &TemporaryName, swept: &mut Swept) -> io::Result<()> {
        // Taken over under a name that its writer does not know, and only then looked at: a writer that goes on
        // without the folder's lock cannot put another file in its place after the look.
        let claimed = temporary.renewed();
        match self.directory.rename_over(name, &claimed) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        }
        let stamp = self.directory.stamp(&claimed)?;
        let never_visible = temporary.own == Mark::Unpublished && stamp.kind == Kind::Regular;
        if never_visible || temporary.own.fits(&stamp) || temporary.base.fits(&stamp) {
            self.directory.remove(&claimed)?;
            swept.removed.push(self.path.join(name));
            return Ok(());
        }
        let story = self.names.iter().find(|name| temporary.belongs_to(name));
        let kept = match story {
            Some(story) => self.put_back(&claimed, story, temporary.own)?,
            None => Outcome::Rescued(rescue(self.directory, &claimed, &temporary.file_name())?),
        };
        match (kept, story) {
            (Outcome::Rescued(kept), _) => swept.rescued.push(self.path.join(kept)),
            (Outcome::GivenBack, Some(story)) => swept.restored.push(self.path.join(story)),
            (Outcome::GivenBack, None) => {}
        }
        Ok(())
    }

    /// Somebody's version returns to its name if the version that displaced it still has it, else it is kept beside.
    fn put_back(&self, claimed: &OsStr, story: &OsStr, own: Mark) -> io::Result<Outcome> {
        let is_ours = |name: &OsStr| match self.directory.stamp(name) {
            Ok(stamp) => Ok(own.fits(&stamp)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(err) => Err(err),
        };
        if !is_ours(story)? {
            return rescue(self.directory, claimed, story).map(Outcome::Rescued);
        }
        let displaced = self.directory.stamp(claimed)?;
        give_back(self.directory, claimed, story, own, &displaced)
    }
}

fn names(directory: &Directory, path: &Path) -> Result<Vec<OsString>, SweepError> {
    directory
        .names()
        .map_err(|err| fail("list the folder", path, err))
}

fn cannot_open(path: &Path, err: io::Error) -> SweepError {
    fail("open the folder", path, err)
}

fn fail(step: &'static str, path: &Path, source: io::Error) -> SweepError {
    SweepError::Io {
        step,
        path: path.to_path_buf(),
        source,
    }
}
