//! Who we are, for the record.

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

/// The record's view of this process and call.
pub(crate) fn new_holder(options: &LockOptions, generation: u64) -> Holder {
    static PROCESS: OnceLock<Process> = OnceLock::new();
    let process = PROCESS.get_or_init(Process::look_up);
    let pid = std::process::id();
    let start_time = if pid == process.pid {
        process.start_time
    } else {
        // A forked child.
        sys::start_time()
    };
    Holder {
        token: new_token(),
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

fn new_token() -> String {
    let mut random = [0_u8; 16];
    if getrandom::fill(&mut random).is_err() {
        // No entropy source: still unique on this machine, and nothing here is a secret.
        let now = sys::since_boot().unwrap_or_default().as_nanos();
        random = (now ^ (u128::from(std::process::id()) << 96)).to_ne_bytes();
    }
    format!("{:032x}", u128::from_ne_bytes(random))
}

/// RFC 3339, UTC, milliseconds.
fn timestamp(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}
