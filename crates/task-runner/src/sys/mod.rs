//! What differs between systems.

#[cfg(target_os = "linux")]
mod memory_linux;
#[cfg(not(target_os = "linux"))]
mod memory_portable;
#[cfg(not(unix))]
mod portable;
#[cfg(target_os = "linux")]
mod process_linux;
#[cfg(not(target_os = "linux"))]
mod process_portable;
#[cfg(unix)]
mod unix;

#[cfg(target_os = "linux")]
pub(crate) use memory_linux::in_memory;
#[cfg(not(target_os = "linux"))]
pub(crate) use memory_portable::in_memory;
#[cfg(not(unix))]
pub(crate) use portable::{
    SYNCS_WHOLE_FILE_SYSTEMS, bytes_of, host, look_of, path_of, sync_around,
};
#[cfg(target_os = "linux")]
pub(crate) use process_linux::{boot_id, pid_namespace, process, start_ticks, who_has_locked};
#[cfg(not(target_os = "linux"))]
pub(crate) use process_portable::{boot_id, pid_namespace, process, start_ticks, who_has_locked};
#[cfg(unix)]
pub(crate) use unix::{SYNCS_WHOLE_FILE_SYSTEMS, bytes_of, host, look_of, path_of, sync_around};
