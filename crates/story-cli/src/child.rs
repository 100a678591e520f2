//! A command as a child process: its signals, its time, and everything that it started.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::signals::{self, Interrupted};
use crate::sys::{self, Family};

/// How long a command and what it started have between SIGTERM and SIGKILL; chosen, as `docker stop` has it.
const GRACE: Duration = Duration::from_secs(10);

/// How long to wait for processes that were sent SIGKILL: one in a call to a dead server does not end; chosen.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// How often to look whether they have ended; chosen.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How often to bury children of the command's children that ended; chosen.
const BURY_EACH: Duration = Duration::from_secs(1);

/// What is done while a command runs.
#[derive(Default)]
pub struct Watch<'a> {
    /// How long it may run. After that it is ended, with all that it started.
    pub time_limit: Option<Duration>,
    /// What to call how often, with the time that has passed.
    pub tick: Option<Tick<'a>>,
}

/// Something to do from time to time.
pub struct Tick<'a> {
    /// How often.
    pub each: Duration,
    /// What.
    pub tell: &'a mut dyn FnMut(Duration),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// As the system tells it.
    pub status: ExitStatus,
    /// Whether its time was over, or it was before.
    pub when: When,
    /// The last signal that came to us meanwhile, and was passed on.
    pub received: Option<u8>,
}

/// Why it is not known how a command ended.
#[derive(Debug)]
pub enum ChildError {
    /// A signal came before it was started.
    Stopped {
        /// The signal.
        signal: u8,
    },
    /// It was not started.
    NotStarted(io::Error),
    /// It was started, but cannot be waited for.
    Unknown(io::Error),
}

/// When a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before its time was over.
    InTime,
    /// It was ended because its time was over.
    OutOfTime {
        /// How many processes of it live on all the same.
        survivors: usize,
    },
}

/// Starts the command and waits for it, with signals passed on.
///
/// # Errors
///
/// When it was not started, because of a signal among others, or cannot be waited for.
pub fn run_child(command: &mut Command) -> io::Result<ExitStatus> {
    match watch_child(command, Watch::default()) {
        Ok(ended) => Ok(ended.status),
        Err(ChildError::Stopped { .. }) => Err(io::ErrorKind::Interrupted.into()),
        Err(ChildError::NotStarted(err) | ChildError::Unknown(err)) => Err(err),
    }
}

/// As [`run_child`], for a command that may run for long.
///
/// The command stays in our process group, so that the keys of the terminal reach it. With a time limit, what it started is
/// found as the processes below us: from the start we are the one to whom orphans go, so none of them can leave.
///
/// # Errors
///
/// [`ChildError`].
pub fn watch_child(command: &mut Command, watch: Watch<'_>) -> Result<Ended, ChildError> {
    sys::expect_children().ok();
    if watch.time_limit.is_some() {
        sys::adopt_orphans();
    }
    // From here to `forward_to` a signal waits, so that no child is left alone without its lock.
    if let Err(Interrupted { signal }) = signals::begin_commit() {
        return Err(ChildError::Stopped { signal });
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(err) => {
            signals::end_commit();
            return Err(ChildError::NotStarted(err));
        }
    };
    signals::forward_to(child.id());
    let when = wait(&mut child, watch);
    let received = signals::forward_to_nobody();
    let when = when.map_err(ChildError::Unknown)?;
    let status = child.wait().map_err(ChildError::Unknown)?;
    Ok(Ended {
        status,
        when,
        received,
    })
}

/// Waits for the end, but leaves the child's number taken, so that a signal sent to it reaches nobody else.
fn wait(child: &mut Child, mut watch: Watch<'_>) -> io::Result<When> {
    let began = Instant::now();
    let mut next_tick = watch.tick.as_ref().map(|tick| tick.each);
    loop {
        let passed = began.elapsed();
        if watch.time_limit.is_some_and(|limit| passed >= limit) {
            let survivors = end(child)?;
            return Ok(When::OutOfTime { survivors });
        }
        if let (Some(at), Some(tick)) = (next_tick, &mut watch.tick)
            && passed >= at
        {
            (tick.tell)(passed);
            next_tick = Some(at + tick.each);
        }
        let until_buried = watch.time_limit.map(|_| passed + BURY_EACH);
        let moments = [watch.time_limit, next_tick, until_buried];
        let nearest = moments.into_iter().flatten().min();
        if sys::wait_without_reaping(child, nearest.map(|at| at.saturating_sub(passed)))? {
            return Ok(When::InTime);
        }
        if watch.time_limit.is_some() {
            sys::bury_orphans(child);
        }
    }
}

/// Ends the child and everything that it started; returns how many live on.
fn end(child: &mut Child) -> io::Result<usize> {
    let mut family = Family::of(child);
    let mut wait_for_all = |ending, patience| {
        let deadline = Instant::now() + patience;
        loop {
            // Again and again, for what was started meanwhile; nobody is told twice.
            let living = family.tell(child, ending)?;
            if living == 0 || Instant::now() >= deadline {
                return Ok::<_, io::Error>(living);
            }
            thread::sleep(LOOK_AGAIN);
        }
    };
    match wait_for_all(sys::Ending::Ask, GRACE)? {
        0 => Ok(0),
        _ => wait_for_all(sys::Ending::Force, LAST_WAIT),
    }
}
