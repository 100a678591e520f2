//! Removing a folder of leases in which there are none.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::Durability;
use jiff::Timestamp;

use super::FolderStore;
use super::change::Change;
use super::scan::{Found, STATE_FILE, names_in, scan};
use crate::error::StoreError;
use crate::lease::Token;

/// What became of a folder of leases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    /// Whether it was removed.
    pub removed: bool,
    /// What it holds beside leases: the reason, where no leases are.
    pub foreign: Vec<PathBuf>,
}

impl FolderStore {
    /// Removes the folder if it holds no leases, nobody waits, and nothing else lies in it. Numbers go on from the clock
    /// afterwards; where they are ahead of it, because it was set back, the folder stays. A folder that is missing is no
    /// error, and was not removed.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it is there still. [`StoreError::is_retryable`] says whether trying again helps.
    pub fn remove_if_empty(&self, timeout: Duration) -> Result<Removal, StoreError> {
        let guard = self.lock(timeout)?;
        let folder = guard.resource();
        let found = scan(folder, &self.project)?;
        let foreign = foreign(folder, &found)?;
        let has_leases = !(found.leases.held.is_empty() && found.leases.waiting.is_empty());
        let stays = has_leases || !foreign.is_empty() || !folder.exists();
        if stays || !clock_goes_on_behind(found.leases.last_token) {
            return Ok(Removal {
                removed: false,
                foreign,
            });
        }
        guard.verify().map_err(|_| StoreError::Interfered {
            path: guard.sidecar().to_path_buf(),
        })?;
        let state = Change {
            path: folder.join(STATE_FILE),
            before: found.state,
            after: None,
        };
        state.apply(Durability::Durable)?;
        match std::fs::remove_dir(folder) {
            Ok(()) => Ok(Removal {
                removed: true,
                foreign: Vec::new(),
            }),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Removal::default()),
            // Somebody has put something in this moment.
            Err(err) if err.kind() == io::ErrorKind::DirectoryNotEmpty => {
                let names = names_in(folder)?.into_iter();
                Ok(Removal {
                    removed: false,
                    foreign: names.map(|name| folder.join(name)).collect(),
                })
            }
            Err(source) => Err(StoreError::Io {
                step: "remove the folder",
                path: folder.to_path_buf(),
                source: Box::new(source),
            }),
        }
    }
}

/// Whether a folder that is made anew gives out higher numbers than this one has.
fn clock_goes_on_behind(last: Token) -> bool {
    let is_past = || Token::default().next(Timestamp::now()) > last;
    // It may have been given out in this very millisecond.
    is_past() || {
        std::thread::sleep(Duration::from_millis(1));
        is_past()
    }
}

/// What lies there and holds no leases that we know of.
fn foreign(folder: &Path, found: &Found) -> Result<Vec<PathBuf>, StoreError> {
    let is_known = |path: &PathBuf| {
        let leases = found.leases.held.iter();
        leases
            .map(|lease| lease.agent.as_str())
            .any(|agent| path.file_name() == Some(format!("{agent}.lock").as_ref()))
    };
    let names = names_in(folder)?.into_iter();
    Ok(names
        .filter(|name| name != STATE_FILE)
        .map(|name| folder.join(name))
        .filter(|path| !is_known(path))
        .collect())
}
