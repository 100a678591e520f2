//! A run of a task: the tree's lock, the journal, a snapshot, the work, and what becomes of the snapshot.
//!
//! In this order, so that a runner that is killed between any two steps leaves what the next one needs: the lock says that
//! nobody else works in the tree, the journal that this attempt was begun, the ref of the snapshot keeps the state before.

mod error;
mod fate;
mod report;
mod witness;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::drop::Drop;
use crate::ended::Ended;
use crate::journal::{Attempt, JOURNAL_NAME, Journal, NewAttempt};
use crate::recovery::{Recovery, What};
use crate::shared_files::SharedFiles;
use crate::snapshot::{AtomicSnapshot, Snapshot, TakeOptions};
use crate::state_lock::{StateLock, StateLockGuard, StateLockOptions};
use crate::task_id::TaskId;

pub use error::RunError;
pub use report::{Fate, Kept, Report, Trouble};
pub use witness::{Choice, Event, Witness};

/// Runs tasks in one working tree, one at a time.
#[derive(Debug)]
pub struct TaskRunner<'a> {
    snapshots: AtomicSnapshot,
    lock: StateLock,
    options: RunnerOptions<'a>,
}

/// What a runner needs to know of the world.
#[derive(Clone, Copy)]
pub struct RunnerOptions<'a> {
    /// Which files of the tree agents share.
    pub shared: &'a dyn SharedFiles,
    /// Tells the present time.
    pub now: &'a dyn Fn() -> Timestamp,
    /// How long to wait for other users of the journal, and for each shared file that is restored.
    pub patience: Duration,
}

impl std::fmt::Debug for RunnerOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunnerOptions")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// A task to run.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its name. One that ran before has one more attempt.
    pub id: TaskId,
    /// The program and its arguments; only written down.
    pub command: Vec<OsString>,
    /// Where it runs, relative to the top of the tree; only written down.
    pub folder: PathBuf,
    /// Who runs it, for those who meet the lock.
    pub owner: Option<String>,
    /// Free text for the list of snapshots.
    pub label: String,
    /// What becomes of the tree when the work fails.
    pub on_failure: OnFailure,
    /// How long to wait for a task that runs already.
    pub wait: Duration,
    /// The snapshot of an earlier attempt that this one goes on from: the state before both. `None` takes a new one.
    pub since: Option<Snapshot>,
    /// The token of the tree's lock that this process was given, if a task has started it: see [`StateLockGuard::token`].
    pub inherited_token: Option<String>,
}

impl Task {
    /// A task that waits for nobody and keeps the tree when it fails.
    pub fn new(id: TaskId) -> Self {
        Self {
            id,
            command: Vec::new(),
            folder: PathBuf::new(),
            owner: None,
            label: String::new(),
            on_failure: OnFailure::default(),
            wait: Duration::ZERO,
            since: None,
            inherited_token: None,
        }
    }
}

/// What becomes of the tree when the work fails, is ended by a signal, or runs out of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// It stays as it is, and so does the snapshot.
    #[default]
    Keep,
    /// It becomes what it was; what this overwrites is in a snapshot of its own.
    Restore,
    /// As [`Witness::choose`] says.
    Ask,
}

/// What the work may know and use.
#[derive(Debug)]
pub struct Running<'a> {
    task: &'a TaskId,
    run: &'a str,
    snapshot: &'a Snapshot,
    lock: &'a StateLockGuard,
}

impl Running<'_> {
    /// The task.
    pub fn task(&self) -> &TaskId {
        self.task
    }

    /// The name of this attempt.
    pub fn run(&self) -> &str {
        self.run
    }

    /// The state before.
    pub fn snapshot(&self) -> &Snapshot {
        self.snapshot
    }

    /// The tree's lock. [`StateLockGuard::lend`] keeps the tree locked for what the work starts, if this process dies.
    pub fn lock(&self) -> &StateLockGuard {
        self.lock
    }
}

impl<'a> TaskRunner<'a> {
    /// A runner for the tree of these snapshots.
    ///
    /// # Errors
    ///
    /// [`RunError::Lock`]: the top of the tree is gone.
    pub fn new(snapshots: AtomicSnapshot, options: RunnerOptions<'a>) -> Result<Self, RunError> {
        let lock = StateLock::new(snapshots.repository().top())?;
        Ok(Self {
            snapshots,
            lock,
            options,
        })
    }

    /// The top of the tree.
    pub fn top(&self) -> &Path {
        self.snapshots.repository().top()
    }

    /// Its snapshots.
    pub fn snapshots(&self) -> &AtomicSnapshot {
        &self.snapshots
    }

