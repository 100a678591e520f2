//! Folders and the machine's name elsewhere.

use std::ffi::OsString;
use std::io;
use std::path::Path;

/// Unknown: a process is then judged by what the system tells about processes, which is nothing either.
pub(crate) fn host() -> String {
    String::new()
}

/// The names in a folder, in order.
pub(crate) fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}
