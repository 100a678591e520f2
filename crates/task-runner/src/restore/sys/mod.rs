//! Folders of the tree, opened so that no link on the way is followed; what differs between systems.

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use portable::{Folder, same_file, set_modified};
#[cfg(unix)]
pub(crate) use unix::{Folder, same_file, set_modified};

/// What a name in a folder stands for; links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    File,
    Link,
    Folder,
    /// A pipe, a socket, a device.
    Special,
}
