//! Who we are, for the record.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::holder::Holder;
use crate::options::LockOptions;
use crate::sys;

/// What does not change while a process lives.
struct Process {
    pid: u32,
    start_time: u64,
    boot_id: String,
    pid_namespace: u64,
    host: String,
}

impl Process {
    fn look_up() -> Self {
        Self {
            pid: std::process::id(),
            start_time: sys::start_time(),
            boot_id: sys::boot_id(),
            pid_namespace: sys::pid_namespace(),
            host: sys::host(),
        }
    }
}

/// The record's view of this process, `pid`, and call.
pub(crate) fn new_holder(options: &LockOptions, generation: u64, pid: u32) -> Holder {
    static PROCESS: OnceLock<Process> = OnceLock::new();
    let process = PROCESS.get_or_init(Process::look_up);
    let start_time = if pid == process.pid {
        process.start_time
    } else {
        // A forked child.
        sys::start_time()
    };
    Holder {
        token: new_token(pid),
        pid,
        start_time,
        boot_id: process.boot_id.clone(),
        pid_namespace: process.pid_namespace,
        host: process.host.clone(),
        owner: options.owner.clone(),
        command: options.command.clone(),
        purpose: options.purpose.clone(),
        acquired_at: timestamp(SystemTime::now()),
        stale_ms: u64::try_from(options.effective_stale_after().as_millis()).unwrap_or(u64::MAX),
        generation,
        extra: options.extra.clone(),
    }
}

/// 128 bits that nobody else has: a `RandomState` is keyed by the system, and costs no system call after the first. A forked
/// child has its parent's key, but not its process id, and who gets that id later another time.
fn new_token(pid: u32) -> String {
    let now = SystemTime::now();
    let half = || RandomState::new().hash_one((pid, now));
    format!("{:016x}{:016x}", half(), half())
}

/// RFC 3339, UTC, milliseconds.
fn timestamp(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tokens_differ_each_time_and_are_all_digits() {
        let tokens: HashSet<String> = (0..1000).map(|_| new_token(4711)).collect();
        assert_eq!(tokens.len(), 1000, "no acquisition is taken for another");
        assert!(
            tokens
                .iter()
                .all(|token| token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit())),
            "128 bits in hex"
        );
    }
}
