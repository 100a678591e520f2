//! The lock of a working tree: one task at a time.

mod error;
mod foreign_lock;
mod guard;
mod holder;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Map;
use sidecar_lock::{
    AcquireError, ForeignLock, InheritError, LockGuard, LockOptions, LockState, LockedBy,
    Obstruction, SidecarLock, TookOver,
};

use crate::process::{self, Process};
use crate::task_id::TaskId;
use foreign_lock::{Evidence, ForeignRecord, Verdict, age_at, verdict};
use holder::{TASK_ID, TIMESTAMP, millis};

pub use error::{StateLockConflictError, StateLockError};
pub use guard::StateLockGuard;
pub use holder::{Freed, HolderKind, TreeHolder};

/// What is locked, in the top folder of the tree; the lock is `.devs-state.lock` (RISKS-127).
pub const STATE_LOCK_RESOURCE: &str = ".devs-state";

/// A lock whose holder is not known to live is freed when it is older than this (RISKS-127).
pub const ABANDONED_AFTER: Duration = Duration::from_mins(5);

/// Locks of other tools that are respected never become stale by age alone while we wait.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// How long the kernel's queue is slept in before another look: another tool may have taken the lock meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// The first pause between two looks at another tool's lock; doubled each time, to [`LONGEST_SLEEP`] (as S-0034).
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How long an abandoned lock of another tool is watched, at most, before it is freed: more than the watch that
/// `sidecar-lock` makes of half of it.
const WATCH: Duration = Duration::from_secs(3);

/// How often the lock may change hands under our eyes before the limit of time applies (as `sidecar-lock`).
const FREE_LOOKS: u32 = 16;

/// The lock of one working tree. Nothing is on disk until it is acquired.
///
/// Its file, `.devs-state.lock`, is the JSON record of `sidecar-lock` with the members `task_id` and `timestamp`. The kernel
/// says whether its holder lives: a long task is never robbed, a dead one's lock is taken over at once. A file of another tool
/// (`{ pid, timestamp, task_id }`) is respected while that process runs, however old it is; of others the age counts.
#[derive(Debug, Clone)]
pub struct StateLock {
    top: PathBuf,
    lock: SidecarLock,
}

/// How to acquire.
#[derive(Debug, Clone)]
pub struct StateLockOptions {
    /// The longest wait. Default zero: one attempt.
    pub wait: Duration,
    /// Free text that says who, shown to those who wait. Cut to fit the record. Default `None`.
    pub owner: Option<String>,
    /// The command, for people. Cut to fit the record. Default `None`.
    pub command: Option<String>,
    /// The token by which a process that started this one has the lock, see [`StateLockGuard::token`]. Default `None`.
    pub inherited_token: Option<String>,
    /// The time at which the call begins.
    pub now: Timestamp,
}

impl StateLockOptions {
    /// One attempt, at this time.
    pub fn at(now: Timestamp) -> Self {
        Self {
            wait: Duration::ZERO,
            owner: None,
            command: None,
            inherited_token: None,
            now,
        }
    }
}

/// What the lock of a tree looked like at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreeLock {
    /// Nobody has it.
    Free,
    /// Somebody has it, or may have it.
    Held(Box<TreeHolder>),
    /// Its holder is gone; the next acquisition takes it over. `None`: its record cannot be read.
    Leftover(Option<Box<TreeHolder>>),
    /// No lock, but nothing else may stand there either.
    Obstructed(Obstruction),
}

/// Another tool's lock, looked at once.
struct Foreign {
    holder: TreeHolder,
    evidence: Evidence,
}

impl StateLock {
    /// Finds the lock of the tree whose top folder is given.
    ///
    /// # Errors
    ///
    /// [`StateLockError::Acquire`]: there is no such folder, or its path cannot be resolved. Retrying does not help.
    pub fn new(top: &Path) -> Result<Self, StateLockError> {
        let lock =
            SidecarLock::new(top.join(STATE_LOCK_RESOURCE)).map_err(StateLockError::Acquire)?;
        Ok(Self {
            top: top.to_path_buf(),
            lock,
        })
    }

