//! What all Unix systems share.

use std::ffi::{OsStr, OsString};
use std::fs::{File, FileTimes};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT,
    fchmod, fstat, linkat, openat, renameat, statat, unlinkat,
};
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd, retry_on_intr};

use super::files::{FileId, Kind, Look};
#[cfg(target_os = "linux")]
use super::linux as special;
#[cfg(not(target_os = "linux"))]
use super::portable as special;
use super::{Call, Name, about_to};

/// The sticky bit, which means nothing on a file, is set on each sidecar from its creation: unlike the record it reaches
/// the disk together with the name. The umask takes nothing from it.
const MARK: Mode = Mode::SVTX;

/// The mode of a sidecar; the umask takes from it.
pub(super) const MODE: Mode = MARK.union(Mode::from_raw_mode(0o666));

/// A folder that is open, for looking up names in it.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Shared with whoever changes what is locked, so that the folder is opened once for both.
    handle: Arc<File>,
}

impl Folder {
    /// Opens a folder whose path has no links in it. A link that somebody has put there since it was resolved is not
    /// followed: it counts as a missing folder.
    pub(crate) fn open_resolved(path: &Path) -> io::Result<Self> {
        let open = |access| retry_on_intr(|| special::open_resolved(path, access));
        let opened = match open(OFlags::RDONLY) {
            // A folder that may be searched but not listed.
            Err(Errno::ACCESS) => open(special::SEARCH_ONLY),
            opened => opened,
        };
        match opened {
            Ok(opened) => Ok(Self::of(opened)),
            Err(Errno::LOOP) => Err(Errno::NOTDIR.into()),
            Err(err) => Err(err.into()),
        }
    }

    /// Opens a folder by a path in which links are followed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        about_to(Call::OpenFolder)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| openat(CWD, path, flags, Mode::empty()))?;
        Ok(Self::of(opened))
    }

    fn of(opened: OwnedFd) -> Self {
        Self {
            handle: Arc::new(opened.into()),
        }
    }

    /// For callers who look names up themselves; `None` on systems that open no folders.
    #[expect(clippy::unnecessary_wraps, reason = "Windows opens no folders")]
    pub(crate) fn as_file(&self) -> Option<&Arc<File>> {
        Some(&self.handle)
    }

    pub(super) fn handle(&self) -> &File {
        &self.handle
    }
}

/// Creates a sidecar under a name that must be free.
pub(crate) fn create_marked(name: &Name) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    open_at(name, flags, MODE)
}

fn open_at(name: &Name, flags: OFlags, mode: Mode) -> io::Result<File> {
    let folder = name.folder().handle();
    let opened = retry_on_intr(|| openat(folder, name.file_name(), flags, mode))?;
    Ok(opened.into())
}

pub(crate) fn look_at(name: &Name) -> io::Result<Look> {
    about_to(Call::Look)?;
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    let stat = statat(name.folder().handle(), name.file_name(), flags)?;
    Ok(look_of(&stat))
}

fn look_of(stat: &Stat) -> Look {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Special,
    };
    Look {
        id: FileId {
            device: unsigned(stat.st_dev),
            inode: unsigned(stat.st_ino),
        },
        kind,
        modified: time(stat.st_mtime, stat.st_mtime_nsec),
        size: unsigned(stat.st_size),
        links: unsigned(stat.st_nlink),
        is_marked: kind == Kind::File && Mode::from_raw_mode(stat.st_mode).contains(MARK),
    }
}

// The fields of `stat` have other widths on each system; a value out of range is none that was ever handed out.
fn unsigned<T: TryInto<u64>>(value: T) -> u64 {
    value.try_into().unwrap_or(u64::MAX)
}

fn time(seconds: impl TryInto<i64>, nanoseconds: impl TryInto<u32>) -> Option<SystemTime> {
    let seconds = seconds.try_into().ok()?;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = if seconds < 0 {
        UNIX_EPOCH.checked_sub(whole)
    } else {
        UNIX_EPOCH.checked_add(whole)
    };
    second?.checked_add(Duration::new(0, nanoseconds.try_into().ok()?))
}

/// Opens what stands at a sidecar's place: never through a link, never waiting for a FIFO's other end.
/// Without permission to write it opens for reading, which is enough to wait and to be granted.
pub(crate) fn open_existing(name: &Name) -> io::Result<(File, Look)> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let open = |access| open_at(name, flags | access, Mode::empty());
    let file = match about_to(Call::Open).and_then(|()| open(OFlags::RDWR)) {
        Err(err) if is_refused(&err) => open(OFlags::RDONLY)?,
        opened => opened?,
    };
    let look = look_of(&fstat(&file)?);
    Ok((file, look))
}

fn is_refused(err: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(err),
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS)
    )
}

/// Looks which file a new sidecar is, and lets every user who may enter the folder ask the kernel for its owner,
/// whatever the umask is.
///
/// A lock that another user cannot open could neither be waited for nor, after a crash, be told from a living one.
pub(super) fn publishable(file: &File) -> io::Result<FileId> {
    let stat = fstat(file)?;
    let readable = Mode::RUSR | Mode::RGRP | Mode::ROTH;
    let mode = Mode::from_raw_mode(stat.st_mode);
    // Where modes cannot be changed they do not keep anybody out either.
    if !mode.contains(readable)
        && let Err(err) = retry_on_intr(|| fchmod(file, mode | readable))
    {
        tracing::debug!(%err, "a lock file was not made readable");
    }
    Ok(look_of(&stat).id)
}

/// Opens a directory without following a link, to bind to it whatever becomes of its name.
pub(crate) fn open_folder(name: &Name) -> io::Result<(File, Look)> {
    about_to(Call::OpenFolder)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = open_at(name, flags, Mode::empty())?;
    let look = look_of(&fstat(&file)?);
    Ok((file, look))
}

