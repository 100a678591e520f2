//! Between rows and leases: reading all of them, writing what has changed.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlite_file::Database;
use sqlite_file::rusqlite::{self, Connection, Row, Statement, params};

use crate::agent::Agent;
use crate::error::StoreError;
use crate::glob::Glob;
use crate::lease::{Lease, Mode, Token};
use crate::leases::Leases;
use crate::pattern::Pattern;
use crate::project::Project;
use crate::project_path::{PathError, ProjectPath};
use crate::queue::Waiter;
use crate::scope::Scope;

const READ_LOCKS: &str = "SELECT token, agent, mode, files, directories, globs, task_description, \
     acquired_at, renewed_at, expires_at, generation, bound_to FROM locks ORDER BY token";
const WRITE_LOCK: &str = "(token, agent, mode, files, directories, globs, task_description, \
     acquired_at, renewed_at, expires_at, generation, bound_to) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
const READ_WAITING: &str = "SELECT ticket, agent, mode, files, directories, globs, since, until, \
     process FROM waiting ORDER BY ticket";
const WRITE_WAITING: &str = "(ticket, agent, mode, files, directories, globs, since, until, \
     process) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Reads everything, within a transaction.
pub(super) fn read_all(
    database: &Database,
    path: &Path,
    project: &Project,
) -> Result<Leases, StoreError> {
    let reader = Reader {
        database,
        path,
        project,
    };
    let held = reader.rows("locks", READ_LOCKS, |row| reader.lease(row))?;
    let waiting = reader.rows("waiting", READ_WAITING, |row| reader.waiter(row))?;
    let counted: i64 = database
        .connection()
        .query_row(
            "SELECT coalesce(max(last_token), 0) FROM counter",
            [],
            |row| row.get(0),
        )
        .map_err(|err| database.explain("read", err))?;
    let tokens = held.iter().filter_map(|lease: &Lease| lease.token);
    let tickets = waiting.iter().map(|waiter: &Waiter| waiter.ticket);
    let counted = u64::try_from(counted).unwrap_or_default();
    Ok(Leases {
        last_token: tokens.chain(tickets).fold(Token(counted), Token::max),
        held,
        waiting,
        unreadable: Vec::new(),
    })
}

/// Why a row makes no sense.
enum Nonsense {
    /// The database could not be read.
    Unread(rusqlite::Error),
    /// It was edited by hand.
    Edited(String),
}

impl From<rusqlite::Error> for Nonsense {
    fn from(err: rusqlite::Error) -> Self {
        Self::Unread(err)
    }
}

fn edited(err: impl Display) -> Nonsense {
    Nonsense::Edited(err.to_string())
}

struct Reader<'a> {
    database: &'a Database,
    path: &'a Path,
    project: &'a Project,
}

