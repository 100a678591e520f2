//! Finding the file behind a path: links resolved, its folder open, its version known.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::ReadError;
use crate::stamp::{Kind, Stamp};
use crate::sys::{self, Directory};

/// How often a path is resolved anew because its last component became a link in between.
const RESOLUTIONS: usize = 4;

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
            match Self::open_canonical(canonical) {
                Err(ReadError::NotRegular { what, .. })
                    if what == Kind::Symlink.with_article() && resolutions < RESOLUTIONS => {}
                other => return other,
            }
        }
    }

    /// Opens the file at `path`, which has no links in it.
    pub(crate) fn open_canonical(path: PathBuf) -> Result<Self, ReadError> {
        let Some((folder, name)) = split(&path) else {
            return Err(not_regular(path, Kind::Directory));
        };
        let directory = Directory::open(folder)
            .map_err(|err| ReadError::from_io("open its folder", &path, err))?;
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

fn not_regular(path: PathBuf, kind: Kind) -> ReadError {
    ReadError::NotRegular {
        path,
        what: kind.with_article(),
    }
}