    /// The path of the lock.
    pub fn path(&self) -> &Path {
        self.lock.sidecar()
    }

    /// Takes the lock for a task.
    ///
    /// Waits for at most `options.wait` for whoever has it. An abandoned lock of another tool is watched for up to 3 s before
    /// it is freed, also without `wait`. What was freed is told by [`StateLockGuard::freed`].
    ///
    /// # Errors
    ///
    /// - [`StateLockError::Conflict`]: somebody else has it. Retry later.
    /// - [`StateLockError::Nested`]: this thread, or a process that started this one, has it. At once; retrying does not help.
    /// - [`StateLockError::Acquire`], [`StateLockError::Inspect`], [`StateLockError::Inherit`]: retrying helps after repair.
    pub fn acquire(
        &self,
        task: &TaskId,
        options: &StateLockOptions,
    ) -> Result<StateLockGuard, StateLockError> {
        self.refuse_nested(options)?;
        let mut wait = Wait::begin(options);
        loop {
            let left = wait.left();
            let now = wait.now();
            let foreign = match self.lock.inspect(NEVER)? {
                LockState::Foreign(foreign) => Some(Foreign::judge(&foreign, now)),
                _ => None,
            };
            let tried = match foreign {
                Some(foreign) if foreign.is_abandoned() => {
                    let stale = Patience {
                        timeout: WATCH,
                        stale_after: ABANDONED_AFTER,
                    };
                    self.take(task, options, &wait, stale, Some(foreign.holder))?
                }
                Some(foreign) => Tried::Foreign(Some(foreign.holder)),
                None => {
                    let ours = Patience {
                        timeout: left.min(LONGEST_SLEEP),
                        stale_after: NEVER,
                    };
                    self.take(task, options, &wait, ours, None)?
                }
            };
            let holder = match tried {
                Tried::Taken(guard) => return Ok(*guard),
                // It came between two looks: who it is, the next one tells.
                Tried::Foreign(None) if wait.looks_again() => continue,
                Tried::Foreign(holder) => {
                    wait.pause(left);
                    holder.unwrap_or_else(TreeHolder::unreadable)
                }
                Tried::Ours(holder) => holder,
            };
            if left.is_zero() {
                return Err(self.conflict(holder, wait.waited()));
            }
        }
    }

    /// Looks at the lock without taking it. What it says may be outdated when it returns.
    ///
    /// # Errors
    ///
    /// [`StateLockError::Inspect`]: it cannot be read. Retrying helps after repair.
    pub fn inspect(&self, now: Timestamp) -> Result<TreeLock, StateLockError> {
        Ok(match self.lock.inspect(NEVER)? {
            LockState::Free => TreeLock::Free,
            LockState::Held(holder) => {
                TreeLock::Held(Box::new(TreeHolder::ours_held(&holder, self.path())))
            }
            LockState::Leftover(holder) => {
                TreeLock::Leftover(Some(Box::new(TreeHolder::ours(&holder))))
            }
            LockState::LeftoverUnreadable => TreeLock::Leftover(None),
            LockState::Foreign(foreign) => {
                let foreign = Foreign::judge(&foreign, now);
                let is_abandoned = foreign.is_abandoned();
                let holder = Box::new(foreign.holder);
                if is_abandoned {
                    TreeLock::Leftover(Some(holder))
                } else {
                    TreeLock::Held(holder)
                }
            }
            LockState::Obstructed(what) => TreeLock::Obstructed(what),
            // Unreadable, or a state of a later version: somebody is there.
            _ => TreeLock::Held(Box::new(TreeHolder::unreadable())),
        })
    }

