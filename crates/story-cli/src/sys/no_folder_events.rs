//! Events in folders, where we know no way to them: only time passes.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::Woken;

/// Never made here.
#[derive(Debug)]
pub struct FolderEvents {}

impl FolderEvents {
    /// Not possible.
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not possible.
    pub fn add(&mut self, _folder: &Path) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sleeps.
    pub fn wait(&mut self, timeout: Duration) -> Woken {
        std::thread::sleep(timeout);
        Woken::Late
    }
}
