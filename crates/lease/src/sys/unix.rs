//! Folders and the machine's name on Unix.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::retry_on_intr;

pub(crate) fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// The names in a folder, in order.
///
/// Not by `std::fs::read_dir`, which panics when closing the folder fails.
pub(crate) fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| rustix::fs::open(folder, flags, Mode::empty()))?;
    let mut names = Vec::new();
    for entry in retry_on_intr(|| Dir::read_from(&opened))? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    names.sort();
    Ok(names)
}
