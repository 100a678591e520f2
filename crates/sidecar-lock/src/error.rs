//! What can go wrong, by operation.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::foreign::ForeignLock;
use crate::holder::Holder;

/// Why a lock was not acquired. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// Somebody else kept the lock until the limit. Retrying helps once they are done.
    #[error(
        "{} is still locked by another process after {} ms and {attempts} attempts; {by}",
        .resource.display(), .waited.as_millis()
    )]
    Contended {
        /// What was to be locked.
        resource: PathBuf,
        /// The sidecar.
        sidecar: PathBuf,
        /// Who holds it.
        by: Box<LockedBy>,
        /// How long this call waited.
        waited: Duration,
        /// How often it looked.
        attempts: u32,
    },
    /// This thread already holds the lock: waiting would be waiting for itself. Retrying does not help.
    #[error("{} is already locked by this thread", .resource.display())]
    Nested {
        /// What was to be locked.
        resource: PathBuf,
    },
    /// The folder of the resource does not exist. Retrying does not help.
    #[error("no folder for the lock of {}", .path.display())]
    NoSuchFolder {
        /// What was to be locked.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The name, or that of its sidecar, is longer than the file system allows. Nothing was touched; retrying does not help.
    #[error("the name of {} is too long for its file system", .path.display())]
    NameTooLong {
        /// The sidecar, or the resource if that is too long already.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The folder refuses new files, or the sidecar refuses us. Retrying helps after repair.
    #[error("no permission to {step} {}", .path.display())]
    NotWritable {
        /// What was being done.
        step: &'static str,
        /// The sidecar, or the resource.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A process of another user died and left its lock, which we may not remove. Retrying helps after repair.
    #[error("a dead process of another user left {}, and there is no permission to remove it", .path.display())]
    NotRemovable {
        /// The sidecar.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file system is read-only. Retrying helps after repair.
    #[error("the file system of {} is read-only", .path.display())]
    ReadOnly {
        /// The sidecar.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The disk, the quota or the inodes are used up. Retrying helps after repair.
    #[error("no space left to create the lock file {}", .path.display())]
    NoSpace {
        /// The sidecar.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something that is no lock stands at the sidecar's place; it was not touched.
    #[error("{what} stands at the place of the lock file {}; it was left alone", .sidecar.display())]
    Obstructed {
        /// The sidecar.
        sidecar: PathBuf,
        /// What stands there.
        what: Obstruction,
    },
    /// The system refused a step in a way that has no variant of its own.
    #[error("cannot {step} {}", .path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl AcquireError {
    /// Whether the same call can succeed later without anybody repairing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Contended { .. })
    }

    /// The file that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Contended { resource, .. } | Self::Nested { resource } => resource,
            Self::NoSuchFolder { path, .. }
            | Self::NameTooLong { path, .. }
            | Self::NotWritable { path, .. }
            | Self::NotRemovable { path, .. }
            | Self::ReadOnly { path, .. }
            | Self::NoSpace { path, .. }
            | Self::Io { path, .. } => path,
            Self::Obstructed { sidecar, .. } => sidecar,
        }
    }

    /// Sorts an error of the system by what the caller can do about it.
    pub(crate) fn from_io(step: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Self::NoSuchFolder { path, source }
            }
            io::ErrorKind::PermissionDenied => Self::NotWritable { step, path, source },
            io::ErrorKind::InvalidFilename => Self::NameTooLong { path, source },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { path, source }
            }
            _ => Self::Io { step, path, source },
        }
    }
}

/// Who holds a lock that is not ours.
#[derive(Debug, Clone, PartialEq)]
pub enum LockedBy {
    /// A live owner of this protocol.
    Holder(Holder),
    /// A tool of another kind.
    Foreign(ForeignLock),
    /// A live owner whose record cannot be read (a later version, or being written).
    Unknown,
}

impl fmt::Display for LockedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holder(holder) => write!(f, "held by {holder}"),
            Self::Foreign(foreign) => write!(f, "held by {foreign}"),
            Self::Unknown => write!(f, "held by a live process whose record cannot be read"),
        }
    }
}

/// What stands at a sidecar's place without being a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstruction {
    /// A symbolic link.
    Symlink,
    /// A FIFO, socket or device.
    Special,
    /// A directory with something in it.
    DirectoryWithContent,
}

impl fmt::Display for Obstruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Symlink => "a symbolic link",
            Self::Special => "a FIFO, socket or device",
            Self::DirectoryWithContent => "a directory with content",
        })
    }
}

/// The sidecar no longer names the lock of this guard: somebody removed or replaced it.
#[derive(Debug, thiserror::Error)]
#[error("the lock file {} was removed or replaced by somebody else", .sidecar.display())]
pub struct LostError {
    /// The sidecar.
    pub sidecar: PathBuf,
    /// The system's reason, when the look itself failed.
    pub source: Option<io::Error>,
}

/// The lock is no longer held, but its sidecar could not be cleaned up as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The sidecar had been removed or replaced by somebody else while the lock was held.
    #[error(transparent)]
    Lost(#[from] LostError),
    /// The sidecar could not be removed; the next `acquire` adopts it.
    #[error("cannot remove the lock file {}", .sidecar.display())]
    NotRemoved {
        /// The sidecar.
        sidecar: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Why a lock could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at the lock file {}", .sidecar.display())]
pub struct InspectError {
    /// The sidecar.
    pub sidecar: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

/// Why a lock was not broken. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BreakError {
    /// There is no lock.
    #[error("{} is not locked", .resource.display())]
    NotLocked {
        /// What should have been locked.
        resource: PathBuf,
    },
    /// The lock is another one by now. Look again.
    #[error("the lock of {} has another token: it is not the one that was looked at", .resource.display())]
    OtherToken {
        /// What is locked.
        resource: PathBuf,
    },
    /// The owner is alive, or may be.
    #[error("the lock of {} is in use: {by}", .resource.display())]
    OwnerAlive {
        /// What is locked.
        resource: PathBuf,
        /// Who holds it.
        by: Box<LockedBy>,
    },
    /// Something that is no lock stands there.
    #[error("{what} stands at the place of the lock file {}; it was left alone", .sidecar.display())]
    Obstructed {
        /// The sidecar.
        sidecar: PathBuf,
        /// What stands there.
        what: Obstruction,
    },
    /// The system refused a step.
    #[error("cannot {step} {}", .path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Why a lock that a parent process holds could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InheritError {
    /// The lock is not, or no longer, held under that token. Acquire it instead.
    #[error("the lock of {} is not held under the inherited token", .resource.display())]
    NotHeld {
        /// What should have been locked.
        resource: PathBuf,
    },
    /// The sidecar could not be read.
    #[error("cannot look at the lock file {}", .sidecar.display())]
    Io {
        /// The sidecar.
        sidecar: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}
