//! Who excludes the other writers of a file: a lock of our own, or that of a parent process.

use atomic_file::{CommitError, Committed, Resolved};
use sidecar_lock::{InheritedLock, LockGuard, LostError};

/// A commit, or why it was not made: the lock was lost before.
pub type Guarded = Result<Committed, LostError>;

/// Who excludes the other writers.
#[derive(Debug)]
#[must_use = "dropping it gives the lock back"]
pub enum Lock {
    /// This process took it.
    Own(LockGuard),
    /// A parent process holds it, and lets us work under it.
    Parents(InheritedLock),
}

impl Lock {
    /// Looks whether the lock still holds.
    ///
    /// # Errors
    ///
    /// [`LostError`]: somebody removed or replaced the sidecar. Acquiring anew helps.
    pub fn verify(&self) -> Result<(), LostError> {
        match self {
            Self::Own(guard) => guard.verify(),
            Self::Parents(lock) => lock.verify(),
        }
    }

    /// Commits unless the lock is lost: the last look at it before anything becomes visible.
    ///
    /// # Errors
    ///
    /// Those of `commit`.
    pub fn guarding(
        &self,
        commit: impl FnOnce() -> Result<Committed, CommitError>,
    ) -> Result<Guarded, CommitError> {
        match self.verify() {
            Ok(()) => commit().map(Ok),
            Err(lost) => Ok(Err(lost)),
        }
    }

    /// What is locked, in the very folder where the lock is: the path may lead elsewhere by now.
    pub fn resolved(&self) -> Resolved<'_> {
        match self {
            Self::Own(guard) => locked_by(guard),
            Self::Parents(lock) => Resolved {
                path: lock.resource(),
                folder: lock.folder(),
            },
        }
    }
}

/// What a lock guards, in the very folder where the lock is.
pub fn locked_by(guard: &LockGuard) -> Resolved<'_> {
    Resolved {
        path: guard.resource(),
        folder: guard.folder(),
    }
}
