//! The only place that knows which system this is: folders, stamps, metadata, syncing.
//!
//! `unix.rs` and `windows.rs` offer the same names; `linux.rs` and `portable.rs` are the two halves of Unix.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(target_os = "linux", target_os = "android"))]
use linux as special;

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod portable;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
use portable as special;

#[cfg(unix)]
mod attributes;
#[cfg(unix)]
mod metadata;
#[cfg(unix)]
mod shared_lock;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use self::{
    metadata::copy_metadata,
    unix::{Directory, os_string, read_at_start, set_permissions, stamp_of, try_lock},
};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{
    Directory, copy_metadata, os_string, read_at_start, set_permissions, stamp_of, try_lock,
};

use std::io;

/// Whether the file system could swap two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    Done,
    Unsupported,
}

/// What could not be carried over from the old file to the new one.
#[derive(Debug)]
pub(crate) enum MetadataError {
    Owner(io::Error),
    Attributes(io::Error),
    Mode(io::Error),
}

/// An attribute that is not needed for the file's safety and could not be carried over.
#[derive(Debug)]
pub(crate) struct LostAttribute {
    pub(crate) name: String,
    pub(crate) source: io::Error,
}

/// Whether an error of a sync means that there is nothing to sync with, rather than that it failed.
pub(crate) fn cannot_sync(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}
