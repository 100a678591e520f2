//! A state file of a known type: read, changed under the lock, or replaced if it is still the version that was seen.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use atomic_file::Revision;
use json_text::JsonText;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::edit::Updated;
use crate::error::{ReadError, UpdateError};
use crate::optimistic::rounds;
use crate::options::UpdateOptions;
use crate::read::{Unreadable, read_as};
use crate::transact::{FileAsRead, transact};
use crate::typed::{Typed, typed, value_of};
use crate::version::{RaiseError, Version, Versioning};

/// A JSON file that holds a `T`, shared with others.
///
/// Only what `T` knows is read, and only what differs between the value before and after a change is written: members that
/// `T` does not know, the order of members, spacing and the forms of numbers stay as they are.
///
/// # Limits
///
/// What has no order of its own is best kept in a list or a map: a `HashSet` is written as a list whose order is chance.
///
/// # Example
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("state.json");
/// # atomic_file::create(&path, b"{\"round\": 7, \"by\": \"hand\"}\n", &Default::default())?;
/// use state_file::StateFile;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct State {
///     round: u32,
/// }
///
/// let file = StateFile::<State>::new(&path);
/// let updated = file.update(&Default::default(), |state| state.round += 1)?;
/// assert_eq!(updated.after.as_str(), "{\"round\": 8, \"by\": \"hand\"}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StateFile<T> {
    path: PathBuf,
    versioning: Versioning,
    value: PhantomData<fn() -> T>,
}

/// A value as it was read.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// What the file says.
    pub value: T,
    /// Which version of the file that is.
    pub version: Version,
    /// The file, with all links resolved.
    pub path: PathBuf,
}

