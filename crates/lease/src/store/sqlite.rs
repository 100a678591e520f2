//! The store as an SQLite database.
//!
//! Who changes it has its write lock from the first look to the commit (`BEGIN IMMEDIATE`), and the commit is on the disk
//! when it returns. A reader waits for nobody. See [`sqlite_file`] for the files beside the database and where it may lie.
//!
//! Times are kept in whole milliseconds. A row that makes no sense was edited by hand: nothing is decided until a person has
//! repaired or deleted it, because nobody can know what it covers.

mod rows;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlite_file::{Database, DatabaseError, Schema};

use crate::error::StoreError;
use crate::leases::Leases;
use crate::project::Project;
use crate::store::{LeaseStore, Transaction};

/// `leas` in ASCII: what `file(1)` and SQLite show as the application id.
const SCHEMA: Schema<'_> = Schema {
    application_id: 0x6c65_6173,
    migrations: &[include_str!("sqlite/version_1.sql")],
};

/// Where the application id stands in a file of `SQLite`, and how such a file begins: <https://sqlite.org/fileformat2.html>.
const APPLICATION_ID_AT: usize = 68;
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Whether a file is a database of leases, by its first bytes.
///
/// Not for one that this process has open: to close it would drop SQLite's locks on it. Whoever asks is about to overwrite
/// the file, which would do that, and worse.
pub(crate) fn is_store(file: &Path) -> bool {
    // Whoever opens a FIFO waits.
    if !file.is_file() {
        return false;
    }
    let mut head = [0; APPLICATION_ID_AT + 4];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok()
        && head.starts_with(MAGIC)
        && head[APPLICATION_ID_AT..] == SCHEMA.application_id.to_be_bytes()
}

/// A reader waits only while another process recovers what a killed one left; chosen as the default of [`Rules`](crate::Rules).
const RECOVERY: Duration = Duration::from_secs(5);

/// How often a database may be deleted or replaced while it is being locked. Chosen: that is somebody's mistake, not work.
const REOPENINGS: u32 = 3;

/// Leases in a database. One value serves all threads of a process.
///
/// The database is open only while it is used: one that is open but idle would keep the files beside it alive, and whoever
/// makes a new database after somebody deleted this one would find them and read nonsense. So a database that nobody uses
/// may be deleted at any time; the next use makes a new one, whose tokens rise still, by the clock.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    project: Project,
    state: Mutex<State>,
    turn_ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whether a thread of this process has its turn to write.
    is_taken: bool,
    /// How many threads wait for theirs.
    waiting: usize,
    /// For the next one of these: to open a database and to close it again takes longer than to write a lease.
    handed_on: Option<Database>,
}

impl SqliteStore {
    /// The store in the database at `path`, which need not exist, nor the folder that holds it. Nothing is touched yet.
    ///
    /// `project` is the one whose paths are leased.
    pub fn new(path: PathBuf, project: Project) -> Self {
        Self {
            path,
            project,
            state: Mutex::default(),
            turn_ended: Condvar::new(),
        }
    }

    /// Waits until no other thread of this process writes.
    fn take_turn(&self, timeout: Duration) -> Result<Turn<'_>, StoreError> {
        let mut state = self.state();
        state.waiting += 1;
        let (mut state, _) = self
            .turn_ended
            .wait_timeout_while(state, timeout, |state| state.is_taken)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        if state.is_taken {
            return Err(StoreError::Busy {
                path: self.path.clone(),
                waited: timeout,
            });
        }
        state.is_taken = true;
        Ok(Turn(self))
    }

    /// A connection that has the write lock, to the database that bears the name now.
    fn lock(&self, timeout: Duration) -> Result<Database, StoreError> {
        let started = Instant::now();
        let left = || timeout.saturating_sub(started.elapsed());
        let mut handed_on = self.state().handed_on.take();
        for _ in 0..REOPENINGS {
            let database = match handed_on.take() {
                Some(database) => database,
                None => self.open(left())?,
            };
            database.begin_immediate(left())?;
            if !database.has_moved()? {
                return Ok(database);
            }
        }
        Err(self.interfered())
    }

    fn open(&self, timeout: Duration) -> Result<Database, StoreError> {
        // The output directory, not all that leads to it: a mistyped path must not become a store that nobody sees.
        let folder = self.path.parent();
        if let Some(folder) = folder.filter(|name| !name.as_os_str().is_empty() && !name.exists()) {
            atomic_file::ensure_folder(folder).map_err(StoreError::Commit)?;
        }
        Ok(Database::open(&self.path, &SCHEMA, timeout)?)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves it whole: each change of it is a single step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn interfered(&self) -> StoreError {
        StoreError::Interfered {
            path: self.path.clone(),
        }
    }

    fn read_by(&self, database: &Database) -> Result<Leases, StoreError> {
        database.begin_to_read()?;
        let leases = rows::read_all(database, &self.path, &self.project);
        database.roll_back()?;
        leases
    }
}

