//! Systems that tell nothing about other processes.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::process::Process;

pub(crate) fn boot_id() -> String {
    String::new()
}

pub(crate) fn pid_namespace() -> u64 {
    0
}

pub(crate) fn start_ticks(_pid: u32) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// One that this user may signal runs, since nobody knows when.
#[cfg(unix)]
pub(crate) fn process(pid: u32, _now: Timestamp) -> Process {
    use rustix::process::{Pid, test_kill_process};

    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    match number.map(test_kill_process) {
        None | Some(Err(rustix::io::Errno::SRCH)) => Process::Gone,
        Some(Ok(())) => Process::Runs { started_at: None },
        Some(Err(_)) => Process::Unknown,
    }
}

#[cfg(not(unix))]
pub(crate) fn process(_pid: u32, _now: Timestamp) -> Process {
    Process::Unknown
}

pub(crate) fn who_has_locked(_path: &Path) -> Vec<u32> {
    Vec::new()
}
