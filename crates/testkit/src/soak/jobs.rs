//! Running commands that others may stop and kill meanwhile, each signal meeting the process that is meant.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, kill_process_group, waitid,
    waitpgid,
};

/// A command that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pid: Pid,
    pub(crate) place: usize,
    pub(crate) is_killable: bool,
    started: Instant,
    was_killed: bool,
}

/// Where an actor's command stands while it runs. As long as this is locked, its process id is its own.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<Option<Running>>);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// Whether one of the soak's own killers did it.
    pub(crate) was_killed: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) started: Instant,
    pub(crate) finished: Instant,
}

impl Ended {
    /// What is wrong with how it ended, whoever it was: a panic, or a signal that nobody sent.
    pub(crate) fn complaint(&self) -> Option<String> {
        if self.stderr.contains("panicked") || self.stdout.contains("panicked") {
            return Some(format!("panicked: {}", self.words()));
        }
        match self.status.signal() {
            Some(signal) if !self.was_killed => Some(format!("died of signal {signal}")),
            _ => None,
        }
    }

    /// How it ended, on one line.
    pub(crate) fn words(&self) -> String {
        let output = format!("{} {}", self.stdout.trim(), self.stderr.trim());
        let output: String = output.replace('\n', " | ").chars().take(600).collect();
        format!("{}, {output}", self.status)
    }
}

impl Slot {
    /// Runs a command to its end, and to the end of what it started.
    pub(crate) fn run(&self, command: &mut Command, job: &Job<'_>) -> Ended {
        let (out, err) = (
            job.output.with_extension("out"),
            job.output.with_extension("err"),
        );
        let open = |path: &Path| File::create(path).expect("the soak's folder can be written");
        let started = Instant::now();
        let mut running = self.lock();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(open(&out))
            .stderr(open(&err))
            .process_group(0)
            .spawn()
            .unwrap_or_else(|err| panic!("cannot start {command:?}: {err}"));
        let pid = Pid::from_child(&child);
        *running = Some(Running {
            pid,
            place: job.place,
            is_killable: job.is_killable,
            started,
            was_killed: false,
        });
        drop(running);
        // Seen, not reaped: until the slot is empty nobody else can get this number.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), options).is_err_and(|err| err == Errno::INTR) {}
        let was_killed = self.lock().take().is_some_and(|running| running.was_killed);
        let status = child.wait().expect("a child of ours can be reaped");
        // A child of a killed parent goes on by itself; the soak has adopted it.
        kill_process_group(pid, Signal::CONT).ok();
        while matches!(
            waitpgid(pid, WaitOptions::empty()),
            Ok(_) | Err(Errno::INTR)
        ) {}
        let read =
            |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        Ended {
            status,
            was_killed,
            stdout: read(&out),
            stderr: read(&err),
            started,
            finished: Instant::now(),
        }
    }

    /// Its process, if one runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.lock().as_ref().map(Running::id)
    }

    /// Lets `act` deal with the process, if one runs; it cannot be reaped meanwhile.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Running) -> T) -> Option<T> {
        self.lock().as_mut().map(act)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        u32::try_from(self.pid.as_raw_nonzero().get()).expect("a process id is positive")
    }

    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Stops it with all that it started, and returns once the kernel says that it stands; false: it ended instead.
    pub(crate) fn stop(&self) -> bool {
        kill_process_group(self.pid, Signal::STOP).ok();
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            match state(self.id()) {
                Some('T' | 't') => return true,
                Some('Z' | 'X') | None => return false,
                Some(_) => std::thread::yield_now(),
            }
        }
        false
    }

    pub(crate) fn resume(&self) {
        kill_process_group(self.pid, Signal::CONT).ok();
    }

    pub(crate) fn kill_all(&mut self) {
        self.was_killed = true;
        kill_process_group(self.pid, Signal::KILL).ok();
    }

    /// Kills the parent only: its children go on without it.
    pub(crate) fn kill_parent(&mut self) {
        self.was_killed = true;
        kill_process(self.pid, Signal::KILL).ok();
        self.resume();
    }
}

/// The letter that the kernel gives for a process: `T` stopped, `Z` ended and not reaped yet.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}

/// What must be known about a command before it runs.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// The number of the story that it works on.
    pub(crate) place: usize,
    /// Whether a killer may have it.
    pub(crate) is_killable: bool,
    /// Where its output goes; two endings are added.
    pub(crate) output: &'a PathBuf,
}
