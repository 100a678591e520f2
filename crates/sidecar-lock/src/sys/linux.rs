//! What only Linux offers: files without a name, exchange, waiters' registration, inotify, /proc.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, ResolveFlags, linkat, openat, openat2, renameat_with,
};
use rustix::io::{Errno, retry_on_intr};

use super::{Call, Folder, Name, about_to};

/// How a folder is opened that may be searched but not listed.
pub(super) const SEARCH_ONLY: OFlags = OFlags::PATH;

/// Opens a folder by a path in which no link is followed.
pub(super) fn open_resolved(path: &Path, access: OFlags) -> Result<OwnedFd, Errno> {
    let flags = access | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // Kernels before 5.6, and sandboxes that do not know the call: the last component at least is not followed.
        Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
            openat(CWD, path, flags | OFlags::NOFOLLOW, Mode::empty())
        }
        opened => opened,
    }
}

/// Whether the file is there, and neither it nor anything on the way to it is a link; `false` where that cannot be learnt
/// in one call.
pub(crate) fn leads_through_no_link(path: &Path) -> bool {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS).is_ok()
}

/// Opens a file without a name in `folder`; `None` where the file system has no such thing, or where
/// there is no /proc to give it a name through.
pub(crate) fn open_nameless(folder: &Folder) -> io::Result<Option<File>> {
    static PROC: OnceLock<bool> = OnceLock::new();
    if !PROC.get_or_init(|| Path::new("/proc/self/fd").is_dir()) {
        return Ok(None);
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let open = || openat(folder.handle(), c".", flags, super::unix::MODE);
    let opened = about_to(Call::CreateNameless).and_then(|()| Ok(retry_on_intr(open)?));
    match opened {
        Ok(fd) => Ok(Some(File::from(fd))),
        Err(err) => match Errno::from_io_error(&err) {
            // EPERM is what ext4 says, also under overlayfs, of a folder that is gone; a file with a name is refused for
            // the true reason.
            Some(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::PERM) => Ok(None),
            _ => Err(err),
        },
    }
}

/// Gives a nameless file a name; fails when the name is taken.
pub(crate) fn link_nameless(file: &File, name: &Name) -> io::Result<()> {
    about_to(Call::Link)?;
    let (folder, file_name) = (name.folder().handle(), name.file_name());
    // Naming the descriptor itself is free to whoever opened it since Linux 6.10, and a privilege
    // before; the way through /proc always works, but takes twice as long.
    match linkat(file, c"", folder, file_name, AtFlags::EMPTY_PATH) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(Errno::EXIST.into()),
        Err(_) => {
            let by_number = format!("/proc/self/fd/{}", file.as_raw_fd());
            let flags = AtFlags::SYMLINK_FOLLOW;
            Ok(linkat(CWD, by_number, folder, file_name, flags)?)
        }
    }
}

/// Renames to a name that must be free.
pub(crate) fn rename_new(from: &Name, to: &Name) -> io::Result<()> {
    about_to(Call::Rename)?;
    rename_with(from, to, RenameFlags::NOREPLACE)
}

/// Swaps two names in one step.
pub(crate) fn exchange(one: &Name, other: &Name) -> io::Result<()> {
    about_to(Call::Exchange)?;
    rename_with(one, other, RenameFlags::EXCHANGE)
}

fn rename_with(from: &Name, to: &Name, flags: RenameFlags) -> io::Result<()> {
    let (old, new) = (from.folder().handle(), to.folder().handle());
    Ok(renameat_with(
        old,
        from.file_name(),
        new,
        to.file_name(),
        flags,
    )?)
}

// --- Registration: "somebody waits for this sidecar" ------------------------------------------

/// The byte that waiters hold a shared record lock on: far beyond the record, so that no other lock
/// on the file meets it.
const REGISTER_AT: libc::off_t = 1 << 40;

#[expect(
    clippy::cast_possible_truncation,
    reason = "the constants are 0, 1 and 2; the structure has them as short"
)]
fn register_range(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: REGISTER_AT,
        l_len: 1,
        l_pid: 0,
    }
}

/// Says that this open file waits. The kernel forgets it when the process dies.
pub(crate) fn register(file: &File) -> io::Result<()> {
    about_to(Call::Register)?;
    let range = register_range(libc::F_RDLCK);
    loop {
        match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&range)) {
            Err(nix::errno::Errno::EINTR) => {}
            other => return other.map(drop).map_err(io::Error::from),
        }
    }
}

