//! A name in a folder that is open.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Folder;

/// A name that is looked up in a folder which was opened once, whatever becomes of the path: somebody may move the
/// folder away and put a link, or another folder, in its place.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    folder: Arc<Folder>,
    /// Its last component is the name; the rest is for messages, and for systems where folders cannot be opened.
    path: PathBuf,
}

impl Name {
    /// The last component of a path that has no links in it, in its folder as it is now.
    ///
    /// # Errors
    ///
    /// As a missing folder where a link is in the path after all.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let (Some(folder), Some(_)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        Ok(Self {
            folder: Arc::new(Folder::open_resolved(folder)?),
            path: path.to_owned(),
        })
    }

    /// Another name in the same folder.
    pub(crate) fn beside(&self, name: impl AsRef<OsStr>) -> Self {
        Self {
            folder: Arc::clone(&self.folder),
            path: self.path.with_file_name(name.as_ref()),
        }
    }

    /// A name in the folder that is open.
    pub(crate) fn within(folder: &Arc<Folder>, path: &Path, name: impl AsRef<OsStr>) -> Self {
        Self {
            folder: Arc::clone(folder),
            path: path.join(name.as_ref()),
        }
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    #[cfg(unix)]
    pub(crate) fn file_name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
