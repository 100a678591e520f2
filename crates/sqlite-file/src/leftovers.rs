//! The files beside a database: whether somebody left them behind, and bringing what they hold into the database.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::{DatabaseError, is_busy};
use crate::patience::Patience;
use crate::schema::Schema;
use crate::steps::{connect, is_ours, look, set_up};

/// What `PRAGMA wal_checkpoint(TRUNCATE)` answers: a row, also where others stood in its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whether others kept it from coming to its end. Nothing is lost then: it happens later.
    pub busy: bool,
    /// Pages in the `-wal`; 0 after one that came to its end, which leaves none. `None` without WAL mode.
    pub frames: Option<u64>,
    /// How many of them are in the database now.
    pub checkpointed: Option<u64>,
}

/// Who used the database when the files beside it were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    /// Nobody, so whoever made these files was killed, or the machine stopped.
    Nobody,
    /// Others do right now. Whether there is also something of a killed process among the files cannot be known.
    Others,
}

/// Files that lay beside a database before it was opened, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leftovers {
    /// The length of the `-wal` in bytes; `None`: there was none, but a `-shm`.
    pub wal_bytes: Option<u64>,
    /// Who used the database.
    pub users: Users,
    /// What became of the `-wal`.
    pub checkpoint: Checkpoint,
}

/// What lies beside a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beside {
    pub(crate) wal_bytes: Option<u64>,
    pub(crate) has_shm: bool,
}

impl Beside {
    /// By their names only: to open and close them would drop the locks that this process may have.
    pub(crate) fn of(database: &Path) -> Result<Self, DatabaseError> {
        Ok(Self {
            wal_bytes: length_of(&name_beside(database, "-wal"))?,
            has_shm: length_of(&name_beside(database, "-shm"))?.is_some(),
        })
    }

    pub(crate) fn holds_something(self) -> bool {
        self.wal_bytes.is_some_and(|bytes| bytes > 0)
    }

    pub(crate) fn is_there(self) -> bool {
        self.wal_bytes.is_some() || self.has_shm
    }
}

pub(crate) fn name_beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(ending);
    name.into()
}

fn length_of(path: &Path) -> Result<Option<u64>, DatabaseError> {
    match path.metadata() {
        Ok(found) => Ok(Some(found.len())),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DatabaseError::Io {
            step: "look at",
            path: path.to_owned(),
            source,
        }),
    }
}

/// What a connection found that wanted the database for itself.
pub(crate) enum Alone {
    /// Others use it, so that it has been recovered already.
    Used,
    /// Others have closed it meanwhile.
    NothingLeft,
    Recovered(Leftovers),
}

/// Recovers what a killed process left.
pub(crate) fn recover_alone(
    path: &Path,
    schema: &Schema<'_>,
    patience: &Patience<'_>,
) -> Result<Alone, DatabaseError> {
    let connection = connect(path, OpenFlags::empty(), patience)?;
    let explain = |err| patience.explain("recover", err);
    // Before any other setting: some of them read the database.
    claim(&connection).map_err(explain)?;
    let read = set_up(&connection).and_then(|()| look(&connection));
    let Some(found) = unless_used(read).map_err(explain)? else {
        return Ok(Alone::Used);
    };
    schema.judge(path, found)?;
    is_ours(&connection).map_err(explain)?;
    // Only now: whoever had it open when the files were seen may have closed it, and taken them away, since. An empty
    // `-wal` may be the one of this connection, which makes no `-shm`.
    let left = Beside::of(path)?;
    if !left.has_shm && !left.holds_something() {
        return Ok(Alone::NothingLeft);
    }
    let checkpoint = checkpoint_truncate(&connection).map_err(explain)?;
    Ok(Alone::Recovered(Leftovers {
        wal_bytes: left.wal_bytes,
        users: Users::Nobody,
        checkpoint,
    }))
}

/// Asks for the database for this connection alone, before it reads anything: SQLite grants that only where nobody else
/// has it open, and does not touch the `-shm` then.
fn claim(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update_and_check(None, "locking_mode", "exclusive", |_| Ok(()))
}

/// Reads with a connection that has claimed the database; `None`: others have it open.
fn unless_used<T>(read: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match read {
        Err(err) if is_busy(&err) => Ok(None),
        read => read.map(Some),
    }
}

pub(crate) fn checkpoint_truncate(connection: &Connection) -> rusqlite::Result<Checkpoint> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        Ok(Checkpoint {
            busy: row.get(0)?,
            // -1 without WAL mode.
            frames: u64::try_from(row.get::<_, i64>(1)?).ok(),
            checkpointed: u64::try_from(row.get::<_, i64>(2)?).ok(),
        })
    })
}
