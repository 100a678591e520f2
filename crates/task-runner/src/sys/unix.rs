//! Unix: names are bytes, a look tells when a file was changed.

use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::snapshot::look::{Look, Moment};

/// A path as git writes it.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// A path as git reads it.
pub(crate) fn bytes_of(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

/// The name of this machine.
pub(crate) fn host() -> String {
    let uname = rustix::system::uname();
    uname.nodename().to_string_lossy().into_owned()
}

/// What a look at a file says.
pub(crate) fn look_of(metadata: &Metadata) -> Look {
    Look {
        kind: crate::snapshot::look::kind_of(metadata),
        permissions: metadata.mode() & 0o7777,
        size: metadata.size(),
        modified: moment(metadata.mtime(), metadata.mtime_nsec()),
        changed: moment(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}

fn moment(seconds: i64, nanoseconds: i64) -> Moment {
    Moment {
        seconds,
        nanoseconds: u32::try_from(nanoseconds).unwrap_or_default(),
    }
}

/// Whether [`sync_around`] reaches every file of the file system.
pub(crate) const SYNCS_WHOLE_FILE_SYSTEMS: bool = cfg!(target_os = "linux");

/// Waits until everything on the file system of `folder` is on the disk.
#[cfg(target_os = "linux")]
pub(crate) fn sync_around(folder: &std::fs::File) -> std::io::Result<()> {
    Ok(rustix::fs::syncfs(folder)?)
}

/// Waits until the folder itself is on the disk; what git wrote into it, git has synced.
#[cfg(not(target_os = "linux"))]
pub(crate) fn sync_around(folder: &std::fs::File) -> std::io::Result<()> {
    folder.sync_all()
}
