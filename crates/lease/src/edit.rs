//! Edits by agents: a file is changed only by who holds it, and only if it is what the agent thinks it is.
//!
//! The order of the steps makes it safe. Everything that takes time comes first: the file's lock, reading, writing the new
//! version beside it. Then the store is locked, the lease is looked at once more, and the new version is put in place while
//! the store stays locked. A take-over needs the same lock, so it comes before the look, which sees it, or after the change.
//! However long a process is stopped between any two of these steps, it cannot write what it no longer holds.

mod error;
mod guarded;
mod ours;
mod replacement;
mod run;

use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::{Durability, HardLinks};
use sidecar_lock::{LockGuard, LockOptions, TookOver};

pub use atomic_file::{Revision, RevisionError, RevisionPrefix};
pub use error::{EditError, EditWarning};

use crate::agent::Agent;
use crate::lease::Token;
use crate::project::Project;
use crate::project_path::ProjectPath;
use crate::rules::Rules;
use crate::store::LeaseStore;
use replacement::replace_once;
use run::{Outcome, Run};

/// Larger files are neither read nor written: both versions are held in memory. As for stories.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Where agents edit, and who says which of them may.
#[derive(Debug, Clone, Copy)]
pub struct Workplace<'a> {
    /// The project in which the files lie.
    pub project: &'a Project,
    /// The leases.
    pub store: &'a dyn LeaseStore,
    /// How the leases are judged.
    pub rules: &'a Rules,
    /// Has a last word about each new version.
    pub judge: Judge,
    /// Comes first under each lock.
    pub finish: Finish,
}

/// Says what would be wrong with a new version of a file: where it lies, what it holds now, and what it would hold.
pub type Judge = fn(&Path, Option<&[u8]>, &[u8]) -> Result<(), String>;

/// Finishes what a dead process had decided of the file that is locked, as one of several that it changed together, before it is
/// read: else it would be decided about contents that are no more. Returns what is worth telling; or why it could not be finished, and
/// the file is left alone. The options say how to acquire further locks.
pub type Finish = fn(&LockGuard, &LockOptions) -> Result<Vec<String>, String>;

/// Who writes, and how.
#[derive(Debug, Clone)]
pub struct Writer {
    /// The agent, which must hold the file exclusively.
    pub agent: Agent,
    /// The lease by which it holds it: a worker that was replaced by another of the same name is then refused. `None`: any.
    pub token: Option<Token>,
    /// What is still there after a power cut; default [`Durability::Durable`].
    pub durability: Durability,
    /// What to do with a file that has several names; default [`HardLinks::Refuse`].
    pub hard_links: HardLinks,
    /// How to acquire the lock of the file. `lock.timeout` also bounds the tries after others changed the file meanwhile.
    /// `lock.stale_after` counts for `.md` and `.json` only; other files wait 30 days for a lock of another tool.
    pub lock: LockOptions,
}

impl Writer {
    /// An agent that writes with any of its leases, safely in each point.
    pub fn new(agent: Agent) -> Self {
        Self {
            agent,
            token: None,
            durability: Durability::default(),
            hard_links: HardLinks::default(),
            lock: LockOptions::default(),
        }
    }
}

/// A piece of a file that is to become another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The file; relative paths start at the project's root.
    pub path: PathBuf,
    /// What must occur in it exactly once, byte for byte.
    pub old: Vec<u8>,
    /// What it becomes.
    pub new: Vec<u8>,
    /// The version that the file must be.
    pub if_revision: Option<RevisionPrefix>,
}

/// The whole contents of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The file; relative paths start at the project's root.
    pub path: PathBuf,
    /// What it is to hold.
    pub contents: Vec<u8>,
    /// What must be there now.
    pub expect: Expect,
}

/// What must stand at a path before it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Expect {
    /// Whatever it be; nothing, too.
    #[default]
    Anything,
    /// This version.
    Revision(RevisionPrefix),
    /// Nothing.
    Absent,
}

