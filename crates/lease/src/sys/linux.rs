//! Processes, as Linux tells of them.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim_end().to_owned())
        .unwrap_or_default()
}

/// When a process began, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)). One that has ended and only
/// waits for its parent to ask is not found.
pub(crate) fn start_time(pid: u32) -> io::Result<u64> {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        // ESRCH: it ended between open and read.
        Err(err) if err.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => {
            return Err(io::ErrorKind::NotFound.into());
        }
        // Of other users' processes /proc may show nothing (`hidepid`, proc(5)).
        Err(err) if err.kind() == io::ErrorKind::NotFound && runs(pid) => {
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

/// Whether there is a process with this number, be it one that must not be signalled.
fn runs(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

pub(crate) fn pid_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_runs_until_it_was_waited_for() {
        assert!(runs(std::process::id()), "we run");
        assert!(runs(1), "the first one runs, whoever owns it");
        let mut child = std::process::Command::new("true")
            .spawn()
            .expect("it starts");
        child.wait().expect("it ends");
        assert!(!runs(child.id()), "one that has ended does not");
        assert!(!runs(0) && !runs(u32::MAX), "these are no processes");
    }
}
