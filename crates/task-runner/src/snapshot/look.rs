//! What is on the disk, as far as one look at each name tells.

use std::fs::{FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::sys;

/// A point in time as file systems keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment {
    /// Since 1970.
    pub seconds: i64,
    /// Of the second; zero also where they are not kept.
    pub nanoseconds: u32,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An ordinary file.
    File,
    /// A symbolic link.
    Link,
    /// A folder.
    Folder,
    /// A pipe, a socket, a device.
    Other,
}

/// One look at one name, links not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub kind: Kind,
    /// The lower twelve bits.
    pub permissions: u32,
    /// In bytes.
    pub size: u64,
    /// When its contents were last changed; anybody may set it.
    pub modified: Moment,
    /// When anything of it was last changed; nobody can set it.
    pub changed: Moment,
    pub inode: u64,
}

impl Look {
    /// The mode that git has for what is there; `None` for what git does not record.
    pub(crate) fn git_mode(&self) -> Option<u32> {
        match self.kind {
            Kind::File if self.permissions & 0o100 != 0 => Some(0o100_755),
            Kind::File => Some(0o100_644),
            Kind::Link => Some(0o120_000),
            Kind::Folder | Kind::Other => None,
        }
    }
}

pub(crate) fn kind_of(metadata: &Metadata) -> Kind {
    let kind: FileType = metadata.file_type();
    if kind.is_symlink() {
        Kind::Link
    } else if kind.is_dir() {
        Kind::Folder
    } else if kind.is_file() {
        Kind::File
    } else {
        Kind::Other
    }
}

/// Looks at many names below one folder, best in the order of their bytes.
///
/// A folder on the way that is a link leads out of the tree: to git and to us nothing is behind it.
#[derive(Debug)]
pub(crate) struct Looker<'a> {
    top: &'a Path,
    /// The folder of the last name, relative, and whether it is one of the tree.
    last_folder: Option<(PathBuf, bool)>,
}

impl<'a> Looker<'a> {
    pub(crate) fn new(top: &'a Path) -> Self {
        let last_folder = None;
        Self { top, last_folder }
    }

    /// What the name stands for; `None` where there is nothing.
    pub(crate) fn look(&mut self, path: &Path) -> io::Result<Option<Look>> {
        if !self.is_reached_by_folders(path)? {
            return Ok(None);
        }
        look_at(&self.top.join(path))
    }

    fn is_reached_by_folders(&mut self, path: &Path) -> io::Result<bool> {
        let folder = path.parent().unwrap_or(Path::new(""));
        if let Some((last, is_inside)) = &self.last_folder
            && last == folder
        {
            return Ok(*is_inside);
        }
        let mut is_inside = true;
        let mut so_far = self.top.to_owned();
        for part in folder.components() {
            so_far.push(part);
            let found = look_at(&so_far)?;
            if found.is_none_or(|look| look.kind != Kind::Folder) {
                is_inside = false;
                break;
            }
        }
        self.last_folder = Some((folder.to_owned(), is_inside));
        Ok(is_inside)
    }
}

/// What a path stands for, a link at its end not followed; `None` where there is nothing.
pub(crate) fn look_at(path: &Path) -> io::Result<Option<Look>> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(sys::look_of(&metadata))),
        Err(err) => match err.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename => Ok(None),
            _ => Err(err),
        },
    }
}
