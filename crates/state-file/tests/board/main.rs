//! The task board through its public face: both files on disk, one process and many.

#[cfg(unix)]
mod at_once;
mod files;
#[cfg(unix)]
mod killed;
mod support;