    /// Whether the lock is one that nobody has any more and that is older than `max_age`. A live holder's never is, however
    /// old; neither is one that is not there.
    ///
    /// # Errors
    ///
    /// As [`StateLock::inspect`].
    pub fn is_stale(&self, max_age: Duration, now: Timestamp) -> Result<bool, StateLockError> {
        Ok(match self.lock.inspect(NEVER)? {
            LockState::Leftover(holder) => {
                let since = TreeHolder::ours(&holder).since;
                since.is_none_or(|since| age_at(since, now) >= max_age)
            }
            LockState::LeftoverUnreadable => true,
            LockState::Foreign(foreign) => {
                let foreign = Foreign::judge(&foreign, now);
                foreign.is_gone() && foreign.evidence.age() >= max_age
            }
            _ => false,
        })
    }

    /// Removes what a dead holder has left of the lock, and says what it was; `None`: there was none.
    ///
    /// Who holds the lock releases it by its guard.
    ///
    /// # Errors
    ///
    /// [`StateLockError::Conflict`]: somebody has it, or may have it. Nothing was changed. Others: as [`StateLock::acquire`].
    pub fn release(&self, now: Timestamp) -> Result<Option<Freed>, StateLockError> {
        let holder = match self.inspect(now)? {
            TreeLock::Free => return Ok(None),
            TreeLock::Held(holder) => return Err(self.conflict(*holder, Duration::ZERO)),
            TreeLock::Leftover(holder) => holder,
            TreeLock::Obstructed(_) => None,
        };
        let removed = self.lock.remove_leftover(ABANDONED_AFTER);
        match removed.map_err(|err| self.refused(err))? {
            Some(took_over) => Ok(freed_from(
                Some(&took_over),
                holder.map(|holder| *holder),
                now,
            )),
            // Somebody was faster: they have removed it, or have it now.
            None => match self.inspect(now)? {
                TreeLock::Held(holder) => Err(self.conflict(*holder, Duration::ZERO)),
                _ => Ok(None),
            },
        }
    }

    /// A task that starts another one in its own tree would wait for itself.
    fn refuse_nested(&self, options: &StateLockOptions) -> Result<(), StateLockError> {
        let Some(token) = &options.inherited_token else {
            return Ok(());
        };
        match self.lock.inherit(token) {
            Ok(_) => Err(self.nested()),
            // Whoever started us has ended since.
            Err(InheritError::NotHeld { .. }) => Ok(()),
            Err(err) => Err(StateLockError::Inherit(err)),
        }
    }

    fn take(
        &self,
        task: &TaskId,
        options: &StateLockOptions,
        wait: &Wait<'_>,
        patience: Patience,
        abandoned: Option<TreeHolder>,
    ) -> Result<Tried, StateLockError> {
        let now = wait.now();
        let lock_options = LockOptions {
            timeout: patience.timeout,
            stale_after: Some(patience.stale_after),
            owner: options.owner.clone(),
            command: options.command.clone(),
            purpose: Some("run a task".to_owned()),
            extra: members(task, now),
            ..LockOptions::default()
        };
        match self.lock.acquire(&lock_options) {
            Ok(guard) => Ok(Tried::Taken(Box::new(StateLockGuard {
                freed: freed_by(&guard, abandoned, now),
                guard,
                task: task.clone(),
                waited: wait.waited(),
            }))),
            Err(AcquireError::Contended { by, .. }) => Ok(match *by {
                LockedBy::Holder(holder) => {
                    Tried::Ours(TreeHolder::ours_held(&holder, self.path()))
                }
                LockedBy::Unknown => Tried::Ours(TreeHolder::unreadable()),
                LockedBy::Foreign(_) => Tried::Foreign(None),
            }),
            Err(err) => Err(self.refused(err)),
        }
    }

    fn refused(&self, err: AcquireError) -> StateLockError {
        match err {
            AcquireError::Nested { .. } => self.nested(),
            err => StateLockError::Acquire(err),
        }
    }

    fn nested(&self) -> StateLockError {
        StateLockError::Nested {
            top: self.top.clone(),
        }
    }

