//! What was interrupted in a tree, and what can be done about it.
//!
//! [`interrupted`] decides, from what the journal, the snapshots and the lock say at one moment; [`Recovery`] reads that, and
//! writes down what came out.

mod judge;
mod text;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::journal::{Attempt, Filter, Journal, JournalError, State, TaskRecord};
use crate::snapshot::Snapshot;
use crate::state_lock::{HolderKind, StateLock, StateLockError, StateLockGuard, TreeLock};
use crate::task_id::TaskId;
use judge::{Holder, holder_of, snapshot_of, unrecorded};

pub use judge::interrupted;

/// How often the journal may change while it is compared with the rest, before all that seems to run is left out. Chosen:
/// runs take longer.
const LOOKS: u32 = 8;

/// Who has the lock of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// Nobody who lives.
    Nobody,
    /// Somebody, who wrote down who it is.
    Somebody {
        /// The process that took it.
        pid: Option<u32>,
        /// What names this one lock.
        token: Option<String>,
        /// That process has died; these, which it started, still keep the lock.
        outlived_by: Vec<u32>,
    },
    /// Somebody, and nobody can say who.
    Unknown,
}

/// What is known about a tree.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'a> {
    /// All that the journal has.
    pub tasks: &'a [TaskRecord],
    /// All that the repository has, also of other worktrees.
    pub snapshots: &'a [Snapshot],
    /// Who has the lock of this tree.
    pub holding: &'a Holding,
    /// The top of this tree, as its snapshots name it.
    pub top: &'a Path,
}

/// A task about which a person has to decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Interrupted {
    /// The task.
    pub task: TaskId,
    /// Its latest run.
    pub run: String,
    /// When that began.
    pub began_at: Timestamp,
    /// Its command; empty where that is not known.
    pub command: Vec<OsString>,
    /// What happened to it.
    pub what: What,
    /// The tree before everything of this task that is not finished.
    pub snapshot: Option<Snapshot>,
    /// Commits of snapshots that the journal says to be kept, and whose refs are gone.
    pub gone: Vec<String>,
    /// What can be done about it. Empty: nothing yet.
    pub can: Vec<Remedy>,
}

/// What happened to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum What {
    /// Its runner was killed, or the machine stopped, before the command began.
    BeforeWork,
    /// The same while the command ran.
    AtWork,
    /// Its runner was killed, and processes that it had started still run and keep the tree locked.
    Outlived {
        /// Those of them that this user may see.
        pids: Vec<u32>,
    },
    /// It ended, and its snapshot is kept.
    Kept {
        /// How it ended.
        state: State,
    },
    /// There is a snapshot of it, and the journal does not know it: that was deleted, or never written.
    Unrecorded,
}

/// What can be done about an interrupted task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// To run its command again.
    Resume,
    /// To bring the tree back to the state before it.
    Restore,
    /// To leave the tree as it is.
    Abandon,
}

impl From<&TreeLock> for Holding {
    fn from(lock: &TreeLock) -> Self {
        match lock {
            TreeLock::Free | TreeLock::Leftover(_) | TreeLock::Obstructed(_) => Self::Nobody,
            TreeLock::Held(holder) if holder.kind == HolderKind::Unreadable => Self::Unknown,
            TreeLock::Held(holder) => Self::Somebody {
                pid: holder.pid,
                token: holder.token.clone(),
                outlived_by: holder.outlived_by.clone(),
            },
        }
    }
}

/// Reads what is known about one tree.
#[derive(Debug, Clone, Copy)]
pub struct Recovery<'a> {
    /// Its journal.
    pub journal: &'a Journal,
    /// Its top, as its snapshots name it.
    pub top: &'a Path,
}

