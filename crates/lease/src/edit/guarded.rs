//! Which lock guards an edit, and whether what stands at its place may be taken for a lock at all.
//!
//! The lock of `x.rs` is the file `x.rs.lock`, as everywhere; who runs `story lock run x.rs` keeps edits out. But the lock of
//! `Gemfile` would be `Gemfile.lock`, and so with `Pipfile`, `composer`, `flake`, `poetry`, `Cargo`: package managers keep
//! data there, and a lock that looks abandoned is replaced. So a file without an extension is guarded by `NAME.edit.lock`.
//! Even with an extension it can be data (`rails_5.gemfile.lock`). Where other tools are known to lock, at Markdown and JSON
//! files, the usual limits hold. Elsewhere a foreign lock is waited for, but never taken over: it would have to be 30 days old, and what is that
//! old, or was there before the machine was started, is refused before the lock is tried.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sidecar_lock::{ForeignKind, LockOptions, LockState, SidecarLock};

/// When the lock of another tool counts as abandoned beside files of any kind. Chosen: no tool holds a lock that long.
const STALE_AFTER: Duration = Duration::from_hours(30 * 24);

/// Beside these, tools are known to make lock files of this form, and nobody keeps data.
const USUALLY_LOCKED: [&str; 2] = ["md", "json"];

/// More than any record of a lock.
const MOST_EMPTY: u64 = 64 * 1024;

/// What is locked to edit the file at `location`.
pub(super) fn guarded(location: &Path) -> PathBuf {
    match (location.extension(), location.file_name()) {
        (None, Some(name)) => {
            let mut name = name.to_owned();
            name.push(".edit");
            location.with_file_name(name)
        }
        _ => location.to_path_buf(),
    }
}

/// How that lock is acquired.
pub(super) fn options(guarded: &Path, wanted: &LockOptions) -> LockOptions {
    let stale_after = if is_usually_locked(guarded) {
        wanted.stale_after
    } else {
        Some(STALE_AFTER)
    };
    LockOptions {
        stale_after,
        ..wanted.clone()
    }
}

/// Whether what stands at the lock's place must not be touched: a file with something in it that is no lock of ours, and
/// that would be taken for an abandoned lock.
pub(super) fn is_obstructed(lock: &SidecarLock) -> bool {
    if is_usually_locked(lock.resource()) {
        return false;
    }
    match lock.inspect(STALE_AFTER) {
        Ok(LockState::Foreign(foreign)) => {
            let looks_abandoned = foreign.stale_in.is_zero() || foreign.age > STALE_AFTER;
            foreign.kind == ForeignKind::File && looks_abandoned && !is_blank(lock.sidecar())
        }
        // Where it cannot be looked at, the acquisition says why.
        _ => false,
    }
}

fn is_usually_locked(guarded: &Path) -> bool {
    guarded.extension().is_some_and(|end| {
        USUALLY_LOCKED
            .iter()
            .any(|known| end.eq_ignore_ascii_case(known))
    })
}

/// Whether nothing is lost with it: a power cut leaves a lock of ours empty or full of zeros.
fn is_blank(sidecar: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(sidecar) else {
        return false;
    };
    if found.len() > MOST_EMPTY {
        return false;
    }
    let mut bytes = Vec::new();
    let read = File::open(sidecar).and_then(|file| file.take(MOST_EMPTY).read_to_end(&mut bytes));
    read.is_ok() && bytes.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_without_extension_is_guarded_beside_the_lock_files_of_package_managers() {
        let table = [
            ("/p/Gemfile", "/p/Gemfile.edit"),
            ("/p/.gitignore", "/p/.gitignore.edit"),
            ("/p/Makefile", "/p/Makefile.edit"),
            ("/p/v1.2/LICENSE", "/p/v1.2/LICENSE.edit"),
            ("/p/main.rs", "/p/main.rs"),
            ("/p/story.md", "/p/story.md"),
            ("/p/Cargo.lock", "/p/Cargo.lock"),
        ];
        for (location, expected) in table {
            assert_eq!(
                guarded(Path::new(location)),
                Path::new(expected),
                "{location}"
            );
        }
    }

    #[test]
    fn lock_of_another_tool_grows_old_soon_beside_markdown_and_json_only() {
        let wanted = LockOptions {
            stale_after: Some(Duration::from_secs(2)),
            ..LockOptions::default()
        };
        for (path, expected) in [
            ("a.md", Duration::from_secs(2)),
            ("a.JSON", Duration::from_secs(2)),
            ("a.rs", STALE_AFTER),
            ("Gemfile.edit", STALE_AFTER),
        ] {
            let options = options(Path::new(path), &wanted);
            assert_eq!(options.effective_stale_after(), expected, "{path}");
        }
    }
}
