//! The work of a task: its command as a child process, and how that ended.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use task_runner::{Ended, Running};

use crate::child::{ChildError, Tick, Watch, When, watch_child};
use crate::lock::run::lock_held;
use crate::output::Output;
use crate::settings::{LOCK_HELD, STORY_RUN, STORY_SNAPSHOT, STORY_TASK, Settings};
use crate::sys;

/// How often a long task is said to go on; chosen, no requirement names a figure.
const STILL_RUNNING_EACH: Duration = Duration::from_mins(1);

/// The exit code of a command whose time was over, as timeout(1) has it.
const TIME_IS_OVER: u8 = 124;

/// A command that is about to run.
pub struct Work<'a> {
    /// The program and its arguments.
    pub words: &'a [OsString],
    /// Where it runs; `None` is here.
    pub folder: Option<&'a Path>,
    /// How long it may.
    pub time_limit: Option<Duration>,
    /// What the command line and the environment say.
    pub settings: &'a Settings,
    /// Where progress is told.
    pub output: &'a Output,
}

/// How it ended.
#[derive(Debug)]
pub enum End {
    /// It was not started.
    NotStarted(io::Error),
    /// It was not started, because a signal came.
    Stopped {
        /// The signal.
        signal: u8,
    },
    /// It ended.
    Ended {
        /// As the system tells it.
        status: ExitStatus,
        /// Whether its time was over.
        when: When,
        /// The last signal that came while it ran.
        received: Option<u8>,
    },
    /// It ended, but the system does not tell how.
    Unknown(io::Error),
}

impl Work<'_> {
    /// Runs the command and waits for its end.
    pub fn run(&self, running: &Running<'_>) -> End {
        // If we are killed, the tree stays locked until the last process of the command has ended.
        let lent = match running.lock().lend() {
            Ok(lent) => lent,
            Err(err) => return End::NotStarted(err),
        };
        let mut tell = |passed: Duration| {
            let minutes = passed.as_secs() / 60;
            self.output.note(&format!(
                "task {} still runs, {minutes} min",
                running.task()
            ));
        };
        let watch = Watch {
            time_limit: self.time_limit,
            tick: self.output.is_watched().then_some(Tick {
                each: STILL_RUNNING_EACH,
                tell: &mut tell,
            }),
        };
        let ended = watch_child(&mut self.command(running), watch);
        drop(lent);
        match ended {
            Ok(ended) => End::Ended {
                status: ended.status,
                when: ended.when,
                received: ended.received,
            },
            Err(ChildError::Stopped { signal }) => End::Stopped { signal },
            Err(ChildError::NotStarted(err)) => End::NotStarted(err),
            Err(ChildError::Unknown(err)) => End::Unknown(err),
        }
    }

    fn command(&self, running: &Running<'_>) -> Command {
        let mut words = self.words.iter();
        let mut command = Command::new(words.next().map(OsString::as_os_str).unwrap_or_default());
        let outer = self.settings.lock_held.as_deref();
        let lock = running.lock();
        command
            .args(words)
            .env(STORY_TASK, running.task().as_str())
            .env(STORY_RUN, running.run())
            .env(STORY_SNAPSHOT, &running.snapshot().id)
            .env(LOCK_HELD, lock_held(lock.resource(), lock.token(), outer));
        if let Some(folder) = self.folder {
            command.current_dir(folder);
        }
        command
    }
}

impl End {
    /// What the runner is told.
    pub fn ended(&self) -> Ended {
        match self {
            Self::NotStarted(_) => Ended::NotStarted,
            Self::Stopped { signal } => Ended::Signalled {
                signal: i32::from(*signal),
            },
            Self::Ended {
                when: When::OutOfTime { .. },
                ..
            } => Ended::TimedOut,
            Self::Ended {
                status, received, ..
            } => ended_by(
                sys::ending_signal(*status),
                sys::exit_code(*status),
                *received,
            ),
            Self::Unknown(_) => Ended::Failed { code: 1 },
        }
    }

    /// What we exit with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotStarted(_) | Self::Unknown(_) => 1,
            Self::Stopped { signal } => 128 + signal,
            Self::Ended {
                when: When::OutOfTime { .. },
                ..
            } => TIME_IS_OVER,
            Self::Ended { status, .. } => sys::exit_code(*status),
        }
    }
}

/// Shells say by 128+n that signal n ended what they ran; it counts if that signal came to us, too.
fn ended_by(signal: Option<i32>, code: u8, received: Option<u8>) -> Ended {
    let told = received
        .filter(|signal| code == 128 + signal)
        .map(i32::from);
    match (signal.or(told), code) {
        (Some(signal), _) => Ended::Signalled { signal },
        (None, 0) => Ended::Done,
        (None, code) => Ended::Failed {
            code: i32::from(code),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_by_tells_a_signal_from_a_failure() {
        let failed = |code| Ended::Failed { code };
        let signalled = |signal| Ended::Signalled { signal };
        let table = [
            (None, 0, None, Ended::Done),
            (None, 0, Some(15), Ended::Done),
            (None, 1, None, failed(1)),
            (None, 143, None, failed(143)),
            (None, 143, Some(15), signalled(15)),
            (None, 143, Some(2), failed(143)),
            (Some(15), 143, None, signalled(15)),
            (Some(9), 137, Some(15), signalled(9)),
        ];
        for (signal, code, received, expected) in table {
            assert_eq!(
                ended_by(signal, code, received),
                expected,
                "{signal:?} {code} {received:?}"
            );
        }
    }
}
