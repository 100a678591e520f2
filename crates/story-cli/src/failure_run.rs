//! From the errors of tasks and snapshots to failures: code and advice. Pure.

use std::path::Path;
use std::time::Duration;

use sqlite_file::DatabaseError;
use task_runner::{
    DropError, GitError, HolderKind, JournalError, RestoreError, Snapshot, SnapshotError,
    StateLockConflictError, StateLockError,
};

use crate::failure::{Code, Failure};
use crate::failure_sources::{code_of_io, hint_of_io, millis};
use crate::table::short;
use crate::transaction::chain;

impl Failure {
    /// Git could not be used.
    pub fn from_git(err: &GitError) -> Self {
        let (code, hint) = judge_git(err);
        let mut failure = Self::new(code, "git cannot do what is needed").with_chain(err);
        failure.hint = hint.map(str::to_owned);
        if let GitError::Io { source, .. } = err {
            failure.hint = hint_of_io(source).map(str::to_owned);
        }
        failure
    }

    /// The lock of the tree was not had.
    pub fn from_state_lock(err: StateLockError) -> Self {
        let failure = match err {
            StateLockError::Conflict(conflict) => return from_conflict(*conflict),
            StateLockError::Nested { .. } => Self::new(Code::Nested, "")
                .hint("what one task does belongs to that task: run the command itself"),
            StateLockError::Acquire(err) => return Self::from_acquire(err, Duration::ZERO),
            StateLockError::Inspect(err) => return Self::from_inspect(&err),
            StateLockError::Inherit(ref err) => return Self::from_inherit(err),
            _ => Self::new(Code::Io, ""),
        };
        failure.headline(UNLOCKED_TREE).with_chain(&err)
    }

    /// A tree was not recorded, or a snapshot not found. `doing` is told: `take a snapshot`.
    pub fn from_snapshot(err: &SnapshotError, doing: &str) -> Self {
        let headline = format!("cannot {doing}");
        let (code, hint) = match err {
            SnapshotError::Git(err) => return Self::from_git(err).headline(headline),
            SnapshotError::InProgress { .. } => (
                Code::Refused,
                Some("end it first: git status tells how, with --continue or --abort"),
            ),
            SnapshotError::Unmerged { .. } => (
                Code::Refused,
                Some("resolve the conflicts and `git add` the files, or abort the merge"),
            ),
            SnapshotError::Vanished { .. } => (
                Code::Io,
                Some("wait until `git gc` or `git prune` has ended, then say it again"),
            ),
            SnapshotError::Unreadable { source, .. } | SnapshotError::Scratch { source, .. } => {
                (code_of_io(source), hint_of_io(source))
            }
            SnapshotError::Unlisted { .. } => (
                Code::NoPermission,
                Some("make the folder readable for this user, or have git ignore it"),
            ),
            SnapshotError::NotFound { .. } => {
                (Code::NotFound, Some("`story snapshot list` shows all"))
            }
            SnapshotError::Ambiguous { .. } => (Code::Usage, Some("give more digits")),
            SnapshotError::Damaged { .. } => (Code::Parse, Some("it was left as it is")),
            _ => (Code::Io, None),
        };
        let mut failure = Self::new(code, headline).with_chain(err);
        failure.hint = hint.map(str::to_owned);
        failure
    }

    /// A tree was not brought back, or not whole.
    pub fn from_restore(err: &RestoreError, snapshot: &Snapshot) -> Self {
        let id = short(&snapshot.id);
        let headline = format!("cannot restore snapshot {id}");
        let failure = |code| Self::new(code, headline.clone()).with_chain(err);
        match err {
            RestoreError::Git(err) => Self::from_git(err).headline(headline),
            RestoreError::Snapshot(err) => {
                Self::from_snapshot(err, &format!("restore snapshot {id}"))
            }
            RestoreError::Elsewhere { .. } => failure(Code::Refused)
                .hint("go to that tree, or say --elsewhere to bring its files into this one"),
            RestoreError::Obstacles { obstacles } => {
                let mut failure = failure(Code::Refused)
                    .hint("move it out of the way, then restore again; nothing was touched");
                let others = obstacles.iter().skip(1).map(ToString::to_string);
                failure.causes.extend(others);
                failure
            }
            RestoreError::Index(source) if source.is_retryable() => failure(Code::Locked)
                .retryable(true)
                .hint("wait until that git has ended; one that died leaves its lock, which is removed by hand"),
            RestoreError::Unfinished { rescue, source, .. } => {
                let rescue = short(&rescue.id);
                failure(code_of(&**source)).retryable(err.is_retryable()).hint(format!(
                    "when the reason is gone, `story snapshot restore {id}` again brings it to its end; `story snapshot restore {rescue}` goes back to what was there before"
                ))
            }
            err => failure(code_of(err)),
        }
    }

