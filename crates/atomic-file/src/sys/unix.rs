//! A folder and the files in it, by descriptor: names are looked up in the folder that was opened, whatever happens
//! to the path above it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::buffer::spare_capacity;
use rustix::fs::{
    Access, AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, Stat, accessat, fchmod,
    flock, fstat, linkat, openat, renameat, statat, unlinkat,
};
use rustix::io::{Errno, pread, retry_on_intr};

use super::special::FileSystem;
use super::{Exchange, shared_lock, special};
use crate::stamp::{Kind, Stamp, join_nanos};

/// An open folder.
#[derive(Debug)]
pub(crate) struct Directory {
    handle: Arc<File>,
    file_system: OnceLock<FileSystem>,
    /// It takes part in the kernel lock of the handle.
    is_locked: AtomicBool,
}

impl Directory {
    /// Opens a folder by a path in which links are followed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::opened(|flags| openat(CWD, path, flags, Mode::empty()))
    }

    /// Opens a folder whose path has no links in it. A link that somebody has put there since it was resolved is not
    /// followed: it counts as a missing folder.
    pub(crate) fn open_resolved(path: &Path) -> io::Result<Self> {
        Self::opened(|flags| match special::open_resolved(path, flags) {
            Err(Errno::LOOP) => Err(Errno::NOTDIR),
            other => other,
        })
    }

    /// A folder that is open already, together with whoever has it.
    pub(crate) fn shared(folder: &Arc<File>) -> Self {
        let directory = Self::of(Arc::clone(folder));
        directory.refresh();
        directory
    }

    /// Opens the folder once more: locks and other users of the first descriptor are not met.
    pub(crate) fn reopened(&self) -> io::Result<Self> {
        Self::opened(|flags| openat(&self.handle, c".", flags, Mode::empty()))
    }

    fn of(handle: Arc<File>) -> Self {
        Self {
            handle,
            file_system: OnceLock::new(),
            is_locked: AtomicBool::new(false),
        }
    }

    /// What is known of the file system that the names in this folder are on. Asked for once.
    fn file_system(&self) -> &FileSystem {
        self.file_system
            .get_or_init(|| FileSystem::of(&self.handle))
    }

    /// Also makes a network file system forget what it believes about the folder.
    fn opened(open: impl Fn(OFlags) -> Result<OwnedFd, Errno>) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = match retry_on_intr(|| open(flags | OFlags::RDONLY)) {
            // A folder that may be searched but not listed: everything works but the lock and the sync.
            Err(Errno::ACCESS) => {
                let search_only = special::SEARCH_ONLY.ok_or(Errno::ACCESS)?;
                retry_on_intr(|| open(flags | search_only))?
            }
            other => other?,
        };
        let directory = Self::of(Arc::new(handle.into()));
        directory.refresh();
        Ok(directory)
    }

    /// Makes a network file system ask its server for the names in this folder.
    ///
    /// Without it a client may open the file that had the name before the lock was taken. Where it is not understood
    /// it is not needed, nor where the kernel itself is the one that knows.
    pub(crate) fn refresh(&self) {
        if !self.file_system().is_local() {
            special::refresh(&self.handle);
        }
    }

    /// Whether a write after a look always gives a file in this folder a new stamp.
    ///
    /// A file that something is mounted on has another file system than its folder; it cannot be replaced.
    pub(crate) fn has_fine_stamps(&self) -> bool {
        self.file_system().has_fine_stamps()
    }

    /// Whether the folder itself has been removed.
    pub(crate) fn is_removed(&self) -> bool {
        fstat(&self.handle).is_ok_and(|stat| unsigned(stat.st_nlink) == 0)
    }

    /// Opens a file for reading, without following a link and without waiting for the other end of a FIFO.
    pub(crate) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = retry_on_intr(|| openat(&self.handle, name, flags, Mode::empty()))?;
        Ok(file.into())
    }

    pub(crate) fn stamp(&self, name: &OsStr) -> io::Result<Stamp> {
        Ok(to_stamp(&statat(
            &self.handle,
            name,
            AtFlags::SYMLINK_NOFOLLOW,
        )?))
    }

    /// Whether this process may write to the file, as an editor would have to.
    pub(crate) fn may_write(&self, name: &OsStr) -> io::Result<()> {
        Ok(accessat(
            &self.handle,
            name,
            Access::WRITE_OK,
            AtFlags::EACCESS,
        )?)
    }

    /// Creates a file without a name; `None` where the file system has no such thing.
    pub(crate) fn create_anonymous(&self, mode: u32) -> io::Result<Option<File>> {
        if !self.file_system().syncs_nameless() {
            return Ok(None);
        }
        special::create_anonymous(&self.handle, to_mode(mode))
    }

    /// Creates a file under a name that must be free.
    pub(crate) fn create_named(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = retry_on_intr(|| openat(&self.handle, name, flags, to_mode(mode)))?;
        Ok(file.into())
    }

    /// Gives a file without a name the name `name`, which must be free.
    pub(crate) fn name_anonymous(&self, file: &File, name: &OsStr) -> io::Result<()> {
        special::name_anonymous(&self.handle, file, name)
    }

    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Renames, replacing whatever has the new name.
    pub(crate) fn rename_over(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Renames to a name that must be free.
    pub(crate) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        match special::rename_new(&self.handle, from, to) {
            Err(err) if is_unsupported(&err) => {
                linkat(&self.handle, from, &self.handle, to, AtFlags::empty())?;
                self.remove(from)
            }
            other => other,
        }
    }

    /// Swaps two names.
    pub(crate) fn exchange(&self, one: &OsStr, other: &OsStr) -> io::Result<Exchange> {
        match special::exchange(&self.handle, one, other) {
            Ok(()) => Ok(Exchange::Done),
            Err(err) if is_unsupported(&err) => Ok(Exchange::Unsupported),
            Err(err) => Err(err),
        }
    }

    /// The names in this folder. Not by `std::fs::read_dir`, which panics when closing the folder fails.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        // Once more, since what is open may be good for looking up names only.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = retry_on_intr(|| openat(&self.handle, c".", flags, Mode::empty()))?;
        let mut names = Vec::new();
        for entry in Dir::new(opened)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if !matches!(name.as_slice(), b"." | b"..") {
                names.push(os_string(name));
            }
        }
        Ok(names)
    }

    /// Makes the names in this folder durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.handle.sync_all() {
            // The descriptor of an unlistable folder cannot be synced.
            Err(err) if Errno::from_io_error(&err) == Some(Errno::BADF) => {
                Err(io::ErrorKind::Unsupported.into())
            }
            other => other,
        }
    }

    /// Takes the folder's lock together with other writers; `Ok(false)` while a sweeper has it.
    pub(crate) fn try_lock_shared(&self) -> io::Result<bool> {
        if self.is_locked.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let is_locked = shared_lock::try_join(&self.handle)?;
        self.is_locked.store(is_locked, Ordering::Relaxed);
        Ok(is_locked)
    }

    /// Gives the folder's shared lock back, if it is had; closing is not enough while a child that is being started has a
    /// copy of the descriptor, or somebody else the same one.
    pub(crate) fn unlock(&self) {
        if self.is_locked.swap(false, Ordering::Relaxed) {
            shared_lock::leave(&self.handle);
        }
    }

    /// Takes the folder's lock alone; `Ok(false)` while a writer or another sweeper has it. Not for a handle that others
    /// share.
    pub(crate) fn try_lock_exclusive(&self) -> io::Result<bool> {
        try_flock(&self.handle, FlockOperation::NonBlockingLockExclusive)
    }

    /// Gives the lock back that was taken alone.
    pub(crate) fn unlock_exclusive(&self) {
        unlock(&self.handle);
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.unlock();
    }
}

