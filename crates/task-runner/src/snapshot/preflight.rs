//! What git is doing in the tree, and where HEAD is: what is refused is refused before anything is touched.

use std::fs;

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
    /// What git is in the middle of, in the order in which it is ended.
    pub in_progress: Vec<Operation>,
}

impl Head {
    /// Refuses a tree in which git is in the middle of something.
    pub(crate) fn refuse_in_progress(&self, repository: &Repository) -> Result<(), SnapshotError> {
        let Some(&operation) = self.in_progress.first() else {
            return Ok(());
        };
        let top = repository.top().to_owned();
        Err(SnapshotError::InProgress { operation, top })
    }
}

/// What HEAD is at, and what git is in the middle of.
///
/// # Errors
///
/// [`SnapshotError::Git`], also where HEAD names a commit that does not exist.
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
    let branch = repository
        .git(["symbolic-ref", "-q", "HEAD"])
        .run_if_any()?;
    let head = Head {
        commit: commit.map(str::to_owned),
        branch: branch.map(|name| String::from_utf8_lossy(&name).trim_end().to_owned()),
        in_progress: in_progress(repository, cherry_pick.is_some(), revert.is_some()),
    };
    if head.commit.is_none() {
        check_is_unborn(repository)?;
    }
    Ok(head)
}

/// What the files in git's folder say, and the two refs. There may be more than one: a task can cherry-pick in a rebase.
fn in_progress(repository: &Repository, cherry_pick: bool, revert: bool) -> Vec<Operation> {
    let is_there = |name: &str| repository.git_dir().join(name).exists();
    // After the conflict was committed by hand the list of what is still to come is the only trace.
    let todo = fs::read(repository.git_dir().join("sequencer/todo")).ok();
    let reverts = todo
        .as_ref()
        .is_some_and(|todo| todo.starts_with(b"revert"));
    // `git am` uses the folder of the old rebase, and says so inside of it.
    let mails = is_there("rebase-apply/applying");
    let found = [
        (Operation::Revert, revert || reverts),
        (
            Operation::CherryPick,
            cherry_pick || todo.is_some() && !reverts,
        ),
        (Operation::Am, mails),
        (
            Operation::Rebase,
            is_there("rebase-apply") && !mails || is_there("rebase-merge"),
        ),
        (Operation::Merge, is_there("MERGE_HEAD")),
    ];
    let found = found.into_iter().filter(|(_, is_there)| *is_there);
    found.map(|(operation, _)| operation).collect()
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
