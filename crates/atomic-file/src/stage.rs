//! Writing the new version beside the old one, complete and on the disk, before anybody can see it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::path::Path;
use std::time::Duration;

use crate::error::{CommitError, CommitWarning};
use crate::name::{Mark, temporary};
use crate::options::{CommitOptions, Durability, HardLinks};
use crate::stamp::Stamp;
use crate::sys::{self, Directory, MetadataError};
use crate::target::Target;
use crate::version::NewContents;

/// Looks while a sweeper has the folder, for as long as it takes to list it, or another commit the file. After some
/// 60 ms the commit goes on: whoever takes so long is stopped. A sweeper renames what it finds before it judges it, and
/// a commit looks at what it displaces; neither relies on the lock alone.
pub(crate) const LOOKS: u32 = 20;

/// The pause after the first look; each is longer by as much.
pub(crate) const PAUSE: Duration = Duration::from_micros(300);

/// Nobody else reads the new file before it has its own rights, where it has a name.
pub(crate) const UNTIL_COMPLETE: u32 = 0o600;

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
    contents: &[&[u8]],
    options: &CommitOptions,
) -> Result<Staged, CommitError> {
    let write = &mut |file: &File| write_parts(file, contents);
    let mode = target.stamp.mode;
    let mut staged = begin(target, base, mode, write, options)?;
    check_writable(&staged.target, &staged.new.stamp)?;
    let warnings = copy_metadata(&staged.target, &staged.new, staged.target.stamp.mode)?;
    staged.warnings.extend(warnings);
    staged.complete()
}

/// The same with permissions that the caller says. Whoever says them undoes a `chmod` too, so that a file without the right
/// to write is no obstacle, and an owner that cannot be kept is a warning.
pub(crate) fn stage_exactly(
    target: Target,
    base: Base,
    new: NewContents<'_>,
    options: &CommitOptions,
) -> Result<Staged, CommitError> {
    let NewContents { write, permissions } = new;
    let write = &mut |mut file: &File| write(&mut file);
    let mut staged = begin(target, base, permissions, write, options)?;
    match copy_metadata(&staged.target, &staged.new, permissions) {
        Ok(warnings) => staged.warnings.extend(warnings),
        Err(CommitError::OwnerNotKept { path, source }) => {
            let name = "owner".to_owned();
            let warning = CommitWarning::AttributeNotKept { path, name, source };
            staged.warnings.push(warning);
        }
        Err(err) => return Err(err),
    }
    staged
        .new
        .set_permissions(permissions, &staged.target.path)?;
    staged.complete()
}

/// Writes the new version, which is to have `mode` in the end; from here on, dropping it removes the new file.
fn begin(
    target: Target,
    base: Base,
    mode: u32,
    write: Write<'_>,
    options: &CommitOptions,
) -> Result<Staged, CommitError> {
    if target.stamp.links > 1 && options.hard_links == HardLinks::Refuse {
        return Err(CommitError::HardLinked {
            path: target.path,
            links: target.stamp.links,
        });
    }
    let new = NewFile::write_by(
        &target.directory,
        &target.name,
        &target.path,
        Modes {
            nameless: mode,
            named: UNTIL_COMPLETE,
        },
        write,
    )?;
    Ok(Staged {
        target,
        base,
        durability: options.durability,
        new,
        warnings: Vec::new(),
    })
}

impl Staged {
    fn complete(mut self) -> Result<Self, CommitError> {
        let warning = self.new.sync(&self.target.path)?;
        self.warnings.extend(warning);
        Ok(self)
    }
}

/// With which mode a new file begins; the umask takes from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Modes {
    /// Nobody else can open it before it has a name, so it may be what it is to be in the end.
    pub(crate) nameless: u32,
    pub(crate) named: u32,
}

/// Writes the contents of a new file.
pub(crate) type Write<'a> = &'a mut dyn FnMut(&File) -> io::Result<()>;

impl NewFile {
    /// Writes `contents` to a new file in `directory`, meant for the name `beside`.
    pub(crate) fn write(
        directory: &Directory,
        beside: &OsStr,
        path: &Path,
        mode: u32,
        contents: &[&[u8]],
    ) -> Result<Self, CommitError> {
        let write = &mut |file: &File| write_parts(file, contents);
        let modes = Modes {
            nameless: mode,
            named: mode,
        };
        Self::write_by(directory, beside, path, modes, write)
    }

