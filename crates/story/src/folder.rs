//! Listing a folder: names and what they stand for, without a look at each.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::sys;

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name alone.
    pub name: OsString,
    /// What the folder says that it stands for.
    pub kind: EntryKind,
}

/// What a folder says about a name in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; to what, it does not say.
    Link,
    /// A pipe, socket or device.
    Other,
    /// Nothing: some file systems do not tell, and the name itself must be looked at.
    Untold,
}

impl EntryKind {
    /// Whether a folder may stand there, perhaps behind a link.
    pub fn may_be_folder(self) -> bool {
        matches!(self, Self::Folder | Self::Link | Self::Untold)
    }

    /// Whether a regular file may stand there, perhaps behind a link.
    pub fn may_be_file(self) -> bool {
        matches!(self, Self::File | Self::Link | Self::Untold)
    }
}

/// In which order names are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As the folder has them, which costs nothing and means nothing.
    Directory,
    /// By the bytes of the name: the same each time.
    Name,
}

/// Why a folder could not be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// There is no folder of that name. Retrying does not help.
    #[error("there is no folder {}", .path.display())]
    NotFound {
        /// The folder.
        path: PathBuf,
        /// The system's reason: nothing is there, or something that is no folder.
        source: io::Error,
    },
    /// The system refused to list it. Retrying helps after repair.
    #[error("cannot list {}", .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl FolderError {
    /// The folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::NotFound { path, .. } | Self::Io { path, .. } => path,
        }
    }

    /// The system's reason.
    pub fn io(&self) -> &io::Error {
        match self {
            Self::NotFound { source, .. } | Self::Io { source, .. } => source,
        }
    }
}

/// Lists a folder; links on the way to it are followed.
///
/// # Errors
///
/// [`FolderError::NotFound`], or [`FolderError::Io`] where it cannot be listed whole: no part of it is returned then.
pub fn entries(folder: &Path, order: Order) -> Result<Vec<Entry>, FolderError> {
    let mut entries = sys::entries_of(folder).map_err(|source| {
        let path = folder.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                FolderError::NotFound { path, source }
            }
            _ => FolderError::Io { path, source },
        }
    })?;
    if order == Order::Name {
        entries.sort();
    }
    Ok(entries)
}

/// As [`entries`], but a folder that is not there has none.
///
/// # Errors
///
/// [`FolderError::Io`]: it is there and cannot be listed.
pub fn entries_if_there(folder: &Path, order: Order) -> Result<Vec<Entry>, FolderError> {
    match entries(folder, order) {
        Err(FolderError::NotFound { .. }) => Ok(Vec::new()),
        listed => listed,
    }
}

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::*;

    #[test]
    fn entries_tells_names_and_kinds_in_order() {
        let sandbox = Sandbox::new();
        sandbox.write("b/x", "");
        sandbox.write("a.md", "");
        let listed = entries(sandbox.path(), Order::Name).expect("it can be listed");
        let names: Vec<_> = listed.iter().map(|entry| entry.name.as_os_str()).collect();
        assert_eq!(names, ["a.md", "b"], "by name, without . and ..");
        assert!(
            listed[0].kind.may_be_file() && listed[1].kind.may_be_folder(),
            "with what they are: {listed:?}"
        );
        assert!(!listed[1].kind.may_be_file(), "a folder is no file");
        let unordered = entries(sandbox.path(), Order::Directory).expect("it can be listed");
        assert_eq!(unordered.len(), 2, "the same in any order");
    }

    #[test]
    fn entries_of_what_is_no_folder_is_not_found() {
        let sandbox = Sandbox::new();
        let file = sandbox.write("file", "");
        for path in [file, sandbox.join("missing")] {
            let refused = entries(&path, Order::Name);
            assert!(
                matches!(&refused, Err(FolderError::NotFound { path: named, .. }) if *named == path),
                "{}: {refused:?}",
                path.display()
            );
            let none = entries_if_there(&path, Order::Name).expect("missing is not a failure here");
            assert_eq!(none, [], "a missing folder has no entries");
        }
    }
}
