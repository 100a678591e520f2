//! What ran, is running and was interrupted: the tasks of a tree and all their attempts, in a database at its top.
//!
//! Who changes it has its write lock from the first look to the commit, and the commit is on the disk when it returns. The
//! database is open only while it is used: a task may delete it, together with all that git ignores, and what is written
//! next makes it anew, with the attempt that it is about.
//!
//! Nothing of an attempt is ever taken back: what is decided later is decided about the task.

mod error;
mod record;
mod rows;
mod words;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlite_file::rusqlite::Connection;
use sqlite_file::{Database, Schema, Users};

use crate::ended::Ended;
use crate::task_id::TaskId;

pub use error::{JournalError, JournalWarning};
pub use record::{Attempt, Decision, Filter, NewAttempt, State, TaskRecord, Written};

/// The name of the journal, at the top of the tree.
pub const JOURNAL_NAME: &str = ".devs.db";

/// `task` in ASCII: what `file(1)` and SQLite show as the application id.
const SCHEMA: Schema<'_> = Schema {
    application_id: 0x7461_736b,
    migrations: &[include_str!("journal/version_1.sql")],
};

/// How often the database may be deleted or replaced while it is being locked. Chosen: that is somebody's mistake, not work.
const REOPENINGS: u32 = 3;

/// The tasks of a tree. One value serves all threads of a process.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
    timeout: Duration,
}

impl Journal {
    /// The journal at `path`, which need not exist: it is made by the first [`Journal::begin`]. What a killed process left
    /// beside it is brought in first, and told. Every call waits for others no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// [`JournalError::Database`]: it is of another program, or damaged, or cannot be used. It was left alone.
    pub fn open(
        path: &Path,
        timeout: Duration,
    ) -> Result<(Self, Vec<JournalWarning>), JournalError> {
        let journal = Self {
            path: path.to_owned(),
            timeout,
        };
        if Database::is_missing(path)? {
            return Ok((journal, Vec::new()));
        }
        let (_, found) = Database::open_and_recover(path, &SCHEMA, timeout)?;
        let left_behind = found.filter(|found| found.users == Users::Nobody);
        let warnings = left_behind.map(|found| JournalWarning::LeftBehind {
            path: path.to_owned(),
            found,
        });
        Ok((journal, warnings.into_iter().collect()))
    }

    /// The database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down that an attempt begins, with the next number of its task. The caller holds the lock of the tree.
    ///
    /// # Errors
    ///
    /// [`JournalError`].
    pub fn begin(&self, new: &NewAttempt, now: Timestamp) -> Result<Attempt, JournalError> {
        self.write(|connection| {
            let attempt = Attempt {
                task: new.task.clone(),
                number: rows::next_number(connection, &new.task)?,
                state: State::Running,
                label: new.label.clone(),
                command: new.command.clone(),
                folder: new.folder.clone(),
                owner: new.owner.clone(),
                pid: new.pid,
                lock_token: new.lock_token.clone(),
                began_at: now,
                ended_at: None,
                exit_code: None,
                signal: None,
                snapshot: None,
                is_snapshot_kept: false,
            };
            rows::write_task(connection, &attempt)?;
            rows::write_attempt(connection, &attempt)?;
            Ok(attempt)
        })
    }

    /// Writes down the commit of the snapshot that was taken for an attempt.
    ///
    /// # Errors
    ///
    /// [`JournalError`].
    pub fn set_snapshot(
        &self,
        attempt: &mut Attempt,
        commit: &str,
        now: Timestamp,
    ) -> Result<Written, JournalError> {
        attempt.snapshot = Some(commit.to_owned());
        attempt.is_snapshot_kept = true;
        self.put(attempt, now)
    }

