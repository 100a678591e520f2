//! Reading a state file: one whole version, without a lock.

use std::path::{Path, PathBuf};

use atomic_file::{Original, ReadError as FileError, Revision};
use json_text::{JsonText, ParseError};
use locked_file::FreshError;

use crate::error::ReadError;
use crate::pending;
use crate::version::VersionError;

/// The largest state file that is read or written, in bytes: 64 MiB. Chosen: ten times the largest task list that we know
/// of, and small enough that a device image called `state.json` does not use up the memory.
pub const MAX_STATE_BYTES: u64 = 64 * 1024 * 1024;

/// A state file as it was read.
#[derive(Debug, Clone)]
pub struct Found {
    /// The text, ready to be looked into.
    pub text: JsonText,
    /// The file, with all links resolved.
    pub path: PathBuf,
}

impl Found {
    /// The revision of what was read; costs a look at every byte.
    pub fn revision(&self) -> Revision {
        Revision::of(self.text.as_bytes())
    }
}

/// Reads a state file as it is now: no lock, no waiting for writers, never parts of two versions.
///
/// A writer may be about to replace what is returned; to change the file use [`edit`](crate::edit()), which reads it again
/// under its lock. Only a file that is not readable JSON *and* was written within the last quarter of a second is looked at
/// again, for up to 62 ms: programs that write in place leave it empty for a moment.
///
/// # Errors
///
/// - [`ReadError::File`]: not there, not a regular file, larger than [`MAX_STATE_BYTES`], no permission, or written in place
///   again and again ([`ReadError::is_retryable`] tells them apart).
/// - [`ReadError::Parse`]: a person must repair it.
///
/// # Example
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("state.json");
/// # atomic_file::create(&path, b"{\"round\": 7}\n", &Default::default())?;
/// let found = state_file::read(&path)?;
/// assert_eq!(found.text.raw(&"round".parse()?), Some("7"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(path: &Path) -> Result<Found, ReadError> {
    let (text, path) = read_as(path, |bytes| {
        JsonText::parse(bytes).map_err(Unreadable::Parse)
    })?;
    Ok(Found { text, path })
}

/// Reads a file, and what `parse` makes of it, with the file's path.
pub(crate) fn read_as<P>(
    path: &Path,
    parse: impl Fn(&[u8]) -> Result<P, Unreadable>,
) -> Result<(P, PathBuf), ReadError> {
    let found = fresh(|| Original::read_with_limit(path, MAX_STATE_BYTES), &parse);
    let now = match &found {
        Ok(found) => Some(&*found.bytes),
        Err(err) if err.is_not_found() => None,
        Err(_) => return found.map(|it| (it.parsed, it.original.path().to_path_buf())),
    };
    // A transaction over several files that is decided counts, also where it is not carried out yet.
    if let Some(bytes) = pending::decided(path, now)? {
        let path = found.map_or_else(
            |_| path.to_path_buf(),
            |it| it.original.path().to_path_buf(),
        );
        let parsed = parse(&bytes).map_err(|err| err.at(&path))?;
        return Ok((parsed, path));
    }
    found.map(|it| (it.parsed, it.original.path().to_path_buf()))
}

/// What a text is not; the file's path is added where it is known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Parse(ParseError),
    #[error("not what is expected at {member}")]
    Shape {
        member: String,
        source: serde_json::Error,
    },
    #[error(transparent)]
    Version(VersionError),
}

impl Unreadable {
    pub(crate) fn at(self, path: &Path) -> ReadError {
        let path = path.to_path_buf();
        match self {
            Self::Parse(source) => ReadError::Parse { path, source },
            Self::Shape { member, source } => ReadError::Shape {
                path,
                member,
                source,
            },
            Self::Version(source) => ReadError::Version { path, source },
        }
    }
}

/// One version of a file, with what a commit needs to know about it.
pub(crate) struct Fresh<P> {
    pub(crate) original: Original,
    pub(crate) bytes: Vec<u8>,
    pub(crate) parsed: P,
}

/// Reads, and looks again while somebody may be writing in place.
pub(crate) fn fresh<P>(
    reading: impl Fn() -> Result<Original, FileError>,
    parse: impl Fn(&[u8]) -> Result<P, Unreadable>,
) -> Result<Fresh<P>, ReadError> {
    let keeping = |bytes: Vec<u8>| parse(&bytes).map(|parsed| (bytes, parsed));
    match locked_file::fresh(reading, keeping) {
        Ok((original, (bytes, parsed))) => Ok(Fresh {
            original,
            bytes,
            parsed,
        }),
        Err(FreshError::File(err)) => Err(ReadError::File(err)),
        Err(FreshError::Parse { path, source }) => Err(source.at(&path)),
    }
}
