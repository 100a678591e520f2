//! What differs between systems: listing a folder, opening a file.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::{entries_of, open_to_look};
#[cfg(unix)]
pub(crate) use unix::{entries_of, open_to_look};