/// What an edit did.
#[derive(Debug)]
pub struct Edited {
    /// The file, as leases name it.
    pub path: ProjectPath,
    /// Where it lies, all links resolved.
    pub location: PathBuf,
    /// What it is now.
    pub revision: Revision,
    /// Whether it was written; an edit that changes no byte writes nothing.
    pub changed: bool,
    /// The lease by which the agent held it; `None` where another tool recorded that lease.
    pub token: Option<Token>,
    /// The lock of a dead or foreign owner that was taken over.
    pub took_over: Option<TookOver>,
    /// What else is worth telling.
    pub warnings: Vec<EditWarning>,
    /// How long the file's lock was waited for.
    pub waited: Duration,
    /// How often it was done anew because somebody without the lock had changed the file.
    pub reruns: u32,
}

impl<'a> Workplace<'a> {
    /// Where each new version is good that its agent may write, and no file is changed together with others.
    pub fn new(project: &'a Project, store: &'a dyn LeaseStore, rules: &'a Rules) -> Self {
        Self {
            project,
            store,
            rules,
            judge: |_, _, _| Ok(()),
            finish: |_, _| Ok(Vec::new()),
        }
    }

    /// Replaces one piece of a file. Everything else, its mode, owner and links included, stays.
    ///
    /// # Errors
    ///
    /// The file is unchanged, except where [`EditError::is_committed`] is true.
    ///
    /// - [`EditError::Lease`]: the agent does not hold the file. [`LeaseError::is_retryable`](crate::LeaseError) says whether
    ///   waiting helps.
    /// - [`EditError::NotFound`], [`EditError::Ambiguous`], [`EditError::RevisionDiffers`], [`EditError::Missing`]: the file is
    ///   not what the agent thinks. Read it again.
    /// - [`EditError::NothingToFind`], [`EditError::Refused`], [`EditError::Unfit`], [`EditError::TooLarge`]: retrying does not help.
    /// - [`EditError::Lock`], [`EditError::Obstructed`], [`EditError::LockLost`], [`EditError::Conflict`]: others are at work on
    ///   the file; try again later.
    /// - [`EditError::Read`], [`EditError::Commit`], [`EditError::Unfinished`]: the system refused something.
    pub fn surgical_edit(&self, edit: &Replacement, by: &Writer) -> Result<Edited, EditError> {
        if edit.old.is_empty() {
            return Err(EditError::NothingToFind);
        }
        Run::start(*self, &edit.path, by)?.carry_out(|path, found| {
            let Some(bytes) = found else {
                return Err(EditError::Missing { path: path.clone() });
            };
            check_revision(path, bytes, edit.if_revision.as_ref())?;
            let contents =
                replace_once(bytes, &edit.old, &edit.new).map_err(|mismatch| mismatch.of(path))?;
            Ok(Outcome::of(contents, found))
        })
    }

    /// Writes a whole file, or makes it, with the mode that new files have. Its folder must be there.
    ///
    /// # Errors
    ///
    /// As [`Workplace::surgical_edit`], and [`EditError::Exists`]: there is something already.
    pub fn write_file(&self, write: &Write, by: &Writer) -> Result<Edited, EditError> {
        Run::start(*self, &write.path, by)?.carry_out(|path, found| {
            match (&write.expect, found) {
                (Expect::Absent, Some(_)) => return Err(EditError::Exists { path: path.clone() }),
                (Expect::Revision(_), None) => {
                    return Err(EditError::Missing { path: path.clone() });
                }
                (Expect::Revision(expected), Some(bytes)) => {
                    check_revision(path, bytes, Some(expected))?;
                }
                _ => {}
            }
            Ok(Outcome::of(write.contents.clone(), found))
        })
    }
}

fn check_revision(
    path: &ProjectPath,
    bytes: &[u8],
    expected: Option<&RevisionPrefix>,
) -> Result<(), EditError> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let found = Revision::of(bytes);
    if expected.names(&found) {
        return Ok(());
    }
    Err(EditError::RevisionDiffers {
        path: path.clone(),
        expected: expected.clone(),
        found,
    })
}
