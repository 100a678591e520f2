//! Proof that nobody else runs a task in the tree.

use std::io;
use std::path::Path;
use std::time::Duration;

use sidecar_lock::{Lent, LockGuard, LostError, ReleaseError};

use super::holder::Freed;
use crate::task_id::TaskId;

/// Proof that the lock of a tree is held. Dropping it, also by a panic, releases it.
#[must_use = "the lock is released as soon as the guard is dropped"]
#[derive(Debug)]
pub struct StateLockGuard {
    pub(super) guard: LockGuard,
    pub(super) task: TaskId,
    pub(super) freed: Option<Freed>,
    pub(super) waited: Duration,
}

impl StateLockGuard {
    /// The task that it was taken for.
    pub fn task(&self) -> &TaskId {
        &self.task
    }

    /// What names this one acquisition: a process that is started under the lock is told it, so that it does not wait for the
    /// lock of its own parent.
    pub fn token(&self) -> &str {
        &self.guard.holder().token
    }

    /// The path by which that process is told it: the lock's without `.lock`.
    pub fn resource(&self) -> &Path {
        self.guard.resource()
    }

    /// The path of the lock.
    pub fn path(&self) -> &Path {
        self.guard.sidecar()
    }

    /// The lock of a dead holder that this acquisition freed: a warning.
    pub fn freed(&self) -> Option<&Freed> {
        self.freed.as_ref()
    }

    /// How long the acquisition waited.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Makes sure that the lock still stands: people delete lock files.
    ///
    /// # Errors
    ///
    /// [`LostError`]: it does not; somebody else may run a task in the tree by now.
    pub fn verify(&self) -> Result<(), LostError> {
        self.guard.verify()
    }

    /// Lets processes that are started from now on, until the [`Lent`] is dropped, keep the lock if this process dies: then
    /// the tree stays locked until the last of them has ended. [`StateLockGuard::release`] frees it whatever still runs.
    ///
    /// Every child inherits it that any thread starts meanwhile, so it should exist just while the task is started.
    ///
    /// # Limits
    ///
    /// As [`LockGuard::lend`]: not on Windows, and not through a program that closes what it did not open.
    ///
    /// # Errors
    ///
    /// [`io::Error`]: no more files can be opened. The lock is held as before.
    pub fn lend(&self) -> io::Result<Lent> {
        self.guard.lend()
    }

    /// Releases the lock and says what went wrong, which dropping only logs.
    ///
    /// # Errors
    ///
    /// As [`LockGuard::release`]. The lock is not held any more in any case.
    pub fn release(self) -> Result<(), ReleaseError> {
        self.guard.release()
    }
}
