//! Files that no agent edits: they belong to git, to the leases, or to the tools that make editing safe.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sidecar_lock::{LockState, SidecarLock};

use super::Workplace;
use super::error::EditError;
use crate::project_path::{ProjectPath, fold};
use crate::store::{folder, sqlite};

const OF_A_STORE: &str = "is where the leases are kept";

/// What `SQLite` puts behind the name of a database.
const BESIDE_A_DATABASE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Refuses to edit what is not an agent's business.
///
/// # Errors
///
/// [`EditError::Refused`].
pub(super) fn check(place: Workplace<'_>, path: &ProjectPath) -> Result<(), EditError> {
    let found = by_name(path)
        .or_else(|| is_of_the_store(place, path).then_some(OF_A_STORE))
        .or_else(|| is_of_another_store(&place.project.locate(path)).then_some(OF_A_STORE))
        .or_else(|| is_sidecar(&place.project.locate(path)).then_some("is a lock file"));
    match found {
        None => Ok(()),
        Some(reason) => Err(EditError::Refused {
            path: path.clone(),
            reason,
        }),
    }
}

/// What the name alone says.
fn by_name(path: &ProjectPath) -> Option<&'static str> {
    let folded = fold(path.as_str());
    let name = folded.rsplit('/').next().unwrap_or_default();
    if folded.is_empty() {
        Some("is the project itself")
    } else if folded.split('/').any(|part| part == ".git") {
        Some("belongs to git")
    } else if name.ends_with(".md.lock") || name.ends_with(".edit.lock") {
        Some("is a lock file")
    } else if atomic_file::is_temporary_name(name.as_ref())
        || sidecar_lock::is_temporary_name(name.as_ref())
    {
        Some("is a temporary file of a writer")
    } else {
        None
    }
}

/// Whether it lies in the folder of leases, or is their database, or what stands beside it.
fn is_of_the_store(place: Workplace<'_>, path: &ProjectPath) -> bool {
    // A store outside of the project is no path of it.
    let Ok(store) = place.project.path(&absolute(place.store.place())) else {
        return false;
    };
    let is_beside = |end: &str| {
        let name = format!("{}{end}", store.as_str());
        let lock = format!("{name}.lock");
        [name, lock].iter().any(|own| fold(own) == path.key())
    };
    path.is_within(&store) || BESIDE_A_DATABASE.iter().any(|end| is_beside(end))
}

/// Whether leases that are not asked about now are kept there: a project may have several stores.
fn is_of_another_store(location: &Path) -> bool {
    let before = |end: &str| {
        let name = location.file_name()?.to_str()?.strip_suffix(end)?;
        (!name.is_empty()).then(|| location.with_file_name(name))
    };
    location.parent().is_some_and(folder::is_store)
        || before(".lock").is_some_and(|store| folder::is_store(&store))
        || BESIDE_A_DATABASE
            .iter()
            .filter_map(|end| before(end))
            .any(|store| sqlite::is_store(&store))
}

/// A store may be named relative to the working folder, a project's path is not.
fn absolute(place: &Path) -> PathBuf {
    std::path::absolute(place).unwrap_or_else(|_| place.to_path_buf())
}

/// Whether it is the lock of another file: by what it holds, for `Cargo.lock` is none.
fn is_sidecar(location: &Path) -> bool {
    let guarded = location
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_suffix(".lock"))
        .filter(|name| !name.is_empty());
    let Some(guarded) = guarded else {
        return false;
    };
    let state = SidecarLock::new(location.with_file_name(guarded))
        .ok()
        // A link leads the lock elsewhere.
        .filter(|lock| lock.sidecar() == location)
        .and_then(|lock| lock.inspect(Duration::MAX).ok());
    matches!(
        state,
        Some(
            LockState::Held(_)
                | LockState::HeldUnreadable
                | LockState::Leftover(_)
                | LockState::LeftoverUnreadable
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_tells_what_belongs_to_git_and_to_the_tools() {
        let temporary = ".sidecar-0123456789abcdef.lock-tmp";
        let table = [
            ("", true),
            (".git/config", true),
            ("sub/.GIT/hooks/pre-commit", true),
            (".git", true),
            ("stories/S-1/story.md.lock", true),
            ("Gemfile.edit.lock", true),
            (temporary, true),
            (".gitignore", false),
            (".github/workflows/ci.yml", false),
            ("Cargo.lock", false),
            ("gemfiles/rails.gemfile.lock", false),
            ("src/lock.rs", false),
        ];
        for (text, refused) in table {
            let path = ProjectPath::from_parts(text.split('/').filter(|part| !part.is_empty()));
            assert_eq!(by_name(&path).is_some(), refused, "{text:?}");
        }
    }
}
