//! One version of a file that is told by its stamp alone: for contents that need not lie in memory, and for bringing a file
//! back with exactly the permissions that it had.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use crate::commit::{Committed, sync_folder};
use crate::error::{CommitError, ReadError};
use crate::options::{CommitOptions, Durability};
use crate::original::now;
use crate::stage::{Base, stage_exactly};
use crate::sys;
use crate::target::{Resolved, Target};

/// Contents that come piece by piece, and what the file may be used for.
pub struct NewContents<'a> {
    /// Writes them, from the beginning to the end. It is called once.
    pub write: &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    /// The permission bits of the file, exactly; no umask takes from them.
    pub permissions: u32,
}

impl fmt::Debug for NewContents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewContents")
            .field("permissions", &format_args!("{:o}", self.permissions))
            .finish_non_exhaustive()
    }
}

/// One version of a regular file, open.
///
/// As [`Original`](crate::Original), but its contents are not in memory: read them from [`Version::file`], and act only if
/// they are what you mean to replace or remove.
#[derive(Debug)]
pub struct Version {
    target: Target,
}

impl Version {
    /// Opens a file that somebody has resolved already; no link is followed. Where stamps are coarse and the file was
    /// written a moment ago it waits until a later write would show in the stamp: 20 ms, on FAT 2 s.
    ///
    /// # Errors
    ///
    /// - [`ReadError::NotFound`], [`ReadError::NotRegular`], [`ReadError::NoPermission`], [`ReadError::Io`]: trying again
    ///   does not help by itself.
    pub fn open(file: Resolved<'_>) -> Result<Self, ReadError> {
        let mut target = Target::open_resolved(file)?;
        // Afterwards whatever is written has another stamp. What is from the future, too.
        while let Some(pause) = pause_until_plain(&target) {
            std::thread::sleep(pause);
            target.stamp = sys::stamp_of(target.file())
                .map_err(|err| ReadError::from_io("look at it", file.path, err))?;
        }
        Ok(Self { target })
    }

    /// The file, to be read.
    pub fn file(&self) -> &File {
        self.target.file()
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.target.stamp.size
    }

    /// Its permission bits.
    pub fn permissions(&self) -> u32 {
        self.target.stamp.mode
    }

    /// Looks whether the file is still the version that was opened, untouched. One that was removed has changed.
    ///
    /// # Errors
    ///
    /// When the system refuses the look; nothing is known then.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        self.target.is_untouched()
    }

    /// Puts new contents in place if the file is still the version that was opened: with the permissions that are given, and
    /// with owner, access lists and extended attributes of the old one. An owner that cannot be kept is a warning.
    ///
    /// # Errors
    ///
    /// Those of [`Original::stage`](crate::Original::stage) and [`Staged::commit`](crate::Staged::commit). An error of the
    /// writing function comes as [`CommitError::Io`] or by its kind; the old version is in place then.
    pub fn replace(
        self,
        contents: NewContents<'_>,
        options: &CommitOptions,
    ) -> Result<Committed, CommitError> {
        let base = Base::Version { bytes: None };
        stage_exactly(self.target, base, contents, options)?.commit()
    }

    /// Gives the file other permissions if it is still the version that was opened; the contents stay, and so does the file.
    ///
    /// # Errors
    ///
    /// - [`CommitError::Changed`]: somebody else changed, replaced or removed it; nothing was done.
    /// - Others: the permissions are the old ones; trying again does not help by itself.
    pub fn set_permissions(self, permissions: u32) -> Result<(), CommitError> {
        let path = &self.target.path;
        let fail = |step, err| CommitError::from_io(step, path, err);
        self.check()?;
        sys::set_permissions(self.file(), permissions)
            .map_err(|err| fail("set its permissions", err))?;
        match self.file().sync_all() {
            Err(err) if !sys::cannot_sync(&err) => Err(fail("sync its permissions", err)),
            _ => Ok(()),
        }
    }

    /// Removes the file if it is still the version that was opened; see [`Original::remove`](crate::Original::remove).
    ///
    /// # Errors
    ///
    /// Those of [`Original::remove`](crate::Original::remove).
    pub fn remove(self, options: &CommitOptions) -> Result<Committed, CommitError> {
        self.check()?;
        let Target {
            directory,
            path,
            name,
            ..
        } = &self.target;
        directory
            .remove(name)
            .map_err(|err| CommitError::from_io("remove it", path, err))?;
        let mut warnings = Vec::new();
        if options.durability == Durability::Durable {
            warnings.extend(sync_folder(directory, path)?);
        }
        Ok(Committed { warnings })
    }

    fn check(&self) -> Result<(), CommitError> {
        let path = &self.target.path;
        match self.is_unchanged() {
            Ok(true) => Ok(()),
            Ok(false) => Err(CommitError::Changed { path: path.clone() }),
            Err(err) => Err(CommitError::from_io("look at it", path, err)),
        }
    }
}

/// How long to wait until a write would give the file a new stamp; `None`: it would now.
fn pause_until_plain(target: &Target) -> Option<Duration> {
    let (stamp, now) = (&target.stamp, now());
    let is_past = stamp.modified <= now;
    let is_ambiguous = is_past && stamp.is_ambiguous(now, || target.directory.has_fine_stamps());
    is_ambiguous.then_some(Duration::from_millis(5))
}
