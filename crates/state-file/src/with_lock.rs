//! Anything at all under the lock of a file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use locked_file::together::FinishError;
use locked_file::{Lock, Session, SessionError, Warning};
use sidecar_lock::{LostError, TookOver};

use crate::options::UpdateOptions;
use crate::pending;

/// The lock under which a closure runs.
#[derive(Debug)]
pub struct FileLock<'a> {
    lock: &'a Lock,
    options: &'a UpdateOptions,
}

impl FileLock<'_> {
    /// The file, with all links resolved.
    pub fn path(&self) -> &Path {
        self.lock.resolved().path
    }

    /// The token by which others can work under this lock: child processes, and changes of this very file.
    pub fn token(&self) -> &str {
        match self.lock {
            Lock::Own(guard) => &guard.holder().token,
            Lock::Parents(lock) => &lock.holder().token,
        }
    }

    /// The options for changing this file from within the closure, by [`edit`](crate::edit()) or a
    /// [`StateFile`](crate::StateFile): with any others that would be waiting for oneself.
    pub fn options(&self) -> UpdateOptions {
        UpdateOptions {
            inherited_token: Some(self.token().to_owned()),
            ..self.options.clone()
        }
    }

    /// Makes sure that the lock still holds: people and scripts delete lock files.
    ///
    /// # Errors
    ///
    /// [`LostError`]: it does not. Somebody else may hold it now.
    pub fn verify(&self) -> Result<(), LostError> {
        self.lock.verify()
    }
}

/// What was done under a lock.
#[derive(Debug)]
pub struct UnderLock<R> {
    /// What the closure returned.
    pub value: R,
    /// The file, with all links resolved.
    pub path: PathBuf,
    /// The lock of a dead or foreign owner that was taken over.
    pub took_over: Option<TookOver>,
    /// What else is worth telling.
    pub warnings: Vec<Warning>,
    /// How long the lock was waited for.
    pub waited: Duration,
}

/// Why something was not done under a lock, or not all of it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum WithLockError<R> {
    /// There was no lock, and the closure did not run.
    #[error(transparent)]
    Session(SessionError),
    /// What a transaction over several files wanted of this one could not be finished first, and the closure did not run.
    #[error("what another process had begun could not be finished")]
    Pending {
        /// Why.
        source: FinishError,
    },
    /// The closure has run, but the lock was not held all the time: somebody removed it, and others may have been at work.
    #[error("the lock of {} was lost while it was worked under", path.display())]
    Lost {
        /// The file, with all links resolved.
        path: PathBuf,
        /// What the closure returned.
        value: R,
        /// What became of the lock file.
        source: LostError,
    },
}

impl<R> WithLockError<R> {
    /// Whether the same call may well succeed a moment later. Not once the closure has run: only its author knows that.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Session(err) => err.is_retryable(),
            Self::Pending { source } => source.is_retryable(),
            Self::Lost { .. } => false,
        }
    }
}

impl<R> fmt::Debug for WithLockError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(err) => f.debug_tuple("Session").field(err).finish(),
            Self::Pending { source } => f.debug_struct("Pending").field("source", source).finish(),
            Self::Lost { path, source, .. } => f
                .debug_struct("Lost")
                .field("path", path)
                .field("source", source)
                .finish_non_exhaustive(),
        }
    }
}

/// Runs `work` under the lock of the file at `path`, which need not be there, nor be JSON.
///
/// `work` runs once. Of `options` only `lock` and `inherited_token` play a part, and the rest for changes that `work` makes
/// with [`FileLock::options`].
///
/// # Errors
///
/// - [`WithLockError::Session`]: there was no lock, and nothing was done. [`WithLockError::is_retryable`] says whether trying
///   again helps.
/// - [`WithLockError::Lost`]: it is done, but others may have come in between; what `work` returned is in the error.
///
/// # Example
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("state.json");
/// # atomic_file::create(&path, b"{\"round\": 7}", &Default::default())?;
/// let round = "round".parse()?;
/// let done = state_file::with_file_lock(&path, &Default::default(), |lock| {
///     // Whatever takes the file for itself, and then:
///     state_file::edit(&path, &lock.options(), |text| text.increment(&round, 1))
/// })?;
/// assert_eq!(done.value?.value, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn with_file_lock<R>(
    path: &Path,
    options: &UpdateOptions,
    work: impl FnOnce(&FileLock<'_>) -> R,
) -> Result<UnderLock<R>, WithLockError<R>> {
    let mut session = Session::new(path, options.terms()).map_err(WithLockError::Session)?;
    let lock = session.acquire().map_err(WithLockError::Session)?;
    let finished = pending::finish(lock.resolved(), &options.lock);
    for warning in finished.map_err(|source| WithLockError::Pending { source })? {
        session.warn(warning);
    }
    let value = work(&FileLock {
        lock: &lock,
        options,
    });
    if let Err(source) = lock.verify() {
        return Err(WithLockError::Lost {
            path: session.path().to_path_buf(),
            value,
            source,
        });
    }
    session.release(lock);
    let told = session.done();
    Ok(UnderLock {
        value,
        path: told.path,
        took_over: told.took_over,
        warnings: told.warnings,
        waited: told.waited,
    })
}
