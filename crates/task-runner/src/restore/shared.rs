//! Putting one shared file back: under its own lock, and only if nobody else changed it since the snapshot.

use std::io::{self, Read as _, Write};
use std::path::Path;

use atomic_file::{
    CommitError, CommitOptions, Committed, HardLinks, NewContents, ReadError, Resolved, Version,
    create_exactly,
};
use sidecar_lock::{AcquireError, LockGuard, LockOptions, SidecarLock};

use crate::left::Reason;
use crate::restore::SharedPolicy;
use crate::shared_files::{Authorship, SharedEdit, SharedFiles};

/// A shared file that differs from the snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SharedChange<'a> {
    /// The top of the tree, with all links resolved.
    pub(crate) top: &'a Path,
    /// The file, from the top.
    pub(crate) path: &'a Path,
    /// Its bytes as the rescue has recorded them; `None`: there was no file.
    pub(crate) rescued: Option<&'a [u8]>,
    /// The file as the snapshot has it; `None`: there was none, and it is to be removed.
    pub(crate) then: Option<SharedVersion<'a>>,
    /// The run that is undone; `None` where the snapshot was taken by hand.
    pub(crate) run: Option<&'a str>,
}

/// A version of a shared file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SharedVersion<'a> {
    pub(crate) bytes: &'a [u8],
    /// The permission bits, such as 0644.
    pub(crate) permissions: u32,
}

/// How shared files are put back.
#[derive(Debug, Clone)]
pub(crate) struct SharedOptions {
    /// What becomes of those that others changed, too.
    pub(crate) policy: SharedPolicy,
    /// How to acquire the lock of each; the time limit should be short.
    pub(crate) lock: LockOptions,
}

/// What became of a shared file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SharedOutcome {
    /// It is as the snapshot has it.
    Done,
    /// It was left as it is.
    Left(Reason),
}

/// Why a shared file was not put back, other than that it was left. It is as it was, unless
/// [`SharedError::is_committed`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SharedError {
    /// Its lock cannot be taken, whoever holds it. Retrying helps after repair.
    #[error(transparent)]
    Lock(#[from] AcquireError),
    /// It cannot be read. Retrying helps after repair.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It cannot be written. Retrying helps after repair.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl SharedError {
    /// Whether the file is as the snapshot has it in spite of the error, but not known to be durable.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Commit(err) if err.is_committed())
    }
}

/// Puts a shared file back.
///
/// Its lock is taken, what a dead process had decided of it is finished, and it is read. It is left if it is not what the rescue
/// recorded, or if others changed it since the snapshot and the policy is not to overrule them. Where it is as the snapshot has it
/// already, nothing is done: so it is when a restore that was killed is repeated.
///
/// # Errors
///
/// [`SharedError`].
pub(crate) fn restore_shared(
    change: &SharedChange<'_>,
    shared: &dyn SharedFiles,
    options: &SharedOptions,
) -> Result<SharedOutcome, SharedError> {
    let meanwhile = SharedOutcome::Left(Reason::ChangedMeanwhile);
    let by_others = SharedOutcome::Left(Reason::ChangedByOthers);
    let file = change.top.join(change.path);
    let lock = SidecarLock::new(change.top.join(shared.guard_of(change.path)))?;
    // A link has come in the way, and leads elsewhere.
    if lock.resource().parent() != file.parent() || file.is_symlink() {
        return Ok(meanwhile);
    }
    let guard = match lock.acquire(&options.lock) {
        Ok(guard) => guard,
        // Somebody is changing it at this moment.
        Err(AcquireError::Contended { .. } | AcquireError::Nested { .. }) => return Ok(by_others),
        Err(err) => return Err(err.into()),
    };
    if guard.took_over().is_some() {
        let cleaned = locked_file::clean_up_after_the_dead(&guard);
        cleaned.iter().for_each(told);
    }
    match shared.finish_under(&guard, &options.lock) {
        Ok(warnings) => warnings.iter().for_each(told),
        Err(err) => {
            tracing::warn!(path = %file.display(), err = &err as &dyn std::error::Error, "left alone");
            return Ok(by_others);
        }
    }
    let found = match Found::read(at(&file, &guard), change)? {
        Found::Other => return Ok(meanwhile),
        Found::AsThen => return Ok(SharedOutcome::Done),
        Found::AsRescued(found) => found,
    };
    let then = change.then.map(|then| then.bytes);
    let may_be_put_back = options.policy == SharedPolicy::Force
        || shared.authorship(change.path, then, change.rescued, change.run)
            == Authorship::OnlyTheRun;
    if !may_be_put_back {
        return Ok(by_others);
    }
    put_back(change, found, &file, &guard, shared)
}

