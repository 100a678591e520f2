//! Other systems: a temporary file instead of one in memory.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};

/// A file without a name that holds `bytes`, to be read from its beginning.
pub(crate) fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}
