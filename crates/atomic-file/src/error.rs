//! What can go wrong, told apart by what the caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such file, or a folder on the way to it is missing.
    #[error("cannot read {}: no such file", path.display())]
    NotFound {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else than a regular file has this name.
    #[error("cannot read {}: it is {what}, not a regular file", path.display())]
    NotRegular {
        /// The path, resolved.
        path: PathBuf,
        /// What it is, with its article: `a directory`.
        what: &'static str,
    },
    /// The file is larger than the caller is ready to read.
    #[error("cannot read {}: {size} bytes are more than the limit of {limit}", path.display())]
    TooLarge {
        /// The path, resolved.
        path: PathBuf,
        /// Bytes found.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Somebody is writing the file in place: it changed during each of several attempts. Try again later.
    #[error("cannot read {}: it kept changing while it was read", path.display())]
    Unstable {
        /// The path, resolved.
        path: PathBuf,
    },
    /// The file, or a folder on the way to it, may not be read.
    #[error("cannot read {}: no permission", path.display())]
    NoPermission {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Any other refusal of the system.
    #[error("cannot read {}: cannot {step}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ReadError {
    pub(crate) fn from_io(step: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Self::NotFound { path, source }
            }
            io::ErrorKind::PermissionDenied => Self::NoPermission { path, source },
            _ => Self::Io { step, path, source },
        }
    }

    /// The file that could not be read.
    pub fn path(&self) -> &Path {
        match self {
            Self::NotFound { path, .. }
            | Self::NotRegular { path, .. }
            | Self::TooLarge { path, .. }
            | Self::Unstable { path }
            | Self::NoPermission { path, .. }
            | Self::Io { path, .. } => path,
        }
    }

    /// Whether the same call may well succeed a moment later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unstable { .. })
    }
}

/// Why a file could not be committed.
///
/// All but [`CommitError::CommittedUnsynced`] mean that nothing of the caller's is in place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Somebody else changed, replaced or removed the file since it was read. Read it again and redo the edit.
    #[error("cannot replace {}: somebody else changed it since it was read", path.display())]
    Changed {
        /// The file, resolved.
        path: PathBuf,
    },
    /// The file that was to be created is there already.
    #[error("cannot create {}: it exists already", path.display())]
    AlreadyExists {
        /// The file.
        path: PathBuf,
    },
    /// The file, or its folder, is not there.
    #[error("cannot write {}: no such file or folder", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file has other names that would go on showing the old contents.
    #[error("cannot replace {}: it is hard-linked ({links} names)", path.display())]
    HardLinked {
        /// The file, resolved.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// Something else than a regular file has this name.
    #[error("cannot replace {}: it is {what}, not a regular file", path.display())]
    NotRegular {
        /// The file, resolved.
        path: PathBuf,
        /// What it is, with its article: `a directory`.
        what: &'static str,
    },
    /// The file or its folder may not be written.
    #[error("cannot write {}: no permission", path.display())]
    NoPermission {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system is mounted read-only.
    #[error("cannot write {}: the file system is read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk, its inodes or the quota are used up.
    #[error("cannot write {}: no space left", path.display())]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The new file could not be given the owner or group of the old one.
    #[error("cannot replace {}: its owner or group cannot be kept", path.display())]
    OwnerNotKept {
        /// The file, resolved.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is a mount point of its own (a single file mounted into a container), or the system uses it.
    #[error("cannot replace {}: it is a mount point, or the system uses it", path.display())]
    MountPoint {
        /// The file, resolved.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Two others wrote at the same instant; the newest version has the name, the other one was kept beside it.
    #[error("cannot replace {}: others changed it at the same instant; one version was kept as {}", path.display(), rescued.display())]
    Rescued {
        /// The file, resolved.
        path: PathBuf,
        /// Where the other version is.
        rescued: PathBuf,
    },
    /// The new file IS in place; making that durable failed. Do not apply the edit again.
    #[error("{} is written, but it is not known whether it would survive a power cut", path.display())]
    CommittedUnsynced {
        /// The file, resolved.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Any other refusal of the system.
    #[error("cannot write {}: cannot {step}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl CommitError {
    pub(crate) fn from_io(step: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound { path },
            io::ErrorKind::PermissionDenied => Self::NoPermission { path, source },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { path, source }
            }
            // On NFS: another machine has replaced the file that was read, or swept the new one.
            io::ErrorKind::StaleNetworkFileHandle => Self::Changed { path },
            io::ErrorKind::ResourceBusy => Self::MountPoint { path, source },
            _ => Self::Io { step, path, source },
        }
    }

    pub(crate) fn from_read(err: ReadError) -> Self {
        match err {
            ReadError::NotFound { path, .. } => Self::NotFound { path },
            ReadError::NotRegular { path, what } => Self::NotRegular { path, what },
            ReadError::NoPermission { path, source } => Self::NoPermission { path, source },
            ReadError::Unstable { path } => Self::Changed { path },
            ReadError::Io { step, path, source } => Self::Io { step, path, source },
            ReadError::TooLarge { path, .. } => Self::Io {
                step: "read it",
                path,
                source: io::Error::from(io::ErrorKind::FileTooLarge),
            },
        }
    }

    /// The file that was to be written.
    pub fn path(&self) -> &Path {
        match self {
            Self::Changed { path }
            | Self::AlreadyExists { path }
            | Self::NotFound { path }
            | Self::HardLinked { path, .. }
            | Self::NotRegular { path, .. }
            | Self::NoPermission { path, .. }
            | Self::ReadOnly { path, .. }
            | Self::NoSpace { path, .. }
            | Self::OwnerNotKept { path, .. }
            | Self::MountPoint { path, .. }
            | Self::Rescued { path, .. }
            | Self::CommittedUnsynced { path, .. }
            | Self::Io { path, .. } => path,
        }
    }

    /// Whether reading again and redoing the edit may well succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Changed { .. } | Self::Rescued { .. })
    }

    /// Whether the new contents are in place in spite of the error.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::CommittedUnsynced { .. })
    }
}

/// Why a folder could not be looked through for leftovers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// The folder could not be opened or listed.
    #[error("cannot look for leftovers in {}: cannot {step}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// The folder, or the leftover.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Something that went wrong beside a commit that succeeded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitWarning {
    /// The old version, or an unused new one, could not be removed. A later sweep does it.
    #[error("cannot remove the temporary file {}", path.display())]
    TemporaryNotRemoved {
        /// The temporary file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody removed our temporary file, with the old version in it, before it was looked at.
    #[error("somebody removed the temporary file {} during the commit", path.display())]
    DisplacedVanished {
        /// The temporary file.
        path: PathBuf,
    },
    /// A security or trusted attribute could not be carried over; permissions and user attributes always are.
    #[error("cannot keep the attribute {name} of {}", path.display())]
    AttributeNotKept {
        /// The file.
        path: PathBuf,
        /// The attribute.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file system cannot sync folders, so nothing is known about a power cut.
    #[error("the file system of {} cannot make a folder durable", path.display())]
    CannotSync {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
