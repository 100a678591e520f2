//! Other systems: names are text, files have neither permissions nor a time of their last change.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::snapshot::look::{Look, Moment, kind_of};

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

/// What a look at a file says.
pub(crate) fn look_of(metadata: &Metadata) -> Look {
    let since = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    let modified = Moment {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanoseconds: since.subsec_nanos(),
    };
    Look {
        kind: kind_of(metadata),
        permissions: 0o644,
        size: metadata.len(),
        modified,
        changed: modified,
        inode: 0,
    }
}

/// Whether [`sync_around`] reaches every file of the file system.
pub(crate) const SYNCS_WHOLE_FILE_SYSTEMS: bool = false;

/// There is no such call; what git wrote, git has synced.
pub(crate) fn sync_around(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
