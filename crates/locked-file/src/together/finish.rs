//! Finishing decided transactions whose process died: by whoever holds the lock of one of their files.

use std::io;
use std::path::{Path, PathBuf};

use atomic_file::{CommitError, CommitOptions, Original, ReadError, Resolved};
use sidecar_lock::{LockOptions, SidecarLock};

use super::error::FinishError;
use super::pending::{Filed, Pending};
use super::record::Part;
use super::rules::{Meeting, Met, Place, Rules};
use crate::lock::locked_by;
use crate::warning::Warning;

/// How often a file that somebody without our lock keeps changing is tried; chosen.
const TRIES: u32 = 20;

/// Takes a file, whose lock the caller holds, to where decided transactions want it. Where there are none, this costs one
/// look at a folder that is not there.
///
/// # Errors
///
/// [`FinishError`]: the transaction stays decided, and the file must not be changed before it is finished.
pub fn finish(
    file: Resolved<'_>,
    rules: &Rules,
    options: &LockOptions,
) -> Result<Vec<Warning>, FinishError> {
    let Some((pending, relative)) = place(file.path, rules) else {
        return Ok(Vec::new());
    };
    let mut warnings = Vec::new();
    for filed in pending.records()? {
        if let Some(part) = filed.part(&relative) {
            warnings.extend(put(file, part.clone(), &filed, rules, options)?);
            filed.settle(&relative, None, options)?;
        }
    }
    Ok(warnings)
}

/// Puts one file of a decided transaction in place; its lock is held.
pub(super) fn put(
    file: Resolved<'_>,
    mut part: Part,
    filed: &Filed,
    rules: &Rules,
    options: &LockOptions,
) -> Result<Option<Warning>, FinishError> {
    let path = file.path.to_path_buf();
    let durably = CommitOptions::default();
    for _ in 0..TRIES {
        let original = match Original::read_resolved(file, rules.max_bytes) {
            Ok(original) => Some(original),
            Err(ReadError::NotFound { .. }) => None,
            Err(err) => return Err(err.into()),
        };
        let committed = match original {
            Some(original) if original.bytes() == part.after => return Ok(None),
            Some(original) => {
                if part.before.as_deref() != Some(original.bytes()) {
                    let now = original.bytes();
                    let merged = match (rules.meet)(met(&part, now)) {
                        Meeting::Done => return Ok(None),
                        Meeting::Conflict => {
                            let kept = filed.set_aside(&part)?;
                            return Ok(Some(Warning::SetAside { path, kept }));
                        }
                        Meeting::Merged(merged) => merged,
                    };
                    part.before = Some(now.to_vec());
                    part.after = merged;
                    // Written down first, so that nobody merges the same again after a crash.
                    filed.settle(&part.path, Some(part.clone()), options)?;
                }
                atomic_file::replace_if_unchanged(original, &part.after, &durably)
            }
            None if part.before.is_none() => {
                atomic_file::create_resolved(file, &part.after, &durably)
            }
            // Whoever removed it meant it.
            None => return Ok(None),
        };
        match committed {
            Ok(_) => return Ok(Some(Warning::Finished { path })),
            // Its folder was removed, and with it the file that was to be.
            Err(CommitError::NotFound { .. }) if part.before.is_none() => return Ok(None),
            Err(
                CommitError::Changed { .. }
                | CommitError::Rescued { .. }
                | CommitError::AlreadyExists { .. },
            ) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Err(FinishError::Commit(CommitError::Changed { path }))
}

fn met<'a>(part: &'a Part, now: &'a [u8]) -> Met<'a> {
    Met {
        before: part.before.as_deref(),
        now,
        after: &part.after,
    }
}

/// What a decided transaction makes of a file that is still as it was before (`now`; `None`: not there); `None`: nothing.
///
/// A reader shows this instead of what it read: half of a transaction is never seen.
///
/// # Errors
///
/// [`ReadError`]: the records could not be read.
pub fn decided(
    path: &Path,
    now: Option<&[u8]>,
    rules: &Rules,
) -> Result<Option<Vec<u8>>, ReadError> {
    let Some((pending, relative)) = place(path, rules) else {
        return Ok(None);
    };
    let records = pending.records()?;
    let part = records.iter().find_map(|filed| filed.part(&relative));
    Ok(part
        .filter(|part| part.before.as_deref() == now)
        .map(|part| part.after.clone()))
}

fn place(file: &Path, rules: &Rules) -> Option<(Pending, PathBuf)> {
    let pending = Pending::of(file, rules)?;
    let relative = pending.relative(file)?;
    Some((pending, relative))
}

/// A transaction that is decided and not finished: under way at this moment, or cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its files that may not be where it wants them yet.
    pub files: Vec<PathBuf>,
}

/// The decided transactions of a place that wait to be finished.
///
/// # Errors
///
/// [`ReadError`]: they could not be looked for.
pub fn unfinished(place: &Place, rules: &Rules) -> Result<Vec<Unfinished>, ReadError> {
    let pending = Pending::at(place.resolved()?, rules);
    let unfinished = |filed: Filed| Unfinished {
        files: filed
            .record
            .parts
            .iter()
            .map(|part| pending.absolute(&part.path))
            .collect(),
    };
    Ok(pending.records()?.into_iter().map(unfinished).collect())
}

/// What files of unfinished transactions were to be, where somebody else had changed the same meanwhile: for a person to
/// compare with the files, and remove.
///
/// # Errors
///
/// [`ReadError`]: they could not be looked for.
pub fn set_aside(place: &Place, rules: &Rules) -> Result<Vec<PathBuf>, ReadError> {
    Pending::at(place.resolved()?, rules).set_aside()
}

/// Finishes the decided transactions of a place, file by file under its lock; a file whose lock somebody holds is left to
/// its holder.
///
/// # Errors
///
/// [`FinishError`]: a file could not be locked, read or written; the transaction stays decided.
pub fn finish_all(
    place: &Place,
    rules: &Rules,
    options: &LockOptions,
) -> Result<Vec<Warning>, FinishError> {
    let pending = Pending::at(place.resolved()?, rules);
    let mut warnings = Vec::new();
    for filed in pending.records()? {
        for part in &filed.record.parts {
            let file = pending.absolute(&part.path);
            if is_folder_gone(&file) {
                // With the file, which nobody can lock any more. Whoever removed it meant it.
                filed.settle(&part.path, None, options)?;
                continue;
            }
            let Some(guard) = SidecarLock::new(&file)?.try_acquire(options)? else {
                continue;
            };
            warnings.extend(finish(locked_by(&guard), rules, options)?);
            if let Err(err) = guard.release() {
                warnings.push(Warning::Release(err));
            }
        }
    }
    Ok(warnings)
}

fn is_folder_gone(file: &Path) -> bool {
    let folder = file.parent().map(Path::symlink_metadata);
    matches!(folder, Some(Err(err)) if err.kind() == io::ErrorKind::NotFound)
}
