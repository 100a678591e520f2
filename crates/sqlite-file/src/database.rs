//! Opening a database, and its transactions.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::error::{DatabaseError, folder_of};
use crate::leftovers::{
    Beside, Checkpoint, Leftovers, Users, checkpoint_truncate, claim, name_beside, unless_used,
};
use crate::patience::Patience;
use crate::schema::{Found, Schema, Verdict};
use crate::sys;

/// No database is shorter (SQLite's file format, 1.3.2). SQLite takes a shorter file for an empty database and writes over it.
const SMALLEST_PAGE: u64 = 512;

/// An open database.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    /// Opens a database, makes it where there is none (in a folder that exists), and brings it up to date; waits for others
    /// no longer than `timeout`.
    ///
    /// What a killed process left is recovered. A database of another program, or of a later version, is left alone.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`].
    pub fn open(
        path: &Path,
        schema: &Schema<'_>,
        timeout: Duration,
    ) -> Result<Self, DatabaseError> {
        refuse_network(path)?;
        look_at(path)?;
        let patience = Patience::new(path, timeout);
        let connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE, &patience)?;
        patience.run("set up", &connection, set_up)?;
        let found = patience.run("read", &connection, look)?;
        let verdict = schema.judge(path, found)?;
        patience.run("set up", &connection, is_ours)?;
        if verdict == Verdict::New {
            patience.run("set up", &connection, |new| mark(new, schema))?;
        }
        let mode = patience.run("set up", &connection, switch_to_wal)?;
        if mode != "wal" {
            let path = path.to_owned();
            return Err(DatabaseError::NoWal { path, mode });
        }
        let found = patience.run("bring up to date", &connection, |old| migrate(old, schema))?;
        schema.judge(path, found)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// Like [`Database::open`], but looks first for a `-wal` and a `-shm` that a killed process left, and brings what they
    /// hold into the database before anything is asked or changed. `None`: there were no such files.
    ///
    /// It never deletes a `-wal` by itself; SQLite does once all of it is in the database and nobody has it open.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`]; [`DatabaseError::OrphanedWal`] comes from here only.
    pub fn open_and_recover(
        path: &Path,
        schema: &Schema<'_>,
        timeout: Duration,
    ) -> Result<(Self, Option<Leftovers>), DatabaseError> {
        refuse_network(path)?;
        let size = look_at(path)?;
        let beside = Beside::of(path)?;
        if size == Size::Nothing && beside.holds_something() {
            // SQLite would delete it.
            let wal = name_beside(path, "-wal");
            return Err(DatabaseError::OrphanedWal { wal });
        }
        let patience = Patience::new(path, timeout);
        let recovered = match size {
            Size::Something if beside.is_there() => recover_alone(path, schema, &patience)?,
            _ => None,
        };
        let database = Self::open(path, schema, patience.left())?;
        let found = |users, checkpoint| Leftovers {
            wal_bytes: beside.wal_bytes,
            users,
            checkpoint,
        };
        let leftovers = match recovered {
            Some(checkpoint) => Some(found(Users::Nobody, checkpoint)),
            None if beside.is_there() => {
                let checkpoint = database.checkpoint_truncate(Duration::ZERO)?;
                Some(found(Users::Others, checkpoint))
            }
            None => None,
        };
        Ok((database, leftovers))
    }

    /// Opens a database only to read what is in it: nothing is created or changed, and nothing can be. `None`: there is
    /// nothing in it yet, or no such file.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`].
    pub fn open_to_read(
        path: &Path,
        schema: &Schema<'_>,
        timeout: Duration,
    ) -> Result<Option<Self>, DatabaseError> {
        if look_at(path)? == Size::Nothing {
            return Ok(None);
        }
        refuse_network(path)?;
        let patience = Patience::new(path, timeout);
        // Not `SQLITE_OPEN_READ_ONLY`: such a connection leaves an empty `-wal` and a `-shm` behind.
        let connection = match connect(path, OpenFlags::empty(), &patience) {
            Err(_) if look_at(path)? == Size::Nothing => return Ok(None),
            connected => connected?,
        };
        patience.run("set up", &connection, set_up)?;
        patience.run("set up", &connection, |reader| {
            reader.pragma_update(None, "query_only", true)
        })?;
        let found = patience.run("read", &connection, look)?;
        let verdict = schema.judge(path, found)?;
        patience.run("set up", &connection, is_ours)?;
        match verdict {
            Verdict::New | Verdict::Ours(0) => Ok(None),
            Verdict::Ours(version) if version < schema.version() => {
                Err(DatabaseError::EarlierVersion {
                    path: path.to_owned(),
                    found: version,
                    known: schema.version(),
                })
            }
            Verdict::Ours(_) => Ok(Some(Self {
                connection,
                path: path.to_owned(),
            })),
        }
    }

    /// The connection, for statements.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Locks the database against other writers and begins a transaction, waiting no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Busy`], [`DatabaseError::NotADatabase`], [`DatabaseError::Io`].
    pub fn begin_immediate(&self, timeout: Duration) -> Result<(), DatabaseError> {
        let patience = Patience::new(&self.path, timeout);
        patience.run("lock", &self.connection, |connection| {
            connection.execute_batch("BEGIN IMMEDIATE")
        })
    }

    /// Begins a transaction that reads one state of the database, whatever others write meanwhile.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::NotADatabase`], [`DatabaseError::Io`].
    pub fn begin_to_read(&self) -> Result<(), DatabaseError> {
        self.connection
            .execute_batch("BEGIN")
            .map_err(|err| self.explain("read", err))
    }

    /// Writes the transaction to the disk and ends it.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Io`] and the others: nothing of it counts, and the transaction is still open.
    pub fn commit(&self) -> Result<(), DatabaseError> {
        self.connection
            .execute_batch("COMMIT")
            .map_err(|err| self.explain("write", err))
    }

    /// Ends a transaction, if there is one, without writing anything.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Io`]: the database is not to be used any more.
    pub fn roll_back(&self) -> Result<(), DatabaseError> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.connection
            .execute_batch("ROLLBACK")
            .map_err(|err| self.explain("give back", err))
    }

    /// Brings what the `-wal` holds into the database and empties it, waiting for others no longer than `timeout`. That they
    /// stood in the way is no error, but told in what is returned.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::NotADatabase`], [`DatabaseError::Io`].
    pub fn checkpoint_truncate(&self, timeout: Duration) -> Result<Checkpoint, DatabaseError> {
        let patience = Patience::new(&self.path, timeout);
        patience.run("checkpoint", &self.connection, checkpoint_truncate)
    }

    /// Whether the file was deleted, renamed or replaced since it was opened: others use another one then, or will.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Io`].
    pub fn has_moved(&self) -> Result<bool, DatabaseError> {
        sys::has_moved(&self.connection).map_err(|err| self.explain("look at", err))
    }

    /// What an error of a statement means.
    pub fn explain(&self, step: &'static str, err: rusqlite::Error) -> DatabaseError {
        DatabaseError::new(step, &self.path, Duration::ZERO, err)
    }
}

