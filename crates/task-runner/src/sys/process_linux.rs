//! Processes, as Linux tells of them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, test_kill_process};

use crate::process::Process;

pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim_end().to_owned())
        .unwrap_or_default()
}

pub(crate) fn pid_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino())
}

pub(crate) fn process(pid: u32, now: Timestamp) -> Process {
    match start_ticks(pid) {
        Ok(ticks) => Process::Runs {
            started_at: started_at(ticks, now),
        },
        Err(err) if err.kind() == io::ErrorKind::NotFound => Process::Gone,
        // It is there, and /proc does not show it. One of this user's is respected; of others nothing is known.
        Err(_) if numbered(pid).is_some_and(|pid| test_kill_process(pid).is_ok()) => {
            Process::Runs { started_at: None }
        }
        Err(_) => Process::Unknown,
    }
}

/// When a process began, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)). One that has ended and only
/// waits for its parent to ask is not found.
pub(crate) fn start_ticks(pid: u32) -> io::Result<u64> {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        // ESRCH: it ended between open and read.
        Err(err) if err.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => {
            return Err(io::ErrorKind::NotFound.into());
        }
        // Of other users' processes /proc may show nothing (`hidepid`, proc(5)).
        Err(err) if err.kind() == io::ErrorKind::NotFound && has_number(pid) => {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        stat => stat?,
    };
    // The command, field 2, may contain blanks and parentheses: count from behind the last one.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = fields.split_ascii_whitespace();
    if matches!(fields.next(), Some("Z" | "X")) {
        return Err(io::ErrorKind::NotFound.into());
    }
    fields
        .nth(18)
        .and_then(|field| field.parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn started_at(ticks: u64, now: Timestamp) -> Option<Timestamp> {
    let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let up = Duration::new(up.tv_sec.try_into().ok()?, up.tv_nsec.try_into().ok()?);
    let per_second = rustix::param::clock_ticks_per_second();
    let since_boot = Duration::from_millis(ticks.checked_mul(1000)?.checked_div(per_second)?);
    now.checked_sub(up.saturating_sub(since_boot)).ok()
}

/// Whether there is a process with this number, be it one that must not be signalled.
fn has_number(pid: u32) -> bool {
    numbered(pid).is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

fn numbered(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// The processes, of those that this user may look at, that have the lock on an open file; who only waits for it is not
/// among them.
pub(crate) fn who_has_locked(path: &Path) -> Vec<u32> {
    let mut pids: Vec<u32> = names_in(Path::new("/proc"))
        .iter()
        .filter_map(|name| name.parse().ok())
        .filter(|pid| has_locked(*pid, path))
        .collect();
    pids.sort_unstable();
    pids
}

fn has_locked(pid: u32, path: &Path) -> bool {
    let folder = format!("/proc/{pid}");
    let descriptors = format!("{folder}/fd");
    names_in(Path::new(&descriptors)).iter().any(|number| {
        // By the name that the kernel tells: to look at the file itself could wait for a network.
        fs::read_link(format!("{descriptors}/{number}"))
            .is_ok_and(|target| is_opened_as(&target, path))
            && fs::read_to_string(format!("{folder}/fdinfo/{number}"))
                .is_ok_and(|told| told.lines().any(is_lock))
    })
}

/// Whether an open file can be the one with this path. One that had no name when it was opened keeps `#<inode> (deleted)`.
fn is_opened_as(target: &Path, path: &Path) -> bool {
    let is_nameless = target
        .file_name()
        .is_some_and(|name| name.as_bytes().starts_with(b"#"));
    target == path || (is_nameless && target.parent() == path.parent())
}

/// proc(5): `lock: 1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF`.
fn is_lock(line: &str) -> bool {
    line.starts_with("lock:") && line.contains("FLOCK")
}

/// The numbers among the names in a folder of /proc; none where it cannot be read. Not by `std::fs::read_dir`, which panics when
/// closing fails.
fn names_in(folder: &Path) -> Vec<String> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(opened) = retry_on_intr(|| rustix::fs::open(folder, flags, Mode::empty())) else {
        return Vec::new();
    };
    let entries = Dir::read_from(&opened).into_iter().flatten();
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            OsStr::from_bytes(entry.file_name().to_bytes())
                .to_str()
                .map(str::to_owned)
        })
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}
