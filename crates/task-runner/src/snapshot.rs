//! A recorded tree: what names it, and what it is about; taking one, finding one again.
//!
//! A snapshot is a commit in the shape of a stash, so that plain git can apply it, with a fourth parent: the exact record. Its
//! tree holds `files` (every file that git tracks or would add, with the bytes that are on the disk), `index` (the index file),
//! `exclude` (the rules of `.git/info/exclude`) and `about.json`. Restoring uses nothing but the record.

mod about;
mod commits;
mod convert;
pub(crate) mod entry;
mod error;
mod feed;
mod find;
mod index_copy;
pub(crate) mod look;
mod preflight;
mod publish;
mod record;
pub(crate) mod scratch;
mod trees;
mod untracked;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use about::Permissions;
pub use error::{Operation, SnapshotError};
pub use trees::{Difference, Recorded, differences};

use crate::git::Repository;
use crate::left::Left;
use crate::shared_files::SharedFiles;
use crate::task_id::TaskId;

/// Where the refs of snapshots stand.
pub const BASE_REF: &str = "refs/devs-snapshots/";

/// A recorded tree. Named by its commit: that never means another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The id of its commit, in full. `git stash apply <id>` takes it.
    pub id: String,
    /// The ref that keeps it alive.
    pub reference: String,
    /// The task that it was taken for.
    pub task: TaskId,
    /// The run that it was taken for, an attempt at that task; `None` where it was taken by hand.
    pub run: Option<String>,
    /// The snapshot whose restoring took this one, because it overwrote something: a rescue.
    pub rescue_of: Option<String>,
    /// Free text.
    pub label: String,
    /// When.
    pub taken_at: Timestamp,
    /// The top of the working tree.
    pub worktree: PathBuf,
    /// The commit that HEAD was at; `None` before the first commit.
    pub head: Option<String>,
    /// The branch that HEAD was on, in full (`refs/heads/main`); `None` where it was detached.
    pub branch: Option<String>,
}

/// What a snapshot is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeOptions {
    /// The task.
    pub task: TaskId,
    /// The run, an attempt at that task. Default `None`: taken by hand.
    pub run: Option<String>,
    /// Free text. Default empty.
    pub label: String,
    /// The time.
    pub now: Timestamp,
    /// The snapshot whose restoring takes this one. Default `None`.
    pub rescue_of: Option<String>,
    /// Files that are recorded even if git ignores them, relative to the top of the tree. Default none.
    pub also: Vec<PathBuf>,
}

impl TakeOptions {
    /// The defaults for a task at a time.
    pub fn new(task: TaskId, now: Timestamp) -> Self {
        Self {
            task,
            run: None,
            label: String::new(),
            now,
            rescue_of: None,
            also: Vec::new(),
        }
    }
}

/// A snapshot that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What names it.
    pub snapshot: Snapshot,
    /// What it does not hold, and why.
    pub left: Vec<Left>,
}

/// Snapshots of one working tree.
#[derive(Debug, Clone)]
pub struct AtomicSnapshot {
    repository: Repository,
}

impl AtomicSnapshot {
    /// Finds the working tree that `cwd` lies in.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Git`], as [`Repository::open`].
    pub fn open(cwd: &Path) -> Result<Self, SnapshotError> {
        let repository = Repository::open(cwd)?;
        Ok(Self { repository })
    }

    /// The tree's repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Records the tree as it is, under a ref of its own. When this returns, the record is on the disk.
    ///
    /// Nothing of the user's changes: no file of the tree, not the index, no stash, reflog or branch. A tree without changes is
    /// recorded like any other. A file that changes all the time is recorded as it was read, and named.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]; no ref was made, but objects may have been written that git removes some day.
    ///
    /// # Limits
    ///
    /// The files are read one after the other: who wants one moment of all of them holds the tree's lock. Files that a filter
    /// makes (git-lfs) are recorded with their own bytes, so that the repository keeps them twice.
    pub fn take(
        &self,
        options: &TakeOptions,
        shared: &dyn SharedFiles,
    ) -> Result<Taken, SnapshotError> {
        let recorded = self.record(options, shared)?;
        let snapshot = self.publish(&recorded)?;
        let left = recorded.left();
        Ok(Taken { snapshot, left })
    }

    /// Records the tree as [`AtomicSnapshot::take`] does, without a ref: git may remove it after some days.
    ///
    /// # Errors
    ///
    /// As [`AtomicSnapshot::take`].
    pub fn record(
        &self,
        options: &TakeOptions,
        shared: &dyn SharedFiles,
    ) -> Result<Recorded, SnapshotError> {
        record::record(&self.repository, options, shared)
    }

    /// Gives a record a ref of its own, and waits until all of it is on the disk.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]; there is no ref.
    pub fn publish(&self, recorded: &Recorded) -> Result<Snapshot, SnapshotError> {
        publish::publish(&self.repository, recorded)
    }

    /// What calls that were killed have left inside git's folder. The next call that records a tree removes it.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: it cannot be listed.
    pub fn left_behind(&self) -> Result<Vec<PathBuf>, SnapshotError> {
        scratch::left_behind(&self.repository)
    }

    /// Removes it now, and git's lock on the index if it was such a call that left that.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: it cannot be removed. Retrying helps after repair.
    pub fn tidy(&self) -> Result<(), SnapshotError> {
        scratch::tidy(&self.repository)
    }

    /// All snapshots of the repository, those of its other working trees too; the oldest first.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Git`].
    pub fn list(&self) -> Result<Vec<Snapshot>, SnapshotError> {
        find::list(&self.repository)
    }

    /// The snapshot that `text` means: the id of its commit or at least seven digits of it, its ref, or a task's id, of whose
    /// snapshots it is the latest that is no rescue: those are meant by their ids only.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::NotFound`], [`SnapshotError::Ambiguous`], [`SnapshotError::Git`].
    pub fn find(&self, text: &str) -> Result<Snapshot, SnapshotError> {
        find::choose(self.list()?, text)
    }

    /// Reads what a snapshot recorded.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Damaged`], [`SnapshotError::Git`].
    pub fn read(&self, snapshot: &Snapshot) -> Result<Recorded, SnapshotError> {
        Recorded::read(&self.repository, &snapshot.id)
    }

    /// What differs between the recorded files of two records, in the order of their paths.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Git`].
    pub fn differences(
        &self,
        from: &Recorded,
        to: &Recorded,
    ) -> Result<Vec<Difference>, SnapshotError> {
        Ok(differences(&self.repository, &from.files, &to.files)?)
    }
}
