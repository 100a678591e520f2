//! Listing a folder on Unix: not by `std::fs::read_dir`, which panics when closing the folder fails. Opening a file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags};
use rustix::io::retry_on_intr;

use crate::folder::{Entry, EntryKind};

pub(crate) fn entries_of(folder: &Path) -> io::Result<Vec<Entry>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| rustix::fs::open(folder, flags, Mode::empty()))?;
    let mut entries = Vec::new();
    for entry in Dir::new(opened)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            entries.push(Entry {
                name: OsString::from(OsStr::from_bytes(name)),
                kind: kind_of(entry.file_type()),
            });
        }
    }
    Ok(entries)
}

fn kind_of(file_type: FileType) -> EntryKind {
    match file_type {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Folder,
        FileType::Symlink => EntryKind::Link,
        FileType::Unknown => EntryKind::Untold,
        _ => EntryKind::Other,
    }
}

/// A folder that is open, to reach files in it without the way to it.
pub(crate) type Base = OwnedFd;

/// Opens a folder to reach files in it.
pub(crate) fn open_base(folder: &Path) -> Option<Base> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    retry_on_intr(|| rustix::fs::open(folder, flags, Mode::empty())).ok()
}

/// Opens a file for a look at it, by its path from a folder or as it is; a pipe without a writer does not block.
pub(crate) fn open_to_look(base: Option<&Base>, path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let from = base.map_or(CWD, OwnedFd::as_fd);
    let opened = retry_on_intr(|| rustix::fs::openat(from, path, flags, Mode::empty()))?;
    Ok(opened.into())
}

/// Length of a regular file, and when it was last written; `None` where it is none. Cheaper than all that the standard
/// library asks for.
pub(crate) fn length_and_time(file: &File) -> Option<(u64, SystemTime)> {
    let found = rustix::fs::fstat(file).ok()?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return None;
    }
    let (seconds, nanoseconds) = (
        found.st_mtime.try_into().ok()?,
        found.st_mtime_nsec.try_into().ok()?,
    );
    let written = UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))?;
    Some((found.st_size.try_into().ok()?, written))
}
