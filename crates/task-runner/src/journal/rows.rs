//! The rows of the journal: to and from what they mean.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;

use jiff::Timestamp;
use sqlite_file::rusqlite::{self, Connection, OptionalExtension as _, Row, params};

use super::record::{Attempt, State, TaskRecord, Written};
use super::words::{word_from_json, word_to_json, words_from_json, words_to_json};
use crate::task_id::TaskId;

/// Why rows could not be read or written.
pub(super) enum RowError {
    Sql(rusqlite::Error),
    /// Which row makes no sense, and why.
    Nonsense(String),
}

impl From<rusqlite::Error> for RowError {
    fn from(err: rusqlite::Error) -> Self {
        Self::Sql(err)
    }
}

/// What will not do about a column.
struct Nonsense(String);

fn nonsense(err: impl Display) -> Nonsense {
    Nonsense(err.to_string())
}

impl From<rusqlite::Error> for Nonsense {
    fn from(err: rusqlite::Error) -> Self {
        nonsense(err)
    }
}

pub(super) fn next_number(connection: &Connection, task: &TaskId) -> Result<u32, RowError> {
    let last = "SELECT max(number) FROM attempts WHERE task_id = ?1";
    let last: Option<i64> = connection.query_row(last, [task.as_str()], |row| row.get(0))?;
    let next = last.unwrap_or(0).checked_add(1);
    next.and_then(|next| u32::try_from(next).ok())
        .ok_or_else(|| RowError::Nonsense(format!("the attempts of {task} have too high a number")))
}

/// Makes the task that an attempt begins, or brings it up to date.
pub(super) fn write_task(connection: &Connection, attempt: &Attempt) -> Result<(), RowError> {
    connection.execute(
        "INSERT INTO tasks (task_id, state, label, command, folder, snapshot_stash_ref, created_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6, ?6)
         ON CONFLICT (task_id) DO UPDATE SET state = ?2, label = ?3, command = ?4, folder = ?5, changed_at = ?6",
        params![
            attempt.task.as_str(),
            attempt.state.name(),
            attempt.label,
            words(&attempt.command)?,
            folder(attempt)?,
            time_text(attempt.began_at),
        ],
    )?;
    Ok(())
}

/// The task of an attempt that began before somebody deleted the journal.
pub(super) fn add_missing_task(
    connection: &Connection,
    attempt: &Attempt,
) -> Result<Written, RowError> {
    let known = "SELECT 1 FROM tasks WHERE task_id = ?1";
    let known = connection.query_row(known, [attempt.task.as_str()], |_| Ok(()));
    match known.optional()? {
        Some(()) => Ok(Written::InPlace),
        None => write_task(connection, attempt).map(|()| Written::Anew),
    }
}

pub(super) fn write_attempt(connection: &Connection, attempt: &Attempt) -> Result<(), RowError> {
    connection.execute(
        "INSERT OR REPLACE INTO attempts (task_id, number, state, label, command, folder, owner, pid, lock_token, began_at,
             ended_at, exit_code, signal, snapshot, snapshot_kept)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            attempt.task.as_str(),
            attempt.number,
            attempt.state.name(),
            attempt.label,
            words(&attempt.command)?,
            folder(attempt)?,
            attempt.owner,
            attempt.pid,
            attempt.lock_token,
            time_text(attempt.began_at),
            attempt.ended_at.map(time_text),
            attempt.exit_code,
            attempt.signal,
            attempt.snapshot,
            attempt.is_snapshot_kept,
        ],
    )?;
    Ok(())
}

/// The task is in the state of its latest attempt.
pub(super) fn follow_attempt(
    connection: &Connection,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(), RowError> {
    if next_number(connection, &attempt.task)? == attempt.number + 1 {
        set_state(connection, &attempt.task, attempt.state, now)?;
    }
    choose_snapshot(connection, &attempt.task)
}

pub(super) fn set_state(
    connection: &Connection,
    task: &TaskId,
    state: State,
    now: Timestamp,
) -> Result<(), RowError> {
    connection.execute(
        "UPDATE tasks SET state = ?2, changed_at = ?3 WHERE task_id = ?1",
        params![task.as_str(), state.name(), time_text(now)],
    )?;
    Ok(())
}

pub(super) fn forget_snapshot(
    connection: &Connection,
    task: &TaskId,
    commit: &str,
    now: Timestamp,
) -> Result<(), RowError> {
    connection.execute(
        "UPDATE attempts SET snapshot_kept = 0 WHERE task_id = ?1 AND snapshot = ?2",
        params![task.as_str(), commit],
    )?;
    connection.execute(
        "UPDATE tasks SET changed_at = ?2 WHERE task_id = ?1",
        params![task.as_str(), time_text(now)],
    )?;
    choose_snapshot(connection, task)
}

fn choose_snapshot(connection: &Connection, task: &TaskId) -> Result<(), RowError> {
    connection.execute(
        "UPDATE tasks SET snapshot_stash_ref = (
             SELECT snapshot FROM attempts WHERE task_id = ?1 AND snapshot_kept = 1 ORDER BY number LIMIT 1
         ) WHERE task_id = ?1",
        [task.as_str()],
    )?;
    Ok(())
}