/// Takes [`register`] back, explicitly: a forked child may keep the open file alive.
pub(crate) fn unregister(file: &File) {
    let range = register_range(libc::F_UNLCK);
    let unregistered = about_to(Call::Unregister)
        .and_then(|()| Ok(fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&range))?));
    if let Err(err) = unregistered {
        tracing::debug!(%err, "a waiter's registration was not taken back");
    }
}

/// Whether any other open file is registered. A wrong answer costs time, never exclusion.
pub(crate) fn anyone_registered(file: &File) -> bool {
    let mut range = register_range(libc::F_WRLCK);
    about_to(Call::AskRegistered).is_ok()
        && fcntl(file.as_fd(), FcntlArg::F_OFD_GETLK(&mut range)).is_ok()
        && libc::c_int::from(range.l_type) != libc::F_UNLCK
}

/// File systems on which flock and record locks are independent, local and interruptible. On NFS both
/// are one lock, and a blocked flock can hang beyond kill; there, and on what we do not know, we poll.
const LOCAL_FILE_SYSTEMS: [i128; 10] = [
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683E, // btrfs
    0x0102_1994, // tmpfs
    0x8584_58F6, // ramfs
    0xF2F5_2010, // f2fs
    0x794C_7630, // overlayfs
    0x2FC1_2FC1, // zfs
    0xCA45_1A4E, // bcachefs
    0x4D44,      // vfat
];

/// Whether a waiter may sleep in the kernel's queue for this file.
pub(crate) fn supports_queue(file: &File) -> bool {
    about_to(Call::AskFileSystem).is_ok()
        && retry_on_intr(|| rustix::fs::fstatfs(file))
            .is_ok_and(|info| LOCAL_FILE_SYSTEMS.contains(&i128::from(info.f_type)))
}

// --- Events -----------------------------------------------------------------------------------

/// Wakes a waiter when a name in a folder disappears or changes hands.
pub(crate) struct Events {
    inotify: OwnedFd,
}

impl Events {
    /// Begins to watch `folder`; events before this call are not seen, so look again after it.
    pub(crate) fn watch(folder: &Folder) -> io::Result<Self> {
        about_to(Call::Watch)?;
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let what = WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::CREATE
            | WatchFlags::ONLYDIR;
        // The call knows folders by their paths only, and this path leads to the one that is open.
        let by_number = format!("/proc/self/fd/{}", folder.handle().as_raw_fd());
        inotify::add_watch(&inotify, by_number, what)?;
        Ok(Self { inotify })
    }

    /// Sleeps until something happens to `name`, or until `until`.
    pub(crate) fn wait(&self, name: &Name, until: Instant) {
        let name = name.file_name().as_bytes();
        loop {
            let announced = about_to(Call::Wait);
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let mut fds = [PollFd::new(&self.inotify, PollFlags::IN)];
            match announced.and_then(|()| Ok(poll(&mut fds, Some(&timeout))?)) {
                Ok(0) => return,
                Ok(_) => {
                    if self.drain(name) {
                        return;
                    }
                }
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    std::thread::sleep(left);
                    return;
                }
            }
        }
    }

    /// Reads what is there and says whether it concerns `name`.
    fn drain(&self, name: &[u8]) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut concerns = false;
        while let Ok(event) = reader.next() {
            let queue_overflow = event.file_name().is_none();
            concerns |= queue_overflow || event.file_name().is_some_and(|n| n.to_bytes() == name);
        }
        concerns
    }
}

// --- Who we are ---------------------------------------------------------------------------------

pub(crate) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim_end().to_owned())
        .unwrap_or_default()
}

/// When this process began, in clock ticks since boot: field 22 of `/proc/self/stat` (proc(5)).
pub(crate) fn start_time() -> u64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return 0;
    };
    // The command, field 2, may contain blanks and parentheses: count from behind the last one.
    stat.rsplit_once(')')
        .and_then(|(_, rest)| rest.split_ascii_whitespace().nth(19))
        .and_then(|field| field.parse().ok())
        .unwrap_or_default()
}

pub(crate) fn pid_namespace() -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino())
}

/// Time since boot, suspend included.
pub(crate) fn since_boot() -> Option<Duration> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Some(Duration::new(
        now.tv_sec.try_into().ok()?,
        now.tv_nsec.try_into().ok()?,
    ))
}