    fn conflict(&self, holder: TreeHolder, waited: Duration) -> StateLockError {
        let conflict = StateLockConflictError {
            top: self.top.clone(),
            path: self.path().to_path_buf(),
            holder,
            waited,
        };
        Box::new(conflict).into()
    }
}

/// What one attempt came to.
enum Tried {
    Taken(Box<StateLockGuard>),
    /// One of ours has it.
    Ours(TreeHolder),
    /// Another tool has it; `None`: it was not looked at closely.
    Foreign(Option<TreeHolder>),
}

#[derive(Clone, Copy)]
struct Patience {
    timeout: Duration,
    stale_after: Duration,
}

impl Foreign {
    fn judge(foreign: &ForeignLock, now: Timestamp) -> Self {
        let record = foreign.text.as_deref().map(ForeignRecord::parse);
        let record = record.unwrap_or_default();
        let process = record.pid.map_or(Process::Unknown, |pid| {
            process::look(pid, record.host.as_deref(), now)
        });
        let evidence = Evidence {
            process,
            written_at: record.written_at,
            untouched_for: foreign.age,
            now,
        };
        let mut holder = TreeHolder::foreign(&record, Some(foreign.token.clone()));
        if let Verdict::Young { freed_in } = verdict(&evidence) {
            holder.freed_in_ms = Some(millis(freed_in));
        }
        Self { holder, evidence }
    }

    fn is_abandoned(&self) -> bool {
        verdict(&self.evidence) == Verdict::Abandoned
    }

    fn is_gone(&self) -> bool {
        verdict(&self.evidence) != Verdict::Alive
    }
}

/// The members of the record that RISKS-127 names beside the pid.
fn members(task: &TaskId, now: Timestamp) -> Map<String, serde_json::Value> {
    let mut members = Map::new();
    members.insert(TASK_ID.to_owned(), task.as_str().into());
    members.insert(TIMESTAMP.to_owned(), format!("{now:.3}").into());
    members
}

/// What an acquisition took over. What its dead holder left beside the lock goes, too.
fn freed_by(guard: &LockGuard, abandoned: Option<TreeHolder>, now: Timestamp) -> Option<Freed> {
    let freed = freed_from(guard.took_over(), abandoned, now);
    if freed.is_some()
        && let Err(err) = guard.sweep_temporaries()
    {
        tracing::debug!(%err, "what a dead holder left beside the lock is still there");
    }
    freed
}

fn freed_from(
    took_over: Option<&TookOver>,
    abandoned: Option<TreeHolder>,
    now: Timestamp,
) -> Option<Freed> {
    Some(match took_over? {
        TookOver::Crashed(holder) => Freed::of(TreeHolder::ours(holder), now),
        TookOver::Foreign(_) => {
            abandoned.map_or_else(Freed::unreadable, |holder| Freed::of(holder, now))
        }
        _ => Freed::unreadable(),
    })
}

/// How long a call still waits, and what time it is by the caller's clock.
struct Wait<'a> {
    options: &'a StateLockOptions,
    started: Instant,
    pause: Duration,
    free_looks: u32,
}

impl<'a> Wait<'a> {
    fn begin(options: &'a StateLockOptions) -> Self {
        Self {
            options,
            started: Instant::now(),
            pause: FIRST_PAUSE,
            free_looks: FREE_LOOKS,
        }
    }

    fn waited(&self) -> Duration {
        self.started.elapsed()
    }

    fn left(&self) -> Duration {
        self.options.wait.saturating_sub(self.waited())
    }

    fn now(&self) -> Timestamp {
        let now = self.options.now.checked_add(self.waited());
        now.unwrap_or(self.options.now)
    }

    /// Whether one more look costs no patience.
    fn looks_again(&mut self) -> bool {
        self.free_looks = self.free_looks.saturating_sub(1);
        self.free_looks > 0
    }

    /// Sleeps before the next look at another tool's lock, but no longer than `left`.
    fn pause(&mut self, left: Duration) {
        thread::sleep(self.pause.min(left));
        self.pause = (self.pause * 2).min(LONGEST_SLEEP);
    }
}
