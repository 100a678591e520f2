//! Names in a folder, beside commits: listing them; making a folder, removing a file, both so that a power cut does not
//! undo them.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use crate::commit::{Committed, sync_folder};
use crate::error::{CommitError, ReadError};
use crate::options::Durability;
use crate::sys::Directory;
use crate::target::{Resolved, split};

/// Lists the names in a folder, sorted by their bytes; a folder that is not there has none.
///
/// # Errors
///
/// [`ReadError`]: it is there and cannot be listed whole. Retrying helps after repair.
pub fn names_in(folder: &Path) -> Result<Vec<OsString>, ReadError> {
    match Directory::open(folder).and_then(|directory| directory.names()) {
        Ok(mut names) => {
            names.sort();
            Ok(names)
        }
        Err(err) => match ReadError::from_io("list its names", folder, err) {
            ReadError::NotFound { .. } => Ok(Vec::new()),
            err => Err(err),
        },
    }
}

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

/// Gives a file another name in its folder, if nothing has that name. What is open stays open, whatever it is called.
///
/// # Errors
///
/// - [`CommitError::AlreadyExists`]: something has the name. Nothing was changed.
/// - [`CommitError::CommittedUnsynced`]: it has the new name, but a power cut may give it the old one back. Only with
///   [`Durability::Durable`].
/// - Others: it has its old name; trying again does not help by itself.
pub fn rename(
    file: Resolved<'_>,
    to: &OsStr,
    durability: Durability,
) -> Result<Committed, CommitError> {
    let fail = |step, err| CommitError::from_io(step, file.path, err);
    let Some(opened) = file.open_folder() else {
        return Err(fail(
            "use it as a name",
            io::ErrorKind::InvalidFilename.into(),
        ));
    };
    let (directory, name) = opened.map_err(|err| fail("open its folder", err))?;
    match directory.rename_new(name, to) {
        Ok(()) => {}
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            let path = file.path.with_file_name(to);
            return Err(CommitError::AlreadyExists { path });
        }
        Err(err) => return Err(fail("rename it", err)),
    }
    let warnings = match durability {
        Durability::Durable => sync_folder(&directory, file.path)?.into_iter().collect(),
        Durability::Fast => Vec::new(),
    };
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

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::{CommitError, Durability, OsStr, Resolved, names_in, rename};

    #[test]
    fn rename_takes_a_free_name_and_no_other() {
        let sandbox = Sandbox::new();
        let path = sandbox.write("log", "one");
        sandbox.write("log.2", "two");
        let file = || Resolved {
            path: &path,
            folder: None,
        };
        let taken = rename(file(), OsStr::new("log.2"), Durability::Durable);
        assert!(
            matches!(taken, Err(CommitError::AlreadyExists { .. })),
            "a name that is taken stays what it is: {taken:?}"
        );
        rename(file(), OsStr::new("log.1"), Durability::Durable).expect("the name is free");
        let names = names_in(sandbox.path()).expect("it can be listed");
        assert_eq!(names, ["log.1", "log.2"], "it was moved");
        assert_eq!(sandbox.read("log.1"), "one", "with its contents");
    }

    #[test]
    fn names_in_lists_what_is_there_in_order() {
        let sandbox = Sandbox::new();
        sandbox.write("b/x", "");
        sandbox.write("a.md", "");
        let names = names_in(sandbox.path()).expect("it can be listed");
        assert_eq!(names, ["a.md", "b"], "by name, without . and ..");
    }

    #[test]
    fn names_in_what_is_no_folder_are_none() {
        let sandbox = Sandbox::new();
        let file = sandbox.write("file", "");
        for path in [file, sandbox.join("missing")] {
            let names = names_in(&path).expect("missing is not a failure here");
            assert!(names.is_empty(), "{}: {names:?}", path.display());
        }
    }
}
