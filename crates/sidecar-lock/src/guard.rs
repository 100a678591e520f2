//! The guard: proof of holding a lock.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{LostError, ReleaseError};
use crate::foreign::ForeignLock;
use crate::held::Held;
use crate::holder::Holder;
use crate::leftovers::{self, LeftoverError};
use crate::sys;

/// Proof that a lock is held; exists only while it is. Dropping it releases the lock.
///
/// It may move to another thread. While it lives, the sidecar's modification time is refreshed every
/// third of the stale limit (at most every second), so that other tools see a live lock.
#[must_use = "the lock is released as soon as the guard is dropped"]
#[derive(Debug)]
pub struct LockGuard {
    pub(crate) held: Arc<Held>,
    holder: Holder,
    took_over: Option<TookOver>,
    waited: Duration,
    attempts: u32,
}

/// What an acquisition replaced: worth a warning, for its owner ended without releasing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TookOver {
    /// A lock of this protocol whose owner died.
    Crashed(Box<Holder>),
    /// The same, but its record could not be read.
    CrashedUnreadable,
    /// A stale lock of another tool.
    Foreign(ForeignLock),
}

impl fmt::Display for TookOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed(holder) => write!(f, "the lock of a process that died: {holder}"),
            Self::CrashedUnreadable => f.write_str("the lock of a process that died"),
            Self::Foreign(foreign) => write!(f, "{foreign}"),
        }
    }
}

/// While it exists, children that are started inherit a lock; see [`LockGuard::lend`].
#[must_use = "only children that are started before it is dropped keep the lock alive"]
#[derive(Debug)]
pub struct Lent {
    _descriptor: sys::Inheritable,
}

impl LockGuard {
    pub(crate) fn new(
        held: Arc<Held>,
        holder: Holder,
        took_over: Option<TookOver>,
        waited: Duration,
        attempts: u32,
    ) -> Self {
        Self {
            held,
            holder,
            took_over,
            waited,
            attempts,
        }
    }

    /// What the sidecar says about this holder. Its token lets a child process work under the lock.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The canonical path of what is locked.
    pub fn resource(&self) -> &Path {
        &self.held.resource
    }

    /// The path of the sidecar.
    pub fn sidecar(&self) -> &Path {
        self.held.sidecar.path()
    }

    /// The open folder in which the lock was taken: what is guarded is found there, even if somebody has moved the
    /// folder since and put another one, or a link, in its place. Good for looking up names, not for listing it. Opened
    /// once: whoever keeps a copy of the handle spares the system another open folder.
    ///
    /// `None` on systems that do not open folders (Windows).
    pub fn folder(&self) -> Option<&Arc<File>> {
        self.held.sidecar.folder().as_file()
    }

    /// Removes the temporary files of this crate beside the lock whose owner is gone; see
    /// [`sweep_temporaries`](crate::sweep_temporaries()).
    ///
    /// # Errors
    ///
    /// [`LeftoverError`]: the folder cannot be read, or a file not be removed.
    pub fn sweep_temporaries(&self) -> Result<Vec<PathBuf>, LeftoverError> {
        leftovers::sweep_beside(&self.held.sidecar)
    }

    /// The stale lock that this acquisition replaced, if it did.
    pub fn took_over(&self) -> Option<&TookOver> {
        self.took_over.as_ref()
    }

    /// How long the acquisition waited.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// How often the acquisition looked before it had the lock.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Makes sure that the sidecar still stands for this guard: people and scripts delete lock files.
    ///
    /// # Errors
    ///
    /// [`LostError`]: it does not. Another process may hold the lock now; acquire it anew.
    pub fn verify(&self) -> Result<(), LostError> {
        self.held.verify()
    }

    /// Lets children that are started from now on, by any thread, keep the lock alive, until the [`Lent`] is dropped.
    ///
    /// Such a child has the open sidecar and passes it on to its own children. If this process dies without releasing, the
    /// lock stays held until the last of them has ended. They cannot release it, and [`LockGuard::release`] frees it at
    /// once, whoever of them still runs.
    ///
    /// # Limits
    ///
    /// A program that closes what it did not open keeps nothing alive. On Windows a lock belongs to a process: nothing is
    /// lent. On network file systems the kernel may see it so, too.
    ///
    /// # Errors
    ///
    /// [`io::Error`]: no more files can be opened. The lock is held as before.
    pub fn lend(&self) -> io::Result<Lent> {
        Ok(Lent {
            _descriptor: sys::inheritable(&self.held.file)?,
        })
    }

    /// Releases the lock and says what went wrong, which dropping the guard only logs.
    ///
    /// # Errors
    ///
    /// The lock is not held any more in any case.
    /// - [`ReleaseError::Lost`]: the sidecar had been removed or replaced meanwhile.
    /// - [`ReleaseError::NotRemoved`]: the sidecar is left over; the next acquisition adopts it.
    pub fn release(self) -> Result<(), ReleaseError> {
        self.held.release()
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        if let Err(err) = self.held.release() {
            tracing::warn!(%err, "lock file not cleaned up");
        }
    }
}
