//! What every verb about tasks needs: the tree, its journal, its snapshots, its lock.

use jiff::Timestamp;
use task_runner::{
    AtomicSnapshot, Filter, JOURNAL_NAME, Journal, JournalError, Recovery, STATE_LOCK_RESOURCE,
    Snapshot, StateLock, StateLockError, StateLockGuard, StateLockOptions, TaskId,
};

use super::known::Known;
use crate::failure::{Code, Failure};
use crate::output::Output;
use crate::places;
use crate::settings::Settings;
use crate::transaction::{chain, inherited_token};

/// The tasks of the tree that holds the working folder.
pub struct Tasks<'a> {
    /// The snapshots of the repository.
    pub snapshots: AtomicSnapshot,
    /// The journal of the tree.
    pub journal: Journal,
    lock: StateLock,
    /// As everywhere.
    pub settings: &'a Settings,
    /// As everywhere.
    pub output: &'a Output,
}

impl From<JournalError> for Failure {
    fn from(err: JournalError) -> Self {
        Self::from_task_journal(&err)
    }
}

impl From<StateLockError> for Failure {
    fn from(err: StateLockError) -> Self {
        Self::from_state_lock(err)
    }
}

impl<'a> Tasks<'a> {
    /// Finds the tree that we are in.
    ///
    /// # Errors
    ///
    /// When there is none; as [`Tasks::of`].
    pub fn open(settings: &'a Settings, output: &'a Output) -> Result<Self, Failure> {
        let here = places::working_folder()?;
        let snapshots = AtomicSnapshot::open(&here)
            .map_err(|err| Failure::from_snapshot(&err, "look at the tasks"))?;
        Self::of(snapshots, settings, output)
    }

    /// Looks at the journal of a tree, and says what a killed process has left of it.
    ///
    /// # Errors
    ///
    /// When the journal cannot be used.
    pub fn of(
        snapshots: AtomicSnapshot,
        settings: &'a Settings,
        output: &'a Output,
    ) -> Result<Self, Failure> {
        let top = snapshots.repository().top();
        let (journal, warnings) = Journal::open(&top.join(JOURNAL_NAME), settings.timeout)?;
        for warning in warnings {
            output.warning(&warning.to_string());
        }
        let lock = StateLock::new(top)?;
        Ok(Self {
            snapshots,
            journal,
            lock,
            settings,
            output,
        })
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.settings.now()
    }

    /// All tasks, the one that changed last first. Takes no lock, and writes nothing down.
    ///
    /// # Errors
    ///
    /// When journal, lock or snapshots cannot be read.
    pub fn list(&self) -> Result<Vec<Known>, Failure> {
        let open = self
            .recovery()
            .look(&self.lock, self.now(), || self.listed_snapshots())?;
        Ok(Known::all(self.journal.list(Filter::All)?, open))
    }

    /// A task by its name, as [`Tasks::list`].
    ///
    /// # Errors
    ///
    /// `ENOTFOUND` when there is none; as [`Tasks::list`].
    pub fn find(&self, task: &TaskId) -> Result<Known, Failure> {
        find(self.list()?, task)
    }

    /// Takes the lock of the tree, so that no task runs meanwhile, and writes down what was interrupted.
    ///
    /// # Errors
    ///
    /// `ELOCKED` at once while a task runs; `ENOTFOUND` when there is no such task.
    pub fn settle(&self, task: &TaskId, command: &str) -> Result<(StateLockGuard, Known), Failure> {
        let guard = lock_tree(&self.lock, task, command, self.settings, self.output)?;
        let snapshots = self.listed_snapshots()?;
        let open = self.recovery().settle(&guard, &snapshots, self.now())?;
        let known = Known::all(self.journal.list(Filter::All)?, open);
        Ok((guard, find(known, task)?))
    }

    fn recovery(&self) -> Recovery<'_> {
        Recovery {
            journal: &self.journal,
            top: self.snapshots.repository().top(),
        }
    }

    fn listed_snapshots(&self) -> Result<Vec<Snapshot>, Failure> {
        let listed = self.snapshots.list();
        listed.map_err(|err| Failure::from_snapshot(&err, "list the snapshots"))
    }
}

fn find(known: Vec<Known>, task: &TaskId) -> Result<Known, Failure> {
    let mut known = known.into_iter();
    known
        .find(|known| known.task() == Some(task))
        .ok_or_else(|| {
            Failure::new(Code::NotFound, format!("there is no task {task}"))
                .hint("`story run list --all` shows all tasks of this tree")
        })
}

/// Takes the lock of a tree for something other than a task, without waiting.
///
/// # Errors
///
/// `ELOCKED` while a task runs there, `ENESTED` inside of one.
pub fn lock_tree(
    lock: &StateLock,
    task: &TaskId,
    command: &str,
    settings: &Settings,
    output: &Output,
) -> Result<StateLockGuard, Failure> {
    let resource = lock.path().with_file_name(STATE_LOCK_RESOURCE);
    let options = StateLockOptions {
        owner: Some(settings.actor().to_owned()),
        command: Some(command.to_owned()),
        inherited_token: inherited_token(&resource, settings)?,
        ..StateLockOptions::at(settings.now())
    };
    let guard = lock.acquire(task, &options)?;
    if let Some(freed) = guard.freed() {
        output.warning(&freed.to_string());
    }
    Ok(guard)
}

/// Releases it. What went wrong with that is told: the work is done all the same.
pub fn release(guard: StateLockGuard, output: &Output) {
    if let Err(err) = guard.release() {
        output.warning(&format!(
            "the lock of the tree was not released: {}",
            chain(&err)
        ));
    }
}
