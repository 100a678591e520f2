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
/// The file stays open as long as the target lives, so that no other file can get its inode number (ext4 gives
/// numbers out again at once).
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) directory: Directory,
    pub(crate) path: PathBuf,
    pub(crate) name: OsString,
    pub(crate) file: File,
    pub(crate) stamp: Stamp,
}

impl Target {
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let fail = |step, err| ReadError::from_io(step, path, err);
        let mut resolutions = 0;
        loop {
            let resolved = path.canonicalize().map_err(|err| fail("resolve it", err))?;
            let (folder, name) =
                split(&resolved).ok_or_else(|| not_regular(&resolved, Kind::Directory))?;
            let directory = Directory::open(folder).map_err(|err| fail("open its folder", err))?;
            let name = name.to_owned();
            let file = match directory.open_file(&name) {
                Ok(file) => file,
                Err(err) => match directory.stamp(&name) {
                    Ok(stamp) if stamp.kind == Kind::Symlink && resolutions < RESOLUTIONS => {
                        resolutions += 1;
                        continue;
                    }
                    // A socket cannot be opened, nor can some devices.
                    Ok(stamp) if stamp.kind != Kind::Regular => {
                        return Err(not_regular(&resolved, stamp.kind));
                    }
                    _ => return Err(fail("open it", err)),
                },
            };
            let stamp = sys::stamp_of(&file).map_err(|err| fail("look at it", err))?;
            if stamp.kind != Kind::Regular {
                return Err(not_regular(&resolved, stamp.kind));
            }
            return Ok(Self {
                directory,
                path: resolved,
                name,
                file,
                stamp,
            });
        }
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

fn not_regular(path: &Path, kind: Kind) -> ReadError {
    ReadError::NotRegular {
        path: path.to_path_buf(),
        what: kind.with_article(),
    }
}