    /// A snapshot was not dropped.
    pub fn from_drop(err: &DropError, snapshot: &Snapshot) -> Self {
        let headline = format!("cannot drop snapshot {}", short(&snapshot.id));
        match err {
            DropError::Git(err) => Self::from_git(err).headline(headline),
            DropError::Snapshot(err) => Self::from_snapshot(err, "").headline(headline),
            DropError::Moved { .. } => Self::new(Code::Conflict, headline)
                .with_chain(err)
                .hint("look again: `story snapshot list`"),
            err => Self::new(Code::Io, headline).with_chain(err),
        }
    }

    /// The journal of tasks was not read or written.
    pub fn from_task_journal(err: &JournalError) -> Self {
        let retryable = err.is_retryable();
        let failure = match err {
            JournalError::Database(err) => from_database(err),
            JournalError::Unreadable { path, .. } => Self::new(Code::Parse, "")
                .at(path)
                .hint("move it away: the next task begins a new one; snapshots are not in it"),
            JournalError::Interfered { path } => Self::new(Code::Conflict, "").at(path),
            _ => Self::new(Code::Io, ""),
        };
        failure
            .headline("cannot use the journal of tasks")
            .with_chain(err)
            .retryable(retryable)
    }
}

const UNLOCKED_TREE: &str = "cannot take the lock of the tree";

/// Exit code of the conflict of two tasks (RISKS-127).
const CONFLICT: u8 = 1;

fn from_conflict(conflict: StateLockConflictError) -> Failure {
    let mut failure = Failure::new(Code::Locked, UNLOCKED_TREE)
        .with_chain(&conflict)
        .at(&conflict.path)
        .retryable(true);
    failure.hint = Some(match conflict.holder.kind {
        HolderKind::Foreign => "wait for that tool to end".to_owned(),
        _ => "wait until that task has ended; `story run --wait 10m` waits for its turn".to_owned(),
    });
    failure.waited_ms = Some(millis(conflict.waited));
    failure.stale_in_ms = conflict.holder.freed_in_ms;
    failure.exit_code = Some(CONFLICT);
    failure.tree_holder = Some(Box::new(conflict.holder));
    failure
}

/// The kind of the system's error behind an error.
fn code_of(err: &(dyn std::error::Error + 'static)) -> Code {
    let mut next = Some(err);
    while let Some(err) = next {
        if let Some(io) = err.downcast_ref::<std::io::Error>() {
            return code_of_io(io);
        }
        next = err.source();
    }
    Code::Io
}

fn judge_git(err: &GitError) -> (Code, Option<&'static str>) {
    match err {
        GitError::NotInstalled { .. } => (
            Code::NotFound,
            Some("install git 2.x, or put it on the PATH"),
        ),
        GitError::TooOld { .. } => (Code::Refused, Some("update git")),
        GitError::NoRepository { .. } => (
            Code::NotFound,
            Some("snapshots are kept by git: `git init`, or go to a folder of a repository"),
        ),
        GitError::Bare { .. } | GitError::InsideGitFolder { .. } => {
            (Code::Refused, Some("go to a folder of a working tree"))
        }
        GitError::NotTrusted { .. } => (
            Code::NoPermission,
            Some("if you trust it: git config --global --add safe.directory FOLDER"),
        ),
        GitError::Io { source, .. } => (code_of_io(source), None),
        _ => (Code::Io, None),
    }
}

fn from_database(err: &DatabaseError) -> Failure {
    let failure = |code, path: &Path| Failure::new(code, "").at(path);
    match err {
        DatabaseError::Busy { path, waited } => {
            let mut failure = failure(Code::Locked, path)
                .cause("locked by another process")
                .hint("try again, or raise --timeout");
            failure.waited_ms = Some(millis(*waited));
            failure
        }
        DatabaseError::NotADatabase { path, .. } => failure(Code::Parse, path).hint(
            "move it away: the next task begins a new one; snapshots are not in it, `story snapshot list` shows them",
        ),
        DatabaseError::OtherApplication { path, .. } => failure(Code::Refused, path).hint(
            "it was left alone; if nothing uses it any more, move it away",
        ),
        DatabaseError::LaterVersion { path, .. } => {
            failure(Code::Refused, path).hint("use the later version of story that has made it")
        }
        DatabaseError::NoWal { path, .. } | DatabaseError::Network { path } => {
            failure(Code::Refused, path).hint("work in a tree on a local disk")
        }
        DatabaseError::Io { path, source, .. } => {
            let mut failure = failure(code_of_io(source), path);
            failure.hint = hint_of_io(source).map(str::to_owned);
            failure
        }
        err => Failure::new(Code::Io, chain(err)),
    }
}
