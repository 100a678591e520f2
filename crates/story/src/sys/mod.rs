//! What differs between systems: listing a folder.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::entries_of;
#[cfg(unix)]
pub(crate) use unix::entries_of;
