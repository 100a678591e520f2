//! Which files a scan reads.

use std::collections::HashSet;

use crate::folder::{self, FolderError, Order};
use crate::workspace::{LegacyFolder, STORY_FILE, StoryCopy, StoryFile, Workspace, Worktree};

/// The main copies and the legacy files; and what could not be listed.
pub(super) fn of(workspace: &Workspace) -> (Vec<StoryFile>, Vec<FolderError>) {
    let mut unlisted = Vec::new();
    let mut files = match workspace.main_files(Order::Directory) {
        Ok(files) => files,
        Err(FolderError::NotFound { .. }) => Vec::new(),
        Err(err) => {
            unlisted.push(err);
            Vec::new()
        }
    };
    for legacy in LegacyFolder::ALL {
        match legacy_files(workspace, legacy) {
            Ok(found) => files.extend(found),
            Err(err) => unlisted.push(err),
        }
    }
    (files, unlisted)
}

/// Files, and folders with a `story.md` in them, which real data have there as well.
fn legacy_files(
    workspace: &Workspace,
    legacy: LegacyFolder,
) -> Result<Vec<StoryFile>, FolderError> {
    let mut files = workspace.legacy_files(legacy, Order::Directory)?;
    let path = workspace.legacy(legacy);
    let entries = folder::entries_if_there(&path, Order::Directory)?;
    let named: HashSet<_> = files.iter().map(|file| &file.name).collect();
    let folders = entries.into_iter().filter(|entry| {
        // A link that ends in .md is a file already.
        entry.kind.may_be_folder() && !named.contains(&entry.name)
    });
    let inside: Vec<_> = folders
        .map(|entry| StoryFile {
            path: path.join(&entry.name).join(STORY_FILE),
            copy: StoryCopy::Legacy { folder: legacy },
            name: entry.name,
        })
        .collect();
    files.extend(inside);
    Ok(files)
}

/// For each worktree where the copy of its own story may be, the likeliest place first; and what could not be listed.
///
/// A worktree has a copy of every story, but it was made for one, whose id its name begins with; the others there are as
/// old as the branch.
pub(super) fn of_worktrees(workspace: &Workspace) -> (Vec<Vec<StoryFile>>, Vec<FolderError>) {
    match workspace.worktree_list(Order::Name) {
        Ok(worktrees) => (worktrees.iter().map(own_files).collect(), Vec::new()),
        Err(err) => (Vec::new(), vec![err]),
    }
}

fn own_files(worktree: &Worktree) -> Vec<StoryFile> {
    let file = |id: &str| StoryFile {
        path: worktree.stories.join(id).join(STORY_FILE),
        copy: StoryCopy::Worktree {
            name: worktree.name.clone(),
        },
        name: id.into(),
    };
    worktree.own_ids().map(file).collect()
}