impl Recovery<'_> {
    /// Looks without the lock, and writes nothing down: at the journal before and after all else, so that a run that begins
    /// or ends meanwhile is not taken for an interrupted one.
    ///
    /// `snapshots` lists those of the repository.
    ///
    /// # Errors
    ///
    /// What `snapshots` returns; [`StateLockError`]; [`JournalError`].
    pub fn look<E>(
        &self,
        lock: &StateLock,
        now: Timestamp,
        snapshots: impl Fn() -> Result<Vec<Snapshot>, E>,
    ) -> Result<Vec<Interrupted>, E>
    where
        E: From<JournalError> + From<StateLockError>,
    {
        let mut looks = 1;
        loop {
            let before = self.journal.list(Filter::All)?;
            let snapshots = snapshots()?;
            let mut holding = Holding::from(&lock.inspect(now)?);
            let tasks = self.journal.list(Filter::All)?;
            if before != tasks && looks < LOOKS {
                looks += 1;
                continue;
            }
            if before != tasks {
                holding = Holding::Unknown;
            }
            return Ok(interrupted(&Findings {
                tasks: &tasks,
                snapshots: &snapshots,
                holding: &holding,
                top: self.top,
            }));
        }
    }

    /// Looks under the lock, before anything is run there, and writes down what it finds: attempts that were interrupted,
    /// snapshots that the journal has not, and those that are gone.
    ///
    /// `snapshots` are those of the repository.
    ///
    /// # Errors
    ///
    /// [`JournalError`]. What was written down until then stays.
    pub fn settle(
        &self,
        guard: &StateLockGuard,
        snapshots: &[Snapshot],
        now: Timestamp,
    ) -> Result<Vec<Interrupted>, JournalError> {
        let tasks = self.journal.list(Filter::All)?;
        let holding = Holding::Somebody {
            pid: None,
            token: Some(guard.token().to_owned()),
            outlived_by: Vec::new(),
        };
        let findings = Findings {
            tasks: &tasks,
            snapshots,
            holding: &holding,
            top: self.top,
        };
        for attempt in tasks.iter().flat_map(|task| &task.attempts) {
            write_down(self.journal, attempt, &findings, now)?;
        }
        for snapshot in unrecorded(&findings) {
            adopt(self.journal, snapshot, now)?;
        }
        Ok(interrupted(&findings))
    }
}

fn write_down(
    journal: &Journal,
    attempt: &Attempt,
    findings: &Findings<'_>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let snapshot = snapshot_of(attempt, findings);
    let is_open = matches!(attempt.state, State::Running | State::Interrupted);
    let mut attempt = attempt.clone();
    match (&attempt.snapshot, snapshot) {
        (None, Some(found)) if is_open => {
            journal.set_snapshot(&mut attempt, &found.id, now)?;
        }
        (Some(commit), None) if attempt.is_snapshot_kept => {
            let commit = commit.clone();
            journal.forget_snapshot(&attempt.task, &commit, now)?;
            attempt.is_snapshot_kept = false;
        }
        _ => {}
    }
    if attempt.state == State::Running
        && matches!(holder_of(&attempt, findings.holding), Holder::Died)
    {
        journal.interrupt(&mut attempt, now)?;
    }
    Ok(())
}

/// Takes up a run of which only the snapshot is left.
fn adopt(journal: &Journal, snapshot: &Snapshot, now: Timestamp) -> Result<(), JournalError> {
    let mut attempt = Attempt {
        task: snapshot.task.clone(),
        number: number_for(journal, snapshot)?,
        state: State::Interrupted,
        label: snapshot.label.clone(),
        command: Vec::new(),
        folder: PathBuf::new(),
        owner: None,
        pid: 0,
        lock_token: None,
        began_at: snapshot.taken_at,
        ended_at: Some(now),
        exit_code: None,
        signal: None,
        snapshot: None,
        is_snapshot_kept: false,
    };
    journal.set_snapshot(&mut attempt, &snapshot.id, now)?;
    Ok(())
}

/// Its own, unless another run got that after the journal had been deleted.
fn number_for(journal: &Journal, snapshot: &Snapshot) -> Result<u32, JournalError> {
    let known = journal.task(&snapshot.task)?;
    let known = known.map(|task| task.attempts).unwrap_or_default();
    let run = snapshot.run.as_deref().unwrap_or_default();
    let own = run.strip_prefix(snapshot.task.as_str());
    let own = own.and_then(|rest| rest.strip_prefix('.')?.parse().ok());
    let next = known.last().map_or(1, |last| last.number.saturating_add(1));
    let own = own.filter(|own| known.iter().all(|one| one.number != *own));
    Ok(own.unwrap_or(next))
}
