//! The lock of one resource: from the resource's path to its sidecar's, and the verbs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::acquire;
use crate::breaking::{self, Force};
use crate::error::{AcquireError, BreakError, InheritError, InspectError};
use crate::guard::{LockGuard, TookOver};
use crate::inherit::{self, InheritedLock};
use crate::inspect::{self, LockState};
use crate::leftovers::{self, LeftoverError};
use crate::options::LockOptions;
use crate::sys::{self, Name};

/// The lock of one resource: `x` is guarded by `x.lock` beside it.
///
/// Holds paths only; nothing is on disk until a lock is acquired. Each call opens the folder once, and from then on works
/// in that folder even if it is moved and another one, or a link, takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SidecarLock {
    resource: PathBuf,
    sidecar: PathBuf,
}

impl SidecarLock {
    /// Finds the lock of `resource`, which need not exist.
    ///
    /// The path is made canonical first, so that two names of one file share one lock. `.lock` is
    /// appended: `story.md` is guarded by `story.md.lock`.
    ///
    /// # Errors
    ///
    /// - [`AcquireError::NoSuchFolder`]: its folder does not exist. Retrying does not help.
    /// - [`AcquireError::NameTooLong`]: the path is too long. Retrying does not help.
    /// - [`AcquireError::Io`]: the path has no file name, or cannot be resolved (a loop of links).
    pub fn new(resource: impl AsRef<Path>) -> Result<Self, AcquireError> {
        let given = resource.as_ref();
        let resource = canonical(given)?;
        let no_name = || AcquireError::Io {
            step: "find the name of",
            path: given.to_path_buf(),
            source: io::ErrorKind::InvalidInput.into(),
        };
        let mut name = resource.file_name().ok_or_else(no_name)?.to_owned();
        name.push(".lock");
        Ok(Self {
            sidecar: resource.with_file_name(name),
            resource,
        })
    }

    /// The canonical path of what is locked.
    pub fn resource(&self) -> &Path {
        &self.resource
    }

    /// The path of the sidecar.
    pub fn sidecar(&self) -> &Path {
        &self.sidecar
    }

    #[cfg(test)]
    pub(crate) fn folder(&self) -> &Path {
        self.sidecar.parent().expect("it has a name in a folder")
    }

    /// Binds to the folder that the path leads to now: whatever becomes of the path, one call of a verb works there.
    pub(crate) fn open(&self) -> io::Result<Name> {
        Name::open(&self.sidecar)
    }

    /// Waits for the lock and returns the guard that holds it.
    ///
    /// Waiters sleep in the kernel's queue, are woken by the release, and look again at the pauses of
    /// `options.backoff`. Gives up once `options.timeout` (default 5 s, S-0034) has passed or
    /// `options.max_retries` looks were in vain. At least one attempt is made. A lock whose owner
    /// died is taken over without waiting, see [`LockGuard::took_over`].
    ///
    /// # Errors
    ///
    /// - [`AcquireError::Contended`]: somebody kept it. Nothing was changed; retry later.
    /// - [`AcquireError::Nested`]: this thread has it already.
    /// - [`AcquireError::NoSuchFolder`], [`AcquireError::NotWritable`], [`AcquireError::ReadOnly`],
    ///   [`AcquireError::NoSpace`]: the sidecar cannot be made; retrying helps after repair.
    /// - [`AcquireError::NameTooLong`]: there is no room for `.lock` behind the name; retrying does not help.
    /// - [`AcquireError::NotRemovable`]: another user's dead process left it; retrying helps after repair.
    /// - [`AcquireError::Obstructed`]: something that is no lock stands there.
    pub fn acquire(&self, options: &LockOptions) -> Result<LockGuard, AcquireError> {
        acquire::acquire(self, options)
    }

