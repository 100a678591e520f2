//! Whether the process that a lock names still runs, as far as that can be known here.

use jiff::Timestamp;
use sidecar_lock::Holder;

use crate::sys;

/// What is known about the process that has a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Process {
    /// One runs; when it began, where the system tells.
    Runs { started_at: Option<Timestamp> },
    /// None has it.
    Gone,
    /// One has it that this user may not look at, or the system tells nothing about processes.
    Unknown,
}

/// Looks for the process that another tool wrote down, which seldom says on which machine: then on this one, with our numbers.
pub(crate) fn look(pid: u32, host: Option<&str>, now: Timestamp) -> Process {
    if host.is_some_and(|host| host != sys::host()) {
        return Process::Unknown;
    }
    sys::process(pid, now)
}

/// Whether the process of a record has certainly ended. Of one of another machine, or with numbers of its own, that cannot be
/// known: `false`.
pub(crate) fn is_gone(holder: &Holder) -> bool {
    let here = sys::boot_id();
    let is_known = !here.is_empty()
        && holder.boot_id == here
        && holder.pid_namespace == sys::pid_namespace()
        && holder.start_time != 0;
    is_known
        && match sys::start_ticks(holder.pid) {
            Ok(start_ticks) => start_ticks != holder.start_time,
            Err(err) => err.kind() == std::io::ErrorKind::NotFound,
        }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    #[test]
    fn process_runs_since_its_start_until_it_is_killed() {
        let before = Timestamp::now();
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("cat starts");
        let Process::Runs {
            started_at: Some(started_at),
        } = look(child.id(), None, Timestamp::now())
        else {
            panic!("a child of ours can be looked at")
        };
        let apart = started_at.duration_since(before).abs();
        assert!(
            apart.as_secs() < 60,
            "it began when it began: {apart:?} off"
        );
        child.kill().expect("it is killed");
        testkit::wait_until("a zombie is gone", Duration::from_secs(10), || {
            look(child.id(), None, Timestamp::now()) == Process::Gone
        });
        child.wait().expect("it has ended");
        assert_eq!(
            look(child.id(), None, before),
            Process::Gone,
            "and stays so"
        );
        assert_eq!(
            look(0, None, before),
            Process::Gone,
            "nobody has this number"
        );
        assert_eq!(look(u32::MAX, None, before), Process::Gone, "nor this one");
        let elsewhere = look(std::process::id(), Some("elsewhere"), before);
        assert_eq!(elsewhere, Process::Unknown, "another machine's");
    }
}
