//! What a restore that was killed leaves behind, beside files that are half restored: git's lock, temporary files in the
//! folders that it worked in, folders that it emptied.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::folders::Folders;
use super::index::free_leftover;
use super::plan::Plan;
use crate::git::Repository;
use crate::sys::{bytes_of, path_of};

/// The file that names the folders in which files are replaced and removed.
const FOLDERS: &str = "folders";

/// Writes down in which folders a plan replaces and removes files, before it does.
pub(crate) fn announce(plan: &Plan, folder: &Path) -> io::Result<()> {
    let written = plan.writes.iter().map(|step| step.path.as_path());
    let removed = plan.removals.iter().map(|step| step.path.as_path());
    let mut parents: Vec<_> = written.chain(removed).filter_map(Path::parent).collect();
    parents.sort_unstable();
    parents.dedup();
    let mut list = Vec::new();
    for parent in parents {
        list.extend(bytes_of(parent));
        list.push(0);
    }
    let mut file = fs::File::create_new(folder.join(FOLDERS))?;
    file.write_all(&list)?;
    file.sync_all()
}

/// Cleans up after a dead process whose folder this was. To be called before the folder is removed: it is what tells our lock
/// from another git's. What cannot be cleaned is told by an event only, for the next call tries again as long as the folder is
/// there; `false` says that it has to stay for that.
pub(crate) fn tidy(repository: &Repository, folder: &Path) -> bool {
    let mut folders = Folders::of(repository.top());
    for path in announced(folder) {
        sweep(&repository.top().join(&path));
        // What it has emptied it would have removed.
        if let Err(err) = folders.prune(&path.join("any")) {
            tracing::warn!(folder = %path.display(), %err, "cannot remove an emptied folder");
        }
    }
    match free_leftover(repository.git_dir(), folder) {
        Ok(was_there) => {
            if was_there {
                tracing::warn!("git's index was still locked by a restore that was killed");
            }
            true
        }
        Err(err) => {
            tracing::warn!(%err, "git's index is still locked by a restore that was killed");
            false
        }
    }
}

fn announced(folder: &Path) -> Vec<PathBuf> {
    let Ok(list) = fs::read(folder.join(FOLDERS)) else {
        // That process did not come so far.
        return Vec::new();
    };
    let complete = list.rsplitn(2, |byte| *byte == 0).nth(1).unwrap_or(&[]);
    let paths = complete.split(|byte| *byte == 0);
    if list.is_empty() {
        return Vec::new();
    }
    paths.map(path_of).collect()
}

/// No link is followed: whoever put one there since has not asked for it.
fn sweep(folder: &Path) {
    if folder
        .canonicalize()
        .is_ok_and(|resolved| resolved == folder)
        && let Err(err) = atomic_file::sweep(folder)
    {
        tracing::warn!(folder = %folder.display(), %err, "cannot remove temporary files");
    }
}
