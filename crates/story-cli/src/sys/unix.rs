//! Signals, exit codes and file systems of Unix.

use std::ffi::OsStr;
use std::fs::{DirBuilder, Permissions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGWINCH, SIGXFSZ};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::exfiltrator::origin::Origin;
use signal_hook::low_level::siginfo::Cause;

use super::Received;

/// The thread sleeps in one read and makes a few calls; chosen.
const STACK_BYTES: usize = 128 * 1024;

/// How often to look for signals or a child's end while nothing can wake the thread; chosen.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The last signal that came; the handler itself sets it, before the read that it interrupts goes on.
static ARRIVED: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// The number of the last signal that came, even if it was not received yet.
pub fn arrived() -> Option<u8> {
    u8::try_from(ARRIVED.load(Ordering::SeqCst))
        .ok()
        .filter(|number| *number > 0)
}

/// Forgets what [`arrived`] tells.
pub fn forget_arrived() {
    ARRIVED.store(0, Ordering::SeqCst);
}

/// From now on SIGINT, SIGTERM and SIGHUP are noted for [`arrived`] and end nothing.
pub fn note_signals() -> io::Result<()> {
    static NOTED: AtomicBool = AtomicBool::new(false);
    if NOTED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    for (signal, number) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1)] {
        signal_hook::flag::register_usize(signal, Arc::clone(&ARRIVED), number)?;
    }
    // A write beyond the limit of file sizes then fails like any other, instead of ending us in the middle of a commit.
    // A handler and not "ignore": programs that we start do not inherit it.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Makes sure that children can be waited for: whoever started us may ignore the end of children, and that is inherited.
pub fn expect_children() -> io::Result<()> {
    static EXPECTED: AtomicBool = AtomicBool::new(false);
    if EXPECTED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    signal_hook::flag::register(SIGCHLD, Arc::default()).map(drop)
}

/// Calls `receive` for each SIGINT, SIGTERM and SIGHUP, in a thread of its own.
pub fn watch_signals(receive: impl Fn(Received) + Send + 'static) -> io::Result<()> {
    let (woken, waker) = UnixStream::pair()?;
    let caught = [SIGINT, SIGTERM, SIGHUP];
    let mut signals = SignalDelivery::with_pipe(woken, waker, WithOrigin::default(), caught)?;
    thread::Builder::new()
        .name("signals".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // Not by `SignalsInfo`, which panics when it cannot read.
            loop {
                if signals.get_read_mut().read_exact(&mut [0]).is_err() {
                    thread::sleep(LOOK_AGAIN);
                }
                for origin in signals.pending() {
                    receive(received(&origin));
                }
            }
        })
        .map(drop)
}

fn received(origin: &Origin) -> Received {
    Received {
        number: u8::try_from(origin.signal).unwrap_or_default(),
        is_from_kernel: matches!(origin.cause, Cause::Kernel),
    }
}

/// The paths of what lies in a folder, in order.
///
/// Not by `std::fs::read_dir`, which panics when closing the folder fails.
pub fn entries_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| rustix::fs::open(folder, flags, Mode::empty()))?;
    let mut entries = Vec::new();
    for entry in retry_on_intr(|| Dir::read_from(&opened))? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            entries.push(folder.join(OsStr::from_bytes(name)));
        }
    }
    entries.sort();
    Ok(entries)
}

/// The path that git writes as these bytes.
pub fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    OsStr::from_bytes(bytes).into()
}

/// What to do about an error of the system that no code of ours explains.
pub fn advice(err: &io::Error) -> Option<&'static str> {
    use rustix::io::Errno;
    Some(match Errno::from_io_error(err)? {
        Errno::PERM => {
            "see whether the file or its folder is immutable or append-only (lsattr), or another user's in a folder with mode +t"
        }
        Errno::MFILE | Errno::NFILE => "allow more open files (ulimit -n)",
        Errno::AGAIN => "allow more processes (ulimit -u), or try again when there are fewer",
        Errno::FBIG => "allow larger files (ulimit -f)",
        Errno::LOOP => "mend the symbolic links on the way to it",
        Errno::IO => {
            "the disk, or the way to it, fails: look at the system's log, and save what you can"
        }
        _ => return None,
    })
}

/// How many columns and lines the terminal on stdout has; `None` where it is none.
pub fn terminal_size() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then(|| (size.ws_col.into(), size.ws_row.into()))
}

/// A line that is typed on the terminal; `None` at the end of it, or when a signal comes first.
pub fn line_from_terminal() -> Option<String> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let look_again = Timespec::try_from(LOOK_AGAIN).ok();
    let mut line = String::new();
    loop {
        if arrived().is_some() {
            return None;
        }
        let stdin = io::stdin();
        let mut typed = [PollFd::new(&stdin, PollFlags::IN)];
        // A signal ends the wait early; it may also have come just before.
        if poll(&mut typed, look_again.as_ref()).is_ok_and(|typed| typed > 0) {
            let count = stdin.read_line(&mut line).ok()?;
            return (count > 0).then_some(line);
        }
    }
}

/// From now on a change of the terminal's size ends a wait.
pub fn note_resize() {
    // Without it the board is drawn anew at the next look.
    signal_hook::flag::register(SIGWINCH, Arc::default()).ok();
}

