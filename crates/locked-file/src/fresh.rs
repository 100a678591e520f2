//! Reading what makes sense: a file that does not is looked at again for a moment, if it was written just now.

use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::{Original, ReadError};

/// Below this age an unreadable file may be one that an editor is just writing in place. Chosen.
pub const FRESH: Duration = Duration::from_millis(250);

/// Pauses before an unreadable fresh file is looked at again. Chosen: editors write within milliseconds.
pub const PAUSES: [Duration; 5] = [
    Duration::from_millis(2),
    Duration::from_millis(4),
    Duration::from_millis(8),
    Duration::from_millis(16),
    Duration::from_millis(32),
];

/// Why a file was not read as what it should be.
#[derive(Debug, thiserror::Error)]
pub enum FreshError<E: std::error::Error + 'static> {
    /// It could not be read.
    #[error(transparent)]
    File(#[from] ReadError),
    /// It is not what it should be. A person must repair it.
    #[error("{} does not make sense", path.display())]
    Parse {
        /// The file, with all links resolved.
        path: PathBuf,
        /// What is wrong.
        source: E,
    },
}

impl<E: std::error::Error + 'static> FreshError<E> {
    /// The file that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(err) => err.path(),
            Self::Parse { path, .. } => path,
        }
    }
}

/// Reads a file together with what the commit needs to know about the version that was read, and parses it.
///
/// A file that does not parse *and* was written within the last [`FRESH`] is looked at again, for up to 62 ms: editors that
/// write in place leave it empty for a moment.
///
/// # Errors
///
/// - [`FreshError::File`]: what `reading` says.
/// - [`FreshError::Parse`]: what `parse` says of the last look. Retrying does not help.
pub fn fresh<T, E: std::error::Error + 'static>(
    reading: impl Fn() -> Result<Original, ReadError>,
    parse: impl Fn(Vec<u8>) -> Result<T, E>,
) -> Result<(Original, T), FreshError<E>> {
    let mut pauses = PAUSES.iter();
    loop {
        let mut original = reading()?;
        let source = match parse(original.take_bytes()) {
            Ok(parsed) => return Ok((original, parsed)),
            Err(source) => source,
        };
        let is_fresh = original.age().is_none_or(|age| age < FRESH);
        match pauses.next() {
            Some(pause) if is_fresh => std::thread::sleep(*pause),
            _ => {
                let path = original.path().to_path_buf();
                return Err(FreshError::Parse { path, source });
            }
        }
    }
}
