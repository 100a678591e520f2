//! A folder for indexes and texts that are being made, inside git's own folder; it goes away, and so do those of the dead.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sidecar_lock::{AcquireError, LockGuard, LockOptions, LockState, SidecarLock};

use super::error::SnapshotError;
use crate::git::Repository;
use crate::restore::leftovers;

/// Inside the folder of the tree's index.
const HOME: &str = "story-snapshots";

/// A folder of our own. Its lock says that its maker lives.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    /// Held until the folder is gone.
    _guard: LockGuard,
}

impl Scratch {
    /// Makes one, and removes those of makers that died.
    pub(crate) fn new(repository: &Repository) -> Result<Self, SnapshotError> {
        let home = repository.git_dir().join(HOME);
        fs::create_dir_all(&home).map_err(failed(&home))?;
        sweep(repository, &home)?;
        // The numbers only have to differ among the living: whoever finds a name locked takes the next.
        for number in 0_u32.. {
            let folder = home.join(number.to_string());
            // The lock comes first: a folder without one is a dead one's.
            let Some(guard) = try_lock(&folder)? else {
                continue;
            };
            match fs::create_dir(&folder) {
                // A dead one's, and it has to stay for now.
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made.map_err(failed(&folder))?,
            }
            return Ok(Self {
                folder,
                _guard: guard,
            });
        }
        unreachable!("there are more numbers than processes")
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The place of a file in it; nothing is made.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, SnapshotError> {
        let path = self.path(name);
        File::create(&path)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(failed(&path))?;
        Ok(path)
    }

    /// Copies one of its files to another name.
    pub(crate) fn copy(&self, from: &str, to: &str) -> Result<PathBuf, SnapshotError> {
        let path = self.path(to);
        fs::copy(self.path(from), &path).map_err(failed(&path))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(err) = remove_folder(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %err, "cannot remove a folder of ours");
        }
    }
}

/// The folders of the dead. Nothing is taken or changed.
pub(crate) fn left_behind(repository: &Repository) -> Result<Vec<PathBuf>, SnapshotError> {
    let home = repository.git_dir().join(HOME);
    if !home.is_dir() {
        return Ok(Vec::new());
    }
    let mut left = Vec::new();
    for name in atomic_file::names_in(&home)? {
        let path = home.join(&name);
        let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
        let state = || SidecarLock::new(&path).ok()?.inspect(Duration::ZERO).ok();
        let is_dead = |state| {
            matches!(
                state,
                LockState::Free | LockState::Leftover(_) | LockState::LeftoverUnreadable
            )
        };
        // One that lives may end between two looks.
        if is_folder && state().is_some_and(is_dead) && path.is_dir() {
            left.push(path);
        }
    }
    Ok(left)
}

/// Removes the folders of the dead, and git's lock where it is one of theirs.
pub(crate) fn tidy(repository: &Repository) -> Result<(), SnapshotError> {
    let home = repository.git_dir().join(HOME);
    if home.is_dir() {
        sweep(repository, &home)?;
    }
    Ok(())
}

/// Removes the folders of the dead.
fn sweep(repository: &Repository, home: &Path) -> Result<(), SnapshotError> {
    for name in atomic_file::names_in(home)? {
        let is_ours = name
            .to_str()
            .is_some_and(|name| name.parse::<u32>().is_ok());
        let path = home.join(&name);
        let Some(guard) = is_ours.then(|| try_lock(&path)).transpose()?.flatten() else {
            continue;
        };
        // It tells whose git's lock is: it stays as long as that does.
        if !leftovers::tidy(repository, &path) {
            continue;
        }
        match remove_folder(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                // A git that its maker started may still write into it: the next call comes again.
                tracing::warn!(folder = %path.display(), %err, "cannot remove a dead one's folder");
            }
            _ => {}
        }
        drop(guard);
    }
    Ok(())
}

/// Removes a folder of ours with what is in it. Not by `fs::remove_dir_all`, which panics when a folder cannot be closed.
fn remove_folder(folder: &Path) -> io::Result<()> {
    for name in atomic_file::names_in(folder).map_err(io::Error::other)? {
        let path = folder.join(name);
        if path.symlink_metadata()?.is_dir() {
            remove_folder(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    fs::remove_dir(folder)
}

/// `None` while somebody has it, another call in this process too: a restore records the tree while it has a folder.
fn try_lock(folder: &Path) -> Result<Option<LockGuard>, SnapshotError> {
    let options = LockOptions {
        timeout: Duration::ZERO,
        purpose: Some("snapshot".to_owned()),
        ..LockOptions::default()
    };
    match SidecarLock::new(folder)?.try_acquire(&options) {
        Err(AcquireError::Nested { .. }) => Ok(None),
        locked => Ok(locked?),
    }
}

pub(crate) fn failed(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_owned();
    move |source| SnapshotError::Scratch { path, source }
}
