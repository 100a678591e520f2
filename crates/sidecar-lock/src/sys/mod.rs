//! The only place that knows operating systems: files and their identity, the kernel lock,
//! publishing, waiters' registration, events, who we are.
//!
//! Every platform offers the same functions; what it cannot do, it says (`Registration::Unsupported`,
//! an `Unsupported` error), and the callers fall back.

mod files;
mod kernel_lock;
#[cfg(target_os = "linux")]
mod linux;
mod name;
mod point;
#[cfg(not(target_os = "linux"))]
mod portable;
mod swap;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub(crate) use files::{
    FileId, Kind, Linked, Look, link_prepared, look, prepare, read_head, read_start, remove_file,
    set_length,
};
pub(crate) use kernel_lock::{lock_blocking, try_lock, try_lock_shared, unlock};
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    Events, anyone_registered, boot_id, exchange, leads_through_no_link, pid_namespace, register,
    rename_new, since_boot, start_time, supports_queue, unregister,
};
pub(crate) use name::Name;
#[cfg(test)]
pub(crate) use point::listen;
pub(crate) use point::{Call, about_to};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{
    Events, anyone_registered, boot_id, exchange, leads_through_no_link, pid_namespace, register,
    rename_new, since_boot, start_time, supports_queue, unregister,
};
pub(crate) use swap::swap_in;
#[cfg(unix)]
pub(crate) use unix::{
    Folder, Inheritable, create_marked, hard_link, host, inheritable, is_empty_folder,
    is_other_kind, is_read_only_file, look_at, names_in, open_existing, open_folder, pin, read_at,
    remove_folder, rename, touch, unlink, write_at,
};
#[cfg(windows)]
pub(crate) use windows::{
    Folder, Inheritable, create_marked, hard_link, host, inheritable, is_empty_folder,
    is_other_kind, is_read_only_file, look_at, names_in, open_existing, open_folder, pin, read_at,
    remove_folder, rename, touch, unlink, write_at,
};