    /// The same with contents that come piece by piece.
    pub(crate) fn write_by(
        directory: &Directory,
        beside: &OsStr,
        path: &Path,
        modes: Modes,
        write: Write<'_>,
    ) -> Result<Self, CommitError> {
        let fail = |step, err| CommitError::from_io(step, path, err);
        let (file, name) = open_new(directory, beside, modes).map_err(|err| {
            if directory.is_removed() {
                // Some file systems call that "not permitted".
                return CommitError::NotFound {
                    path: path.to_path_buf(),
                };
            }
            fail("create a temporary file beside it", err)
        })?;
        let written = write(&file).and_then(|()| sys::stamp_of(&file));
        match written {
            Ok(stamp) => Ok(Self {
                file: Some(file),
                name,
                stamp,
            }),
            Err(err) => {
                drop(file);
                if let Some(name) = name
                    && let Err(err) = directory.remove(&name)
                {
                    tracing::warn!(path = %path.display(), %err, "cannot remove a temporary file");
                }
                Err(fail("write its new contents", err))
            }
        }
    }

    fn file(&self) -> &File {
        self.file
            .as_ref()
            .expect("the new file is open until it is published")
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

    /// Gives the file exactly these permissions, whatever the process's umask.
    pub(crate) fn set_permissions(&self, permissions: u32, path: &Path) -> Result<(), CommitError> {
        sys::set_permissions(self.file(), permissions)
            .map_err(|err| CommitError::from_io("set its permissions", path, err))
    }

    /// Gives the file the temporary name `name`, which nobody else can have, and closes it.
    ///
    /// Closed first, because watchers would otherwise see the *story* being closed after writing.
    pub(crate) fn publish(&mut self, directory: &Directory, name: &OsStr) -> io::Result<()> {
        match &self.name {
            None => directory.name_anonymous(self.file(), name)?,
            Some(old) => directory.rename_over(old, name)?,
        }
        self.name = Some(name.to_owned());
        self.file = None;
        Ok(())
    }

    /// Gives the file its name for good; fails if anything has that name.
    pub(crate) fn publish_new(&mut self, directory: &Directory, name: &OsStr) -> io::Result<()> {
        match &self.name {
            None => directory.name_anonymous(self.file(), name)?,
            Some(old) => directory.rename_new(old, name)?,
        }
        self.name = None;
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
        self.target.directory.unlock();
    }
}

/// Writes all parts, as a rule in one call and without joining them.
fn write_parts(mut file: &File, parts: &[&[u8]]) -> io::Result<()> {
    if let [whole] = parts {
        return file.write_all(whole);
    }
    let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut written = match file.write_vectored(&slices) {
        Err(err) if err.kind() == io::ErrorKind::Interrupted => 0,
        written => written?,
    };
    for part in parts {
        let before = written.min(part.len());
        written -= before;
        file.write_all(&part[before..])?;
    }
    Ok(())
}

fn open_new(
    directory: &Directory,
    beside: &OsStr,
    modes: Modes,
) -> io::Result<(File, Option<OsString>)> {
    if let Some(file) = directory.create_anonymous(modes.nameless)? {
        return Ok((file, None));
    }
    lock_out_sweepers(directory);
    let name = temporary(beside, Mark::Unpublished, Mark::Unknown);
    let file = directory.create_named(&name, modes.named)?;
    Ok((file, Some(name)))
}

/// Takes the folder's lock together with other writers, so that no sweep takes our temporary file for a leftover.
///
/// Where folders cannot be locked nobody can sweep either.
pub(crate) fn lock_out_sweepers(directory: &Directory) {
    if !patiently(LOOKS, || directory.try_lock_shared().unwrap_or(true)) {
        tracing::debug!("going on without the folder's lock: somebody keeps it");
    }
}

/// Tries this many times to get what others have for a moment.
pub(crate) fn patiently(looks: u32, mut try_it: impl FnMut() -> bool) -> bool {
    for look in 1..=looks {
        if try_it() {
            return true;
        }
        std::thread::sleep(PAUSE * look);
    }
    false
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

fn copy_metadata(
    target: &Target,
    new: &NewFile,
    mode: u32,
) -> Result<Vec<CommitWarning>, CommitError> {
    let path = &target.path;
    let lost = sys::copy_metadata(target.file(), &target.stamp, new.file(), &new.stamp, mode);
    let lost = lost.map_err(|err| match err {
        // Invalid: an owner that this user namespace does not know.
        MetadataError::Owner(source)
            if matches!(
                source.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
            ) =>
        {
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
