//! A folder of its own for each test.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::places::workspace;

/// A temporary folder that is removed with everything in it when the value is dropped.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
    path: PathBuf,
}

impl Sandbox {
    /// Makes a sandbox under `target/` of the workspace (a real disk as a rule), else where the system keeps temporaries.
    ///
    /// # Panics
    ///
    /// When neither place can be written to.
    pub fn new() -> Self {
        let home = workspace().join("target/sandboxes");
        fs::create_dir_all(&home)
            .and_then(|()| Self::inside(&home))
            .or_else(|_| Self::inside(&std::env::temp_dir()))
            .expect("target/ or the system's temporary folder can be written to")
    }

    /// Makes a sandbox in memory, under `/dev/shm`; `None` where that does not exist.
    pub fn on_tmpfs() -> Option<Self> {
        Self::inside(Path::new("/dev/shm")).ok()
    }

    /// Makes a sandbox inside `parent`.
    ///
    /// # Errors
    ///
    /// When `parent` does not exist or refuses new folders.
    pub fn inside(parent: &Path) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("story-test-")
            .tempdir_in(parent)?;
        // Canonical, because messages and JSON of the toolkit name canonical paths.
        let path = folder.path().canonicalize()?;
        Ok(Self { folder, path })
    }

    /// The canonical path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` inside the sandbox; nothing is created.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file, with its folders, and returns its path.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn write(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        let folder = path
            .parent()
            .expect("a path inside the sandbox has a parent");
        fs::create_dir_all(folder)
            .and_then(|()| File::create(&path)?.write_all(contents.as_ref()))
            .unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
        path
    }

    /// Reads a file as text.
    ///
    /// # Panics
    ///
    /// When it is missing or not UTF-8.
    pub fn read(&self, name: impl AsRef<Path>) -> String {
        let path = self.join(name);
        fs::read_to_string(&path)
            .unwrap_or_else(|err| panic!("cannot read {}: {err}", path.display()))
    }

    /// Keeps the folder for a look after a failure and returns its path.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}
