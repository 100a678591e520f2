//! What git is doing in the tree, and where HEAD is: what is refused is refused before anything is touched.

use super::entry::Entry;
use super::error::{Operation, SnapshotError};
use crate::git::{GitError, Repository};
use crate::sys;

/// Where HEAD is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The commit; `None` before the first.
    pub commit: Option<String>,
    /// The branch in full; `None` where HEAD is detached.
    pub branch: Option<String>,
}

/// The files in git's folder that say what it is in the middle of; the first that is there counts.
const TRACES: [(&str, Operation); 5] = [
    // `git am` uses the folder of the old rebase, and says so inside of it.
    ("rebase-apply/applying", Operation::Am),
    ("rebase-apply", Operation::Rebase),
    ("rebase-merge", Operation::Rebase),
    ("MERGE_HEAD", Operation::Merge),
    ("sequencer/todo", Operation::CherryPick),
];

/// What HEAD is at.
///
/// # Errors
///
/// [`SnapshotError::InProgress`]; [`SnapshotError::Git`], also where HEAD names a commit that does not exist.
pub(crate) fn head(repository: &Repository) -> Result<Head, SnapshotError> {
    // Refs rather than files: where refs are kept in tables these two are there as well.
    let asked = "HEAD\nCHERRY_PICK_HEAD\nREVERT_HEAD\n";
    let git = repository.git(["cat-file", "--batch-check=%(objectname) %(objecttype)"]);
    let answer = git.input(asked).run_line()?;
    let ids: Vec<Option<&str>> = answer
        .lines()
        .map(|line| line.strip_suffix(" commit"))
        .collect();
    let &[commit, cherry_pick, revert] = ids.as_slice() else {
        return Err(unexpected("git cat-file --batch-check", &answer).into());
    };
    let refused = |operation| SnapshotError::InProgress {
        operation,
        top: repository.top().to_owned(),
    };
    if revert.is_some() {
        return Err(refused(Operation::Revert));
    }
    if cherry_pick.is_some() {
        return Err(refused(Operation::CherryPick));
    }
    for (name, operation) in TRACES {
        if repository.git_dir().join(name).exists() {
            return Err(refused(operation));
        }
    }
    let branch = repository
        .git(["symbolic-ref", "-q", "HEAD"])
        .run_if_any()?;
    let head = Head {
        commit: commit.map(str::to_owned),
        branch: branch.map(|name| String::from_utf8_lossy(&name).trim_end().to_owned()),
    };
    if head.commit.is_none() {
        check_is_unborn(repository)?;
    }
    Ok(head)
}

/// A HEAD without a commit is one before the first commit, or a damaged repository.
fn check_is_unborn(repository: &Repository) -> Result<(), SnapshotError> {
    let git = repository.git(["rev-parse", "-q", "--verify", "HEAD"]);
    match git.run_if_any()? {
        None => Ok(()),
        Some(id) => Err(unexpected("git rev-parse HEAD", &String::from_utf8_lossy(&id)).into()),
    }
}

fn unexpected(command: &str, answer: &str) -> GitError {
    GitError::Unexpected {
        command: command.to_owned(),
        answer: answer.trim_end().to_owned(),
    }
}

/// Refuses an index with conflicts.
pub(crate) fn refuse_unmerged(
    repository: &Repository,
    entries: &[Entry],
) -> Result<(), SnapshotError> {
    let unmerged = entries.iter().filter(|entry| entry.stage != 0);
    let mut paths: Vec<_> = unmerged.map(|entry| sys::path_of(&entry.path)).collect();
    paths.dedup();
    if paths.is_empty() {
        return Ok(());
    }
    let top = repository.top().to_owned();
    Err(SnapshotError::Unmerged { top, paths })
}
