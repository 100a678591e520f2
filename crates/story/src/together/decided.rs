//! Decided transactions of an sdlc root, which are in `journal/pending`: shown to readers, finished, looked for.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use atomic_file::Resolved;
use locked_file::locked_by;
use locked_file::together::{self, FinishError, Place, Rules};
use sidecar_lock::{LockGuard, LockOptions};

use super::meeting::meet;
use crate::read::{MAX_STORY_BYTES, ReadError};
use crate::update_error::{UpdateError, Warning};
use crate::workspace::{LegacyFolder, STORIES};

const FOLDERS: [&str; 2] = ["journal", "pending"];

/// What stories say about transactions over several of them.
pub(super) const RULES: Rules = Rules {
    place_of,
    meet,
    max_bytes: MAX_STORY_BYTES,
};

/// Of the root in which a story lies, whose path is resolved; `None` where it lies in none.
fn place_of(story: &Path) -> Option<Place> {
    let folder = story.parent()?;
    let above = folder.parent()?;
    if above.file_name()? == STORIES {
        return Some(in_root(above.parent()?));
    }
    LegacyFolder::named(folder.file_name()?.to_str()?)?;
    Some(in_root(above))
}

fn in_root(root: &Path) -> Place {
    Place::new(root, &FOLDERS)
}

/// Takes a story whose lock is held to where decided transactions want it. Whoever lets others work on a story under a lock of
/// its own does this first: they would change what was there before.
///
/// Where there is nothing to finish this costs one look at a folder that is not there. `options` say how to acquire the lock of a
/// record.
///
/// # Errors
///
/// [`FinishError`]: the transaction stays decided, and the story must not be changed before it is finished.
pub fn finish_under(
    guard: &LockGuard,
    options: &LockOptions,
) -> Result<Vec<locked_file::Warning>, FinishError> {
    finish(locked_by(guard), options)
}

/// Takes a story, whose lock the caller holds, to where decided transactions want it.
pub(crate) fn finish(
    story: Resolved<'_>,
    options: &LockOptions,
) -> Result<Vec<locked_file::Warning>, FinishError> {
    together::finish(story, &RULES, options)
}

/// What a decided transaction makes of a story that is still as it was before; `None`: nothing.
pub(crate) fn decided(story: &Path, now: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
    Ok(together::decided(story, Some(now), &RULES)?)
}

/// A transaction that is decided and not finished: under way at this moment, or cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its stories that may not be where it wants them yet.
    pub stories: Vec<PathBuf>,
}

/// The decided transactions of an sdlc root that wait to be finished.
///
/// # Errors
///
/// [`ReadError`]: they could not be looked for.
pub fn unfinished(root: &Path) -> Result<Vec<Unfinished>, ReadError> {
    let found = together::unfinished(&in_root(root), &RULES)?.into_iter();
    Ok(found
        .map(|together::Unfinished { files: stories }| Unfinished { stories })
        .collect())
}

/// What stories of unfinished transactions were to be, where somebody else had changed the same meanwhile: files for a
/// person to compare with the stories, and remove.
///
/// # Errors
///
/// [`ReadError`]: they could not be looked for.
pub fn set_aside(root: &Path) -> Result<Vec<PathBuf>, ReadError> {
    Ok(together::set_aside(&in_root(root), &RULES)?)
}

/// Finishes the decided transactions of an sdlc root, story by story under its lock; a story whose lock somebody holds is
/// left to its holder.
///
/// # Errors
///
/// [`UpdateError`]: a story could not be locked, read or written; the transaction stays decided.
pub fn finish_all(
    root: &Path,
    options: &LockOptions,
) -> Result<Vec<Warning>, UpdateError<Infallible>> {
    let warnings = together::finish_all(&in_root(root), &RULES, options)?;
    Ok(warnings.into_iter().map(Warning::File).collect())
}