impl<T> StateFile<T> {
    /// The state file at `path`, which need not be there; nothing is looked at yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            versioning: Versioning::Content,
            value: PhantomData,
        }
    }

    /// The same file, with other versions; default [`Versioning::Content`].
    #[must_use]
    pub fn versioned_by(mut self, versioning: Versioning) -> Self {
        self.versioning = versioning;
        self
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl<T: Serialize + DeserializeOwned> StateFile<T> {
    /// Reads the value and its version: no lock, no waiting for writers, never parts of two versions.
    ///
    /// # Errors
    ///
    /// As [`read`](crate::read()), and:
    ///
    /// - [`ReadError::Shape`]: it is JSON, but no `T`; the member is named.
    /// - [`ReadError::Version`]: it has no version member, and should.
    pub fn read(&self) -> Result<Seen<T>, ReadError> {
        let parse = |bytes: &[u8]| {
            let Typed { text, value } = typed(bytes)?;
            let version = self.versioning.of(&text).map_err(Unreadable::Version)?;
            Ok((value, version))
        };
        let ((value, version), path) = read_as(&self.path, parse)?;
        Ok(Seen {
            value,
            version,
            path,
        })
    }

    /// Changes the value under the lock: acquires it, reads, lets `change` work on the value, commits what differs, releases.
    ///
    /// `change` may run several times, and must have no effect other than on the value that it is given. A value that is the
    /// same afterwards writes nothing. In a file that is created the value is read from an empty object.
    ///
    /// # Errors
    ///
    /// As [`edit`](crate::edit()) and [`StateFile::read`], and:
    ///
    /// - [`UpdateError::Unwritable`]: the new value cannot be written as JSON (a map with keys that are no texts).
    /// - [`UpdateError::Text`]: the difference has no place in the text.
    pub fn update<R>(
        &self,
        options: &UpdateOptions,
        mut change: impl FnMut(&mut T) -> R,
    ) -> Result<Updated<R>, UpdateError> {
        self.try_update(options, |value| Ok(change(value)))
    }

    /// As [`StateFile::update`], with a change that may refuse.
    ///
    /// # Errors
    ///
    /// As [`StateFile::update`], and [`UpdateError::Edit`]: what `change` returned. Nothing is written then.
    pub fn try_update<R, E: Error + 'static>(
        &self,
        options: &UpdateOptions,
        mut change: impl FnMut(&mut T) -> Result<R, E>,
    ) -> Result<Updated<R>, UpdateError<E>> {
        transact(&self.path, options, typed::<T>, |locked| {
            let Typed {
                mut text,
                mut value,
            } = locked.parsed;
            let before = serialised(&value, locked.file)?;
            let result = change(&mut value).map_err(UpdateError::Edit)?;
            let after = serialised(&value, locked.file)?;
            self.follow(&mut text, &Change { before, after }, locked.file)?;
            Ok((result, text))
        })
    }

    /// Replaces the value if the file is still `version`, as [`StateFile::read`] told it.
    ///
    /// Only what differs from the value that is in the file is written.
    ///
    /// # Errors
    ///
    /// As [`StateFile::update`], and [`UpdateError::Conflict`]: the file is another version. Read again, and think again.
    pub fn replace_if(
        &self,
        options: &UpdateOptions,
        version: &Version,
        value: &T,
    ) -> Result<Updated<()>, UpdateError> {
        transact(&self.path, options, typed::<T>, |locked| {
            let path = locked.file.path;
            let Typed {
                mut text,
                value: old,
            } = locked.parsed;
            let found = self.version_like(version, &text, path)?;
            if found != *version {
                return Err(UpdateError::Conflict {
                    path: path.to_path_buf(),
                    expected: version.clone(),
                    found,
                });
            }
            let before = serialised(&old, locked.file)?;
            let after = serialised(value, locked.file)?;
            self.follow(&mut text, &Change { before, after }, locked.file)?;
            Ok(((), text))
        })
    }

    /// Changes the value optimistically: reads it, lets `think` make a new one while nobody is kept out, and puts that in
    /// place if the file is still what was read; else begins again.
    ///
    /// As [`edit_optimistic`](crate::edit_optimistic()) in all else. The whole file is compared, also where versions are numbers: a change by somebody
    /// who does not raise the number is not overwritten.
    ///
    /// # Errors
    ///
    /// As [`StateFile::update`] and [`edit_optimistic`](crate::edit_optimistic()).
    pub fn update_optimistic(
        &self,
        options: &UpdateOptions,
        mut think: impl FnMut(&T) -> T,
    ) -> Result<Updated<()>, UpdateError> {
        self.try_update_optimistic(options, |value| Ok(think(value)))
    }

    /// As [`StateFile::update_optimistic`], with thinking that may refuse.
    ///
    /// # Errors
    ///
    /// As [`StateFile::update_optimistic`], and [`UpdateError::Edit`]: what `think` returned. Nothing is written then.
    pub fn try_update_optimistic<E: Error + 'static>(
        &self,
        options: &UpdateOptions,
        mut think: impl FnMut(&T) -> Result<T, E>,
    ) -> Result<Updated<()>, UpdateError<E>> {
        rounds(&self.path, options, |text, file| {
            let old: T = value_of(text).map_err(|err| err.at(file.path))?;
            let new = think(&old).map_err(UpdateError::Edit)?;
            let change = Change {
                before: serialised(&old, file)?,
                after: serialised(&new, file)?,
            };
            self.follow(text, &change, file)
        })
    }

    /// Which version of the file a change has left.
    ///
    /// # Errors
    ///
    /// [`ReadError::Version`]: it has no version member, and should.
    pub fn version_after<R>(&self, updated: &Updated<R>) -> Result<Version, ReadError> {
        self.version_of(&updated.after, &updated.path)
    }

    fn version_of(&self, text: &JsonText, path: &Path) -> Result<Version, ReadError> {
        let version = self.versioning.of(text);
        version.map_err(|err| Unreadable::Version(err).at(path))
    }

    /// The version of a text in the way in which `other` was told: contents can be compared always.
    fn version_like(
        &self,
        other: &Version,
        text: &JsonText,
        path: &Path,
    ) -> Result<Version, ReadError> {
        match other {
            Version::Content(_) => Ok(Version::Content(Revision::of(text.as_bytes()))),
            Version::Number(_) => self.version_of(text, path),
        }
    }

    /// Puts what differs between two values into the text of `file`; a text that changes by it, or is new, gets the next
    /// number.
    fn follow<E: Error + 'static>(
        &self,
        text: &mut JsonText,
        change: &Change,
        file: FileAsRead<'_>,
    ) -> Result<(), UpdateError<E>> {
        let unreadable = |err| Unreadable::Version(err).at(file.path);
        let unfit = |source| UpdateError::Text {
            path: file.path.to_path_buf(),
            source,
        };
        let number = match file.bytes {
            Some(_) => self.versioning.number(text).map_err(unreadable)?,
            None => None,
        };
        if change.before != change.after {
            text.follow(&change.before, &change.after).map_err(unfit)?;
        }
        if file.bytes == Some(text.as_bytes()) {
            return Ok(());
        }
        self.versioning
            .raise(text, number)
            .map_err(|err| match err {
                RaiseError::Version(err) => unreadable(err).into(),
                RaiseError::Edit(err) => unfit(err),
            })
    }
}

/// Two values, before and after a change, as [`serialised`].
struct Change {
    before: Vec<u8>,
    after: Vec<u8>,
}

/// A value of a file as one line of JSON, to be compared with another one of the same type.
fn serialised<T: Serialize, E: Error + 'static>(
    value: &T,
    file: FileAsRead<'_>,
) -> Result<Vec<u8>, UpdateError<E>> {
    // Seldom longer than the text, and what is not used of it costs nothing; growing would.
    let mut bytes = Vec::with_capacity(file.bytes.map_or(0, <[u8]>::len));
    match serde_json::to_writer(&mut bytes, value) {
        Ok(()) => Ok(bytes),
        Err(source) => Err(UpdateError::Unwritable {
            path: file.path.to_path_buf(),
            source,
        }),
    }
}

impl<T> fmt::Debug for StateFile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateFile")
            .field("path", &self.path)
            .field("versioning", &self.versioning)
            .finish()
    }
}

impl<T> Clone for StateFile<T> {
    fn clone(&self) -> Self {
        Self {
            path: self.path.clone(),
            versioning: self.versioning.clone(),
            value: PhantomData,
        }
    }
}
