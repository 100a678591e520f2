//! The system calls of a run, as strace wrote them down, and which errors each of them can meet.

use std::collections::HashMap;

use crate::share::{Point, changes_a_name};

/// One system call of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The name, as strace and its `inject` call it.
    pub name: String,
    /// The how-manieth of that name it is, from 1.
    pub number: usize,
    /// The line of the trace, for a person.
    pub shown: String,
    /// Whether the program's own code had begun: before it the loader and the run-time of Rust are at work.
    pub in_main: bool,
}

impl Point for Call {
    fn is_decisive(&self) -> bool {
        changes_a_name(&self.name)
    }
}

/// With an error that it is to meet, and the like.
impl<W> Point for (Call, W) {
    fn is_decisive(&self) -> bool {
        self.0.is_decisive()
    }
}

/// Reads a trace of one thread.
pub fn calls(trace: &str) -> Vec<Call> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut in_main = false;
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((name, _)) = line.split_once('(') else {
            continue;
        };
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            continue;
        }
        let count = counts.entry(name).or_insert(0);
        *count += 1;
        calls.push(Call {
            name: name.to_owned(),
            number: *count,
            shown: line.chars().take(240).collect(),
            in_main,
        });
        // The last thing that the run-time of Rust does before `main` is to arrange for stack overflows.
        in_main |= line.starts_with("rt_sigaction(SIGBUS, {");
    }
    if !in_main {
        // Not a program in Rust (a negative control): any call may be its own.
        for call in &mut calls {
            call.in_main = true;
        }
    }
    calls
}

/// The errors that the issue names, and that a file system, a disk, a quota or a limit can really give.
pub const ERRORS: [&str; 8] = [
    "EIO", "ENOSPC", "EROFS", "EDQUOT", "EINTR", "EMFILE", "EACCES", "ENOLCK",
];

/// The errors that are tried at a call; none where it cannot be made to fail in a way that any kernel does.
pub fn errors_of(name: &str) -> &'static [&'static str] {
    match name {
        // The first starts the program, the next three do not return. Then those that cannot fail, those that fail only for
        // arguments that are wrong (EINVAL, EFAULT), and memory: without it Rust ends the process by design.
        "execve" | "exit" | "exit_group" | "rt_sigreturn" | "getpid" | "gettid" | "getuid"
        | "geteuid" | "getppid" | "set_tid_address" | "rt_sigaction" | "rt_sigprocmask"
        | "sigaltstack" | "sched_getaffinity" | "uname" | "rseq" | "set_robust_list"
        | "arch_prctl" | "prlimit64" | "munmap" | "madvise" | "brk" | "mmap" | "mremap"
        | "mprotect" => &[],
        // Threads and children are refused for lack of memory or by a limit.
        "clone" | "clone3" | "vfork" | "fork" => &["EAGAIN", "ENOMEM"],
        // Waiting: these fail by a signal only. (The standard library asserts as much.)
        "futex" | "clock_nanosleep" | "nanosleep" | "getrandom" | "wait4" | "waitid" | "poll"
        | "ppoll" | "restart_syscall" => &["EINTR"],
        _ => &ERRORS,
    }
}

/// Whether the manual pages let a signal interrupt this call: then it must be made again.
///
/// The others do not return EINTR on any local disk; should one, it is an error like others.
pub fn is_interruptible(name: &str) -> bool {
    matches!(
        name,
        "open"
            | "openat"
            | "openat2"
            | "read"
            | "pread64"
            | "write"
            | "pwrite64"
            | "flock"
            | "fcntl"
            | "fsync"
            | "fdatasync"
            | "fstatfs"
            | "statfs"
            | "ftruncate"
            | "wait4"
            | "waitid"
            | "futex"
            | "poll"
            | "ppoll"
            | "getrandom"
            | "clock_nanosleep"
    )
}

/// Whether SQLite makes this call for its database and does not repeat it: it says that it failed.
///
/// Its locks never wait in the kernel, where a signal could come.
pub fn sqlite_gives_up(call: &Call) -> bool {
    matches!(call.name.as_str(), "fsync" | "fdatasync" | "fcntl")
}

/// Whether an error of this call cannot be made believable.
///
/// close(2) always gives the descriptor back, whatever it returns; strace leaves it open in its stead. For a file that
/// changes nothing, but the other end of a pipe would wait for ever. And no local file system refuses to take back the
/// lock of a range.
pub fn is_out_of_reach(call: &Call) -> bool {
    let is_pipe = call.shown.contains("<pipe:") || call.shown.contains("<socket:");
    call.name == "close" && is_pipe || call.shown.contains("F_SETLK, {l_type=F_UNLCK")
}

/// The call of a trace that was made to fail.
pub fn injected(trace: &str) -> Option<Call> {
    let line = trace.lines().find(|line| line.contains("(INJECTED)"))?;
    calls(line).pop()
}

/// The one error of a call that is most worth a try, if only a few can be tried.
pub fn foremost_error(name: &str) -> &'static str {
    match name {
        "write" | "pwrite64" | "linkat" | "mkdir" | "mkdirat" => "ENOSPC",
        "open" | "openat" | "openat2" | "pipe2" | "socketpair" | "inotify_init1" | "fcntl" => {
            "EMFILE"
        }
        "flock" => "ENOLCK",
        "unlink" | "unlinkat" | "renameat" | "renameat2" => "EROFS",
        "statx" | "newfstatat" | "readlink" | "fchmod" | "fchown" | "getcwd" => "EACCES",
        _ => "EIO",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_name_and_by_where_main_begins() {
        let trace = "execve(\"story\", [\"story\"], 0x7 /* 3 vars */) = 0\n\
                     rt_sigaction(SIGBUS, NULL, {sa_handler=SIG_DFL}, 8) = 0\n\
                     rt_sigaction(SIGBUS, {sa_handler=0x5}, NULL, 8) = 0\n\
                     close(3) = 0\n\
                     --- SIGCHLD {si_signo=SIGCHLD} ---\n\
                     close(4) = 0\n\
                     +++ exited with 0 +++\n";
        let found: Vec<_> = calls(trace)
            .into_iter()
            .map(|call| (call.name, call.number, call.in_main))
            .collect();
        let expected = [
            ("execve".to_owned(), 1, false),
            ("rt_sigaction".to_owned(), 1, false),
            ("rt_sigaction".to_owned(), 2, false),
            ("close".to_owned(), 1, true),
            ("close".to_owned(), 2, true),
        ];
        assert_eq!(found, expected, "names, numbers and the begin of main");
    }

    #[test]
    fn foremost_error_is_one_of_those_that_are_tried() {
        for name in ["write", "openat", "flock", "unlink", "statx", "fsync"] {
            assert!(errors_of(name).contains(&foremost_error(name)), "{name}");
        }
    }
}