    /// Writes down how an attempt ended.
    ///
    /// # Errors
    ///
    /// [`JournalError`].
    pub fn end(
        &self,
        attempt: &mut Attempt,
        ended: Ended,
        now: Timestamp,
    ) -> Result<Written, JournalError> {
        attempt.state = ended.into();
        attempt.ended_at = Some(now);
        match ended {
            Ended::Failed { code } => attempt.exit_code = Some(code),
            Ended::Signalled { signal } => attempt.signal = Some(signal),
            Ended::Done => attempt.exit_code = Some(0),
            Ended::TimedOut | Ended::NotStarted => {}
        }
        self.put(attempt, now)
    }

    /// Writes down that an attempt was interrupted. The caller holds the lock of the tree, so that it certainly does not run.
    ///
    /// # Errors
    ///
    /// [`JournalError`].
    pub fn interrupt(
        &self,
        attempt: &mut Attempt,
        now: Timestamp,
    ) -> Result<Written, JournalError> {
        attempt.state = State::Interrupted;
        attempt.ended_at = Some(now);
        self.put(attempt, now)
    }

    /// Writes down that a snapshot is kept for its task no longer: it was dropped, or given up. The attempts still name it.
    ///
    /// # Errors
    ///
    /// [`JournalError`].
    pub fn forget_snapshot(
        &self,
        task: &TaskId,
        commit: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.write(|connection| rows::forget_snapshot(connection, task, commit, now))
    }

    /// Writes down what a person decided about a task.
    ///
    /// # Errors
    ///
    /// [`JournalError`].
    pub fn decide(
        &self,
        task: &TaskId,
        decision: Decision,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.write(|connection| rows::set_state(connection, task, decision.into(), now))
    }

    /// A task with its attempts. Waits for nobody, and creates nothing.
    ///
    /// # Errors
    ///
    /// [`JournalError`].
    pub fn task(&self, task: &TaskId) -> Result<Option<TaskRecord>, JournalError> {
        let mut found = self.read(Some(task))?;
        Ok(found.pop())
    }

    /// The tasks, the one that changed last first. Waits for nobody, and creates nothing.
    ///
    /// # Errors
    ///
    /// [`JournalError`].
    pub fn list(&self, filter: Filter) -> Result<Vec<TaskRecord>, JournalError> {
        let mut found = self.read(None)?;
        found.retain(|task| filter == Filter::All || task.is_open());
        Ok(found)
    }

    /// Writes an attempt as it is now, also where somebody has deleted the journal since it began.
    fn put(&self, attempt: &Attempt, now: Timestamp) -> Result<Written, JournalError> {
        self.write(|connection| {
            let written = rows::add_missing_task(connection, attempt)?;
            rows::write_attempt(connection, attempt)?;
            rows::follow_attempt(connection, attempt, now)?;
            Ok(written)
        })
    }

    fn write<T>(
        &self,
        change: impl Fn(&Connection) -> Result<T, rows::RowError>,
    ) -> Result<T, JournalError> {
        let started = Instant::now();
        let left = || self.timeout.saturating_sub(started.elapsed());
        for _ in 0..REOPENINGS {
            let database = Database::open(&self.path, &SCHEMA, left())?;
            database.begin_immediate(left())?;
            if database.has_moved()? {
                continue;
            }
            let changed = change(database.connection())
                .map_err(|err| self.explain(&database, "write", err))?;
            database.commit()?;
            return Ok(changed);
        }
        Err(JournalError::Interfered {
            path: self.path.clone(),
        })
    }

    fn read(&self, task: Option<&TaskId>) -> Result<Vec<TaskRecord>, JournalError> {
        let Some(database) = Database::open_to_read(&self.path, &SCHEMA, self.timeout)? else {
            return Ok(Vec::new());
        };
        database.begin_to_read()?;
        rows::tasks(database.connection(), task).map_err(|err| self.explain(&database, "read", err))
    }

    fn explain(
        &self,
        database: &Database,
        step: &'static str,
        err: rows::RowError,
    ) -> JournalError {
        match err {
            rows::RowError::Sql(err) => database.explain(step, err).into(),
            rows::RowError::Nonsense(reason) => JournalError::Unreadable {
                path: self.path.clone(),
                reason,
            },
        }
    }
}
