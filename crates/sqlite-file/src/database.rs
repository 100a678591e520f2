//! Opening a database, and its transactions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::DatabaseError;
use crate::leftovers::{
    Alone, Beside, Checkpoint, Leftovers, Users, checkpoint_truncate, name_beside, recover_alone,
};
use crate::patience::Patience;
use crate::schema::{Schema, Verdict};
use crate::steps::{
    Size, connect, is_ours, look, look_at, mark, migrate, refuse_network, set_up, switch_to_wal,
};
use crate::sys;

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
        let alone = match size {
            Size::Something if beside.is_there() => recover_alone(path, schema, &patience)?,
            _ => Alone::NothingLeft,
        };
        let database = Self::open(path, schema, patience.left())?;
        let leftovers = match alone {
            Alone::NothingLeft => None,
            Alone::Recovered(leftovers) => Some(leftovers),
            Alone::Used => Some(Leftovers {
                wal_bytes: beside.wal_bytes,
                users: Users::Others,
                checkpoint: database.checkpoint_truncate(Duration::ZERO)?,
            }),
        };
        Ok((database, leftovers))
    }

    /// Whether there is nothing at that place: neither a database, be it an empty file, nor a `-wal` of one.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::NotADatabase`]: something else is there. [`DatabaseError::Io`].
    pub fn is_missing(path: &Path) -> Result<bool, DatabaseError> {
        Ok(look_at(path)? == Size::Nothing && !Beside::of(path)?.holds_something())
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
