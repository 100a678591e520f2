//! Reading a story from its file.

use std::path::{Path, PathBuf};

use atomic_file::Original;
use locked_file::{FreshError, clean_up_after_the_dead, locked_by};
use sidecar_lock::{AcquireError, LockGuard, LockOptions, SidecarLock};

use crate::document::Document;
use crate::error::ParseError;
use crate::together;

/// The largest story that is read, in bytes: 64 MiB. Chosen: a hundred times the largest real one that we know, and
/// small enough that a device image called `story.md` does not use up the memory.
pub const MAX_STORY_BYTES: u64 = 64 * 1024 * 1024;

/// Why a story could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] atomic_file::ReadError),
    /// The file is not a story.
    #[error("{} is not a readable story", path.display())]
    Parse {
        /// The file, with all links resolved.
        path: PathBuf,
        /// What is wrong, and where.
        source: ParseError,
    },
    /// A writer kept the lock ([`read_locked`] only).
    #[error(transparent)]
    Lock(#[from] AcquireError),
}

impl ReadError {
    /// Whether the same call may well succeed a moment later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::File(err) => err.is_retryable(),
            Self::Parse { .. } => false,
            Self::Lock(err) => err.is_retryable(),
        }
    }

    /// The file that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(err) => err.path(),
            Self::Parse { path, .. } => path,
            Self::Lock(err) => err.path(),
        }
    }
}

/// Reads a story as it is now: no lock, no waiting for writers, never parts of two versions.
///
/// A writer may be about to replace what is returned; to change a story use [`update`](crate::update()), which reads
/// it again under its lock. Only a file that is not a readable story *and* was written within the last quarter of a second
/// is looked at again, for up to 62 ms: editors that write in place leave it empty for a moment.
///
/// # Errors
///
/// - [`ReadError::File`]: not there, not a regular file, larger than [`MAX_STORY_BYTES`], no permission, or written in
///   place again and again ([`ReadError::is_retryable`] tells them apart).
/// - [`ReadError::Parse`]: a person must repair it.
pub fn read(path: &Path) -> Result<Document, ReadError> {
    shown(|| Original::read_with_limit(path, MAX_STORY_BYTES))
}

/// Reads a story once no writer is at work on it: waits for the lock, reads, releases.
///
/// # Errors
///
/// - [`ReadError::Lock`]: a writer kept it until `options.timeout`, or the folder does not let the lock be taken.
/// - Those of [`read`].
pub fn read_locked(path: &Path, options: &LockOptions) -> Result<Document, ReadError> {
    check_remote(path)?;
    let guard = SidecarLock::new(path)?.acquire(options)?;
    for warning in clean_up_after_the_dead(&guard) {
        tracing::warn!(%warning, "before reading");
    }
    let document = read_under(&guard);
    // What was read is right even if the sidecar could not be removed; the next writer adopts it.
    if let Err(err) = guard.release() {
        tracing::warn!(%err, "lock not released cleanly after reading");
    }
    document
}

/// Reads a story under its lock, from the very folder in which the lock was taken.
///
/// # Errors
///
/// Those of [`read`].
pub fn read_under(guard: &LockGuard) -> Result<Document, ReadError> {
    shown(|| Original::read_resolved(locked_by(guard), MAX_STORY_BYTES))
}

/// What is decided already for a story, by a transaction whose process died in the middle, counts as its contents.
fn shown(
    reading: impl Fn() -> Result<Original, atomic_file::ReadError>,
) -> Result<Document, ReadError> {
    let (original, document) = fresh(reading)?;
    let Some(decided) = together::decided(original.path(), document.as_bytes())? else {
        return Ok(document);
    };
    Document::parse(decided).map_err(|source| {
        let path = original.path().to_path_buf();
        ReadError::Parse { path, source }
    })
}

/// Refuses what is no story before a lock is made beside it, where that may be far from any story: behind a link, or by
/// a path that is not named like one.
pub(crate) fn check_remote(path: &Path) -> Result<(), ReadError> {
    if !is_named_like_a_story(path) || path.is_symlink() {
        read(path)?;
    }
    Ok(())
}

pub(crate) fn is_named_like_a_story(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "md")
}

/// Reads a story together with what the commit needs to know about the version that was read.
pub(crate) fn fresh(
    reading: impl Fn() -> Result<Original, atomic_file::ReadError>,
) -> Result<(Original, Document), ReadError> {
    locked_file::fresh(reading, Document::parse).map_err(|err| match err {
        FreshError::File(err) => ReadError::File(err),
        FreshError::Parse { path, source } => ReadError::Parse { path, source },
    })
}
