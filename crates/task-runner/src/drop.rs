//! Letting a snapshot go, unless it holds the only copy of something.

mod contents;
mod known;

use std::path::PathBuf;

use crate::git::{GitError, Repository};
use crate::snapshot::{AtomicSnapshot, Snapshot, SnapshotError};
use known::Known;

/// When a snapshot is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drop {
    /// If everything that it holds is in the tree, in the index or in history, too.
    IfSafe,
    /// In any case.
    Anyway,
}

/// What became of a snapshot that was to be dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dropped {
    /// Its ref is gone, and git removes it some day. An entry of `git stash list` that was made of it is there still.
    Gone,
    /// It is as it was, because it holds the only copy of something.
    Kept {
        /// The files of which it does, relative to the top of the tree.
        only_there: Vec<PathBuf>,
        /// The commit that HEAD was at, if no branch, tag or remote branch leads to it any more. Then nothing else was looked at.
        commit: Option<String>,
    },
}

/// Why a snapshot was not dropped. It is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DropError {
    /// Git could not be used. Whether retrying helps is in what it said.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The snapshot cannot be read, or our own files inside git's folder not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The ref names another snapshot by now. Retrying helps after a new look at the list.
    #[error("{reference} is another snapshot by now, {found}")]
    Moved {
        /// The ref.
        reference: String,
        /// The commit that it names.
        found: String,
    },
}

impl AtomicSnapshot {
    /// Lets a snapshot go by deleting its ref; where that is gone already, nothing is done.
    ///
    /// With [`Drop::IfSafe`] every file that differed from the last commit, in the tree or in the index, must be found again: the same
    /// bytes in the present tree or index, or in a commit that HEAD, a branch, a tag or a remote branch leads to. Another snapshot does
    /// not count, nor does a stash. Of a file that git converts (ends of lines, filters) it is enough to find what git keeps of it, if
    /// that gives the same bytes when it is checked out.
    ///
    /// # Errors
    ///
    /// [`DropError`]; the snapshot is there still.
    ///
    /// # Limits
    ///
    /// A version that was in history before the last commit, and not since, is looked for only if it is a side of a conflict: any other
    /// such snapshot is kept. What is lost
    /// after it was looked at, while this runs, is lost; who wants to be sure holds the tree's lock.
    pub fn drop(&self, snapshot: &Snapshot, when: Drop) -> Result<Dropped, DropError> {
        let repository = self.repository();
        if !is_there(repository, snapshot)? {
            return Ok(Dropped::Gone);
        }
        if when == Drop::IfSafe {
            let kept = look_for(repository, snapshot)?;
            if let Some(kept) = kept {
                return Ok(kept);
            }
        }
        // Git compares and deletes in one step: nobody's new snapshot goes with it.
        let words = [
            "update-ref",
            "-d",
            "--no-deref",
            &snapshot.reference,
            &snapshot.id,
        ];
        repository.git(words).run()?;
        Ok(Dropped::Gone)
    }
}

fn is_there(repository: &Repository, snapshot: &Snapshot) -> Result<bool, DropError> {
    let git = repository.git(["rev-parse", "--verify", "--quiet", &snapshot.reference]);
    let Some(found) = git.run_if_any()? else {
        return Ok(false);
    };
    let found = String::from_utf8_lossy(&found).trim_end().to_owned();
    if found == snapshot.id {
        return Ok(true);
    }
    let reference = snapshot.reference.clone();
    Err(DropError::Moved { reference, found })
}

/// Looks for everything that the snapshot holds; `None`: all is found elsewhere.
fn look_for(repository: &Repository, snapshot: &Snapshot) -> Result<Option<Dropped>, DropError> {
    let known = Known::new(repository, snapshot)?;
    if let Some(commit) = known.lost_commit()? {
        return Ok(Some(Dropped::Kept {
            only_there: Vec::new(),
            commit: Some(commit),
        }));
    }
    let mut missing = contents::of(repository, snapshot)?;
    for find in [
        Known::at_their_places,
        Known::as_git_keeps_them,
        Known::in_the_index,
        Known::in_history,
        Known::where_it_was_merged,
        Known::anywhere_in_the_tree,
    ] {
        if missing.is_empty() {
            break;
        }
        missing = find(&known, missing)?;
    }
    let mut only_there: Vec<PathBuf> = missing.into_iter().map(|content| content.path).collect();
    only_there.sort();
    only_there.dedup();
    Ok((!only_there.is_empty()).then_some(Dropped::Kept {
        only_there,
        commit: None,
    }))
}
