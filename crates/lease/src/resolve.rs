//! Where a path leads: the system's own way of following links, for paths that need not exist.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::project_path::PathError;

/// How many links a path may lead through: what Linux allows (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// The path without links, `.` and `..`. Relative ones start at `base`, which must be free of them.
pub(crate) fn resolve(base: &Path, given: &Path) -> Result<PathBuf, PathError> {
    let unresolved = |reason: String| PathError::Unresolved {
        path: given.display().to_string(),
        reason,
    };
    let mut resolved = base.to_owned();
    let mut links = 0;
    let mut ahead: VecDeque<OsString> = parts(given);
    while let Some(part) = ahead.pop_front() {
        match Path::new(&part).components().next() {
            None | Some(Component::CurDir) => {}
            // At the top it stays there, as the system does it.
            Some(Component::ParentDir) => {
                resolved.pop();
            }
            Some(Component::Prefix(_) | Component::RootDir) => resolved.push(&part),
            Some(Component::Normal(_)) => {
                resolved.push(&part);
                let target = link_target(&resolved).map_err(|err| unresolved(err.to_string()))?;
                let Some(target) = target else { continue };
                links += 1;
                if links > MAX_LINKS {
                    return Err(unresolved("too many links".to_owned()));
                }
                resolved.pop();
                let mut way = parts(&target);
                way.append(&mut ahead);
                ahead = way;
            }
        }
    }
    Ok(resolved)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

/// Where a link leads; `None` for all that is none, and for what does not exist.
fn link_target(path: &Path) -> io::Result<Option<PathBuf>> {
    use io::ErrorKind::{NotADirectory, NotFound};
    let is_absent = |err: &io::Error| matches!(err.kind(), NotFound | NotADirectory);
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => match std::fs::read_link(path) {
            Ok(target) => Ok(Some(target)),
            // Somebody removed it meanwhile.
            Err(err) if is_absent(&err) => Ok(None),
            Err(err) => Err(err),
        },
        Ok(_) => Ok(None),
        Err(err) if is_absent(&err) => Ok(None),
        Err(err) => Err(err),
    }
}
