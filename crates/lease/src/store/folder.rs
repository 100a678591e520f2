//! The store as a folder of JSON files, one for each agent.
//!
//! `{agent}.lock` is the schema of the integration-locks requirement, which shell scripts and other tools read and write, too.
//! What stands in such a file counts whoever wrote it. Beside them lies `.leases.json`: the last number given out, and who
//! waits. All else in the folder is left alone.
//!
//! One lock guards the whole folder: the sidecar `{folder}.lock` beside it, which is there even if the folder is not.
//!
//! # Limits
//!
//! - Other tools do not take the lock. What they change between our read and our commit in a file that we write is noticed;
//!   what they write into another one at the same moment is seen by the next who looks.
//! - Whoever reads without the lock ([`LeaseStore::read`]) never sees two holders where there is one; but in the moment in which
//!   a lease passes from one agent to another it may see none. Decide under the lock ([`LeaseStore::begin`]).
//! - On a file system that ignores case, two agents whose names differ in nothing else cannot both hold something.

mod change;
mod entry;
mod lists;
mod members;
mod plan;
mod record;
mod removal;
mod scan;
mod state;
mod summary;
mod times;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::{CommitError, Durability};
use jiff::Timestamp;
use sidecar_lock::{LockGuard, LockOptions, SidecarLock};

use self::change::Change;
use self::plan::Plan;
use self::scan::{Found, STATE_FILE, not_a_folder, scan};
use super::{LeaseStore, Transaction};
use crate::error::StoreError;
use crate::leases::Leases;
use crate::project::Project;

pub use self::removal::Removal;

/// Whether leases are kept in a folder: our own state lies in it.
pub(crate) fn is_store(folder: &Path) -> bool {
    folder.join(STATE_FILE).is_file()
}

/// How often a folder is read anew because somebody changed it meanwhile; chosen: to look must not take for ever.
const REREADS: u32 = 10;

/// A folder of leases. Holds paths only; nothing is on disk until the first commit, which makes the folder in one that exists.
#[derive(Debug, Clone)]
pub struct FolderStore {
    folder: PathBuf,
    project: Project,
}

impl FolderStore {
    /// The store at `folder`, for the paths of `project`.
    pub fn new(folder: PathBuf, project: Project) -> Self {
        Self { folder, project }
    }

    fn lock(&self, timeout: Duration) -> Result<LockGuard, StoreError> {
        if std::fs::metadata(&self.folder).is_ok_and(|found| !found.is_dir()) {
            return Err(not_a_folder(&self.folder));
        }
        let options = LockOptions {
            timeout,
            purpose: Some("leases".to_owned()),
            ..LockOptions::default()
        };
        let guard = SidecarLock::new(&self.folder)
            .and_then(|lock| lock.acquire(&options))
            .map_err(StoreError::Lock)?;
        if guard.took_over().is_some() {
            clean_up(&guard);
        }
        Ok(guard)
    }
}

/// Puts right what a half-done commit has left.
fn clean_up(guard: &LockGuard) {
    if let Err(err) = guard.sweep_temporaries() {
        tracing::warn!(%err, "leftovers beside a lock not swept");
    }
    if !guard.resource().exists() {
        return;
    }
    match atomic_file::sweep(guard.resource()) {
        Ok(swept) => {
            for path in swept.restored {
                tracing::warn!(path = %path.display(), "is again the version that a dead writer had displaced");
            }
            for path in swept.rescued {
                tracing::warn!(path = %path.display(), "another version of a file of leases was kept");
            }
        }
        Err(err) => tracing::warn!(%err, "leftovers of a dead writer not swept"),
    }
}

impl LeaseStore for FolderStore {
    fn place(&self) -> &Path {
        &self.folder
    }

