//! What Windows offers.

use std::fs::File;
use std::io;
use std::os::windows::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use winapi_util::{Handle, file};

use super::Name;
use super::files::{FileId, Kind, Look};

/// `FILE_FLAG_OPEN_REPARSE_POINT`: do not follow links.
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
/// `FILE_FLAG_BACKUP_SEMANTICS`: needed to open a directory.
const BACKUP_SEMANTICS: u32 = 0x0200_0000;
/// `FILE_ATTRIBUTE_REPARSE_POINT`.
const REPARSE_POINT: u32 = 0x400;

/// A folder, by its path: nothing can be looked up in an open one here.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn open_resolved(path: &Path) -> io::Result<Self> {
        Self::open(path)
    }

    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if std::fs::metadata(path)?.is_dir() {
            let path = path.to_owned();
            Ok(Self { path })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    #[expect(clippy::unused_self, reason = "other systems have it open")]
    pub(crate) fn as_file(&self) -> Option<&Arc<File>> {
        None
    }
}

pub(crate) fn look_at(name: &Name) -> io::Result<Look> {
    let file = File::options()
        .access_mode(0)
        .custom_flags(OPEN_REPARSE_POINT | BACKUP_SEMANTICS)
        .open(name.path())?;
    look_of(&file)
}

fn look_of(file: &File) -> io::Result<Look> {
    let metadata = file.metadata()?;
    let information = file::information(Handle::from_file(file.try_clone()?))?;
    let kind = if metadata.file_attributes() & REPARSE_POINT != 0 {
        Kind::Symlink
    } else if metadata.is_dir() {
        Kind::Directory
    } else if metadata.is_file() {
        Kind::File
    } else {
        Kind::Special
    };
    Ok(Look {
        id: FileId {
            device: information.volume_serial_number(),
            inode: information.file_index(),
        },
        kind,
        modified: metadata.modified().ok(),
        size: metadata.file_size(),
        links: information.number_of_links(),
        // There is no such bit here.
        is_marked: false,
    })
}

/// Creates a sidecar under a name that must be free.
pub(crate) fn create_marked(name: &Name) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(name.path())
}

pub(crate) fn open_existing(name: &Name) -> io::Result<(File, Look)> {
    let file = File::options()
        .read(true)
        .write(true)
        .custom_flags(OPEN_REPARSE_POINT)
        .open(name.path())?;
    let look = look_of(&file)?;
    Ok((file, look))
}

pub(crate) fn open_folder(name: &Name) -> io::Result<(File, Look)> {
    let file = File::options()
        .read(true)
        .custom_flags(OPEN_REPARSE_POINT | BACKUP_SEMANTICS)
        .open(name.path())?;
    let look = look_of(&file)?;
    Ok((file, look))
}

/// Whether a directory has no entries but pins of ours.
pub(crate) fn is_empty_folder(_folder: &File, name: &Name) -> io::Result<bool> {
    Ok(names_at(name.path())?
        .iter()
        .all(|name| crate::is_temporary_name(name)))
}

/// Puts an empty file into a directory that is judged stale, so that nobody else can remove it between
/// our last look and its replacement. `None` when it does not stand at its name any more.
pub(crate) fn pin(folder: &File, name: &Name, judged: &Look) -> io::Result<Option<Look>> {
    // Touched since: its owner lives after all.
    if look_of(folder)?.modified != judged.modified {
        return Ok(None);
    }
    let pin = name.path().join(super::files::temporary_name()?);
    match File::options().write(true).create_new(true).open(&pin) {
        Ok(_) => {}
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(err),
    }
    let pinned = look_of(folder)?;
    let is_there = super::look(name)?.is_some_and(|now| now.id == pinned.id);
    if !is_there {
        std::fs::remove_file(&pin)?;
    }
    Ok(is_there.then_some(pinned))
}

/// Removes a directory that holds nothing but pins.
pub(crate) fn remove_folder(name: &Name) -> io::Result<()> {
    for pin in names_at(name.path())? {
        if crate::is_temporary_name(&pin) {
            std::fs::remove_file(name.path().join(pin))?;
        }
    }
    std::fs::remove_dir(name.path())
}

/// Removes a file by its name.
pub(crate) fn unlink(name: &Name) -> io::Result<()> {
    std::fs::remove_file(name.path())
}

/// Gives a file a second name, which must be free.
pub(crate) fn hard_link(name: &Name, other: &Name) -> io::Result<()> {
    std::fs::hard_link(name.path(), other.path())
}

/// Renames, replacing whatever has the new name.
#[expect(
    clippy::disallowed_methods,
    reason = "a lock of another tool moves to a unique name and back; nothing is replaced"
)]
pub(crate) fn rename(name: &Name, other: &Name) -> io::Result<()> {
    std::fs::rename(name.path(), other.path())
}

pub(crate) fn is_other_kind(err: &io::Error) -> bool {
    err.kind() == io::ErrorKind::NotFound
}

pub(crate) fn is_read_only_file(err: &io::Error) -> bool {
    err.kind() == io::ErrorKind::PermissionDenied
}

pub(crate) fn names_in(folder: &Folder) -> io::Result<Vec<std::ffi::OsString>> {
    names_at(&folder.path)
}

fn names_at(path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    std::fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect()
}

pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        match file.seek_write(&bytes[written..], offset + written as u64)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => written += count,
        }
    }
    Ok(())
}

pub(crate) fn touch(file: &File) -> io::Result<()> {
    file.set_modified(std::time::SystemTime::now())
}

pub(crate) fn host() -> String {
    winapi_util::sysinfo::get_computer_name(
        winapi_util::sysinfo::ComputerNameKind::PhysicalDnsHostname,
    )
    .map(|name| name.to_string_lossy().into_owned())
    .unwrap_or_default()
}

/// Nothing: a lock belongs to the process that took it.
#[derive(Debug)]
pub(crate) struct Inheritable;

/// Children keep no lock alive here.
#[expect(clippy::unnecessary_wraps, reason = "it may fail on Unix")]
pub(crate) fn inheritable(_file: &File) -> io::Result<Inheritable> {
    Ok(Inheritable)
}