    /// Takes the lock if it is free (or its owner dead), without waiting; `None` when it is not.
    ///
    /// # Errors
    ///
    /// As [`SidecarLock::acquire`], but never [`AcquireError::Contended`].
    pub fn try_acquire(&self, options: &LockOptions) -> Result<Option<LockGuard>, AcquireError> {
        let once = LockOptions {
            timeout: Duration::ZERO,
            stale_after: Some(options.effective_stale_after()),
            ..options.clone()
        };
        match acquire::acquire(self, &once) {
            Ok(guard) => Ok(Some(guard)),
            Err(AcquireError::Contended { .. }) => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// Looks at the lock without taking it. What it says may be outdated when it returns.
    ///
    /// `stale_after` is the limit by which the age of another tool's lock is judged.
    ///
    /// # Errors
    ///
    /// [`InspectError`]: the sidecar cannot be read. Retrying helps after repair.
    pub fn inspect(&self, stale_after: Duration) -> Result<LockState, InspectError> {
        inspect::inspect(self, stale_after)
    }

    /// Removes the lock that `token` names, as [`LockState::token`] shows it.
    ///
    /// # Errors
    ///
    /// - [`BreakError::OwnerAlive`]: its owner lives, or may live, and `force` is [`Force::IfDead`].
    /// - [`BreakError::OtherToken`]: it is another lock by now. Look again.
    /// - [`BreakError::NotLocked`], [`BreakError::Obstructed`], [`BreakError::Io`].
    pub fn break_with_token(&self, token: &str, force: Force) -> Result<(), BreakError> {
        breaking::break_with_token(self, token, force)
    }

    /// Works under the lock that a parent process holds and has named to us by its token.
    ///
    /// # Errors
    ///
    /// [`InheritError::NotHeld`]: no live owner holds it under that token. Acquire it instead.
    pub fn inherit(&self, token: &str) -> Result<InheritedLock, InheritError> {
        inherit::inherit(self, token)
    }

    /// Removes the temporary files of this crate beside the lock whose owner is gone; see
    /// [`sweep_temporaries`](crate::sweep_temporaries()).
    ///
    /// # Errors
    ///
    /// [`LeftoverError`]: the folder cannot be read, or a file not be removed.
    pub fn sweep_temporaries(&self) -> Result<Vec<PathBuf>, LeftoverError> {
        let sidecar = self.open().map_err(|source| LeftoverError {
            step: "open the folder of",
            path: self.sidecar.clone(),
            source,
        })?;
        leftovers::sweep_beside(&sidecar)
    }

    /// Removes the lock if its owner is gone, and says what it was; `None` when there was nothing to remove.
    ///
    /// Another tool's lock is watched for a moment (at most half of `stale_after` and 1 s) first.
    ///
    /// # Errors
    ///
    /// As [`SidecarLock::acquire`], but never [`AcquireError::Contended`].
    pub fn remove_leftover(&self, stale_after: Duration) -> Result<Option<TookOver>, AcquireError> {
        leftovers::remove_leftover(self, stale_after)
    }
}

/// Whether a path is canonical if nothing on it is a link: it begins at the root, and no step is empty, `.` or `..`.
fn is_plain(path: &Path) -> bool {
    let steps = path
        .as_os_str()
        .as_encoded_bytes()
        .split(|byte| *byte == b'/');
    path.is_absolute()
        && steps
            .skip(1)
            .all(|step| !matches!(step, b"" | b"." | b".."))
}

/// As many links as Linux follows on the way to a file.
const MAX_LINKS: usize = 40;

/// Resolves links; a missing file has the place that its canonical folder gives it.
///
/// A link to a missing file means that file: whoever makes it must find the lock of everybody who knows its real name.
fn canonical(given: &Path) -> Result<PathBuf, AcquireError> {
    if is_plain(given) && sys::leads_through_no_link(given) {
        return Ok(given.to_path_buf());
    }
    let mut path = given.to_path_buf();
    for _ in 0..=MAX_LINKS {
        let missing = match std::fs::canonicalize(&path) {
            Ok(found) => return Ok(found),
            Err(err) if err.kind() == io::ErrorKind::NotFound => err,
            Err(err) => return Err(AcquireError::from_io("resolve", given, err)),
        };
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if let Ok(pointed_at) = std::fs::read_link(&path) {
            path = parent.join(pointed_at);
            continue;
        }
        let name = path
            .file_name()
            .ok_or_else(|| AcquireError::from_io("resolve", given, missing))?;
        let folder = std::fs::canonicalize(parent)
            .map_err(|err| AcquireError::from_io("resolve", given, err))?;
        return Ok(folder.join(name));
    }
    Err(AcquireError::Io {
        step: "resolve",
        path: given.to_path_buf(),
        source: io::Error::other("too many symbolic links"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_plain_only_if_nothing_but_a_link_could_make_it_another() {
        for (path, plain) in [
            ("/a/story.md", true),
            ("/story.md", true),
            ("/a/.ai-sdlc/..b/story.md", true),
            ("a/story.md", false),
            ("./story.md", false),
            ("/a/../story.md", false),
            ("/a/./story.md", false),
            ("/a//story.md", false),
            ("/a/story.md/", false),
            ("/a/story.md/.", false),
            ("/a/..", false),
            ("", false),
        ] {
            assert_eq!(is_plain(Path::new(path)), plain, "{path}");
        }
    }

    #[test]
    fn one_file_is_one_resource_however_it_is_spelt() {
        let sandbox = testkit::Sandbox::new();
        let story = sandbox.write("x/story.md", "");
        let lock = SidecarLock::new(&story).expect("it is there");
        for spelt in ["x/../x/story.md", "x/./story.md", "x//story.md"] {
            let other = SidecarLock::new(sandbox.path().join(spelt)).expect("it is there");
            assert_eq!(other.resource(), lock.resource(), "{spelt}");
        }
    }
}
