//! A process to which a lease or a wait is bound.

use std::io;

use serde::{Deserialize, Serialize};

use crate::sys;

/// A process, told apart from every later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since the boot.
    pub start_time: u64,
    /// The boot in which it runs; empty where that is not known.
    pub boot_id: String,
    /// In which namespace of numbers.
    pub pid_namespace: u64,
    /// The machine.
    pub host: String,
}

impl Process {
    /// This process. Where the system tells nothing about processes, one that never counts as gone.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self::running(pid).unwrap_or_else(|_| Self {
            pid,
            start_time: 0,
            boot_id: String::new(),
            pid_namespace: 0,
            host: sys::host(),
        })
    }

    /// The process with this number.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`]: there is none. [`io::ErrorKind::Unsupported`]: this system (other than Linux) does not
    /// tell. Others: it cannot be looked at.
    pub fn running(pid: u32) -> io::Result<Self> {
        Ok(Self {
            pid,
            start_time: sys::start_time(pid)?,
            boot_id: sys::boot_id(),
            pid_namespace: sys::pid_namespace(),
            host: sys::host(),
        })
    }

    /// Whether it has certainly ended. Of a process of another machine, or in another namespace, that cannot be known: `false`.
    pub fn is_gone(&self) -> bool {
        if self.boot_id.is_empty() || self.host != sys::host() {
            return false;
        }
        let here = sys::boot_id();
        if here.is_empty() || self.boot_id != here {
            return !here.is_empty();
        }
        if self.pid_namespace != sys::pid_namespace() {
            return false;
        }
        match sys::start_time(self.pid) {
            Ok(start_time) => start_time != self.start_time,
            Err(err) => err.kind() == io::ErrorKind::NotFound,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn process_is_gone_once_it_was_killed_even_if_nobody_has_asked_how_it_ended() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("cat starts");
        let process = Process::running(child.id()).expect("it runs");
        assert!(!process.is_gone(), "a running process is not gone");
        child.kill().expect("it is killed");
        let patience = std::time::Duration::from_secs(10);
        testkit::wait_until("a zombie is gone", patience, || process.is_gone());
        child.wait().expect("it has ended");
        assert!(process.is_gone(), "and stays so");
    }

    #[test]
    fn process_of_elsewhere_is_not_judged_and_one_of_an_earlier_boot_is_gone() {
        let here = Process::current();
        assert!(!here.is_gone(), "we run");
        let changed = |change: fn(&mut Process)| {
            let mut other = here.clone();
            change(&mut other);
            other.is_gone()
        };
        assert!(changed(|p| p.start_time += 1), "our number, used again");
        assert!(changed(|p| p.boot_id = "earlier".into()), "earlier boot");
        assert!(!changed(|p| p.boot_id = String::new()), "no boot known");
        assert!(!changed(|p| p.host = "elsewhere".into()), "other machine");
        assert!(!changed(|p| p.pid_namespace += 1), "other namespace");
    }
}
