//! Listing a folder, opening a file and opening a journal by the standard library.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Access, JournalPlace};

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

/// Never made here.
pub(crate) type Base = std::convert::Infallible;

/// Not known how.
pub(crate) fn open_base(_folder: &Path) -> Option<Base> {
    None
}

pub(crate) fn open_to_look(_base: Option<&Base>, path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Length of a regular file, and when it was last written; `None` where it is none.
pub(crate) fn length_and_time(file: &File) -> Option<(u64, std::time::SystemTime)> {
    let found = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((found.len(), found.modified().ok()?))
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
}

impl Opened {
    /// Folders are not opened here.
    #[expect(clippy::unused_self, reason = "it has a folder on Unix")]
    pub(crate) fn folder(&self) -> Option<&Arc<File>> {
        None
    }
}

/// Opens a journal; `None` when it is not there and only read. Links are looked for, but one made just then is followed.
pub(crate) fn open_journal(
    place: JournalPlace<'_>,
    access: Access<'_>,
) -> io::Result<Option<Opened>> {
    let mut path = place.root.to_path_buf();
    for name in place.folders {
        path.push(name);
        match (fs::symlink_metadata(&path), access) {
            (Ok(found), _) if found.is_dir() => {}
            (Ok(_), _) => return Err(io::ErrorKind::NotADirectory.into()),
            (Err(err), _) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            (Err(_), Access::Read) => return Ok(None),
            (Err(_), Access::Append { .. }) => fs::create_dir_all(&path)?,
        }
    }
    path.push(place.name);
    match (fs::symlink_metadata(&path), access) {
        (Ok(found), _) if found.is_file() => {}
        (Ok(_), _) => return Err(io::Error::other("it is not a regular file")),
        (Err(err), Access::Read) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        (Err(_), _) => {}
    }
    let mut options = OpenOptions::new();
    options.read(true);
    if matches!(access, Access::Append { .. }) {
        options.append(true).create(true);
    }
    let file = options.open(&path)?;
    Ok(Some(Opened { file }))
}

/// Waits until what was written is on the disk.
pub(crate) fn sync_journal(opened: &Opened) -> io::Result<()> {
    opened.file.sync_data()
}
