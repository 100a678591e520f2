//! What only Linux offers: files without names, swapping names, stamps finer than the clock.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, ResolveFlags, StatxFlags, fstatfs, linkat, openat,
    openat2, renameat_with, statx,
};
use rustix::io::{Errno, retry_on_intr};

/// File systems whose modification times are finer than the kernel's tick once somebody has looked at them
/// (`FS_MGTIME`, Linux 6.13): ext4, XFS, Btrfs, tmpfs. From `linux/magic.h`.
const FINE_GRAINED: [u64; 4] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994];

/// File systems that keep what was synced before the file had a name: ext4, XFS; on tmpfs nothing is kept anyway. From
/// `linux/magic.h`.
///
/// Btrfs does not log a file without a name: linked, swapped in and its folder synced, it was EMPTY after a power cut
/// (Linux 6.1). Of what we do not know we expect the same.
const SYNCS_NAMELESS: [u64; 3] = [0xEF53, 0x5846_5342, 0x0102_1994];

/// File systems of this machine alone, whose names no server can change behind the kernel's back: ext2/3/4, XFS, Btrfs,
/// tmpfs. From `linux/magic.h`. What a layered one (overlayfs) stands on is not known.
const LOCAL: [u64; 4] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994];

/// What a file system calls itself, or nothing where it does not say.
#[derive(Debug)]
pub(super) struct FileSystem(Option<u64>);

impl FileSystem {
    pub(super) fn of(folder: &File) -> Self {
        #[expect(
            clippy::cast_sign_loss,
            reason = "a magic number, signed on some systems only"
        )]
        let magic = retry_on_intr(|| fstatfs(folder)).map(|info| info.f_type as u64 & 0xFFFF_FFFF);
        Self(magic.ok())
    }

    fn is_among(&self, known: &[u64]) -> bool {
        self.0.is_some_and(|magic| known.contains(&magic))
    }

    pub(super) fn is_local(&self) -> bool {
        self.is_among(&LOCAL)
    }

    /// Whether it keeps what was synced before the file had a name.
    pub(super) fn syncs_nameless(&self) -> bool {
        self.is_among(&SYNCS_NAMELESS)
    }

    pub(super) fn has_fine_stamps(&self) -> bool {
        static KERNEL: OnceLock<bool> = OnceLock::new();
        self.is_among(&FINE_GRAINED)
            && *KERNEL.get_or_init(|| {
                let uname = rustix::system::uname();
                uname.release().to_str().is_ok_and(is_fine_grained)
            })
    }
}

/// How a folder is opened that may be searched but not listed.
pub(super) const SEARCH_ONLY: Option<OFlags> = Some(OFlags::PATH);

/// Opens a folder by a path in which no link is followed.
pub(super) fn open_resolved(path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // Kernels before 5.6, and sandboxes that do not know the call: the last component at least is not followed.
        Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
            openat(CWD, path, flags | OFlags::NOFOLLOW, Mode::empty())
        }
        opened => opened,
    }
}

pub(super) fn refresh(directory: &File) {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_FORCE_SYNC;
    // Kernels before 4.11 do not know the call; there is nothing else to do there.
    statx(directory, c"", flags, StatxFlags::BASIC_STATS).ok();
}

pub(super) fn create_anonymous(directory: &File, mode: Mode) -> io::Result<Option<File>> {
    // Without /proc the file could never be given a name.
    static PROC: OnceLock<bool> = OnceLock::new();
    if !PROC.get_or_init(|| Path::new("/proc/self/fd").is_dir()) {
        return Ok(None);
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match retry_on_intr(|| openat(directory, c".", flags, mode)) {
        Ok(file) => Ok(Some(file.into())),
        // The last two are what kernels without the flag make of it.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT) => Ok(None),
        Err(err) => Err(err.into()),
    }
}

pub(super) fn name_anonymous(directory: &File, file: &File, name: &OsStr) -> io::Result<()> {
    // Naming the descriptor itself is free to whoever opened it since Linux 6.10, and a privilege before; its entry
    // under /proc is not, but takes twice as long.
    match linkat(file, c"", directory, name, AtFlags::EMPTY_PATH) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(Errno::EXIST.into()),
        Err(_) => {
            let from = format!("/proc/self/fd/{}", file.as_raw_fd());
            let flags = AtFlags::SYMLINK_FOLLOW;
            Ok(linkat(CWD, from, directory, name, flags)?)
        }
    }
}

pub(super) fn rename_new(directory: &File, from: &OsStr, to: &OsStr) -> io::Result<()> {
    Ok(renameat_with(
        directory,
        from,
        directory,
        to,
        RenameFlags::NOREPLACE,
    )?)
}

pub(super) fn exchange(directory: &File, one: &OsStr, other: &OsStr) -> io::Result<()> {
    Ok(renameat_with(
        directory,
        one,
        directory,
        other,
        RenameFlags::EXCHANGE,
    )?)
}

fn is_fine_grained(release: &str) -> bool {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) >= (6, 13),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_fine_grained;

    #[test]
    fn is_fine_grained_begins_with_6_13() {
        for (release, expected) in [
            ("6.13.0-rc1", true),
            ("6.18.44-fc", true),
            ("7.0", true),
            ("6.12.99", false),
            ("5.15.0-1034-azure", false),
            ("6", false),
            ("", false),
            ("rolling", false),
        ] {
            assert_eq!(is_fine_grained(release), expected, "kernel {release:?}");
        }
    }
}
