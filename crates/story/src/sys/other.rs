//! Listing a folder and opening a file by the standard library.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::folder::{Entry, EntryKind};

pub(crate) fn entries_of(folder: &Path) -> io::Result<Vec<Entry>> {
    std::fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            let kind = match entry.file_type() {
                Ok(found) if found.is_file() => EntryKind::File,
                Ok(found) if found.is_dir() => EntryKind::Folder,
                Ok(found) if found.is_symlink() => EntryKind::Link,
                Ok(_) => EntryKind::Other,
                Err(_) => EntryKind::Untold,
            };
            Ok(Entry {
                name: entry.file_name(),
                kind,
            })
        })
        .collect()
}

pub(crate) fn open_to_look(path: &Path) -> io::Result<File> {
    File::open(path)
}