    /// Runs a task: `work` does it, under the tree's lock and with a snapshot of the state before.
    ///
    /// `work` says how it ended; what else it returns is passed on. When it has ended well the snapshot is dropped, unless it holds the only copy of something. When not, it is kept, or
    /// restored, as the task says. When `work` panics the snapshot is kept, the lock released, and the panic goes on.
    ///
    /// # Errors
    ///
    /// [`RunError`]: `work` was not called, and the tree is as it was. What went wrong after it is in the report.
    pub fn run<T>(
        &self,
        task: &Task,
        witness: &mut dyn Witness,
        work: impl FnOnce(&Running<'_>) -> (Ended, T),
    ) -> Result<(Report, T), RunError> {
        let lock = self.acquire(task, witness)?;
        let (journal, mut attempt, snapshot) = self.begin(task, &lock, witness)?;
        let run = attempt.run();
        let running = Running {
            task: &task.id,
            run: &run,
            snapshot: &snapshot,
            lock: &lock,
        };
        let (ended, result) = match catch_unwind(AssertUnwindSafe(|| work(&running))) {
            Ok(ended) => ended,
            Err(panic) => {
                // If this fails the next start finds an attempt whose lock is free, which says the same.
                journal.interrupt(&mut attempt, self.now()).ok();
                drop(lock);
                resume_unwind(panic);
            }
        };
        let settled = fate::Settling {
            runner: self,
            journal: &journal,
            lock: &lock,
            task,
            snapshot: &snapshot,
        };
        let (fate, mut troubles) = settled.settle(&mut attempt, ended, witness);
        if let Err(err) = lock.release() {
            troubles.push(Trouble::NotReleased(err));
        }
        let report = Report {
            task: task.id.clone(),
            run,
            snapshot,
            ended,
            fate,
            troubles,
        };
        Ok((report, result))
    }

    fn now(&self) -> Timestamp {
        (self.options.now)()
    }

    fn acquire(&self, task: &Task, witness: &mut dyn Witness) -> Result<StateLockGuard, RunError> {
        let command = task.command.first();
        let options = StateLockOptions {
            wait: task.wait,
            owner: task.owner.clone(),
            command: command.map(|program| program.to_string_lossy().into_owned()),
            inherited_token: task.inherited_token.clone(),
            now: self.now(),
        };
        let lock = self.lock.acquire(&task.id, &options)?;
        witness.tell(Event::Locked);
        if let Some(freed) = lock.freed() {
            witness.tell(Event::Freed(freed));
        }
        Ok(lock)
    }

    /// Everything before the work: looks what earlier runs have left, writes the attempt down, takes the snapshot.
    fn begin(
        &self,
        task: &Task,
        lock: &StateLockGuard,
        witness: &mut dyn Witness,
    ) -> Result<(Journal, Attempt, Snapshot), RunError> {
        let path = self.top().join(JOURNAL_NAME);
        let (journal, warnings) = Journal::open(&path, self.options.patience)?;
        for warning in &warnings {
            witness.tell(Event::JournalRecovered(warning));
        }
        self.look_back(&journal, lock, witness)?;
        let new = NewAttempt {
            task: task.id.clone(),
            label: task.label.clone(),
            command: task.command.clone(),
            folder: task.folder.clone(),
            owner: task.owner.clone(),
            pid: std::process::id(),
            lock_token: Some(lock.token().to_owned()),
        };
        let mut attempt = journal.begin(&new, self.now())?;
        match self.record(task, &journal, &mut attempt, witness) {
            Ok(snapshot) => Ok((journal, attempt, snapshot)),
            Err(err) => {
                // Of two errors the first is told. An attempt that stays open is found at the next start.
                let ended = journal.end(&mut attempt, Ended::NotStarted, self.now());
                if let Err(err) = ended {
                    tracing::warn!(%err, "that the task was not started is not written down");
                }
                Err(err)
            }
        }
    }

    /// Writes down which earlier tasks did not come to an end, and tells of those.
    fn look_back(
        &self,
        journal: &Journal,
        lock: &StateLockGuard,
        witness: &mut dyn Witness,
    ) -> Result<(), RunError> {
        let top = self.top();
        let recovery = Recovery { journal, top };
        let snapshots = self.snapshots.list()?;
        for interrupted in &recovery.settle(lock, &snapshots, self.now())? {
            // That the way back of a failed task is kept was told when it failed.
            if !matches!(interrupted.what, What::Kept { .. }) {
                witness.tell(Event::Interrupted(interrupted));
            }
        }
        Ok(())
    }

    /// The state before, as a snapshot that the journal knows.
    fn record(
        &self,
        task: &Task,
        journal: &Journal,
        attempt: &mut Attempt,
        witness: &mut dyn Witness,
    ) -> Result<Snapshot, RunError> {
        let snapshot = if let Some(earlier) = &task.since {
            earlier.clone()
        } else {
            let options = TakeOptions {
                run: Some(attempt.run()),
                label: task.label.clone(),
                ..TakeOptions::new(task.id.clone(), self.now())
            };
            let taken = self.snapshots.take(&options, self.options.shared)?;
            witness.tell(Event::Recorded(&taken));
            taken.snapshot
        };
        if let Err(err) = journal.set_snapshot(attempt, &snapshot.id, self.now()) {
            // Nothing has changed yet, so it holds nothing that the tree does not.
            if task.since.is_none()
                && let Err(err) = self.snapshots.drop(&snapshot, Drop::IfSafe)
            {
                tracing::warn!(%err, "a snapshot of a task that was not started is left");
            }
            return Err(err.into());
        }
        Ok(snapshot)
    }
}