impl LeaseStore for SqliteStore {
    fn place(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> Result<Leases, StoreError> {
        match Database::open_to_read(&self.path, &SCHEMA, RECOVERY)? {
            Some(database) => self.read_by(&database),
            None => Ok(Leases::default()),
        }
    }

    fn begin(&self, timeout: Duration) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let started = Instant::now();
        let turn = self.take_turn(timeout)?;
        let database = self.lock(timeout.saturating_sub(started.elapsed()))?;
        let leases = rows::read_all(&database, &self.path, &self.project)?;
        Ok(Box::new(Locked {
            database: Some(database),
            leases,
            turn,
        }))
    }
}

/// The right of one thread of this process to write. The next one has it when this is dropped.
#[derive(Debug)]
struct Turn<'a>(&'a SqliteStore);

impl Turn<'_> {
    /// Leaves the database to the next thread, if one waits; else it is closed.
    fn hand_on(&self, database: Database) {
        let mut state = self.0.state();
        if state.waiting > 0 {
            state.handed_on = Some(database);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_taken = false;
        let is_last = state.waiting == 0;
        // Those who waited have given up since.
        let unused = state.handed_on.take_if(|_| is_last);
        drop(state);
        self.0.turn_ended.notify_one();
        drop(unused);
    }
}

/// A database with the write lock.
#[derive(Debug)]
struct Locked<'a> {
    /// Always there until it is dropped.
    database: Option<Database>,
    leases: Leases,
    turn: Turn<'a>,
}

impl Locked<'_> {
    fn write(&self, database: &Database, after: &Leases) -> Result<(), StoreError> {
        rows::write_changes(database, &self.leases, after)?;
        // The last moment: what is written to a file without a name is in nobody's store.
        self.verify()?;
        Ok(database.commit()?)
    }
}

impl Transaction for Locked<'_> {
    fn leases(&self) -> &Leases {
        &self.leases
    }

    fn verify(&self) -> Result<(), StoreError> {
        match &self.database {
            Some(database) if database.has_moved()? => Err(self.turn.0.interfered()),
            _ => Ok(()),
        }
    }

    fn commit(self: Box<Self>, after: &Leases) -> Result<(), StoreError> {
        match &self.database {
            Some(database) => self.write(database, after),
            None => Ok(()),
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Before the turn ends, which is when the fields are dropped.
        if let Some(database) = self.database.take()
            && database.roll_back().is_ok()
        {
            self.turn.hand_on(database);
        }
    }
}

impl From<DatabaseError> for StoreError {
    fn from(err: DatabaseError) -> Self {
        match err {
            DatabaseError::Busy { path, waited } => Self::Busy { path, waited },
            DatabaseError::Io { step, path, source } => Self::Io {
                step,
                path,
                source: source.into(),
            },
            DatabaseError::NotADatabase { path, source } => Self::NotAStore {
                path,
                reason: source.to_string(),
            },
            DatabaseError::OtherApplication { path, found } => Self::NotAStore {
                path,
                reason: format!("a database of another program (application id {found:#x})"),
            },
            DatabaseError::LaterVersion { path, found, known } => Self::NotAStore {
                path,
                reason: format!("it has version {found}; this program knows up to {known}"),
            },
            DatabaseError::NoWal { ref path, .. }
            | DatabaseError::Network { ref path }
            | DatabaseError::EarlierVersion { ref path, .. } => Self::Io {
                step: "use",
                path: path.clone(),
                source: err.into(),
            },
            other => Self::Io {
                step: "use",
                path: PathBuf::new(),
                source: other.into(),
            },
        }
    }
}
