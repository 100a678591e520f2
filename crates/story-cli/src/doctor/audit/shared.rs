//! Which files are shared, and which sidecars guard each. Pure.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use atomic_file::{is_rescued_name, is_temporary_name};
use globset::GlobSet;
use story::workspace::{LegacyFolder, STORIES, STORY_FILE};

use crate::lease_store;

/// The sidecar in `stories/` under which stories are made; in a legacy folder the one under which they are moved there.
const CREATION: &str = ".creation.md.lock";
/// Folders of other programs, where a JSON file is not shared by agents: git's own, and installed packages.
const FOREIGN_FOLDERS: [&str; 2] = [".git", "node_modules"];
/// Folders of the records of transactions over several files, of stories and of state files: what is in them is written under
/// the locks of all these files.
const RECORDS: [&str; 2] = ["pending", ".state-pending"];
/// What a folder holds that can be made again at any time (<https://bford.info/cachedir/>): nobody's work lies in it.
pub const CACHE_TAG: &str = "CACHEDIR.TAG";

/// Tells shared files from others.
#[derive(Debug)]
pub struct Shared {
    root: PathBuf,
    also: GlobSet,
}

impl Shared {
    /// Files below `root`, an absolute path without links; those that fit one of `also`, by name or by path below the root,
    /// are shared, too.
    pub fn new(root: PathBuf, also: GlobSet) -> Self {
        Self { root, also }
    }

    /// Whether it is a file that several programs write: a story, a section file, JSON, or one that was named.
    pub fn is_shared(&self, path: &Path) -> bool {
        let Ok(inside) = path.strip_prefix(&self.root) else {
            return false;
        };
        let Some(name) = path.file_name() else {
            return false;
        };
        if is_temporary_name(name) || is_rescued_name(name) || sidecar_lock::is_temporary_name(name)
        {
            return false;
        }
        if is_lease(path) {
            return true;
        }
        if is_sidecar(path) {
            return false;
        }
        let is_markdown = has_ending(name, "md");
        let is_story = name == STORY_FILE || (is_markdown && is_in_story_or_legacy(path));
        is_story
            || has_ending(name, "json")
            || self.also.is_match(inside)
            || self.also.is_match(name)
    }
}

/// Whether a folder with this name is looked into.
pub fn is_looked_into(name: &OsStr) -> bool {
    let mut left_out = FOREIGN_FOLDERS.iter().chain(&RECORDS);
    !left_out.any(|other| name == *other)
}

/// Whether it is the place of a lock. An agent's lease file ends in `.lock`, too, and is none.
pub fn is_sidecar(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "lock") && !is_lease(path)
}

/// The sidecars of which one must be held while the file changes: its own, the story's for what lies beside a story, the one
/// under which stories are made, the folder's for leases.
pub fn guards_of(path: &Path) -> Vec<PathBuf> {
    let mut guards = vec![sidecar_of(path)];
    let Some(folder) = path.parent() else {
        return guards;
    };
    guards.push(folder.join(format!("{STORY_FILE}.lock")));
    guards.push(folder.join(CREATION));
    guards.extend(folder.parent().map(|above| above.join(CREATION)));
    guards.push(sidecar_of(folder));
    guards.dedup();
    guards
}

fn sidecar_of(path: &Path) -> PathBuf {
    let mut sidecar = OsString::from(path);
    sidecar.push(".lock");
    sidecar.into()
}

/// A file of leases: in a folder that has the store's name.
fn is_lease(path: &Path) -> bool {
    let is_in_store = path
        .parent()
        .and_then(Path::file_name)
        .is_some_and(|name| name == lease_store::FOLDER);
    is_in_store && path.extension().is_some_and(|end| end == "lock")
}

fn is_in_story_or_legacy(path: &Path) -> bool {
    let Some(folder) = path.parent() else {
        return false;
    };
    let name = folder.file_name().unwrap_or_default();
    let above = folder.parent().and_then(Path::file_name);
    above.is_some_and(|above| above == STORIES)
        || LegacyFolder::ALL.iter().any(|legacy| name == legacy.name())
}

fn has_ending(name: &OsStr, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == ending)
}

#[cfg(test)]
mod tests {
    use globset::{Glob, GlobSetBuilder};

    use super::*;

    fn shared() -> Shared {
        let glob = Glob::new("logs/*.log").expect("a glob");
        let also = GlobSetBuilder::new().add(glob).build().expect("globs");
        Shared::new("/p".into(), also)
    }

    #[test]
    fn shared_files_are_stories_sections_json_leases_and_what_was_named() {
        let table = [
            ("/p/tasks.json", true),
            ("/p/.ai-sdlc.json", true),
            ("/p/.ai-sdlc/stories/S-1/story.md", true),
            ("/p/.ai-sdlc/stories/S-1/research.md", true),
            ("/p/.ai-sdlc/stories/S-1/.workflow-state.json", true),
            ("/p/.ai-sdlc/done/01-x.md", true),
            ("/p/.ai-sdlc/locks/agent.lock", true),
            ("/p/.ai-sdlc/locks/.leases.json", true),
            ("/p/logs/run.log", true),
            ("/p/other/run.log", false),
            ("/p/README.md", false),
            ("/p/src/main.rs", false),
            ("/p/tasks.json.lock", false),
            ("/p/Cargo.lock", false),
            ("/p/.tasks.json.0.x.0123456789abcdef.atomic-tmp", false),
            ("/p/tasks.json.0123456789abcdef.rescued", false),
            ("/elsewhere/tasks.json", false),
        ];
        for (path, expected) in table {
            assert_eq!(
                shared().is_shared(Path::new(path)),
                expected,
                "whether {path} is shared"
            );
        }
    }

    #[test]
    fn guards_are_the_own_sidecar_and_those_of_story_creation_and_store() {
        let table = [
            ("/p/tasks.json", "/p/tasks.json.lock"),
            ("/p/stories/S-1/research.md", "/p/stories/S-1/story.md.lock"),
            ("/p/stories/S-1/story.md", "/p/stories/.creation.md.lock"),
            ("/p/done/01-x.md", "/p/done/.creation.md.lock"),
            ("/p/locks/agent.lock", "/p/locks.lock"),
            ("/p/locks/.leases.json", "/p/locks.lock"),
        ];
        for (path, guard) in table {
            assert!(
                guards_of(Path::new(path)).contains(&PathBuf::from(guard)),
                "{guard} guards {path}"
            );
        }
        assert!(
            !guards_of(Path::new("/p/a.json")).contains(&"/p/b.json.lock".into()),
            "another file's lock guards nothing here"
        );
    }
}
