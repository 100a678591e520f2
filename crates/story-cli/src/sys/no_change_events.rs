//! What happens to the files in folders, where nothing tells it in order.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::{Change, Waited};

/// Never made here.
#[derive(Debug)]
pub struct ChangeEvents {}

impl ChangeEvents {
    /// Not possible.
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not possible.
    pub fn add(&mut self, _folder: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Nothing to do.
    pub fn remove_below(&mut self, _folder: &Path) {}

    /// None.
    pub fn count(&self) -> usize {
        0
    }

    /// Sleeps.
    pub fn wait(&mut self, timeout: Duration) -> Waited {
        std::thread::sleep(timeout);
        Waited::Look
    }

    /// None.
    pub fn take(&mut self) -> Vec<Change> {
        Vec::new()
    }
}
