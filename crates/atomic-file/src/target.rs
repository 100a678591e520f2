//! Finding the file behind a path: links resolved, its folder open, its version known.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::ReadError;
use crate::stamp::{Kind, Stamp};
use crate::sys::{self, Directory};

/// How often a path is resolved anew because a part of it became a link in between.
const RESOLUTIONS: usize = 4;

/// A file that somebody has resolved already, a lock as a rule: its path has no links in it.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// Its path; the last component is the name that is looked up in the folder.
    pub path: &'a Path,
    /// The folder that was found there. Its names are looked up in it, even if it was moved since, and another folder,
    /// or a link, is now in its place. Without it the path is opened anew, and no link in it followed.
    ///
    /// A commit works with this very handle and keeps it; while it lasts, it has a shared kernel lock on it.
    pub folder: Option<&'a Arc<File>>,
}

impl<'a> Resolved<'a> {
    /// Opens the folder, and tells the name in it; `None` where the path has none.
    pub(crate) fn open_folder(&self) -> Option<io::Result<(Directory, &'a OsStr)>> {
        let (folder, name) = split(self.path)?;
        let directory = match self.folder {
            Some(folder) => Ok(Directory::shared(folder)),
            None => Directory::open_resolved(folder),
        };
        Some(directory.map(|directory| (directory, name)))
    }
}

/// A regular file, open, in its open folder.
///
/// The file stays open until it is replaced, so that no other file can get its inode number (ext4 gives numbers out again
/// at once).
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) directory: Directory,
    pub(crate) path: PathBuf,
    pub(crate) name: OsString,
    file: Option<File>,
    pub(crate) stamp: Stamp,
}

impl Target {
    /// Opens the file behind `path`, links followed.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let mut resolutions = 0;
        loop {
            let canonical = path
                .canonicalize()
                .map_err(|err| ReadError::from_io("resolve it", path, err))?;
            resolutions += 1;
            let resolved = Resolved {
                path: &canonical,
                folder: None,
            };
            match Self::open_resolved(resolved) {
                Err(err) if has_become_a_link(&err) && resolutions < RESOLUTIONS => {}
                other => return other,
            }
        }
    }

    /// Opens the file, in its folder if that is open.
    pub(crate) fn open_resolved(resolved: Resolved<'_>) -> Result<Self, ReadError> {
        let path = resolved.path.to_path_buf();
        let Some(opened) = resolved.open_folder() else {
            return Err(not_regular(path, Kind::Directory));
        };
        let (directory, name) =
            opened.map_err(|err| ReadError::from_io("open its folder", &path, err))?;
        let name = name.to_owned();
        let file = match directory.open_file(&name) {
            Ok(file) => file,
            Err(err) => {
                return Err(match directory.stamp(&name) {
                    // A link is not followed, a socket cannot be opened, nor can some devices.
                    Ok(stamp) if stamp.kind != Kind::Regular => not_regular(path, stamp.kind),
                    _ => ReadError::from_io("open it", &path, err),
                });
            }
        };
        let stamp =
            sys::stamp_of(&file).map_err(|err| ReadError::from_io("look at it", &path, err))?;
        if stamp.kind != Kind::Regular {
            return Err(not_regular(path, stamp.kind));
        }
        Ok(Self {
            directory,
            path,
            name,
            file: Some(file),
            stamp,
        })
    }

    /// The file, for as long as it is open.
    pub(crate) fn file(&self) -> &File {
        self.file
            .as_ref()
            .expect("the file is open until it is replaced without a look at what is displaced")
    }

    /// Closes the file. From here on its inode number may be given to another one.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    /// Whether the name still stands for the version that was opened, untouched.
    pub(crate) fn is_untouched(&self) -> io::Result<bool> {
        match self.directory.stamp(&self.name) {
            Ok(stamp) => Ok(stamp.untouched(&self.stamp)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(err) => Err(err),
        }
    }
}

/// Takes a path apart into its folder and its last component; `None` where there is none (`/`, `..`).
pub(crate) fn split(path: &Path) -> Option<(&Path, &OsStr)> {
    let name = path.file_name()?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Some((folder, name))
}

/// Whether a link stands where there was none when the path was resolved.
fn has_become_a_link(err: &ReadError) -> bool {
    match err {
        ReadError::NotRegular { what, .. } => *what == Kind::Symlink.with_article(),
        ReadError::NotFound { source, .. } => source.kind() == io::ErrorKind::NotADirectory,
        _ => false,
    }
}

fn not_regular(path: PathBuf, kind: Kind) -> ReadError {
    ReadError::NotRegular {
        path,
        what: kind.with_article(),
    }
}
