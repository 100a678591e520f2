//! Unix systems other than Linux: named temporary files; names are swapped where the system can (Apple).

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// File systems are not told apart here: nothing is expected of any.
#[derive(Debug)]
pub(super) struct FileSystem;

impl FileSystem {
    pub(super) fn of(_folder: &File) -> Self {
        Self
    }

    pub(super) fn is_local(&self) -> bool {
        false
    }

    pub(super) fn syncs_nameless(&self) -> bool {
        false
    }

    pub(super) fn has_fine_stamps(&self) -> bool {
        false
    }
}

pub(super) const SEARCH_ONLY: Option<OFlags> = None;

/// Opens a folder by a path whose last component is no link.
pub(super) fn open_resolved(path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    openat(CWD, path, flags | OFlags::NOFOLLOW, Mode::empty())
}

pub(super) fn refresh(_directory: &File) {}

pub(super) fn create_anonymous(_directory: &File, _mode: Mode) -> io::Result<Option<File>> {
    Ok(None)
}

pub(super) fn name_anonymous(_directory: &File, _file: &File, _name: &OsStr) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_vendor = "apple")]
pub(super) fn rename_new(directory: &File, from: &OsStr, to: &OsStr) -> io::Result<()> {
    let flags = rustix::fs::RenameFlags::NOREPLACE;
    Ok(rustix::fs::renameat_with(
        directory, from, directory, to, flags,
    )?)
}

#[cfg(target_vendor = "apple")]
pub(super) fn exchange(directory: &File, one: &OsStr, other: &OsStr) -> io::Result<()> {
    let flags = rustix::fs::RenameFlags::EXCHANGE;
    Ok(rustix::fs::renameat_with(
        directory, one, directory, other, flags,
    )?)
}

#[cfg(not(target_vendor = "apple"))]
pub(super) fn rename_new(_directory: &File, _from: &OsStr, _to: &OsStr) -> io::Result<()> {
    Err(Errno::NOSYS.into())
}

#[cfg(not(target_vendor = "apple"))]
pub(super) fn exchange(_directory: &File, _one: &OsStr, _other: &OsStr) -> io::Result<()> {
    Err(Errno::NOSYS.into())
}