impl Reader<'_> {
    fn rows<T>(
        &self,
        table: &str,
        sql: &str,
        read: impl Fn(&Row<'_>) -> Result<T, Nonsense>,
    ) -> Result<Vec<T>, StoreError> {
        let unread = |err| StoreError::from(self.database.explain("read", err));
        let mut statement = self.database.connection().prepare(sql).map_err(unread)?;
        let mut rows = statement.query([]).map_err(unread)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(unread)? {
            found.push(read(row).map_err(|err| match err {
                Nonsense::Unread(err) => unread(err),
                Nonsense::Edited(reason) => StoreError::NotAStore {
                    path: self.path.to_owned(),
                    reason: format!(
                        "row {} of the table {table}: {reason}",
                        row.get::<_, i64>(0).unwrap_or_default()
                    ),
                },
            })?);
        }
        Ok(found)
    }

    fn lease(&self, row: &Row<'_>) -> Result<Lease, Nonsense> {
        Ok(Lease {
            token: Some(token(row)?),
            agent: agent(row)?,
            mode: mode(row)?,
            scope: self.scope(row)?,
            task: row.get(6)?,
            acquired_at: time(row, 7)?,
            renewed_at: time(row, 8)?,
            expires_at: time(row, 9)?,
            generation: u64::try_from(row.get::<_, i64>(10)?).map_err(edited)?,
            bound_to: match row.get_ref(11)?.as_str_or_null().map_err(edited)? {
                Some(text) => Some(json(text)?),
                None => None,
            },
        })
    }

    fn waiter(&self, row: &Row<'_>) -> Result<Waiter, Nonsense> {
        Ok(Waiter {
            ticket: token(row)?,
            agent: agent(row)?,
            mode: mode(row)?,
            scope: self.scope(row)?,
            since: time(row, 6)?,
            until: time(row, 7)?,
            process: json(text(row, 8)?)?,
        })
    }

    fn scope(&self, row: &Row<'_>) -> Result<Scope, Nonsense> {
        let mut scope = Scope::default();
        for path in list(row, 3)? {
            scope.insert(Pattern::File(self.stored_path(&path).map_err(edited)?));
        }
        for path in list(row, 4)? {
            scope.insert(Pattern::Directory(self.stored_path(&path).map_err(edited)?));
        }
        for glob in list(row, 5)? {
            scope.insert(Pattern::Glob(self.stored_glob(&glob).map_err(edited)?));
        }
        if scope.is_empty() {
            return Err(edited("it covers nothing"));
        }
        Ok(scope)
    }

    /// What we wrote is clean and is taken as it is: to follow links in 10,000 paths would take longer than all the rest.
    fn stored_path(&self, text: &str) -> Result<ProjectPath, PathError> {
        if text.is_empty() {
            return Ok(ProjectPath::from_parts([]));
        }
        if is_clean(text) {
            return Ok(ProjectPath::from_parts(text.split('/')));
        }
        self.project.path(Path::new(text))
    }

    fn stored_glob(&self, text: &str) -> Result<Glob, PathError> {
        if is_clean(text) {
            return Glob::from_clean(text);
        }
        self.project.glob(text)
    }
}

