//! Changing a state file without a Rust type: the text itself is edited, under the lock.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::Revision;
use json_text::JsonText;
use locked_file::Warning;
use sidecar_lock::TookOver;

use crate::error::UpdateError;
use crate::options::UpdateOptions;
use crate::read::Unreadable;
use crate::transact::transact;

/// What a change did. `T` is what the closure returned in the run that was committed.
#[derive(Debug)]
pub struct Updated<T, A = JsonText> {
    /// What the closure returned.
    pub value: T,
    /// The bytes that the file had; `None` when it was created.
    pub before: Option<Vec<u8>>,
    /// The text that it has now.
    pub after: A,
    /// The file, with all links resolved.
    pub path: PathBuf,
    /// The lock of a dead or foreign owner that was taken over.
    pub took_over: Option<TookOver>,
    /// What else is worth telling.
    pub warnings: Vec<Warning>,
    /// How long locks were waited for, and, in optimistic changes, other rounds.
    pub waited: Duration,
    /// How often the closure ran again under the lock because somebody without our lock had changed the file.
    pub reruns: u32,
    /// How often the closure ran in vain without the lock, because somebody else was faster; 0 for changes under the lock.
    pub lost_rounds: u32,
}

impl<T> Updated<T> {
    /// Whether the file was created or replaced; a change that changes no byte writes nothing.
    pub fn changed(&self) -> bool {
        self.before.as_deref() != Some(self.after.as_bytes())
    }

    /// The revision that the file has now; costs a look at every byte.
    pub fn revision(&self) -> Revision {
        Revision::of(self.after.as_bytes())
    }

    /// The revision that the file had; `None` when it was created. Costs a look at every byte.
    pub fn revision_before(&self) -> Option<Revision> {
        self.before.as_deref().map(Revision::of)
    }
}

impl<T, A> Updated<T, A> {
    /// The value, the text, and all else.
    fn parts(self) -> (T, A, Updated<(), ()>) {
        let rest = Updated {
            value: (),
            before: self.before,
            after: (),
            path: self.path,
            took_over: self.took_over,
            warnings: self.warnings,
            waited: self.waited,
            reruns: self.reruns,
            lost_rounds: self.lost_rounds,
        };
        (self.value, self.after, rest)
    }

    /// The value, and the rest without it and without the text.
    pub(crate) fn without_text(self) -> (T, Updated<(), ()>) {
        let (value, _, rest) = self.parts();
        (value, rest)
    }

    /// The same, with what `change` makes of the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Updated<U, A> {
        let (value, after, rest) = self.parts();
        rest.with(change(value), after)
    }

    /// The same, with another value and text.
    pub(crate) fn with<U, B>(self, value: U, after: B) -> Updated<U, B> {
        let (_, _, rest) = self.parts();
        Updated {
            value,
            before: rest.before,
            after,
            path: rest.path,
            took_over: rest.took_over,
            warnings: rest.warnings,
            waited: rest.waited,
            reruns: rest.reruns,
            lost_rounds: rest.lost_rounds,
        }
    }
}

/// Changes a state file: acquires its lock, reads it, lets `edit` change the text, commits it, releases the lock.
///
/// `edit` gets the text as it is under the lock, so nothing stale can be written. It may run several times (somebody without
/// our lock saved the file meanwhile, or removed our lock file) and must therefore have no effect other than on the text that
/// it is given. If it fails, or changes no byte, nothing is written. What it returns lives until the change is in place, and
/// is dropped before anything is waited for anew.
///
/// # Errors
///
/// The file is unchanged, except where [`UpdateError::is_committed`] is true.
///
/// - [`UpdateError::Lock`], [`UpdateError::Inherit`]: no lock. [`AcquireError::Contended`](sidecar_lock::AcquireError) names
///   the holder; try again later.
/// - [`UpdateError::Read`]: not there, not JSON, no permission. A file that was removed meanwhile stays removed, unless it
///   may be created.
/// - [`UpdateError::Edit`]: what `edit` returned.
/// - [`UpdateError::TooLarge`]: nothing is written that would be too large to be read.
/// - [`UpdateError::Interfered`], [`UpdateError::LockLost`]: others kept interfering until `options.lock.timeout` had passed
///   and at least three reruns were made; try again later.
/// - [`UpdateError::Commit`]: see [`CommitError`](atomic_file::CommitError).
///
/// # Example
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("state.json");
/// # atomic_file::create(&path, b"{\"round\": 7, \"share\": 1.0}\n", &Default::default())?;
/// let round = "round".parse()?;
/// let updated = state_file::edit(&path, &Default::default(), |text| text.increment(&round, 1))?;
/// assert_eq!(updated.value, 8);
/// assert_eq!(updated.after.as_str(), "{\"round\": 8, \"share\": 1.0}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn edit<R, E: Error + 'static>(
    path: &Path,
    options: &UpdateOptions,
    mut edit: impl FnMut(&mut JsonText) -> Result<R, E>,
) -> Result<Updated<R>, UpdateError<E>> {
    transact(path, options, as_text, |locked| {
        let mut text = locked.parsed;
        let value = edit(&mut text).map_err(UpdateError::Edit)?;
        Ok((value, text))
    })
}

/// The bytes of a file as a text that can be edited.
pub(crate) fn as_text(bytes: &[u8]) -> Result<JsonText, Unreadable> {
    JsonText::parse(bytes).map_err(Unreadable::Parse)
}
