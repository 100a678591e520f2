//! The system calls of a command, and killing it at one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::Finished;

use super::commands::run;
use super::disk::Cut;
use crate::share::{Point, changes_a_name};

/// A system call of a baseline: the `count`-th of that name in its thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// From 1.
    pub count: u32,
}

impl Point for Call {
    fn is_decisive(&self) -> bool {
        changes_a_name(&self.name)
    }
}

/// A call, or the end, at which everything is acknowledged; and how the power is cut.
impl Point for (Option<&Call>, Cut) {
    fn is_decisive(&self) -> bool {
        self.0.is_none_or(Call::is_decisive)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}#{}", self.name, self.count)
    }
}

/// Calls that change neither files nor descriptors: a cut before one is a cut before the next one.
const OF_MEMORY: [&str; 16] = [
    "brk",
    "clone3",
    "futex",
    "getpid",
    "getrandom",
    "gettid",
    "madvise",
    "mmap",
    "mprotect",
    "munmap",
    "prctl",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "set_robust_list",
    "sigaltstack",
];

/// Runs `command` under strace and lists its calls from the first on that names something below `place`.
pub fn baseline(command: &Command, place: &Path, trace: &Path) -> Result<Vec<Call>, String> {
    let mut strace = under_strace(command, &["-o".into(), trace.into()]);
    let finished = run(&mut strace);
    if !finished.status.success() {
        return Err(format!("{strace:?} failed: {}", finished.stderr.trim()));
    }
    let text = fs::read(trace).map_err(|err| err.to_string())?;
    let text = String::from_utf8_lossy(&text);
    Ok(calls(&text, &place.to_string_lossy()))
}

/// Runs `command`, killed as it enters this call; what it would have called is not done. `None`: not killed.
///
/// `extra` are further arguments for strace.
pub fn run_killed(command: &Command, at: Option<&Call>, extra: &[OsString]) -> Finished {
    let mut arguments: Vec<OsString> = vec!["-o".into(), "/dev/null".into()];
    if let Some(Call { name, count }) = at {
        let inject = format!("inject={name}:signal=KILL:when={count}");
        arguments.extend(["-e".into(), inject.into()]);
    }
    arguments.extend_from_slice(extra);
    run(&mut under_strace(command, &arguments))
}

fn under_strace(command: &Command, arguments: &[OsString]) -> Command {
    let mut strace = Command::new("strace");
    strace.arg("-f").args(arguments);
    strace.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    strace
}

fn calls(trace: &str, place: &str) -> Vec<Call> {
    let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut at_work = BTreeSet::new();
    let mut found: Vec<Call> = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some((name, arguments)) = rest.trim_start().split_once('(') else {
            continue;
        };
        if name.is_empty()
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            continue;
        }
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        if name != "execve" && arguments.contains(place) {
            at_work.insert(thread);
        }
        let call = Call {
            name: name.to_owned(),
            count: *count,
        };
        if at_work.contains(thread) && !OF_MEMORY.contains(&name) && !found.contains(&call) {
            found.push(call);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Call, calls};

    #[test]
    fn calls_are_counted_for_each_thread_from_the_first_mention_on() {
        let trace = concat!(
            "7 execve(\"story\", [\"/m/s\"], 0x1 /* 3 vars */) = 0\n",
            "7 close(3)   = 0\n",
            "7 openat(AT_FDCWD, \"/m/s\", O_RDONLY <unfinished ...>\n",
            "8 close(4)   = 0\n",
            "7 <... openat resumed>) = 3\n",
            "7 brk(NULL)  = 0x1\n",
            "7 close(3)   = 0\n",
            "7 --- SIGCHLD {si_signo=SIGCHLD} ---\n",
            "7 exit_group(0) = ?\n",
            "7 +++ exited with 0 +++\n",
        );
        let call = |name: &str, count| Call {
            name: name.to_owned(),
            count,
        };
        let expected = [call("openat", 1), call("close", 2), call("exit_group", 1)];
        assert_eq!(calls(trace, "/m/"), expected, "in order");
    }
}
