//! What differs between systems: whether a file still has its name, whether a folder is on another machine.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(unix))]
mod other;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(target_os = "linux")]
pub(crate) use linux::is_on_network;
#[cfg(not(unix))]
pub(crate) use other::has_moved;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::is_on_network;
#[cfg(unix)]
pub(crate) use unix::has_moved;
