//! Creating a file that must not exist yet, complete from the first moment.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::commit::{Committed, sync_folder};
use crate::error::CommitError;
use crate::options::{CommitOptions, Durability};
use crate::stage::{Modes, NewFile, UNTIL_COMPLETE};
use crate::sys::Directory;
use crate::target::{Resolved, split};
use crate::version::NewContents;

/// As for any new file; the process's umask and the folder's default access list take from it.
const MODE: u32 = 0o666;

/// Creates a file with `contents`; fails if the name is taken, by whatever it be.
///
/// The file appears complete, or not at all. `options.hard_links` plays no part.
///
/// # Errors
///
/// - [`CommitError::AlreadyExists`]: nothing was changed.
/// - [`CommitError::NotFound`]: the folder is missing.
/// - [`CommitError::CommittedUnsynced`]: the file is there, but not known to be durable.
/// - [`CommitError::NoPermission`], [`CommitError::ReadOnly`], [`CommitError::NoSpace`], [`CommitError::Io`]:
///   nothing was created; trying again does not help by itself.
pub fn create(
    path: &Path,
    contents: &[u8],
    options: &CommitOptions,
) -> Result<Committed, CommitError> {
    let fail = |step, err| CommitError::from_io(step, path, err);
    let (folder, name) = split(path)
        .ok_or_else(|| fail("use it as a name", io::ErrorKind::InvalidFilename.into()))?;
    let directory = Directory::open(folder).map_err(|err| fail("open its folder", err))?;
    create_in(&directory, name, path, contents, options)
}

/// As [`create`], in a folder that somebody has resolved already: no link on the way is followed.
///
/// # Errors
///
/// Those of [`create`]; a link on the way counts as a missing folder.
pub fn create_resolved(
    file: Resolved<'_>,
    contents: &[u8],
    options: &CommitOptions,
) -> Result<Committed, CommitError> {
    let fail = |step, err| CommitError::from_io(step, file.path, err);
    let Some(opened) = file.open_folder() else {
        return Err(fail(
            "use it as a name",
            io::ErrorKind::InvalidFilename.into(),
        ));
    };
    let (directory, name) = opened.map_err(|err| fail("open its folder", err))?;
    create_in(&directory, name, file.path, contents, options)
}

fn create_in(
    directory: &Directory,
    name: &OsStr,
    path: &Path,
    contents: &[u8],
    options: &CommitOptions,
) -> Result<Committed, CommitError> {
    let new = NewFile::write(directory, name, path, MODE, &[contents])?;
    give_name(directory, name, path, new, options)
}

/// As [`create_resolved`], with contents that come piece by piece, and with exactly the permissions that are given.
///
/// # Errors
///
/// Those of [`create_resolved`]. An error of the writing function comes as [`CommitError::Io`] or by its kind; nothing was created.
pub fn create_exactly(
    file: Resolved<'_>,
    contents: NewContents<'_>,
    options: &CommitOptions,
) -> Result<Committed, CommitError> {
    let fail = |step, err| CommitError::from_io(step, file.path, err);
    let Some(opened) = file.open_folder() else {
        return Err(fail(
            "use it as a name",
            io::ErrorKind::InvalidFilename.into(),
        ));
    };
    let (directory, name) = opened.map_err(|err| fail("open its folder", err))?;
    let NewContents { write, permissions } = contents;
    let write = &mut |mut file: &File| write(&mut file);
    let modes = Modes {
        nameless: UNTIL_COMPLETE,
        named: UNTIL_COMPLETE,
    };
    let mut new = NewFile::write_by(&directory, name, file.path, modes, write)?;
    if let Err(err) = new.set_permissions(permissions, file.path) {
        discard(&directory, file.path, &mut new);
        return Err(err);
    }
    give_name(&directory, name, file.path, new, options)
}

fn give_name(
    directory: &Directory,
    name: &OsStr,
    path: &Path,
    mut new: NewFile,
    options: &CommitOptions,
) -> Result<Committed, CommitError> {
    let fail = |step, err| CommitError::from_io(step, path, err);
    let created = new
        .sync(path)
        .and_then(|warning| match new.publish_new(directory, name) {
            Ok(()) => Ok(warning),
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                Err(CommitError::AlreadyExists {
                    path: path.to_path_buf(),
                })
            }
            Err(err) => Err(fail("give it its name", err)),
        });
    // Nothing to discard where it got its name.
    discard(directory, path, &mut new);
    let mut warnings: Vec<_> = created?.into_iter().collect();
    if options.durability == Durability::Durable {
        warnings.extend(sync_folder(directory, path)?);
    }
    Ok(Committed { warnings })
}

fn discard(directory: &Directory, path: &Path, new: &mut NewFile) {
    if let Err(err) = new.discard(directory) {
        tracing::warn!(path = %path.display(), %err, "cannot remove a temporary file");
    }
    directory.unlock();
}
