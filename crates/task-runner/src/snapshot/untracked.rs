//! The files that git does not know and does not ignore.

use std::path::Path;

use super::error::SnapshotError;
use crate::git::Repository;
use crate::left::{Left, Reason};
use crate::shared_files::SharedFiles;
use crate::sys;

/// What [`list`] finds.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Relative to the top of the tree, in the order of their bytes.
    pub files: Vec<Vec<u8>>,
    /// The repositories among them.
    pub left: Vec<Left>,
}

/// Lists them. `index` says what git knows.
pub(crate) fn list(
    repository: &Repository,
    index: &Path,
    shared: &dyn SharedFiles,
) -> Result<Listed, SnapshotError> {
    let words = ["ls-files", "--others", "--exclude-standard", "-z"];
    let output = repository.git(words).index(index).run_both()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    // Git passes over a folder that it may not list, and only warns; the files in it would be missing from the record.
    if stderr.contains("could not open directory") {
        let stderr = stderr.into_owned();
        return Err(SnapshotError::Unlisted { stderr });
    }
    let mut listed = Listed {
        files: Vec::new(),
        left: Vec::new(),
    };
    for bytes in output.stdout.split(|byte| *byte == 0) {
        if let Some(folder) = bytes.strip_suffix(b"/") {
            let path = sys::path_of(folder);
            let reason = Reason::NestedRepository;
            listed.left.push(Left { path, reason });
        } else if !bytes.is_empty() && !shared.is_apart(&sys::path_of(bytes)) {
            listed.files.push(bytes.to_vec());
        }
    }
    listed.files.sort();
    Ok(listed)
}
