//! What other systems do instead of the Linux ways: no registration, no exchange, no events.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use super::{Folder, Name};

/// No folder can be opened that may not be listed.
#[cfg(unix)]
pub(super) const SEARCH_ONLY: rustix::fs::OFlags = rustix::fs::OFlags::RDONLY;

/// Opens a folder by a path whose last component is no link.
#[cfg(unix)]
pub(super) fn open_resolved(
    path: &std::path::Path,
    access: rustix::fs::OFlags,
) -> Result<std::os::fd::OwnedFd, rustix::io::Errno> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = access | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

/// Whether nothing on the way is a link: not to be learnt in one call here.
pub(crate) fn leads_through_no_link(_path: &std::path::Path) -> bool {
    false
}

pub(crate) fn exchange(_one: &Name, _other: &Name) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// No rename that replaces nothing.
pub(crate) fn rename_new(_from: &Name, _to: &Name) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn register(_file: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn unregister(_file: &File) {}

/// Nobody can register, so a release always removes the sidecar.
pub(crate) fn anyone_registered(_file: &File) -> bool {
    false
}

/// Waiting is by polling.
pub(crate) fn supports_queue(_file: &File) -> bool {
    false
}

/// A wait without events: sleeps.
pub(crate) struct Events;

impl Events {
    pub(crate) fn watch(_folder: &Folder) -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn wait(&self, _name: &Name, until: Instant) {
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

pub(crate) fn boot_id() -> String {
    String::new()
}

pub(crate) fn start_time() -> u64 {
    0
}

pub(crate) fn pid_namespace() -> u64 {
    0
}

pub(crate) fn since_boot() -> Option<Duration> {
    None
}
