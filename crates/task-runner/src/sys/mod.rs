//! What differs between systems.

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use portable::{bytes_of, path_of};
#[cfg(unix)]
pub(crate) use unix::{bytes_of, path_of};
