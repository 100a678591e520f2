//! Finishing decided transactions whose process died: by whoever holds the lock of one of their stories.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use atomic_file::{CommitError, CommitOptions, Original, ReadError as FileError, Resolved};
use locked_file::{Warning, locked_by};
use sidecar_lock::{LockOptions, SidecarLock};

use super::Trouble;
use super::pending::{Filed, Pending};
use super::record::Part;
use crate::changes::{Change, Changes};
use crate::document::Document;
use crate::merge::merge;
use crate::read::{MAX_STORY_BYTES, ReadError};
use crate::update_error::UpdateError;

/// How often a story that somebody without our lock keeps changing is tried; chosen.
const TRIES: u32 = 20;

/// Takes a story, whose lock the caller holds, to where decided transactions want it.
pub(crate) fn finish(story: Resolved<'_>, options: &LockOptions) -> Result<Vec<Warning>, Trouble> {
    let Some((pending, relative)) = place(story.path) else {
        return Ok(Vec::new());
    };
    let mut warnings = Vec::new();
    for filed in pending.records()? {
        if filed.part(&relative).is_some() {
            warnings.extend(put(story, &filed, &pending, options)?);
            filed.settle(&relative, None, options)?;
        }
    }
    Ok(warnings)
}

/// Puts one story of a decided transaction in place; its lock is held.
pub(super) fn put(
    story: Resolved<'_>,
    filed: &Filed,
    pending: &Pending,
    options: &LockOptions,
) -> Result<Option<Warning>, Trouble> {
    let part = pending
        .relative(story.path)
        .and_then(|path| filed.part(&path).cloned());
    let Some(mut part) = part else {
        return Ok(None);
    };
    let path = story.path.to_path_buf();
    for _ in 0..TRIES {
        let original = match Original::read_resolved(story, MAX_STORY_BYTES) {
            Ok(original) => original,
            // Whoever removed it meant it.
            Err(FileError::NotFound { .. }) => return Ok(None),
            Err(err) => return Err(Trouble::Read(err.into())),
        };
        if original.bytes() == part.after {
            return Ok(None);
        }
        if original.bytes() != part.before {
            part = match meet(&part, original.bytes()) {
                Meeting::Done => return Ok(None),
                Meeting::Conflict => {
                    let kept = filed.set_aside(&part)?;
                    return Ok(Some(Warning::SetAside { path, kept }));
                }
                Meeting::Merged(merged) => merged,
            };
            // Written down first, so that nobody merges the same again after a crash.
            filed.settle(&part.path, Some(part.clone()), options)?;
        }
        match atomic_file::replace_if_unchanged(original, &part.after, &CommitOptions::default()) {
            Ok(_) => return Ok(Some(Warning::Finished { path })),
            Err(CommitError::Changed { .. } | CommitError::Rescued { .. }) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Err(Trouble::Commit(CommitError::Changed { path }))
}

/// How a story that somebody without our lock has changed stands to what was decided for it.
enum Meeting {
    /// It was in place before they changed something else.
    Done,
    /// Both changes, where they do not meet.
    Merged(Part),
    /// They do meet.
    Conflict,
}

/// Whether it was in place before is told by the fields that it changes: a merge alone would count a counter up twice.
fn meet(part: &Part, now: &[u8]) -> Meeting {
    let documents =
        [part.before.as_slice(), now, &part.after].map(|bytes| Document::parse(bytes).ok());
    let [Some(before), Some(now_parsed), Some(after)] = documents else {
        return Meeting::Conflict;
    };
    let decided = Changes::between(&before, &after).fields;
    let theirs = Changes::between(&before, &now_parsed).fields;
    let touched = |change: &Change| theirs.iter().find(|other| other.key == change.key);
    let done = |change: &Change| touched(change).is_some_and(|other| other == change);
    if !decided.is_empty() && decided.iter().all(done) {
        return Meeting::Done;
    }
    let merge = merge(Some(&before), &now_parsed, &after);
    if decided.iter().any(|change| touched(change).is_some()) || !merge.is_clean() {
        return Meeting::Conflict;
    }
    Meeting::Merged(Part {
        path: part.path.clone(),
        before: now.to_vec(),
        after: merge.merged.into_bytes(),
    })
}

/// What a decided transaction makes of a story that is still as it was before; `None`: nothing.
pub(crate) fn decided(story: &Path, now: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
    let Some((pending, relative)) = place(story) else {
        return Ok(None);
    };
    let records = match pending.records() {
        Ok(records) => records,
        Err(Trouble::Read(err)) => return Err(err),
        Err(Trouble::Lock(err)) => return Err(err.into()),
        Err(Trouble::Commit(_)) => Vec::new(),
    };
    let part = records.iter().find_map(|filed| filed.part(&relative));
    Ok(part
        .filter(|part| part.before == now)
        .map(|part| part.after.clone()))
}

fn place(story: &Path) -> Option<(Pending, PathBuf)> {
    let pending = Pending::of(story)?;
    let relative = pending.relative(story)?;
    Some((pending, relative))
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
    let root = canonical(root)?;
    let records = match Pending::in_root(&root).records() {
        Ok(records) => records,
        Err(Trouble::Read(err)) => return Err(err),
        Err(_) => Vec::new(),
    };
    let stories = |filed: Filed| {
        let parts = filed.record.parts.into_iter();
        parts.map(|part| root.join(part.path)).collect()
    };
    Ok(records
        .into_iter()
        .map(|filed| Unfinished {
            stories: stories(filed),
        })
        .collect())
}

/// What stories of unfinished transactions were to be, where somebody else had changed the same meanwhile: files for a
/// person to compare with the stories, and remove.
///
/// # Errors
///
/// [`ReadError`]: they could not be looked for.
pub fn set_aside(root: &Path) -> Result<Vec<PathBuf>, ReadError> {
    match Pending::in_root(&canonical(root)?).set_aside() {
        Err(Trouble::Read(err)) => Err(err),
        found => Ok(found.unwrap_or_default()),
    }
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
) -> Result<Vec<crate::Warning>, UpdateError<Infallible>> {
    let mut warnings = Vec::new();
    for story in unfinished(root)
        .map_err(UpdateError::Read)?
        .into_iter()
        .flat_map(|unfinished| unfinished.stories)
    {
        let lock = SidecarLock::new(&story).map_err(UpdateError::Lock)?;
        let Some(guard) = lock.try_acquire(options).map_err(UpdateError::Lock)? else {
            continue;
        };
        warnings.extend(finish(locked_by(&guard), options)?);
        if let Err(err) = guard.release() {
            warnings.push(Warning::Release(err));
        }
    }
    Ok(warnings.into_iter().map(crate::Warning::File).collect())
}

fn canonical(root: &Path) -> Result<PathBuf, ReadError> {
    root.canonicalize().map_err(|source| {
        let (step, path) = ("resolve it", root.to_path_buf());
        ReadError::File(FileError::Io { step, path, source })
    })
}