/// What tells one version of a file from another without reading it: length, number, and when it was last changed.
pub fn stamp(metadata: &std::fs::Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    (
        metadata.len(),
        metadata.ino(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

/// See [`stamp`].
pub type Stamp = (u64, u64, i64, i64);

/// Sends a signal to a child that has not been reaped.
pub fn forward(child: u32, number: u8) {
    let signal = match i32::from(number) {
        SIGINT => Signal::INT,
        SIGHUP => Signal::HUP,
        _ => Signal::TERM,
    };
    if let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw) {
        // It may have ended a moment ago: then there is nobody to tell.
        rustix::process::kill_process(pid, signal).ok();
    }
}

/// Waits until the child has ended, for ever or for at most so long, but leaves its number taken, so that a signal sent to
/// it reaches nobody else. Returns whether it has ended.
pub fn wait_without_reaping(child: &mut Child, at_most: Option<Duration>) -> io::Result<bool> {
    let Some(at_most) = at_most else {
        return has_ended(child, WaitIdOptions::empty());
    };
    let deadline = Instant::now() + at_most;
    loop {
        let has_ended = has_ended(child, WaitIdOptions::NOHANG)?;
        let left = deadline.saturating_duration_since(Instant::now());
        if has_ended || left.is_zero() {
            return Ok(has_ended);
        }
        sleep_beside(child, left);
    }
}

fn has_ended(child: &Child, patience: WaitIdOptions) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | patience;
    let status = retry_on_intr(|| waitid(WaitId::Pid(Pid::from_child(child)), options))?;
    Ok(status.is_some())
}

/// Sleeps until the child ends, or nearly so long as `at_most`.
#[cfg(target_os = "linux")]
fn sleep_beside(child: &Child, at_most: Duration) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{PidfdFlags, pidfd_open};

    match pidfd_open(Pid::from_child(child), PidfdFlags::empty()) {
        Ok(opened) => {
            let timeout = Timespec::try_from(at_most).ok();
            // A signal ends the sleep early: then the caller looks, and sleeps again.
            poll(&mut [PollFd::new(&opened, PollFlags::IN)], timeout.as_ref()).ok();
        }
        // No descriptors left, or an old kernel.
        Err(_) => thread::sleep(at_most.min(LOOK_AGAIN)),
    }
}

/// Sleeps a moment, at most `at_most`.
#[cfg(not(target_os = "linux"))]
fn sleep_beside(_child: &Child, at_most: Duration) {
    thread::sleep(at_most.min(LOOK_AGAIN));
}

/// Sends a child that has not been reaped the signal to end.
#[cfg(not(target_os = "linux"))]
pub fn end_child(child: &mut Child, ending: super::Ending) {
    let signal = match ending {
        super::Ending::Ask => Signal::TERM,
        super::Ending::Force => Signal::KILL,
    };
    rustix::process::kill_process(Pid::from_child(child), signal).ok();
}

/// The user's editor on a file; the setting may hold arguments, as with git.
pub fn editor(setting: &OsStr, file: &Path) -> Command {
    let mut script = setting.to_owned();
    script.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(setting).arg(file);
    command
}

/// Makes a folder that only this user can open.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Lets everybody run a file who may read it.
pub fn make_executable(path: &Path) -> io::Result<()> {
    let mut permissions = std::fs::metadata(path)?.permissions();
    let mode = permissions.mode();
    let readers = mode & 0o444;
    let executable = mode | readers >> 2;
    if executable == mode {
        return Ok(());
    }
    permissions.set_mode(executable);
    std::fs::set_permissions(path, permissions)
}

/// Lets only this user read and write a file.
pub fn make_private(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
}

/// The exit code that passes a child's end on: 128+n for signal n.
pub fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The signal that ended a child.
pub fn ending_signal(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// All mounts, and the device (`major:minor`) that the folder lies on, as they call it.
#[cfg(target_os = "linux")]
pub fn mounts_and_device(folder: &Path) -> Option<(String, String)> {
    let device = rustix::fs::stat(folder).ok()?.st_dev;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    Some((mounts, format!("{major}:{minor}")))
}

/// Known on Linux only.
#[cfg(not(target_os = "linux"))]
pub fn mounts_and_device(_folder: &Path) -> Option<(String, String)> {
    None
}

/// The name of the file system if its locks are known to be weaker than those of a local disk.
#[cfg(target_os = "linux")]
pub fn doubtful_file_system(folder: &Path) -> Option<&'static str> {
    // Magic numbers: linux/magic.h and statfs(2).
    match rustix::fs::statfs(folder).ok()?.f_type {
        0x6969 => Some("NFS"),
        0xFF53_4D42 | 0xFE53_4D42 => Some("SMB"),
        0x0102_1997 => Some("9p"),
        0x6573_5546 => Some("FUSE"),
        0x4d44 => Some("FAT"),
        _ => None,
    }
}

/// The name of the file system if its locks are known to be weaker than those of a local disk.
#[cfg(not(target_os = "linux"))]
pub fn doubtful_file_system(_folder: &Path) -> Option<&'static str> {
    None
}
