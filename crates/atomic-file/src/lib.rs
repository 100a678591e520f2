//! Contract follows.

mod error;
mod options;

pub use error::{CommitError, CommitWarning, ReadError, SweepError};
pub use options::{CommitOptions, Durability, HardLinks};

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// A file as it was read.
#[derive(Debug)]
pub struct Original;
/// New contents on disk, not yet visible.
#[derive(Debug)]
pub struct Staged;
/// A commit that is in place.
#[derive(Debug)]
pub struct Committed {
    /// What went wrong beside it.
    pub warnings: Vec<CommitWarning>,
}
/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Removed temporaries.
    pub removed: Vec<PathBuf>,
    /// Files put back.
    pub restored: Vec<PathBuf>,
    /// Strangers' copies kept.
    pub rescued: Vec<PathBuf>,
    /// A writer was inside.
    pub busy: bool,
}
impl Original {
    /// Contract.
    pub fn read(path: &Path) -> Result<Self, ReadError> { let _ = path; todo!() }
    /// Contract.
    pub fn read_with_limit(path: &Path, max_bytes: u64) -> Result<Self, ReadError> { let _ = (path, max_bytes); todo!() }
    /// Contract.
    pub fn path(&self) -> &Path { todo!() }
    /// Contract.
    pub fn bytes(&self) -> &[u8] { todo!() }
    /// Contract.
    pub fn take_bytes(&mut self) -> Vec<u8> { todo!() }
    /// Contract.
    pub fn is_unchanged(&self) -> io::Result<bool> { todo!() }
    /// Contract.
    pub fn stage(self, contents: &[u8], options: &CommitOptions) -> Result<Staged, CommitError> { let _ = (contents, options); todo!() }
}
impl Staged {
    /// Contract.
    pub fn commit(self) -> Result<Committed, CommitError> { todo!() }
}
/// Contract.
pub fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, ReadError> { let _ = (path, max_bytes); todo!() }
/// Contract.
pub fn create(path: &Path, contents: &[u8], options: &CommitOptions) -> Result<Committed, CommitError> { let _ = (path, contents, options); todo!() }
/// Contract.
pub fn replace(path: &Path, contents: &[u8], options: &CommitOptions) -> Result<Committed, CommitError> { let _ = (path, contents, options); todo!() }
/// Contract.
pub fn replace_if_unchanged(original: Original, contents: &[u8], options: &CommitOptions) -> Result<Committed, CommitError> { original.stage(contents, options)?.commit() }
/// Contract.
pub fn sweep(directory: &Path) -> Result<Swept, SweepError> { let _ = directory; todo!() }
/// Contract.
pub fn sweep_file(path: &Path) -> Result<Swept, SweepError> { let _ = path; todo!() }
/// Contract.
pub fn find_leftovers(directory: &Path) -> Result<Vec<PathBuf>, SweepError> { let _ = directory; todo!() }
/// Contract.
pub fn is_temporary_name(name: &OsStr) -> bool { let _ = name; todo!() }
/// Contract.
pub fn is_rescued_name(name: &OsStr) -> bool { let _ = name; todo!() }