pub(super) fn unlock(file: &File) {
    retry_on_intr(|| flock(file, FlockOperation::Unlock)).ok();
}

/// Takes the kernel's lock on a file alone; `Ok(false)` while somebody else has it. It ends when the file is closed.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    try_flock(file, FlockOperation::NonBlockingLockExclusive)
}

pub(super) fn try_flock(file: &File, operation: FlockOperation) -> io::Result<bool> {
    match retry_on_intr(|| flock(file, operation)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(err) => Err(err.into()),
    }
}

/// What the system says about an open file.
pub(crate) fn stamp_of(file: &File) -> io::Result<Stamp> {
    Ok(to_stamp(&fstat(file)?))
}

/// Gives an open file exactly these permission bits.
pub(crate) fn set_permissions(file: &File, permissions: u32) -> io::Result<()> {
    Ok(fchmod(file, to_mode(permissions))?)
}

/// Reads the file from its start: at most `room` bytes, fewer where it ends earlier.
pub(crate) fn read_at_start(file: &File, room: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(room)
        .map_err(|_| io::ErrorKind::OutOfMemory)?;
    while bytes.len() < room {
        let offset = bytes.len() as u64;
        match pread(file, spare_capacity(&mut bytes), offset) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Ok(bytes)
}

/// A file name from its bytes.
pub(crate) fn os_string(bytes: Vec<u8>) -> OsString {
    OsString::from_vec(bytes)
}

/// Permission bits as the type that each system has for them.
pub(super) fn to_mode(mode: u32) -> Mode {
    Mode::from_raw_mode(mode as _)
}

fn is_unsupported(err: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(err),
        Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
    )
}

fn to_stamp(stat: &Stat) -> Stamp {
    let file_type = FileType::from_raw_mode(stat.st_mode);
    Stamp {
        kind: match file_type {
            FileType::RegularFile => Kind::Regular,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Symlink,
            FileType::Fifo => Kind::Fifo,
            FileType::Socket => Kind::Socket,
            _ => Kind::Device,
        },
        device: unsigned(stat.st_dev),
        inode: unsigned(stat.st_ino),
        size: unsigned(stat.st_size),
        modified: join_nanos(signed(stat.st_mtime), signed(stat.st_mtime_nsec)),
        changed: join_nanos(signed(stat.st_ctime), signed(stat.st_ctime_nsec)),
        links: unsigned(stat.st_nlink),
        mode: bits(Mode::from_raw_mode(stat.st_mode).as_raw_mode()),
        owner: stat.st_uid,
        group: stat.st_gid,
    }
}

// The fields of `stat` have other widths on each system; a value out of range is none that was ever handed out.
fn unsigned<T: TryInto<u64>>(value: T) -> u64 {
    value.try_into().unwrap_or(u64::MAX)
}

fn bits<T: Into<u32>>(value: T) -> u32 {
    value.into()
}

fn signed<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
