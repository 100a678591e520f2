//! What differs between systems: signals, exit codes, kinds of file systems.

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(target_os = "linux")]
mod folder_events;
#[cfg(not(target_os = "linux"))]
mod no_folder_events;
#[cfg(target_os = "linux")]
mod obstacles;
#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(target_os = "linux")]
pub use folder_events::FolderEvents;
#[cfg(not(target_os = "linux"))]
pub use no_folder_events::FolderEvents;
#[cfg(target_os = "linux")]
pub use obstacles::{obstacle_in, obstacle_of};
#[cfg(not(unix))]
pub use other::*;
#[cfg(unix)]
pub use unix::*;

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
