//! Bringing a recorded tree back: nothing is touched before all that would be overwritten is in a snapshot of its own.
//!
//! The order is chosen so that a call that is killed anywhere leaves a state from which the same call comes to an end: git's
//! lock on the index first, so that no other git works on it meanwhile; the rescue; what stands in the way, before the first
//! file; then files, shared files, the index, HEAD. Each step compares what is there with what shall be, so that what was done
//! before is not done again.

mod apply;
mod error;
mod folders;
mod head;
mod index;
pub(crate) mod leftovers;
mod objects;
mod obstacle;
mod plan;
mod recorded;
mod rules;
mod shared;
mod steps;
mod sys;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use sidecar_lock::LockOptions;

pub use apply::ApplyError;
pub use error::{Interruption, RestoreError};
pub use head::{Head, HeadAt, HeadKept, HeadOutcome};
pub use index::IndexError;
pub use obstacle::{Obstacle, ObstacleKind};
pub use rules::RulesError;
pub use shared::SharedError;

use crate::left::Left;
use crate::shared_files::SharedFiles;
use crate::snapshot::{AtomicSnapshot, Operation, Snapshot};
use steps::Restore;

/// How long another git may keep the index (chosen: its commands hold it for milliseconds, a large commit for a second).
const INDEX_WAIT: Duration = Duration::from_secs(3);

/// What becomes of shared files that others changed, too, since the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SharedPolicy {
    /// They are left as they are, and named.
    #[default]
    IfOnlyTheRun,
    /// They are put back like all others; the rescue has what they were.
    Force,
}

/// What becomes of a snapshot that was taken in another working tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Elsewhere {
    /// It is refused.
    #[default]
    Refuse,
    /// Its files and its index are brought into this one.
    Allow,
}

/// How a tree is brought back.
#[derive(Debug, Clone)]
pub struct RestoreOptions {
    /// Whether HEAD goes back too. Default [`Head::Keep`].
    pub head: Head,
    /// Whether the snapshot may be one of another working tree. Default [`Elsewhere::Refuse`].
    pub elsewhere: Elsewhere,
    /// What becomes of shared files. Default [`SharedPolicy::IfOnlyTheRun`].
    pub shared: SharedPolicy,
    /// The run that is undone. Default `None`: the one that the snapshot was taken for.
    pub run: Option<String>,
    /// The time, for the rescue.
    pub now: Timestamp,
    /// How long another git may keep the index. Default 3 s.
    pub index_wait: Duration,
    /// How the lock of each shared file is acquired. Default: within a second.
    pub lock: LockOptions,
}

impl RestoreOptions {
    /// The defaults at a time.
    pub fn new(now: Timestamp) -> Self {
        Self {
            head: Head::default(),
            elsewhere: Elsewhere::default(),
            shared: SharedPolicy::default(),
            run: None,
            now,
            index_wait: INDEX_WAIT,
            lock: LockOptions {
                timeout: Duration::from_secs(1),
                purpose: Some("restore".to_owned()),
                ..LockOptions::default()
            },
        }
    }
}

/// A tree that was brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The files that were written, or got other permissions, relative to the top of the tree.
    pub written: Vec<PathBuf>,
    /// The files that were removed.
    pub removed: Vec<PathBuf>,
    /// What has everything that was there before; `None` where nothing was touched.
    pub rescue: Option<Snapshot>,
    /// What was left as it is, and why.
    pub left: Vec<Left>,
    /// What became of HEAD.
    pub head: HeadOutcome,
    /// What git is in the middle of still: a task began it and did not end it. What git keeps of it is left alone;
    /// [`Operation::quit_command`] ends it without touching a file, in this order. Until then git takes the next commit for a
    /// part of it, and no other snapshot is taken.
    pub in_progress: Vec<Operation>,
}

impl Restored {
    /// Whether the snapshot is not needed any more for going back. What was left stands in it only, and so does where HEAD was;
    /// and while git is in the middle of something, its `--abort` would take away what was just brought back.
    pub fn is_whole(&self) -> bool {
        self.left.is_empty()
            && self.in_progress.is_empty()
            && !matches!(self.head, HeadOutcome::Kept { .. })
    }
}

impl AtomicSnapshot {
    /// Brings the tree back to what a snapshot recorded: the bytes and permissions of every file that git tracks or would add,
    /// and the index with its flags. What is overwritten is in a snapshot of its own before, the rescue.
    ///
    /// Ignored files stay as they are. A file that changes after the rescue was taken is left, and named. Other gits cannot
    /// write the index meanwhile: they find it locked. Where nothing differs nothing is done, and no rescue stays. A call that
    /// was killed is brought to an end by the same call; its rescue stays.
    ///
    /// A merge, rebase or the like that was begun since does not stand against it: the rescue has the conflicts of the index, too.
    ///
    /// The caller holds the tree's lock, so that no task works in it.
    ///
    /// # Errors
    ///
    /// [`RestoreError`]. Only [`RestoreError::Unfinished`] means that something was touched.
    ///
    /// # Limits
    ///
    /// Times, owners and extended attributes are not brought back; a file that is replaced keeps those that it has. A folder
    /// comes back with its permissions if it held a recorded file. Files that only the overwritten rules ignored stay, and are
    /// named. Everything is compared by contents, which needs the objects of both records; no file is ever wholly in memory, but
    /// shared ones and the index are.
    pub fn restore(
        &self,
        snapshot: &Snapshot,
        options: &RestoreOptions,
        shared: &dyn SharedFiles,
    ) -> Result<Restored, RestoreError> {
        let here = self.repository().top();
        if options.elsewhere == Elsewhere::Refuse && snapshot.worktree != here {
            return Err(RestoreError::Elsewhere {
                id: snapshot.id.clone(),
                worktree: snapshot.worktree.clone(),
                here: here.to_path_buf(),
            });
        }
        let prepared = Restore::prepare(self, snapshot, options, shared)?;
        match prepared.rescue()? {
            Some(rescue) => prepared.carry_out(rescue),
            None => prepared.nothing_to_do(),
        }
    }
}