fn told(warning: &locked_file::Warning) {
    tracing::warn!(%warning, "a shared file");
}

fn at<'a>(file: &'a Path, guard: &'a LockGuard) -> Resolved<'a> {
    Resolved {
        path: file,
        folder: guard.folder(),
    }
}

/// What stands where a shared file is to be put back.
enum Found {
    /// What the rescue recorded.
    AsRescued(Option<Version>),
    /// What the snapshot has.
    AsThen,
    /// Anything else.
    Other,
}

impl Found {
    fn read(file: Resolved<'_>, change: &SharedChange<'_>) -> Result<Self, ReadError> {
        let then = change.then.map(|then| then.bytes);
        let version = match Version::open(file) {
            Ok(version) => Some(version),
            Err(ReadError::NotFound { .. }) => None,
            Err(ReadError::NotRegular { .. }) => return Ok(Self::Other),
            Err(err) => return Err(err),
        };
        let known = [then, change.rescued].into_iter().flatten();
        let longest = known.map(<[u8]>::len).max().unwrap_or(0) as u64;
        let bytes = match &version {
            Some(version) if version.size() > longest => return Ok(Self::Other),
            Some(version) => Some(read_to_end(version).map_err(|source| ReadError::Io {
                step: "read it",
                path: file.path.to_path_buf(),
                source,
            })?),
            None => None,
        };
        let bytes = bytes.as_deref();
        Ok(if bytes == change.rescued {
            Self::AsRescued(version)
        } else if bytes == then {
            Self::AsThen
        } else {
            Self::Other
        })
    }
}

/// What is written to it meanwhile is noticed when it is replaced.
fn read_to_end(version: &Version) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    version
        .file()
        .take(version.size())
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn put_back(
    change: &SharedChange<'_>,
    found: Option<Version>,
    file: &Path,
    guard: &LockGuard,
    shared: &dyn SharedFiles,
) -> Result<SharedOutcome, SharedError> {
    let edit = SharedEdit {
        file,
        from: change.rescued,
        to: change.then.map(|then| then.bytes),
        run: change.run,
    };
    let mut found = Some(found);
    let mut committed = None;
    shared.put_back(&edit, &mut || {
        // Once: the version that was read is used up.
        let Some(found) = found.take() else {
            return false;
        };
        let result = commit(found, change.then, at(file, guard), guard);
        let is_in_place = match &result {
            Ok(committed) => committed.is_some(),
            Err(err) => err.is_committed(),
        };
        committed = Some(result);
        is_in_place
    });
    match committed {
        None => Ok(SharedOutcome::Left(Reason::ChangedByOthers)),
        Some(Ok(Some(_))) => Ok(SharedOutcome::Done),
        Some(Ok(None)) => Ok(SharedOutcome::Left(Reason::ChangedMeanwhile)),
        Some(Err(err)) => Err(err.into()),
    }
}

/// `None`: somebody without our lock came in between.
fn commit(
    found: Option<Version>,
    then: Option<SharedVersion<'_>>,
    file: Resolved<'_>,
    guard: &LockGuard,
) -> Result<Option<Committed>, CommitError> {
    let options = CommitOptions {
        // Its other names keep what they have, as with every file that git checks out.
        hard_links: HardLinks::Break,
        ..CommitOptions::default()
    };
    if guard.verify().is_err() {
        return Ok(None);
    }
    let mut write = |to: &mut dyn Write| to.write_all(then.map_or(&[], |then| then.bytes));
    let permissions = then.map_or(0, |then| then.permissions);
    let contents = NewContents {
        write: &mut write,
        permissions,
    };
    let committed = match (found, then) {
        (Some(version), Some(_)) => version.replace(contents, &options),
        (Some(version), None) => version.remove(&options),
        (None, Some(_)) => create_exactly(file, contents, &options),
        (None, None) => Ok(Committed {
            warnings: Vec::new(),
        }),
    };
    match committed {
        Ok(committed) => Ok(Some(committed)),
        Err(
            CommitError::Changed { .. }
            | CommitError::Rescued { .. }
            | CommitError::AlreadyExists { .. },
        ) => Ok(None),
        Err(err) => Err(err),
    }
}

#[cfg(test)]
mod tests;