    fn read(&self) -> Result<Leases, StoreError> {
        let folder = match std::fs::canonicalize(&self.folder) {
            Ok(folder) => folder,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Leases::default()),
            Err(source) => {
                return Err(StoreError::Io {
                    step: "find",
                    path: self.folder.clone(),
                    source: Box::new(source),
                });
            }
        };
        let mut found = scan(&folder, &self.project)?;
        for _ in 0..REREADS {
            // One file is read after the other: what passes meanwhile from one agent to another could be seen twice, or not
            // at all. Where nothing is different now, all of it was there at one moment.
            if found.is_current(&folder)? {
                break;
            }
            found = scan(&folder, &self.project)?;
        }
        Ok(found.leases)
    }

    fn remove_if_empty(&self, timeout: Duration) -> Result<Removal, StoreError> {
        Self::remove_if_empty(self, timeout)
    }

    fn begin(&self, timeout: Duration) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let guard = self.lock(timeout)?;
        let mut found = scan(guard.resource(), &self.project)?;
        if found.has_temporaries {
            // Nobody writes there without the lock, and nobody else comes to take them away: a power cut can take the lock of a
            // dead writer, and one whose removal failed has given its lock back.
            clean_up(&guard);
            found = scan(guard.resource(), &self.project)?;
        }
        Ok(Box::new(Open { guard, found }))
    }
}

/// A locked folder, read.
struct Open {
    guard: LockGuard,
    found: Found,
}

impl Transaction for Open {
    fn leases(&self) -> &Leases {
        &self.found.leases
    }

    fn verify(&self) -> Result<(), StoreError> {
        self.guard.verify().map_err(|_| StoreError::Interfered {
            path: self.guard.sidecar().to_path_buf(),
        })
    }

    fn commit(self: Box<Self>, after: &Leases) -> Result<(), StoreError> {
        let folder = self.guard.resource();
        let plan = plan::plan(folder, &self.found, after, Timestamp::now())?;
        let written = self.write(plan);
        if let Err(err) = self.guard.release() {
            tracing::warn!(%err, "lock of the leases not released cleanly");
        }
        written
    }
}

impl Open {
    fn write(&self, plan: Plan) -> Result<(), StoreError> {
        for change in plan.state.iter().chain(&plan.files) {
            change.check()?;
        }
        if self.found.state.is_none() && (plan.state.is_some() || !plan.files.is_empty()) {
            make_folder(self.guard.resource())?;
        }
        if let Some(state) = plan.state {
            self.apply(state, Durability::Durable)
                .map_err(uncommitted)?;
        }
        let mut unsynced = Ok(());
        for change in plan.files {
            match self.apply(change, Durability::Durable) {
                Err(err) if err.is_committed() => unsynced = Err(err),
                applied => applied?,
            }
        }
        if let Some(places) = plan.places
            && let Err(err) = self.apply(places, Durability::Fast)
        {
            // The leases are written. The place ends with its process, or at its limit.
            tracing::warn!(%err, "a place in the queue was not given up");
        }
        unsynced
    }

    /// Makes a change with the lock held: people and scripts delete lock files.
    fn apply(&self, change: Change, durability: Durability) -> Result<(), StoreError> {
        self.guard.verify().map_err(|_| StoreError::Interfered {
            path: self.guard.sidecar().to_path_buf(),
        })?;
        change.apply(durability)
    }
}

/// Where there is no state yet nobody has made the name of the folder durable, whoever made the folder.
fn make_folder(folder: &Path) -> Result<(), StoreError> {
    match atomic_file::ensure_folder(folder) {
        Ok(_) => Ok(()),
        Err(CommitError::AlreadyExists { path }) => Err(not_a_folder(&path)),
        Err(err) => Err(StoreError::Commit(err)),
    }
}

/// The state is there, and perhaps not for long; the leases, which matter, are not there at all.
fn uncommitted(err: StoreError) -> StoreError {
    match err {
        StoreError::Commit(CommitError::CommittedUnsynced { path, source }) => StoreError::Io {
            step: "make durable",
            path,
            source: Box::new(source),
        },
        err => err,
    }
}
