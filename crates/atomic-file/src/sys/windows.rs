//! Windows: rename-based, no swapping of names; compiled there, not exercised by our tests.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::windows::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Exchange, LostAttribute, MetadataError};
use crate::stamp::{Kind, Stamp};

/// A folder, by its path: the standard library opens no folders here.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            Ok(Self {
                path: path.to_path_buf(),
            })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    pub(crate) fn open_resolved(path: &Path) -> io::Result<Self> {
        Self::open(path)
    }

    /// Nobody has a folder open here, so this is never asked for; and what stands at no path is never found.
    pub(crate) fn shared(_folder: &Arc<File>) -> Self {
        Self {
            path: PathBuf::new(),
        }
    }

    pub(crate) fn reopened(&self) -> io::Result<Self> {
        Self::open(&self.path)
    }

    pub(crate) fn has_fine_stamps(&self) -> bool {
        false
    }

    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    }

    pub(crate) fn refresh(&self) {}

    pub(crate) fn is_removed(&self) -> bool {
        !self.path.is_dir()
    }

    pub(crate) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        File::open(self.path.join(name))
    }

    pub(crate) fn stamp(&self, name: &OsStr) -> io::Result<Stamp> {
        Ok(to_stamp(&fs::symlink_metadata(self.path.join(name))?))
    }

    pub(crate) fn may_write(&self, name: &OsStr) -> io::Result<()> {
        OpenOptions::new()
            .write(true)
            .open(self.path.join(name))
            .map(drop)
    }

    pub(crate) fn create_anonymous(&self, _mode: u32) -> io::Result<Option<File>> {
        Ok(None)
    }

    pub(crate) fn create_named(&self, name: &OsStr, _mode: u32) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.path.join(name))
    }

    pub(crate) fn name_anonymous(&self, _file: &File, _name: &OsStr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    /// Renames with write-through, which is what stands for a sync of the folder here.
    pub(crate) fn rename_over(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        atomicwrites::replace_atomic(&self.path.join(from), &self.path.join(to))
    }

    pub(crate) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        atomicwrites::move_atomic(&self.path.join(from), &self.path.join(to))
    }

    pub(crate) fn exchange(&self, _one: &OsStr, _other: &OsStr) -> io::Result<Exchange> {
        Ok(Exchange::Unsupported)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn try_lock_shared(&self) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn unlock(&self) {}

    pub(crate) fn try_lock_exclusive(&self) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn unlock_exclusive(&self) {}
}

pub(crate) fn try_lock(_file: &File) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn stamp_of(file: &File) -> io::Result<Stamp> {
    Ok(to_stamp(&file.metadata()?))
}

pub(crate) fn read_at_start(mut file: &File, room: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(room as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Of permission bits there is one here: whether the file may be written.
pub(crate) fn set_permissions(file: &File, permissions: u32) -> io::Result<()> {
    let mut found = file.metadata()?.permissions();
    found.set_readonly(permissions & 0o200 == 0);
    file.set_permissions(found)
}

/// The read-only flag is the only thing that the standard library lets us carry over.
pub(crate) fn copy_metadata(
    old: &File,
    _old_stamp: &Stamp,
    new: &File,
    _new_stamp: &Stamp,
    _mode: u32,
) -> Result<Vec<LostAttribute>, MetadataError> {
    old.metadata()
        .and_then(|metadata| new.set_permissions(metadata.permissions()))
        .map_err(MetadataError::Mode)?;
    Ok(Vec::new())
}

/// A file name from its bytes. Names that are not Unicode lose something; they only occur inside temporary names.
pub(crate) fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn to_stamp(metadata: &fs::Metadata) -> Stamp {
    let kind = if metadata.is_symlink() {
        Kind::Symlink
    } else if metadata.is_dir() {
        Kind::Directory
    } else {
        Kind::Regular
    };
    // In units of 100 ns; only compared, and read as a time relative to 1601 shifted to 1970.
    let modified = i128::from(metadata.last_write_time()) * 100 - 11_644_473_600_000_000_000;
    Stamp {
        kind,
        device: 0,
        // No file number without unsafe code; the time of creation stands in for it.
        inode: metadata.creation_time(),
        size: metadata.file_size(),
        modified,
        changed: modified,
        links: 1,
        mode: metadata.file_attributes(),
        owner: 0,
        group: 0,
    }
}
