//! Writing the new version beside the old one, complete and on the disk, before anybody can see it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use crate::error::{CommitError, CommitWarning};
use crate::name::{Mark, temporary};
use crate::options::{CommitOptions, Durability, HardLinks};
use crate::stamp::Stamp;
use crate::sys::{self, Directory, MetadataError};
use crate::target::Target;

/// Pauses while a sweeper has the folder; it has it for as long as it takes to list it. After that the commit goes
/// on: a sweeper that takes so long is stopped, and one that goes on renames what it finds before it judges it.
const PAUSES_MS: [u64; 6] = [0, 1, 2, 4, 8, 16];

const OWNER_MAY_WRITE: u32 = 0o200;

/// What the commit may replace.
#[derive(Debug)]
pub(crate) enum Base {
    /// Whatever has the name.
    Anything,
    /// The version of the target; its bytes are there when stamps alone cannot tell it from a later one.
    Version { bytes: Option<Vec<u8>> },
}

/// New contents on the disk, not visible yet.
///
/// Dropping it leaves nothing behind.
#[derive(Debug)]
#[must_use = "nothing is replaced before `commit`"]
pub struct Staged {
    pub(crate) target: Target,
    pub(crate) base: Base,
    pub(crate) durability: Durability,
    pub(crate) new: NewFile,
    pub(crate) warnings: Vec<CommitWarning>,
}

/// The new file: first open, perhaps with a name; then only a name.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: Option<File>,
    pub(crate) name: Option<OsString>,
    pub(crate) stamp: Stamp,
}

pub(crate) fn stage(
    target: Target,
    base: Base,
    contents: &[u8],
    options: &CommitOptions,
) -> Result<Staged, CommitError> {
    if target.stamp.links > 1 && options.hard_links == HardLinks::Refuse {
        return Err(CommitError::HardLinked {
            path: target.path,
            links: target.stamp.links,
        });
    }
    let new = NewFile::create(&target.directory, &target.name, &target.path, 0o600)?;
    // Made before anything can fail: from here on, dropping it removes the new file.
    let mut staged = Staged {
        target,
        base,
        durability: options.durability,
        new,
        warnings: Vec::new(),
    };
    staged.new.fill(&staged.target.path, contents)?;
    check_writable(&staged.target, &staged.new.stamp)?;
    let warnings = copy_metadata(&staged.target, &staged.new)?;
    staged.warnings.extend(warnings);
    staged
        .warnings
        .extend(staged.new.sync(&staged.target.path)?);
    Ok(staged)
}

impl NewFile {
    pub(crate) fn create(
        directory: &Directory,
        beside: &OsStr,
        path: &Path,
        mode: u32,
    ) -> Result<Self, CommitError> {
        let fail = |err| CommitError::from_io("create a temporary file beside it", path, err);
        let (file, name) = if let Some(file) = directory.create_anonymous(mode).map_err(fail)? {
            (file, None)
        } else {
            lock_out_sweepers(directory);
            let name = temporary(beside, Mark::Unpublished, Mark::Unknown);
            let file = directory.create_named(&name, mode).map_err(fail)?;
            (file, Some(name))
        };
        let stamp = sys::stamp_of(&file).map_err(fail)?;
        Ok(Self {
            file: Some(file),
            name,
            stamp,
        })
    }

    fn file(&self) -> &File {
        self.file
            .as_ref()
            .expect("the new file is open until it is published")
    }

    pub(crate) fn fill(&mut self, path: &Path, contents: &[u8]) -> Result<(), CommitError> {
        self.file()
            .write_all(contents)
            .map_err(|err| CommitError::from_io("write its new contents", path, err))?;
        self.stamp = sys::stamp_of(self.file())
            .map_err(|err| CommitError::from_io("look at its new contents", path, err))?;
        Ok(())
    }

    /// Waits until the contents are on the disk: a name must never become visible, and durable, before them.
    ///
    /// There is no cheaper safe barrier within reach (`sync_file_range` has no safe binding); on tmpfs it is free.
    pub(crate) fn sync(&self, path: &Path) -> Result<Option<CommitWarning>, CommitError> {
        match self.file().sync_data() {
            Ok(()) => Ok(None),
            Err(source) if sys::cannot_sync(&source) => Ok(Some(CommitWarning::CannotSync {
                path: path.to_path_buf(),
                source,
            })),
            Err(err) => Err(CommitError::from_io("sync its new contents", path, err)),
        }
    }

    /// Gives the file the name `name` in `directory`, which must be free, and closes it.
    ///
    /// Closed first, because watchers would otherwise see the *story* being closed after writing.
    pub(crate) fn publish(&mut self, directory: &Directory, name: &OsStr) -> io::Result<()> {
        match &self.name {
            None => directory.name_anonymous(self.file(), name)?,
            Some(old) => directory.rename_new(old, name)?,
        }
        self.name = Some(name.to_owned());
        self.file = None;
        Ok(())
    }

    /// Removes a file that got a name and never became visible under the real one.
    pub(crate) fn discard(&mut self, directory: &Directory) -> io::Result<()> {
        self.file = None;
        self.name
            .take()
            .map_or(Ok(()), |name| directory.remove(&name))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Err(err) = self.new.discard(&self.target.directory) {
            tracing::warn!(path = %self.target.path.display(), %err, "cannot remove a temporary file");
        }
    }
}

/// Takes the folder's lock together with other writers, so that no sweep takes our temporary file for a leftover.
///
/// Where folders cannot be locked nobody can sweep either.
pub(crate) fn lock_out_sweepers(directory: &Directory) {
    for pause_ms in PAUSES_MS {
        if pause_ms > 0 {
            std::thread::sleep(Duration::from_millis(pause_ms));
        }
        if directory.try_lock_shared().unwrap_or(true) {
            return;
        }
    }
    tracing::debug!("going on without the folder's lock: somebody keeps it");
}

/// Refuses where an editor would be refused: replacing needs no right on the file itself, but its owner who took
/// the right to write away meant it.
fn check_writable(target: &Target, new: &Stamp) -> Result<(), CommitError> {
    // The owner of a file just made is who we are; the usual case costs no system call.
    if new.owner == target.stamp.owner && target.stamp.mode & OWNER_MAY_WRITE != 0 {
        return Ok(());
    }
    target
        .directory
        .may_write(&target.name)
        .map_err(|err| match err.kind() {
            io::ErrorKind::NotFound => CommitError::Changed {
                path: target.path.clone(),
            },
            _ => CommitError::from_io("write to it", &target.path, err),
        })
}

fn copy_metadata(target: &Target, new: &NewFile) -> Result<Vec<CommitWarning>, CommitError> {
    let path = &target.path;
    let lost = sys::copy_metadata(&target.file, &target.stamp, new.file(), &new.stamp);
    let lost = lost.map_err(|err| match err {
        MetadataError::Owner(source) if source.kind() == io::ErrorKind::PermissionDenied => {
            CommitError::OwnerNotKept {
                path: path.clone(),
                source,
            }
        }
        MetadataError::Owner(err) => CommitError::from_io("keep its owner", path, err),
        MetadataError::Attributes(err) => CommitError::from_io("keep its attributes", path, err),
        MetadataError::Mode(err) => CommitError::from_io("keep its mode", path, err),
    })?;
    let warn = |lost: sys::LostAttribute| CommitWarning::AttributeNotKept {
        path: path.clone(),
        name: lost.name,
        source: lost.source,
    };
    Ok(lost.into_iter().map(warn).collect())
}
