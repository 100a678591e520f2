//! Opening a journal on Unix: component by component, so that no link leads out of the sdlc root.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{
    FileType, Gid, Mode, OFlags, Stat, fchmod, fchown, fstat, fsync, mkdirat, openat, stat,
};
use rustix::io::{Errno, retry_on_intr};

use super::{Access, JournalPlace};

/// An open journal with the folders on the way to it, the root first.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    folders: Vec<Arc<File>>,
}

impl Opened {
    /// The folder in which it lies.
    pub(crate) fn folder(&self) -> Option<&Arc<File>> {
        self.folders.last()
    }
}

/// Opens a journal; `None` when it is not there and only read.
pub(crate) fn open_journal(
    place: JournalPlace<'_>,
    access: Access<'_>,
) -> io::Result<Option<Opened>> {
    let root = retry_on_intr(|| rustix::fs::open(place.root, FOLDER, Mode::empty()))?;
    let mut folders = vec![Arc::new(File::from(root))];
    for name in place.folders {
        let parent = folders.last().expect("the root is there");
        match subfolder(parent, name, access) {
            Ok(folder) => folders.push(Arc::new(folder)),
            Err(Errno::NOENT) if matches!(access, Access::Read) => return Ok(None),
            Err(err) => return Err(err.into()),
        }
    }
    let folder = folders.last().expect("the root is there");
    let file = match access {
        Access::Read => match open(folder, place.name, OFlags::RDONLY) {
            Err(Errno::NOENT) => return Ok(None),
            opened => File::from(opened?),
        },
        Access::Append { like } => append(folder, place.name, like)?,
    };
    check(&fstat(&file)?)?;
    Ok(Some(Opened { file, folders }))
}

/// Waits until what was written, and every name on the way to it, is on the disk.
pub(crate) fn sync_journal(opened: &Opened) -> io::Result<()> {
    opened.file.sync_data()?;
    for folder in opened.folders.iter().rev() {
        match retry_on_intr(|| fsync(folder)) {
            // There is nothing to sync with on such a file system.
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Ok(())
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

fn subfolder(parent: &File, name: &str, access: Access<'_>) -> Result<File, Errno> {
    let opened = retry_on_intr(|| openat(parent, name, FOLDER, Mode::empty()));
    match (opened, access) {
        (Err(Errno::NOENT), Access::Append { .. }) => {
            let like = fstat(parent)?;
            // Another story's first change may make it just now.
            match retry_on_intr(|| mkdirat(parent, name, Mode::RWXU)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(err) => return Err(err),
            }
            let folder = retry_on_intr(|| openat(parent, name, FOLDER, Mode::empty()))?;
            share(&folder, &like);
            Ok(File::from(folder))
        }
        (opened, _) => opened.map(File::from),
    }
}

/// `NONBLOCK`: a pipe in its place must not make us wait for its other end.
fn open(folder: &File, name: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    retry_on_intr(|| openat(folder, name, flags, Mode::RUSR | Mode::WUSR))
}

fn append(folder: &File, name: &Path, like: &Path) -> Result<File, Errno> {
    let flags = OFlags::RDWR | OFlags::APPEND;
    match open(folder, name, flags) {
        Err(Errno::NOENT) => {}
        opened => return opened.map(File::from),
    }
    match open(folder, name, flags | OFlags::CREATE | OFlags::EXCL) {
        Ok(file) => {
            if let Ok(like) = retry_on_intr(|| stat(like)) {
                share(&file, &like);
            }
            Ok(File::from(file))
        }
        // Somebody without the story's lock made it just now.
        Err(Errno::EXIST) => open(folder, name, flags).map(File::from),
        Err(err) => Err(err),
    }
}

/// Opens a new file or folder to those to whom `like` is open. Where that is refused it stays ours alone, which the
/// others are told when they cannot write it.
fn share(new: &OwnedFd, like: &Stat) {
    let is_folder = FileType::from_raw_mode(like.st_mode) == FileType::Directory;
    let bits = if is_folder { 0o2777 } else { 0o666 };
    let mode = Mode::from_raw_mode(like.st_mode) & Mode::from_bits_truncate(bits);
    let group = Gid::from_raw(like.st_gid);
    let has_group = fstat(new).is_ok_and(|made| made.st_gid == like.st_gid)
        || retry_on_intr(|| fchown(new, None, Some(group))).is_ok();
    let mode = if has_group {
        mode
    } else {
        // Not the rights of that group to another one.
        mode & !(Mode::RWXG | Mode::SGID)
    };
    if let Err(err) = retry_on_intr(|| fchmod(new, mode | Mode::RUSR | Mode::WUSR)) {
        tracing::debug!(%err, "a journal has not the mode of its story");
    }
}

/// What is written here must be seen here only.
fn check(found: &Stat) -> io::Result<()> {
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is not a regular file"));
    }
    if found.st_nlink > 1 {
        return Err(io::Error::other("it has a second name elsewhere"));
    }
    Ok(())
}
