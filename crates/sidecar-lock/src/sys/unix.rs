//! What all Unix systems share.

use std::ffi::{OsStr, OsString};
use std::fs::{File, FileTimes};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::retry_on_intr;

use super::files::{FileId, Kind, Look};
use super::{Call, about_to};

/// The sticky bit, which means nothing on a file, is set on each sidecar from its creation: unlike the record it reaches
/// the disk together with the name. The umask takes nothing from it.
const MARK: u32 = 0o1000;

/// The mode of a sidecar; the umask takes from it.
pub(super) const MODE: u32 = MARK | 0o666;

/// Creates a sidecar under a name that must be free.
pub(crate) fn create_marked(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
}

pub(crate) fn look_at(path: &Path) -> io::Result<Look> {
    about_to(Call::Look)?;
    Ok(look_of(&std::fs::symlink_metadata(path)?))
}

pub(super) fn look_of(metadata: &std::fs::Metadata) -> Look {
    let file_type = metadata.file_type();
    let kind = if file_type.is_file() {
        Kind::File
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_symlink() {
        Kind::Symlink
    } else {
        debug_assert!(
            file_type.is_fifo()
                || file_type.is_socket()
                || file_type.is_char_device()
                || file_type.is_block_device()
        );
        Kind::Special
    };
    Look {
        id: FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
        },
        kind,
        modified: metadata.modified().ok(),
        size: metadata.size(),
        links: metadata.nlink(),
        is_marked: kind == Kind::File && metadata.mode() & MARK != 0,
    }
}

/// Opens what stands at a sidecar's place: never through a link, never waiting for a FIFO's other end.
/// Without permission to write it opens for reading, which is enough to wait and to be granted.
pub(crate) fn open_existing(path: &Path) -> io::Result<(File, Look)> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let opened = about_to(Call::Open).and_then(|()| {
        Ok(retry_on_intr(|| {
            rustix::fs::open(path, flags | OFlags::RDWR, Mode::empty())
        })?)
    });
    let fd = match opened {
        Err(err) if is_refused(&err) => {
            retry_on_intr(|| rustix::fs::open(path, flags | OFlags::RDONLY, Mode::empty()))?
        }
        opened => opened?,
    };
    let file = File::from(fd);
    let look = look_of(&file.metadata()?);
    Ok((file, look))
}

fn is_refused(err: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(err),
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS)
    )
}

/// Lets every user who may enter the folder ask the kernel for a new sidecar's owner, whatever the umask is.
///
/// A lock that another user cannot open could neither be waited for nor, after a crash, be told from a living one.
pub(super) fn let_everybody_read(file: &File, metadata: &std::fs::Metadata) {
    const READABLE: u32 = 0o444;
    let mut permissions = metadata.permissions();
    let mode = permissions.mode();
    if mode & READABLE != READABLE {
        permissions.set_mode(mode | READABLE);
        // Where modes cannot be changed they do not keep anybody out either.
        if let Err(err) = file.set_permissions(permissions) {
            tracing::debug!(%err, "a lock file was not made readable");
        }
    }
}

/// Opens a directory without following a link, to bind to it whatever becomes of its name.
pub(crate) fn open_folder(path: &Path) -> io::Result<(File, Look)> {
    about_to(Call::OpenFolder)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))?;
    let file = File::from(opened);
    let look = look_of(&file.metadata()?);
    Ok((file, look))
}

/// Whether an open directory has no entries but pins of ours. Not through `std::fs::read_dir`: it
/// panics when closing fails.
pub(crate) fn is_empty_folder(folder: &File, _path: &Path) -> io::Result<bool> {
    Ok(entries(folder)?
        .iter()
        .all(|name| crate::is_temporary_name(name)))
}

fn entries(folder: &File) -> io::Result<Vec<OsString>> {
    about_to(Call::ReadFolder)?;
    let mut names = Vec::new();
    for entry in retry_on_intr(|| rustix::fs::Dir::read_from(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

/// Puts an empty file into an open directory that is judged stale, so that nobody else's `rmdir` can
/// remove it between our last look and its replacement. Returns how it looks now, or `None` when it
/// does not stand at `path` any more.
pub(crate) fn pin(folder: &File, path: &Path, judged: &Look) -> io::Result<Option<Look>> {
    about_to(Call::Recheck)?;
    // Touched since: its owner lives after all.
    if look_of(&folder.metadata()?).modified != judged.modified {
        return Ok(None);
    }
    let pin = super::files::temporary_name()?;
    about_to(Call::Pin)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o600);
    match retry_on_intr(|| rustix::fs::openat(folder, &pin, flags, mode)) {
        Ok(_pin) => keep_age(folder, judged),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(err) => return Err(err.into()),
    }
    let pinned = look_of(&folder.metadata()?);
    let is_there = super::look(path)?.is_some_and(|now| now.id == pinned.id);
    if !is_there {
        unpin(folder, OsStr::new(&pin))?;
    }
    Ok(is_there.then_some(pinned))
}

/// The pin has made the directory look fresh: should we die here, everybody would respect it for another stale limit.
fn keep_age(folder: &File, judged: &Look) {
    // Another user's directory keeps the new time.
    if let Some(modified) = judged.modified
        && let Err(err) = folder.set_times(FileTimes::new().set_modified(modified))
    {
        tracing::debug!(%err, "a pinned lock directory looks fresh");
    }
}

fn unpin(folder: &File, pin: &OsStr) -> io::Result<()> {
    about_to(Call::Unpin)?;
    Ok(rustix::fs::unlinkat(
        folder,
        pin,
        rustix::fs::AtFlags::empty(),
    )?)
}

/// Removes a directory that holds nothing but pins.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    let (folder, _) = open_folder(path)?;
    for name in entries(&folder)? {
        if crate::is_temporary_name(&name) {
            unpin(&folder, &name)?;
        }
    }
    about_to(Call::RemoveFolder)?;
    std::fs::remove_dir(path)
}

/// Whether an open failed because the name stands for another kind of file by now, or for none.
pub(crate) fn is_other_kind(err: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(err),
        Some(Errno::NOENT | Errno::ISDIR | Errno::NOTDIR | Errno::LOOP | Errno::NXIO)
    )
}

/// Whether a write failed because the file was opened for reading.
pub(crate) fn is_read_only_file(err: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(err) == Some(rustix::io::Errno::BADF)
}

/// The names in a folder.
pub(crate) fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    about_to(Call::OpenFolder)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| rustix::fs::open(folder, flags, Mode::empty()))?;
    entries(&File::from(opened))
}

pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    about_to(Call::Read)?;
    file.read_at(buffer, offset)
}

pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    about_to(Call::Write)?;
    file.write_all_at(bytes, offset)
}

/// Sets the modification time to now.
pub(crate) fn touch(file: &File) -> io::Result<()> {
    about_to(Call::Touch)?;
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        },
    };
    Ok(rustix::fs::futimens(file, &times)?)
}

pub(crate) fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}