/// All tasks, or one, the one that changed last first, with their attempts, the earliest first.
pub(super) fn tasks(
    connection: &Connection,
    only: Option<&TaskId>,
) -> Result<Vec<TaskRecord>, RowError> {
    let only = only.map(TaskId::as_str);
    let mut statement = connection.prepare(
        "SELECT task_id, state, label, command, folder, snapshot_stash_ref, created_at, changed_at FROM tasks
         WHERE ?1 IS NULL OR task_id = ?1 ORDER BY changed_at DESC, task_id",
    )?;
    let mut rows = statement.query([only])?;
    let mut tasks = Vec::new();
    while let Some(row) = rows.next()? {
        tasks.push(read_task(row).map_err(|err| place(row, "tasks", err))?);
    }
    let mut statement = connection.prepare(
        "SELECT task_id, number, state, label, command, folder, owner, pid, lock_token, began_at, ended_at, exit_code,
             signal, snapshot, snapshot_kept FROM attempts WHERE task_id = ?1 ORDER BY number",
    )?;
    for task in &mut tasks {
        let mut rows = statement.query([task.task.as_str()])?;
        while let Some(row) = rows.next()? {
            let attempt = read_attempt(row).map_err(|err| place(row, "attempts", err))?;
            task.attempts.push(attempt);
        }
    }
    Ok(tasks)
}

fn place(row: &Row<'_>, table: &str, Nonsense(reason): Nonsense) -> RowError {
    let task: String = row.get(0).unwrap_or_default();
    RowError::Nonsense(format!("the task {task:?} in the table {table}: {reason}"))
}

fn read_task(row: &Row<'_>) -> Result<TaskRecord, Nonsense> {
    Ok(TaskRecord {
        task: task_id(row)?,
        state: state(row, 1)?,
        label: row.get(2)?,
        command: command(row, 3)?,
        folder: read_folder(row, 4)?,
        snapshot: row.get(5)?,
        created_at: time(row, 6)?,
        changed_at: time(row, 7)?,
        attempts: Vec::new(),
    })
}

fn read_attempt(row: &Row<'_>) -> Result<Attempt, Nonsense> {
    Ok(Attempt {
        task: task_id(row)?,
        number: row.get(1)?,
        state: state(row, 2)?,
        label: row.get(3)?,
        command: command(row, 4)?,
        folder: read_folder(row, 5)?,
        owner: row.get(6)?,
        pid: row.get(7)?,
        lock_token: row.get(8)?,
        began_at: time(row, 9)?,
        ended_at: match row.get::<_, Option<String>>(10)? {
            Some(_) => Some(time(row, 10)?),
            None => None,
        },
        exit_code: row.get(11)?,
        signal: row.get(12)?,
        snapshot: row.get(13)?,
        is_snapshot_kept: row.get(14)?,
    })
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str, Nonsense> {
    row.get_ref(column)?.as_str().map_err(nonsense)
}

fn task_id(row: &Row<'_>) -> Result<TaskId, Nonsense> {
    TaskId::new(text(row, 0)?).map_err(nonsense)
}

fn state(row: &Row<'_>, column: usize) -> Result<State, Nonsense> {
    let name = text(row, column)?;
    State::named(name).ok_or_else(|| nonsense(format_args!("{name:?} is no state")))
}

fn command(row: &Row<'_>, column: usize) -> Result<Vec<OsString>, Nonsense> {
    words_from_json(text(row, column)?).map_err(nonsense)
}

fn read_folder(row: &Row<'_>, column: usize) -> Result<PathBuf, Nonsense> {
    let word = word_from_json(text(row, column)?).map_err(nonsense)?;
    Ok(word.into())
}

fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, Nonsense> {
    text(row, column)?.parse().map_err(nonsense)
}

fn words(words: &[OsString]) -> rusqlite::Result<String> {
    words_to_json(words).map_err(not_json)
}

fn folder(attempt: &Attempt) -> rusqlite::Result<String> {
    word_to_json(attempt.folder.as_os_str()).map_err(not_json)
}

fn not_json(err: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(err.into())
}

fn time_text(at: Timestamp) -> String {
    format!("{at:.3}")
}