/// Whether an open directory has no entries but pins of ours. Not through `std::fs::read_dir`: it
/// panics when closing fails.
pub(crate) fn is_empty_folder(folder: &File, _name: &Name) -> io::Result<bool> {
    Ok(entries(folder)?
        .iter()
        .all(|name| crate::is_temporary_name(name)))
}

fn entries(folder: &File) -> io::Result<Vec<OsString>> {
    about_to(Call::ReadFolder)?;
    let mut names = Vec::new();
    for entry in retry_on_intr(|| rustix::fs::Dir::read_from(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

/// Puts an empty file into an open directory that is judged stale, so that nobody else's `rmdir` can
/// remove it between our last look and its replacement. Returns how it looks now, or `None` when it
/// does not stand at its name any more.
pub(crate) fn pin(folder: &File, name: &Name, judged: &Look) -> io::Result<Option<Look>> {
    about_to(Call::Recheck)?;
    // Touched since: its owner lives after all.
    if look_of(&fstat(folder)?).modified != judged.modified {
        return Ok(None);
    }
    let pin = super::files::temporary_name()?;
    about_to(Call::Pin)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o600);
    match retry_on_intr(|| openat(folder, &pin, flags, mode)) {
        Ok(_pin) => keep_age(folder, judged),
        Err(Errno::NOENT) => return Ok(None),
        Err(err) => return Err(err.into()),
    }
    let pinned = look_of(&fstat(folder)?);
    let is_there = super::look(name)?.is_some_and(|now| now.id == pinned.id);
    if !is_there {
        unpin(folder, OsStr::new(&pin))?;
    }
    Ok(is_there.then_some(pinned))
}

/// The pin has made the directory look fresh: should we die here, everybody would respect it for another stale limit.
fn keep_age(folder: &File, judged: &Look) {
    // Another user's directory keeps the new time.
    if let Some(modified) = judged.modified
        && let Err(err) = folder.set_times(FileTimes::new().set_modified(modified))
    {
        tracing::debug!(%err, "a pinned lock directory looks fresh");
    }
}

fn unpin(folder: &File, pin: &OsStr) -> io::Result<()> {
    about_to(Call::Unpin)?;
    Ok(unlinkat(folder, pin, AtFlags::empty())?)
}

/// Removes a directory that holds nothing but pins.
pub(crate) fn remove_folder(name: &Name) -> io::Result<()> {
    let (folder, _) = open_folder(name)?;
    for pin in entries(&folder)? {
        if crate::is_temporary_name(&pin) {
            unpin(&folder, &pin)?;
        }
    }
    about_to(Call::RemoveFolder)?;
    let (folder, flags) = (name.folder().handle(), AtFlags::REMOVEDIR);
    Ok(unlinkat(folder, name.file_name(), flags)?)
}

/// Removes a file by its name.
pub(crate) fn unlink(name: &Name) -> io::Result<()> {
    let folder = name.folder().handle();
    Ok(unlinkat(folder, name.file_name(), AtFlags::empty())?)
}

/// Gives a file a second name, which must be free.
pub(crate) fn hard_link(name: &Name, other: &Name) -> io::Result<()> {
    let (from, to) = (name.folder().handle(), other.folder().handle());
    let flags = AtFlags::empty();
    Ok(linkat(
        from,
        name.file_name(),
        to,
        other.file_name(),
        flags,
    )?)
}

/// Renames, replacing whatever has the new name.
pub(crate) fn rename(name: &Name, other: &Name) -> io::Result<()> {
    let (from, to) = (name.folder().handle(), other.folder().handle());
    Ok(renameat(from, name.file_name(), to, other.file_name())?)
}

/// Whether an open failed because the name stands for another kind of file by now, or for none.
pub(crate) fn is_other_kind(err: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(err),
        Some(Errno::NOENT | Errno::ISDIR | Errno::NOTDIR | Errno::LOOP | Errno::NXIO)
    )
}

/// Whether a write failed because the file was opened for reading.
pub(crate) fn is_read_only_file(err: &io::Error) -> bool {
    Errno::from_io_error(err) == Some(Errno::BADF)
}

/// The names in a folder.
pub(crate) fn names_in(folder: &Folder) -> io::Result<Vec<OsString>> {
    // What is open may be good for looking up names only.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| openat(&folder.handle, c".", flags, Mode::empty()))?;
    entries(&opened.into())
}

pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    about_to(Call::Read)?;
    file.read_at(buffer, offset)
}

pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    about_to(Call::Write)?;
    file.write_all_at(bytes, offset)
}

/// A second descriptor of an open file, which children inherit.
pub(crate) type Inheritable = OwnedFd;

/// Scripts use the numbers below 10 for themselves, and shells those from 10 on.
const INHERITED_FROM: i32 = 64;

/// Duplicates a descriptor for children: the lock on the open file lives as long as any of them has it.
pub(crate) fn inheritable(file: &File) -> io::Result<Inheritable> {
    let duplicate = match fcntl_dupfd_cloexec(file, INHERITED_FROM) {
        // So high a number is beyond the limit of this process.
        Err(Errno::INVAL) => fcntl_dupfd_cloexec(file, 0),
        duplicate => duplicate,
    }?;
    fcntl_setfd(&duplicate, FdFlags::empty())?;
    Ok(duplicate)
}

/// Sets the modification time to now.
pub(crate) fn touch(file: &File) -> io::Result<()> {
    about_to(Call::Touch)?;
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        },
    };
    Ok(rustix::fs::futimens(file, &times)?)
}

pub(crate) fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}