#[derive(PartialEq, Eq)]
enum Size {
    /// No file, or an empty one.
    Nothing,
    Something,
}

/// By its name only: to open and close the file would drop the locks that this process may have on it.
fn look_at(path: &Path) -> Result<Size, DatabaseError> {
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

fn refuse_network(path: &Path) -> Result<(), DatabaseError> {
    if sys::is_on_network(folder_of(path)) {
        let path = path.to_owned();
        return Err(DatabaseError::Network { path });
    }
    Ok(())
}

fn connect(
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

fn is_ours(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
        .map(drop)
}

/// Recovers what a killed process left; `None`: others use the database, so it has been recovered already.
fn recover_alone(
    path: &Path,
    schema: &Schema<'_>,
    patience: &Patience<'_>,
) -> Result<Option<Checkpoint>, DatabaseError> {
    let connection = connect(path, OpenFlags::empty(), patience)?;
    let explain = |err| patience.explain("recover", err);
    // Before any other setting: some of them read the database.
    claim(&connection).map_err(explain)?;
    let read = set_up(&connection).and_then(|()| look(&connection));
    let Some(found) = unless_used(read).map_err(explain)? else {
        return Ok(None);
    };
    schema.judge(path, found)?;
    is_ours(&connection).map_err(explain)?;
    unless_used(checkpoint_truncate(&connection)).map_err(explain)
}

/// Settings that hold for this connection and change nothing in the file.
fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;",
    )
}

/// Reads what the file says of itself, all of one moment.
fn look(connection: &Connection) -> rusqlite::Result<Found> {
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
fn mark(connection: &Connection, schema: &Schema<'_>) -> rusqlite::Result<()> {
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

fn switch_to_wal(connection: &Connection) -> rusqlite::Result<String> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
}

/// Returns what the file says of itself afterwards: meanwhile a later version of this program may have been at work.
fn migrate(connection: &Connection, schema: &Schema<'_>) -> rusqlite::Result<Found> {
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
