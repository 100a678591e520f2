//! Other systems: names are text.

use std::path::{Path, PathBuf};

/// A path as git writes it: UTF-8, by its documentation, where the system's names are not bytes.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// A path as git reads it: folders are parted by `/`.
pub(crate) fn bytes_of(path: &Path) -> Vec<u8> {
    let text = path.to_string_lossy();
    text.replace(std::path::MAIN_SEPARATOR, "/").into_bytes()
}

/// Not known.
pub(crate) fn host() -> String {
    String::new()
}
