//! Other systems: folders by their paths; links on the way are looked for before each step.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Found;

/// A folder, by its path.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if path.symlink_metadata()?.is_dir() {
            let path = path.to_path_buf();
            Ok(Self { path })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    pub(crate) fn child(&self, name: &OsStr) -> io::Result<Self> {
        Self::open(&self.path.join(name))
    }

    /// Nobody has a folder open here.
    pub(crate) fn handle(&self) -> Option<&Arc<File>> {
        None
    }

    pub(crate) fn look(&self, name: &OsStr) -> io::Result<Found> {
        match self.path.join(name).symlink_metadata() {
            Ok(found) if found.is_symlink() => Ok(Found::Link),
            Ok(found) if found.is_dir() => Ok(Found::Folder),
            Ok(found) if found.is_file() => Ok(Found::File),
            Ok(_) => Ok(Found::Special),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            Err(err) => Err(err),
        }
    }

    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    }

    pub(crate) fn read_link(&self, name: &OsStr) -> io::Result<Vec<u8>> {
        let to = fs::read_link(self.path.join(name))?;
        Ok(crate::sys::bytes_of(&to))
    }

    /// There is no one kind of link here that is right for files and folders.
    pub(crate) fn make_link(&self, _name: &OsStr, _to: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn make_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::create_dir(self.path.join(name))
    }

    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    pub(crate) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_dir(self.path.join(name))
    }

    /// Not known before it is tried.
    pub(crate) fn may_change(&self) -> io::Result<()> {
        Ok(())
    }

    /// Folders have no permission bits here.
    pub(crate) fn set_permissions(&self, _bits: u32) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn permissions(&self) -> io::Result<u32> {
        Ok(0o755)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether two names stand for one file. The standard library does not tell: names of one file have the same time of creation,
/// which is fine enough to tell files apart that are made one after the other.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| {
        let found = path.symlink_metadata().ok()?;
        Some((found.created().ok()?, found.len()))
    };
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

pub(crate) fn set_modified(path: &Path, seconds: i64, nanoseconds: u32) -> io::Result<()> {
    let since = Duration::new(seconds.unsigned_abs(), nanoseconds);
    File::options()
        .write(true)
        .open(path)?
        .set_modified(SystemTime::UNIX_EPOCH + since)
}
