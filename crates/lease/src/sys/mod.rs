//! What differs between systems: processes, and listing a folder.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(unix))]
mod other;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(target_os = "linux")]
pub(crate) use linux::{boot_id, pid_namespace, start_time};
#[cfg(not(unix))]
pub(crate) use other::{host, names_in};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{boot_id, pid_namespace, start_time};
#[cfg(unix)]
pub(crate) use unix::{host, names_in};
