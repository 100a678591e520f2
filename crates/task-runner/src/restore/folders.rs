//! The folders of the tree on the way to a file: opened one after the other, so that no link leads out of the tree; made and
//! removed as needed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::sys::{Folder, Found};

/// The folders of one tree, and which of them were changed.
#[derive(Debug)]
pub(crate) struct Folders {
    top: PathBuf,
    /// Relative to the top.
    changed: BTreeSet<PathBuf>,
}

impl Folders {
    pub(crate) fn of(top: &Path) -> Self {
        Self {
            top: top.to_path_buf(),
            changed: BTreeSet::new(),
        }
    }

    /// Opens the folder that a file is in; `None`: it is missing, or something that is no folder stands on the way.
    pub(crate) fn of_file(&self, path: &Path) -> io::Result<Option<Folder>> {
        self.open(folder_of(path))
    }

    /// Opens a folder; `None` as for [`Folders::of_file`].
    pub(crate) fn open(&self, path: &Path) -> io::Result<Option<Folder>> {
        let mut folder = Folder::open(&self.top)?;
        for name in path {
            match folder.child(name) {
                Ok(child) => folder = child,
                Err(err) if is_missing(&err) => return Ok(None),
                Err(err) => return Err(err),
            }
        }
        Ok(Some(folder))
    }

    /// Opens the folder that a file is to be in, and makes what is missing; `None`: something that is no folder stands on
    /// the way.
    pub(crate) fn make_for(&mut self, path: &Path) -> io::Result<Option<Folder>> {
        let mut folder = Folder::open(&self.top)?;
        let mut at = PathBuf::new();
        for name in folder_of(path) {
            let opened = match folder.child(name) {
                Err(err) if err.kind() == io::ErrorKind::NotFound => {
                    folder.make_folder(name)?;
                    self.has_changed(&at);
                    folder.child(name)
                }
                opened => opened,
            };
            folder = match opened {
                Ok(child) => child,
                Err(err) if is_missing(&err) => return Ok(None),
                Err(err) => return Err(err),
            };
            at.push(name);
        }
        Ok(Some(folder))
    }

    /// Remembers that names in a folder were changed.
    pub(crate) fn has_changed(&mut self, folder: &Path) {
        self.changed.insert(folder.to_path_buf());
    }

    /// Removes the folders that are empty, from the one that a removed file was in upwards.
    pub(crate) fn prune(&mut self, removed: &Path) -> io::Result<()> {
        for path in removed.ancestors().skip(1) {
            let (Some(name), Some(folder)) = (path.file_name(), self.of_file(path)?) else {
                return Ok(());
            };
            match folder.remove_folder(name) {
                Ok(()) => self.has_changed(folder_of(path)),
                Err(err) if is_missing(&err) => {}
                // It is not empty, or somebody works in it: an empty folder too many is no harm.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Removes a folder and the folders in it, where none of them holds anything else. `false`: they hold something.
    pub(crate) fn remove_hollow(&mut self, path: &Path) -> io::Result<bool> {
        let (Some(name), Some(parent)) = (path.file_name(), self.of_file(path)?) else {
            return Ok(false);
        };
        let Some(folder) = self.open(path)? else {
            return Ok(false);
        };
        for inner in folder.names()? {
            let is_hollow =
                folder.look(&inner)? == Found::Folder && self.remove_hollow(&path.join(&inner))?;
            if !is_hollow {
                return Ok(false);
            }
        }
        match parent.remove_folder(name) {
            Ok(()) => {
                self.has_changed(folder_of(path));
                Ok(true)
            }
            Err(err) if err.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
            Err(err) => Err(err),
        }
    }

    /// Makes all changes of names durable.
    pub(crate) fn sync(&self) -> Result<(), (PathBuf, io::Error)> {
        for path in self.changed.iter().rev() {
            let synced = self.open(path).and_then(|folder| match folder {
                Some(folder) => folder.sync(),
                // Removed again since.
                None => Ok(()),
            });
            synced.map_err(|err| (path.clone(), err))?;
        }
        Ok(())
    }
}

/// The folder that a file is in; empty for the top.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// The last part of a path.
pub(crate) fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

pub(crate) fn is_missing(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use testkit::Sandbox;

    use super::*;

    /// A tree, and a folder beside it; `link` in the tree leads there.
    #[cfg(unix)]
    fn with_link() -> (Sandbox, Folders) {
        let sandbox = Sandbox::new();
        sandbox.write("outside/deep/file", "theirs");
        sandbox.write("tree/folder/file", "mine");
        std::os::unix::fs::symlink("../outside", sandbox.join("tree/link")).expect("a link");
        let folders = Folders::of(&sandbox.join("tree"));
        (sandbox, folders)
    }

    #[cfg(unix)]
    #[test]
    fn folders_behind_a_link_are_none_of_the_tree() {
        let (sandbox, mut folders) = with_link();
        for path in ["link/file", "link/deep/file", "link/new/file"] {
            let path = Path::new(path);
            let opened = folders.of_file(path).expect("it can be looked at");
            assert!(opened.is_none(), "{} is not opened", path.display());
            let made = folders.make_for(path).expect("it can be looked at");
            assert!(made.is_none(), "{} is not made", path.display());
            folders.prune(path).expect("there is nothing to do");
        }
        let hollow = folders.remove_hollow(Path::new("link"));
        assert!(!hollow.expect("it can be looked at"), "a link is no folder");
        assert!(
            !sandbox.join("outside/new").exists(),
            "nothing is made there"
        );
        assert!(sandbox.join("outside/deep/file").exists(), "nor removed");
    }

    #[test]
    fn prune_removes_what_is_empty_up_to_what_is_not() {
        let sandbox = Sandbox::new();
        sandbox.write("a/other", "mine");
        fs::create_dir_all(sandbox.join("a/b/c")).expect("folders");
        let mut folders = Folders::of(sandbox.path());
        folders
            .prune(Path::new("a/b/c/removed"))
            .expect("they are empty");
        assert!(!sandbox.join("a/b").exists(), "both empty ones go");
        assert!(sandbox.join("a/other").exists(), "the other stays");
        folders.prune(Path::new("removed")).expect("the top stays");
        assert!(sandbox.path().exists(), "the top is never removed");
    }

    #[test]
    fn remove_hollow_removes_folders_that_hold_nothing_but_folders() {
        let sandbox = Sandbox::new();
        fs::create_dir_all(sandbox.join("hollow/a/b")).expect("folders");
        sandbox.write("full/a/file", "mine");
        let mut folders = Folders::of(sandbox.path());
        let mut removed = |path| {
            folders
                .remove_hollow(Path::new(path))
                .expect("it can be looked at")
        };
        assert!(removed("hollow"), "there was nothing in it");
        assert!(!removed("full"), "there is");
        assert!(!removed("missing"), "it is not there");
        assert!(sandbox.join("full/a/file").exists(), "the file stays");
    }
}
