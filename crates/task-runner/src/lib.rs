//! One task at a time in a git working tree, and a way back to exactly the files before it.
//!
//! A run takes the tree's lock, records the tree as a snapshot, does the work, and lets go of both. Whatever the work did
//! and however it died, the snapshot is there until nothing of it could be lost any more.
//!
//! # Promises
//!
//! - Two runs never work in one tree at the same time; a live one is never robbed of its lock, however long it takes.
//! - To take a snapshot changes no file of the tree, neither the index nor a stash, reflog or branch.
//! - To restore one brings back the bytes and permissions of every file that git tracks or would add, and the index. What it
//!   overwrites is in a snapshot of its own first, the rescue. Ignored files are never touched.
//!   A merge, rebase or the like that the work left unfinished does not stand against it, and is named.
//! - To drop one loses nothing: a snapshot that holds the only copy of something is kept, unless that is asked for.
//! - A process that is killed at any moment leaves a tree that one more call brings to an end.
//!
//! # Limits
//!
//! - It needs git 2.x and a repository with a working tree. What is not recorded is named: the inside of submodules and of
//!   nested repositories, empty folders, times, owners, extended attributes.
//! - What the work does outside of the tree, and to git's own refs and history, is not undone.

mod drop;
mod ended;
mod git;
mod journal;
mod left;
mod process;
mod recovery;
mod restore;
mod runner;
mod shared_files;
mod snapshot;
mod state_lock;
mod sys;
mod task_id;

pub use drop::{Drop, DropError, Dropped};
pub use ended::Ended;
pub use git::{Blobs, Git, GitError, Repository};
pub use journal::{
    Attempt, Decision, Filter, JOURNAL_NAME, Journal, JournalError, JournalWarning, NewAttempt,
    State, TaskRecord, Written,
};
pub use left::{Left, Reason};
pub use recovery::{Findings, Holding, Interrupted, Recovery, Remedy, What, interrupted};
pub use restore::{
    ApplyError, Elsewhere, Head, HeadAt, HeadKept, HeadOutcome, IndexError, Interruption, Obstacle,
    ObstacleKind, RestoreError, RestoreOptions, Restored, RulesError, SharedError, SharedPolicy,
};
pub use runner::{
    Choice, Event, Fate, Kept, OnFailure, Report, RunError, RunnerOptions, Running, Task,
    TaskRunner, Trouble, Witness,
};
pub use shared_files::{Authorship, NothingShared, SharedEdit, SharedFiles};
pub use snapshot::{
    AtomicSnapshot, BASE_REF, Difference, Operation, Permissions, Recorded, Snapshot,
    SnapshotError, TakeOptions, Taken, differences,
};
pub use state_lock::{
    ABANDONED_AFTER, Freed, HolderKind, STATE_LOCK_RESOURCE, StateLock, StateLockConflictError,
    StateLockError, StateLockGuard, StateLockOptions, TreeHolder, TreeLock,
};
pub use task_id::{MAX_TASK_ID_BYTES, TaskId, TaskIdError};
