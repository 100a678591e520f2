//! What a finished toolkit must not leave behind.

use std::fs;
use std::path::{Path, PathBuf};

/// Endings of everything the toolkit (or a peer of it) creates beside a file for a while.
const ENDINGS: [&str; 5] = [".lock", ".lock-tmp", ".atomic-tmp", ".tmp", ".rescued"];

/// Lists, sorted, what lies in `folder` and below that looks like a lock, a temporary file or a rescued copy.
///
/// `Cargo.lock` is not a lock. A folder that does not exist has no leftovers.
///
/// # Panics
///
/// When a folder cannot be listed: an unchecked folder is not a clean one.
pub fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(folder, &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return,
        Err(err) => panic!("cannot list {}: {err}", folder.display()),
    };
    for entry in entries {
        let entry = entry.unwrap_or_else(|err| panic!("cannot list {}: {err}", folder.display()));
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // proper-lockfile's directories end in `.lock` as well: judge before descending.
        if name != "Cargo.lock" && ENDINGS.iter().any(|ending| name.contains(ending)) {
            found.push(entry.path());
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::leftovers;
    use crate::Sandbox;

    #[test]
    fn leftovers_finds_locks_and_temporaries_and_nothing_else() {
        let sandbox = Sandbox::new();
        sandbox.write("story.md", "");
        sandbox.write("Cargo.lock", "");
        sandbox.write("locksmith.md", "");
        assert!(
            leftovers(sandbox.path()).is_empty(),
            "ordinary files are no leftovers"
        );
        let expected = vec![
            sandbox.write(".story.md.1.2.x.atomic-tmp", ""),
            sandbox.write("a/story.md.lock", ""),
            sandbox.write("b/story.md.rescued.1", ""),
        ];
        assert_eq!(
            leftovers(sandbox.path()),
            expected,
            "each leftover is found, below too"
        );
    }
}
