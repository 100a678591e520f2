//! Listing a folder on Unix: not by `std::fs::read_dir`, which panics when closing the folder fails. Opening a file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Dir, FileType, Mode, OFlags};
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

/// Opens a file for a look at it; a pipe without a writer does not block.
pub(crate) fn open_to_look(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))?;
    Ok(opened.into())
}
