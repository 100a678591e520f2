//! The steps of opening a database.

use std::io;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::error::{DatabaseError, folder_of};
use crate::leftovers::Beside;
use crate::patience::Patience;
use crate::schema::{Found, Schema};
use crate::sys;

/// No database is shorter (SQLite's file format, 1.3.2). SQLite takes a shorter file for an empty database and writes over it.
const SMALLEST_PAGE: u64 = 512;

#[derive(PartialEq, Eq)]
pub(crate) enum Size {
    /// No file, or an empty one.
    Nothing,
    Something,
}

/// By its name only: to open and close the file would drop the locks that this process may have on it.
pub(crate) fn look_at(path: &Path) -> Result<Size, DatabaseError> {
    match path.metadata() {
        Ok(found) if found.is_file() && found.len() == 0 => Ok(Size::Nothing),
        Ok(found) if !found.is_file() || found.len() < SMALLEST_PAGE => {
            Err(DatabaseError::NotADatabase {
                path: path.to_owned(),
                source: rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOTADB), None),
            })
        }
        Ok(_) => Ok(Size::Something),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Size::Nothing),
        Err(source) => Err(DatabaseError::Io {
            step: "look at",
            path: path.to_owned(),
            source,
        }),
    }
}

pub(crate) fn refuse_network(path: &Path) -> Result<(), DatabaseError> {
    if sys::is_on_network(folder_of(path)) {
        let path = path.to_owned();
        return Err(DatabaseError::Network { path });
    }
    Ok(())
}

pub(crate) fn connect(
    path: &Path,
    flags: OpenFlags,
    patience: &Patience<'_>,
) -> Result<Connection, DatabaseError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // With a folder before it no name is special: `:memory:` and `file:…` are files, too.
    let connection = Connection::open_with_flags(Path::new(".").join(path), flags)
        .map_err(|err| patience.explain("open", err))?;
    // The last one to close brings the `-wal` into the database, which would change one that turns out to be somebody else's.
    let keeps_wal = Beside::of(path)?.holds_something();
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps_wal)
        .map_err(|err| patience.explain("set up", err))?;
    Ok(connection)
}

/// A database of ours: who closes it last may bring the `-wal` into it.
pub(crate) fn is_ours(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
        .map(drop)
}

/// Settings that hold for this connection and change nothing in the file.
pub(crate) fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;",
    )
}

/// Reads what the file says of itself, all of one moment.
pub(crate) fn look(connection: &Connection) -> rusqlite::Result<Found> {
    let reading = connection.unchecked_transaction()?;
    let found = found_in(&reading)?;
    reading.commit()?;
    Ok(found)
}

fn found_in(connection: &Connection) -> rusqlite::Result<Found> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    Ok(Found {
        // SQLite keeps both as 32 bits with a sign.
        #[expect(clippy::cast_possible_truncation, reason = "they have 32 bits")]
        application_id: number("application_id")? as i32,
        #[expect(clippy::cast_possible_truncation, reason = "they have 32 bits")]
        user_version: number("user_version")? as i32,
        pages: number("page_count")?,
    })
}

/// Makes an empty file ours, in the file itself and before anything goes to the `-wal`: from now on it is never taken for
/// somebody else's.
pub(crate) fn mark(connection: &Connection, schema: &Schema<'_>) -> rusqlite::Result<()> {
    let writing = immediate(connection)?;
    let found = found_in(&writing)?;
    // The lock alone makes the first page, so that the number of pages says nothing any more.
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = writing.query_row(tables, [], |row| row.get(0))?;
    if (found.application_id, found.user_version, tables) == (0, 0, 0) {
        writing.pragma_update(None, "application_id", schema.application_id)?;
    }
    writing.commit()
}

pub(crate) fn switch_to_wal(connection: &Connection) -> rusqlite::Result<String> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
}

/// Returns what the file says of itself afterwards: meanwhile a later version of this program may have been at work.
pub(crate) fn migrate(connection: &Connection, schema: &Schema<'_>) -> rusqlite::Result<Found> {
    let found = look(connection)?;
    if is_up_to_date(found, schema) {
        return Ok(found);
    }
    let writing = immediate(connection)?;
    let found = found_in(&writing)?;
    if !is_up_to_date(found, schema) {
        let done = usize::try_from(found.user_version).unwrap_or_default();
        for migration in schema.migrations.iter().skip(done) {
            writing.execute_batch(migration)?;
        }
        writing.pragma_update(None, "user_version", schema.user_version())?;
    }
    let found = found_in(&writing)?;
    writing.commit()?;
    Ok(found)
}

fn is_up_to_date(found: Found, schema: &Schema<'_>) -> bool {
    found.user_version < 0 || found.user_version >= schema.user_version()
}

/// A transaction that is rolled back unless it is committed.
fn immediate(connection: &Connection) -> rusqlite::Result<rusqlite::Transaction<'_>> {
    rusqlite::Transaction::new_unchecked(connection, rusqlite::TransactionBehavior::Immediate)
}