/// Whether it is written as we write paths.
fn is_clean(text: &str) -> bool {
    !text.contains(char::is_control)
        && text
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str, Nonsense> {
    row.get_ref(column)?.as_str().map_err(edited)
}

fn token(row: &Row<'_>) -> Result<Token, Nonsense> {
    let number = u64::try_from(row.get::<_, i64>(0)?).map_err(edited)?;
    Token::written(number).map_err(edited)
}

fn agent(row: &Row<'_>) -> Result<Agent, Nonsense> {
    Agent::new(text(row, 1)?).map_err(edited)
}

fn mode(row: &Row<'_>) -> Result<Mode, Nonsense> {
    let name = text(row, 2)?;
    [Mode::Exclusive, Mode::Shared]
        .into_iter()
        .find(|mode| mode.name() == name)
        .ok_or_else(|| edited(format_args!("{name:?} is no mode")))
}

fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, Nonsense> {
    text(row, column)?.parse().map_err(edited)
}

fn list(row: &Row<'_>, column: usize) -> Result<Vec<String>, Nonsense> {
    match text(row, column)? {
        "[]" => Ok(Vec::new()),
        text => json(text),
    }
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, Nonsense> {
    serde_json::from_str(text).map_err(edited)
}

/// Writes the difference, within a transaction.
pub(super) fn write_changes(
    database: &Database,
    before: &Leases,
    after: &Leases,
) -> Result<(), StoreError> {
    write_difference(database.connection(), before, after)
        .map_err(|err| database.explain("write", err).into())
}

fn write_difference(
    connection: &Connection,
    before: &Leases,
    after: &Leases,
) -> rusqlite::Result<()> {
    // A lease without a number does not come about here; the table would refuse it.
    let number_of = |lease: &Lease| lease.token.unwrap_or_default();
    let locks = Table {
        connection,
        name: "locks",
        key: "token",
        columns: WRITE_LOCK,
    };
    locks.write(&before.held, &after.held, number_of, write_lock)?;
    let waiting = Table {
        connection,
        name: "waiting",
        key: "ticket",
        columns: WRITE_WAITING,
    };
    let ticket_of = |waiter: &Waiter| waiter.ticket;
    waiting.write(&before.waiting, &after.waiting, ticket_of, write_waiter)?;
    if before.last_token != after.last_token {
        let sql = "INSERT OR REPLACE INTO counter (id, last_token) VALUES (1, ?1)";
        connection.execute(sql, [number(after.last_token.0)?])?;
    }
    Ok(())
}

struct Table<'a> {
    connection: &'a Connection,
    name: &'static str,
    key: &'static str,
    columns: &'static str,
}

impl Table<'_> {
    fn write<T: PartialEq>(
        &self,
        before: &[T],
        after: &[T],
        number_of: impl Fn(&T) -> Token,
        write: impl Fn(&mut Statement<'_>, &T) -> rusqlite::Result<usize>,
    ) -> rusqlite::Result<()> {
        let Self {
            name, key, columns, ..
        } = self;
        let mut gone: BTreeMap<Token, &T> =
            before.iter().map(|row| (number_of(row), row)).collect();
        let mut changed = Vec::new();
        for row in after {
            if gone.remove(&number_of(row)) != Some(row) {
                changed.push(row);
            }
        }
        let delete = format!("DELETE FROM {name} WHERE {key} = ?1");
        for token in gone.into_keys() {
            self.connection.execute(&delete, [number(token.0)?])?;
        }
        if changed.is_empty() {
            return Ok(());
        }
        let replace = format!("INSERT OR REPLACE INTO {name} {columns}");
        let mut statement = self.connection.prepare(&replace)?;
        for row in changed {
            write(&mut statement, row)?;
        }
        Ok(())
    }
}

fn write_lock(statement: &mut Statement<'_>, lease: &Lease) -> rusqlite::Result<usize> {
    let [files, directories, globs] = lists(&lease.scope)?;
    let bound_to = lease.bound_to.as_ref().map(to_json).transpose()?;
    statement.execute(params![
        number(lease.token.unwrap_or_default().0)?,
        lease.agent.as_str(),
        lease.mode.name(),
        files,
        directories,
        globs,
        lease.task,
        to_text(lease.acquired_at),
        to_text(lease.renewed_at),
        to_text(lease.expires_at),
        number(lease.generation)?,
        bound_to,
    ])
}

fn write_waiter(statement: &mut Statement<'_>, waiter: &Waiter) -> rusqlite::Result<usize> {
    let [files, directories, globs] = lists(&waiter.scope)?;
    statement.execute(params![
        number(waiter.ticket.0)?,
        waiter.agent.as_str(),
        waiter.mode.name(),
        files,
        directories,
        globs,
        to_text(waiter.since),
        to_text(waiter.until),
        to_json(&waiter.process)?,
    ])
}

/// Files, directories and globs, each as JSON.
fn lists(scope: &Scope) -> rusqlite::Result<[String; 3]> {
    let mut lists: [Vec<&str>; 3] = Default::default();
    for pattern in scope.patterns() {
        match pattern {
            Pattern::File(path) => lists[0].push(path.as_str()),
            Pattern::Directory(path) => lists[1].push(path.as_str()),
            Pattern::Glob(glob) => lists[2].push(glob.as_str()),
        }
    }
    let [files, directories, globs] = lists;
    Ok([to_json(&files)?, to_json(&directories)?, to_json(&globs)?])
}

fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|err| rusqlite::Error::ToSqlConversionFailure(err.into()))
}

fn to_text(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// SQLite's numbers have a sign.
fn number(value: u64) -> rusqlite::Result<i64> {
    i64::try_from(value).map_err(|err| rusqlite::Error::ToSqlConversionFailure(err.into()))
}
