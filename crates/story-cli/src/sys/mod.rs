//! What differs between systems: signals, exit codes, kinds of file systems.

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(target_os = "linux")]
mod change_events;
#[cfg(target_os = "linux")]
mod family;
#[cfg(target_os = "linux")]
mod folder_events;
#[cfg(not(target_os = "linux"))]
mod no_change_events;
#[cfg(not(target_os = "linux"))]
mod no_family;
#[cfg(not(target_os = "linux"))]
mod no_folder_events;
#[cfg(target_os = "linux")]
mod obstacles;
#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;
#[cfg(target_os = "linux")]
mod writers;

#[cfg(target_os = "linux")]
pub use change_events::ChangeEvents;
#[cfg(target_os = "linux")]
pub use family::{Family, adopt_orphans, bury_orphans};
#[cfg(target_os = "linux")]
pub use folder_events::FolderEvents;
#[cfg(not(target_os = "linux"))]
pub use no_change_events::ChangeEvents;
#[cfg(not(target_os = "linux"))]
pub use no_family::{Family, adopt_orphans, bury_orphans};
#[cfg(not(target_os = "linux"))]
pub use no_folder_events::FolderEvents;
#[cfg(target_os = "linux")]
pub use obstacles::{obstacle_in, obstacle_of};
#[cfg(not(unix))]
pub use other::*;
#[cfg(unix)]
pub use unix::*;
#[cfg(target_os = "linux")]
pub use writers::writers_of;

/// Not known.
#[cfg(not(target_os = "linux"))]
pub fn writers_of(_file: &std::path::Path) -> Vec<Writer> {
    Vec::new()
}

/// Nothing known.
#[cfg(not(target_os = "linux"))]
pub fn obstacle_in(_folder: &std::path::Path) -> Option<&'static str> {
    None
}

/// Nothing known.
#[cfg(not(target_os = "linux"))]
pub fn obstacle_of(_story: &std::path::Path) -> Option<&'static str> {
    None
}

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub number: u8,
    /// Whether the kernel sent it, as it does for a key on a terminal, and not a process.
    pub is_from_kernel: bool,
}

/// How a process is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// In its own way: SIGTERM.
    Ask,
    /// At once: SIGKILL.
    Force,
}

/// Why a wait for events ended.
#[derive(Debug)]
pub enum Woken {
    /// Something happened to these names: the folder as it was given, and the name in it.
    Names(Vec<(PathBuf, OsString)>),
    /// More happened than can be told: look at everything.
    All,
    /// Nothing happened until the time was over.
    Late,
    /// A signal came.
    Signalled,
    /// Nobody reads stdout any more.
    Unheard,
}

/// A process that has a file open to write into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Its number.
    pub pid: u32,
    /// What it calls itself.
    pub command: String,
}

/// One event of the folders that are watched for an audit.
#[derive(Debug)]
pub enum Change {
    /// Of a name that is no folder's.
    File(PathBuf, ChangeKind),
    /// Of a folder's name.
    Folder(PathBuf, ChangeKind),
    /// A folder is watched no more, because it is gone.
    Unwatched(PathBuf),
    /// Events were lost.
    Lost,
}

/// What happened to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was made, or linked.
    Created,
    /// Bytes behind it changed in place.
    Written,
    /// A writer closed it.
    Closed,
    /// It was removed.
    Removed,
    /// It got another name; the number joins it to its other half.
    MovedAway(u32),
    /// It came from another name.
    MovedHere(u32),
}

/// Why a wait for changes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// Something happened, a signal came, or the time is over.
    Look,
    /// Nobody reads stdout any more.
    Unheard,
}
