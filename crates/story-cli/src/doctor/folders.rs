//! Which folders the doctor looks at: the sdlc root, its stories, legacy folders, worktrees' copies, the project root.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use state_file::PENDING_FOLDER;
use story::Workspace;
use story::workspace::LegacyFolder;

use super::journals;
use super::report::{Finding, Report};
use crate::places::{STORIES, STORY_FILE, Target, is_missing};
use crate::sys;

/// What lies in a folder, as far as the doctor is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One story, `story.md`.
    Story,
    /// Legacy stories, `NN-slug.md`.
    Legacy,
    /// State files only.
    State,
}

/// A folder to look at, not below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where.
    pub path: PathBuf,
    /// What lies there.
    pub kind: Kind,
}

/// Collects the folders of the workspace at `root`, which has no links in it; those that cannot be listed become findings.
pub fn to_look_at(root: &Path, workspace: &Workspace, report: &mut Report) -> Vec<Folder> {
    let mut folders = Vec::new();
    if let Some(project) = root.parent() {
        folders.push(folder(project, Kind::State));
    }
    if !is_folder(&root.join(STORIES), report) {
        report.add(Finding::warning(
            "stories",
            &root.join(STORIES),
            "there is no folder for stories; `story init` makes it",
        ));
    }
    add_root(root, &mut folders, report);
    let worktrees = Target::at(workspace.worktrees().to_path_buf()).absolute();
    for worktree in subfolders(&worktrees, report) {
        // Each worktree is a copy of the whole project, with its own copy of the sdlc root.
        let copy = worktree.join(workspace.folder_name());
        if is_folder(&copy, report) {
            add_root(&copy, &mut folders, report);
        }
    }
    // The records of transactions over state files are files, too, which a killed writer may leave half-made.
    let pending = folders
        .iter()
        .map(|folder| folder.path.join(PENDING_FOLDER));
    let pending: Vec<_> = pending.filter(|path| path.is_dir()).collect();
    folders.extend(pending.iter().map(|path| folder(path, Kind::State)));
    folders
}

fn add_root(root: &Path, folders: &mut Vec<Folder>, report: &mut Report) {
    folders.push(folder(root, Kind::State));
    let stories = root.join(STORIES);
    if is_folder(&stories, report) {
        folders.push(folder(&stories, Kind::State));
    }
    let in_stories = subfolders(&stories, report);
    folders.extend(in_stories.iter().map(|path| folder(path, Kind::Story)));
    let journals = journals::folders_in(root);
    folders.extend(journals.iter().map(|path| folder(path, Kind::State)));
    for legacy in LegacyFolder::ALL {
        let legacy = root.join(legacy.name());
        if is_folder(&legacy, report) {
            folders.push(folder(&legacy, Kind::Legacy));
            let inside = subfolders(&legacy, report);
            let stories = inside.iter().filter(|path| path.join(STORY_FILE).exists());
            folders.extend(stories.map(|path| folder(path, Kind::Story)));
        }
    }
}

fn folder(path: &Path, kind: Kind) -> Folder {
    Folder {
        path: path.to_path_buf(),
        kind,
    }
}

/// The folders in a folder, in order; a lock directory of another tool is none.
fn subfolders(path: &Path, report: &mut Report) -> Vec<PathBuf> {
    let entries = match sys::entries_of(path) {
        Ok(entries) => entries,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(err) => {
            let message = format!("cannot be listed: {err}");
            report.add(Finding::problem("folder", path, message));
            return Vec::new();
        }
    };
    let mut folders = entries;
    folders
        .retain(|path| path.extension().is_none_or(|end| end != "lock") && is_folder(path, report));
    folders
}

/// Whether it is a folder; one that cannot be looked at is a finding.
fn is_folder(path: &Path, report: &mut Report) -> bool {
    match fs::metadata(path) {
        Ok(metadata) => metadata.is_dir(),
        Err(err) => {
            if !is_missing(&err) {
                let message = format!("cannot be looked at: {err}");
                report.add(Finding::problem("folder", path, message));
            }
            false
        }
    }
}
