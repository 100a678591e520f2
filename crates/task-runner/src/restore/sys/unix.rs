//! Unix: names are looked up in the folder that was opened, whatever becomes of the path to it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{
    Access, AtFlags, CWD, Dir, FileType, Mode, OFlags, Timespec, Timestamps, accessat, fchmod,
    mkdirat, openat, readlinkat, statat, symlinkat, unlinkat, utimensat,
};
use rustix::io::{Errno, retry_on_intr};

use super::Found;

const FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What a new folder may be used for until it has its own permissions.
const NEW: Mode = Mode::from_raw_mode(0o700);

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: Arc<File>,
}

impl Folder {
    /// Opens a folder by a path without links.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let handle = retry_on_intr(|| openat(CWD, path, FLAGS, Mode::empty()))?;
        Ok(Self {
            handle: Arc::new(handle.into()),
        })
    }

    /// Opens a folder in this one. A link counts as something that is no folder.
    pub(crate) fn child(&self, name: &OsStr) -> io::Result<Self> {
        match retry_on_intr(|| openat(&self.handle, name, FLAGS, Mode::empty())) {
            Ok(handle) => Ok(Self {
                handle: Arc::new(handle.into()),
            }),
            Err(Errno::LOOP | Errno::NOTDIR) => Err(io::ErrorKind::NotADirectory.into()),
            Err(err) => Err(err.into()),
        }
    }

    /// The descriptor, where there is one.
    #[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
    pub(crate) fn handle(&self) -> Option<&Arc<File>> {
        Some(&self.handle)
    }

    pub(crate) fn look(&self, name: &OsStr) -> io::Result<Found> {
        let stat = match statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            Err(err) => return Err(err.into()),
        };
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Found::File,
            FileType::Symlink => Found::Link,
            FileType::Directory => Found::Folder,
            _ => Found::Special,
        })
    }

    /// The names in this folder, in no order.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let opened = retry_on_intr(|| openat(&self.handle, c".", FLAGS, Mode::empty()))?;
        let mut names = Vec::new();
        for entry in Dir::new(opened)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if !matches!(name.as_slice(), b"." | b"..") {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// Where a link points, as git records it.
    pub(crate) fn read_link(&self, name: &OsStr) -> io::Result<Vec<u8>> {
        Ok(readlinkat(&self.handle, name, Vec::new())?.into_bytes())
    }

    pub(crate) fn make_link(&self, name: &OsStr, to: &[u8]) -> io::Result<()> {
        Ok(symlinkat(OsStr::from_bytes(to), &self.handle, name)?)
    }

    pub(crate) fn make_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(mkdirat(&self.handle, name, NEW)?)
    }

    /// Removes anything but a folder.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Removes a folder that is empty.
    pub(crate) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.handle, name, AtFlags::REMOVEDIR)?)
    }

    /// Whether this process may add and remove names here.
    pub(crate) fn may_change(&self) -> io::Result<()> {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        Ok(accessat(&self.handle, c".", access, AtFlags::EACCESS)?)
    }

    /// Gives the folder exactly these permission bits.
    pub(crate) fn set_permissions(&self, bits: u32) -> io::Result<()> {
        Ok(fchmod(&self.handle, Mode::from_raw_mode(bits as _))?)
    }

    pub(crate) fn permissions(&self) -> io::Result<u32> {
        Ok(self.handle.metadata()?.mode() & 0o7777)
    }

    /// Makes the names in this folder durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.handle.sync_all() {
            // There is nothing to sync with.
            Err(err) if err.kind() == io::ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        }
    }
}

/// Whether two names stand for one file. Names that stand for nothing do not.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| {
        let found = path.symlink_metadata().ok()?;
        Some((found.dev(), found.ino()))
    };
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

/// Sets the time of the last write of a file, in seconds and nanoseconds since 1970.
pub(crate) fn set_modified(path: &Path, seconds: i64, nanoseconds: u32) -> io::Result<()> {
    let at = Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds.into(),
    };
    let times = Timestamps {
        last_access: at,
        last_modification: at,
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
