//! All processes that a child of ours started, and theirs, as `/proc` tells.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal};

use super::{Ending, entries_of, wait_without_reaping};

/// From now on a process below us whose parent ends becomes our child, and not that of process 1.
pub fn adopt_orphans() {
    // It cannot fail since Linux 3.4; without it an orphan outlives the time limit.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok();
}

/// Reaps adopted children that have ended. `child`, the one that is waited for, is left to whoever waits.
pub fn bury_orphans(child: &Child) {
    bury(&processes(), child);
}

fn bury(all: &[Process], child: &Child) {
    let (own, child) = (own(), Pid::as_raw(Some(Pid::from_child(child))));
    let is_orphan = |process: &&Process| process.parent == own && process.pid != child;
    for ended in all.iter().filter(is_orphan).filter(|one| one.has_ended) {
        // Nobody else waits for it, so the number is still its own.
        rustix::process::waitpid(Pid::from_raw(ended.pid), WaitOptions::NOHANG).ok();
    }
}

fn own() -> i32 {
    Pid::as_raw(Some(rustix::process::getpid()))
}

/// A process, and what is needed to find and to recognise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    has_ended: bool,
    /// In ticks since the machine started: two processes of one number differ in it.
    started: u64,
}

/// The processes below us, as far as they have been told something.
#[derive(Debug)]
pub struct Family {
    told: HashSet<(i32, u64, Ending)>,
}

impl Family {
    /// The family of our children, of which `_child` is the only one that we started.
    pub fn of(_child: &Child) -> Self {
        Self {
            told: HashSet::new(),
        }
    }

    /// Asks or forces everybody to end who was not told before; returns how many live.
    ///
    /// # Errors
    ///
    /// When the child cannot be waited for.
    pub fn tell(&mut self, child: &mut Child, ending: Ending) -> io::Result<usize> {
        let all = processes();
        bury(&all, child);
        let below = below(&all, own());
        if below.is_empty() {
            // Either all have ended, or nobody can be seen: then the child is all that we know of.
            return self.tell_child(child, ending);
        }
        let living: Vec<_> = below.iter().filter(|process| !process.has_ended).collect();
        for process in &living {
            if self.told.insert((process.pid, process.started, ending)) {
                send(process, ending);
            }
        }
        Ok(living.len())
    }

    fn tell_child(&mut self, child: &mut Child, ending: Ending) -> io::Result<usize> {
        if wait_without_reaping(child, Some(Duration::ZERO))? {
            return Ok(0);
        }
        let pid = Pid::from_child(child);
        if self.told.insert((Pid::as_raw(Some(pid)), 0, ending)) {
            rustix::process::kill_process(pid, signal(ending)).ok();
        }
        Ok(1)
    }
}

fn signal(ending: Ending) -> Signal {
    match ending {
        Ending::Ask => Signal::TERM,
        Ending::Force => Signal::KILL,
    }
}

/// Sends the signal if the number still means that process.
fn send(process: &Process, ending: Ending) {
    let Some(pid) = Pid::from_raw(process.pid) else {
        return;
    };
    let is_same = || process_at(process.pid).is_some_and(|now| now.started == process.started);
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(opened) => {
            if is_same() {
                // It may have ended a moment ago: then there is nobody to tell. One that was stopped can act on it only
                // when it goes on.
                pidfd_send_signal(&opened, signal(ending)).ok();
                pidfd_send_signal(&opened, Signal::CONT).ok();
            }
        }
        Err(Errno::SRCH) => {}
        // No descriptors left, or an old kernel.
        Err(_) => {
            if is_same() {
                rustix::process::kill_process(pid, signal(ending)).ok();
                rustix::process::kill_process(pid, Signal::CONT).ok();
            }
        }
    }
}

fn processes() -> Vec<Process> {
    let entries = entries_of(Path::new("/proc")).unwrap_or_default();
    let numbers = entries
        .iter()
        .filter_map(|entry| entry.file_name()?.to_str()?.parse().ok());
    numbers.filter_map(process_at).collect()
}

fn process_at(pid: i32) -> Option<Process> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(pid, &stat)
}

/// Reads a line of `/proc/PID/stat` (see `proc_pid_stat`(5)). The name in it may hold anything, brackets too.
fn parse(pid: i32, stat: &[u8]) -> Option<Process> {
    let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(&stat[end_of_name + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Counted from 1 in the manual; the first behind the name is the third.
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Process {
        pid,
        parent: field(4)?.parse().ok()?,
        has_ended: matches!(field(3)?, "Z" | "X"),
        started: field(22)?.parse().ok()?,
    })
}

/// All that `top` started, and what they started.
fn below(all: &[Process], top: i32) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![top];
    while let Some(parent) = parents.pop() {
        for process in all {
            let is_new = !found.iter().any(|other| other.pid == process.pid);
            if process.parent == parent && process.pid != top && is_new {
                found.push(*process);
                parents.push(process.pid);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32) -> Process {
        Process {
            pid,
            parent,
            has_ended: false,
            started: 1,
        }
    }

    #[test]
    fn below_finds_children_and_theirs_whatever_the_order() {
        let all = [(5, 4), (1, 0), (4, 3), (9, 1), (3, 2), (2, 1), (7, 3)];
        let all: Vec<_> = all.map(|(pid, parent)| process(pid, parent)).into();
        let mut found: Vec<_> = below(&all, 2).iter().map(|process| process.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [3, 4, 5, 7], "all below 2, and nobody else");
        assert_eq!(below(&all, 5), [], "nothing is below the last");
    }

    #[test]
    fn below_ends_where_a_number_was_given_anew_in_the_middle_of_the_look() {
        let all = [process(2, 3), process(3, 2)];
        assert_eq!(below(&all, 2), [process(3, 2)], "a circle is walked once");
    }

    #[test]
    fn parse_reads_past_every_name() {
        let rest = "1 1 0 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0";
        let table = [
            (format!("12 (sh) S {rest}"), Some(false)),
            (format!("12 (a) Z 9 (b\n)) R {rest}"), Some(false)),
            (format!("12 (sh) Z {rest}"), Some(true)),
            ("12 (sh) S 1".to_owned(), None),
            (String::new(), None),
        ];
        for (stat, ended) in table {
            let expected = ended.map(|has_ended| Process {
                pid: 12,
                parent: 1,
                has_ended,
                started: 777,
            });
            assert_eq!(parse(12, stat.as_bytes()), expected, "of {stat:?}");
        }
    }
}
