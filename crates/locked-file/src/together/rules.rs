//! What a family of files says about transactions over several of them: where their records are, what becomes of a file that
//! somebody without our lock has changed meanwhile.

use std::path::{Path, PathBuf};

use atomic_file::ReadError;

/// Where the records of transactions are: a folder, made when it is needed and removed when it is empty, somewhere below
/// the base from which records name their files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    base: PathBuf,
    names: &'static [&'static str],
}

impl Place {
    /// The folder `base/names[0]/names[1]/…`, for records of files below `base`, whose path must have no links in it.
    pub fn new(base: &Path, names: &'static [&'static str]) -> Self {
        Self {
            base: base.to_path_buf(),
            names,
        }
    }

    /// The same with the links in the base resolved.
    ///
    /// # Errors
    ///
    /// [`ReadError`]: the base is not there.
    pub fn resolved(&self) -> Result<Self, ReadError> {
        let base = self.base.canonicalize().map_err(|source| {
            let (step, path) = ("resolve it", self.base.clone());
            ReadError::Io { step, path, source }
        })?;
        Ok(Self::new(&base, self.names))
    }

    /// Where the paths in records begin.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// The folder of the records.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folders().last().unwrap_or_else(|| self.base.clone())
    }

    /// Each folder on the way to it, the highest first.
    pub(crate) fn folders(&self) -> impl Iterator<Item = PathBuf> {
        self.names.iter().scan(self.base.clone(), |folder, name| {
            folder.push(name);
            Some(folder.clone())
        })
    }
}

/// What a family of files says about transactions over several of them.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Where the records are that may name the file at this path, which has no links in it; `None`: it takes part in none.
    pub place_of: fn(&Path) -> Option<Place>,
    /// How a change that is decided stands to what somebody without our lock has made of the file since.
    pub meet: fn(Met<'_>) -> Meeting,
    /// The largest file, in bytes.
    pub max_bytes: u64,
}

/// A file that somebody without our lock has changed since a transaction was decided that was to change it.
#[derive(Debug, Clone, Copy)]
pub struct Met<'a> {
    /// Its bytes as the transaction read them; `None`: it was not there.
    pub before: Option<&'a [u8]>,
    /// Its bytes as they are.
    pub now: &'a [u8],
    /// Its bytes as they were to be.
    pub after: &'a [u8],
}

/// How such a file stands to what was decided for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meeting {
    /// The decided change was in place before they changed something else: nothing is left to do.
    Done,
    /// Both changes do not touch each other; this has both.
    Merged(Vec<u8>),
    /// They do: the file stays as it is, and what it was to be is kept for a person.
    Conflict,
}
