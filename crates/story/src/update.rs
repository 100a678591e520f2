//! Changing a story: the only place where lock, file and document meet.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use atomic_file::{
    CommitError, CommitOptions, Committed, Durability, HardLinks, Original, Resolved, sweep_beside,
};
use sidecar_lock::{InheritedLock, LockGuard, LockOptions, LostError, SidecarLock, TookOver};

use crate::document::Document;
use crate::journal::{JournalError, JournalOptions, LookUpError, State, Writing};
use crate::read::{
    MAX_STORY_BYTES, ReadError, check_remote, fresh, locked_by, may_be_of_the_dead,
    sweep_locks_beside,
};
use crate::together;
use crate::update_error::{UpdateError, Warning};

/// How often an edit is tried again even when the time is up: S-0034 asks for three retries.
const LEAST_RERUNS: u32 = 3;

/// From this rerun on there is a pause before the next: whoever writes so often needs room, and we do not spin.
const RERUNS_AT_ONCE: u32 = 3;

/// The pause. Chosen: shorter than any pause a person or an editor makes.
const PAUSE: Duration = Duration::from_millis(2);

/// How to update a story. The default is the safe choice in each point.
#[derive(Debug, Clone, Default)]
pub struct UpdateOptions {
    /// How to acquire the lock. `lock.timeout` also bounds the tries after others changed the story meanwhile.
    pub lock: LockOptions,
    /// What is still there after a power cut.
    pub durability: Durability,
    /// What to do with a story that has several names.
    pub hard_links: HardLinks,
    /// The token of a lock that a parent process holds on this story; the update then works under that lock.
    pub inherited_token: Option<String>,
    /// The journal in which the change leaves a line; `None`: in none.
    pub journal: Option<JournalOptions>,
}

/// What an update did.
#[derive(Debug)]
pub struct Updated<T> {
    /// What the closure returned in the run that was committed.
    pub value: T,
    /// The story as it was read in that run.
    pub before: Document,
    /// The story as it is now.
    pub after: Document,
    /// The story, with all links resolved.
    pub path: PathBuf,
    /// The lock of a dead or foreign owner that was taken over.
    pub took_over: Option<TookOver>,
    /// What else is worth telling.
    pub warnings: Vec<Warning>,
    /// How long the lock was waited for.
    pub waited: Duration,
    /// How often the closure ran again because somebody without our lock had changed the story.
    pub reruns: u32,
}

impl<T> Updated<T> {
    /// Whether the file was replaced; an edit that changes no byte writes nothing.
    pub fn changed(&self) -> bool {
        self.before != self.after
    }
}

/// Updates a story: acquires its lock, reads it, lets `edit` change it, commits it, releases the lock.
///
/// `edit` gets the story as it is under the lock, so nothing stale can be written. It may run several times (somebody
/// without our lock saved the story meanwhile, or removed our lock file) and must therefore have no effect other than
/// on the document it is given. If it fails, or changes nothing, nothing is written. What it returns lives until the change is
/// in place, and is dropped before anything is waited for anew: a guard in it keeps others out for exactly that long.
///
/// # Errors
///
/// The story is unchanged, except where [`UpdateError::is_committed`] is true.
///
/// - [`UpdateError::Lock`], [`UpdateError::Inherit`]: no lock. [`AcquireError::Contended`](sidecar_lock::AcquireError)
///   names the holder; try again later.
/// - [`UpdateError::Read`]: not there, not a story, no permission. A story that was removed meanwhile stays removed.
/// - [`UpdateError::Edit`]: what `edit` returned.
/// - [`UpdateError::TooLarge`]: nothing that is written may be too large to be read.
/// - [`UpdateError::Conflict`], [`UpdateError::LockLost`]: others kept interfering until `options.lock.timeout` had passed and
///   at least three reruns were made; try again later.
/// - [`UpdateError::Commit`]: see [`CommitError`].
/// - [`UpdateError::AlreadyDone`]: the journal says so of the operation with this id. What was asked for is in the story.
/// - [`UpdateError::OutcomeUnknown`], [`UpdateError::OtherOperation`], [`UpdateError::Journal`]: with an operation id only.
///
/// # Example
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("story.md");
/// # atomic_file::create(&path, b"---\nid: S-1\nretry_count: 1\n---\n", &Default::default())?;
/// let updated = story::update(&path, &story::UpdateOptions::default(), |story| {
///     story.increment("retry_count", 1)
/// })?;
/// assert_eq!(updated.value, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn update<T, E: Error + 'static>(
    path: &Path,
    options: &UpdateOptions,
    mut edit: impl FnMut(&mut Document) -> Result<T, E>,
) -> Result<Updated<T>, UpdateError<E>> {
    let mut run = Run::checked(path, options)?;
    let mut lock = run.acquire()?;
    loop {
        run.finish_pending(&lock)?;
        let (original, before) = lock.read().map_err(UpdateError::Read)?;
        run.look_up(&before)?;
        let mut after = before.clone();
        let value = edit(&mut after).map_err(UpdateError::Edit)?;
        run.check_size(&after)?;
        let interference = if after == before {
            run.journal(|journal, path| journal.nothing_to_change(&before, path))?;
            None
        } else {
            run.commit(original, &before, &after, &lock)?
        };
        let Some(interference) = interference else {
            run.release(lock);
            return Ok(run.done(value, before, after));
        };
        // It may hold what nobody should hold who waits.
        drop(value);
        lock = run.go_on(lock, interference)?;
    }
}

/// Refuses what would be written and never be read again.
pub(crate) fn check_size<E: Error + 'static>(path: &Path, size: u64) -> Result<(), UpdateError<E>> {
    if size <= MAX_STORY_BYTES {
        return Ok(());
    }
    Err(UpdateError::TooLarge {
        path: path.to_path_buf(),
        size,
        limit: MAX_STORY_BYTES,
    })
}

/// A commit, or why it was not made.
pub(crate) type Guarded = Result<Committed, LostError>;

/// Who excludes the other writers.
pub(crate) enum Lock {
    Own(LockGuard),
    Parents(InheritedLock),
}

impl Lock {
    pub(crate) fn verify(&self) -> Result<(), LostError> {
        match self {
            Self::Own(guard) => guard.verify(),
            Self::Parents(lock) => lock.verify(),
        }
    }

    /// Commits unless the lock is lost: the last look at it before anything becomes visible.
    pub(crate) fn guarding(
        &self,
        commit: impl FnOnce() -> Result<Committed, CommitError>,
    ) -> Result<Guarded, CommitError> {
        match self.verify() {
            Ok(()) => commit().map(Ok),
            Err(lost) => Ok(Err(lost)),
        }
    }

    pub(crate) fn read(&self) -> Result<(Original, Document), ReadError> {
        fresh(|| Original::read_resolved(self.resolved(), MAX_STORY_BYTES))
    }

    /// What is locked, in the very folder where the lock is: the path may lead elsewhere by now.
    pub(crate) fn resolved(&self) -> Resolved<'_> {
        match self {
            Self::Own(guard) => locked_by(guard),
            Self::Parents(lock) => Resolved {
                path: lock.resource(),
                folder: lock.folder(),
            },
        }
    }
}

/// What somebody without our lock did between the read and the commit. Nothing of ours is in place.
pub(crate) enum Interference {
    Changed,
    LockRemoved(LostError),
}

/// One update under way.
pub(crate) struct Run<'a> {
    pub(crate) lock: SidecarLock,
    pub(crate) options: &'a UpdateOptions,
    pub(crate) journal: Option<Writing<'a>>,
    started: Instant,
    pub(crate) took_over: Option<TookOver>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) waited: Duration,
    pub(crate) reruns: u32,
}

impl<'a> Run<'a> {
    /// Refuses what is no story before anything is made beside it.
    pub(crate) fn checked<E: Error + 'static>(
        path: &Path,
        options: &'a UpdateOptions,
    ) -> Result<Self, UpdateError<E>> {
        check_remote(path).map_err(UpdateError::Read)?;
        let lock = SidecarLock::new(path).map_err(UpdateError::Lock)?;
        let journal = match &options.journal {
            None => None,
            Some(journal) => Writing::start(journal, lock.resource())
                .map_err(|err| unjournalled(options, err))?,
        };
        Ok(Self {
            lock,
            options,
            journal,
            started: Instant::now(),
            took_over: None,
            warnings: Vec::new(),
            waited: Duration::ZERO,
            reruns: 0,
        })
    }

    /// The story, with all links resolved.
    pub(crate) fn path(&self) -> &Path {
        self.lock.resource()
    }

    /// What the caller is told.
    pub(crate) fn done<T>(self, value: T, before: Document, after: Document) -> Updated<T> {
        Updated {
            value,
            before,
            after,
            path: self.lock.resource().to_path_buf(),
            took_over: self.took_over,
            warnings: self.warnings,
            waited: self.waited,
            reruns: self.reruns,
        }
    }

    pub(crate) fn acquire<E: Error + 'static>(&mut self) -> Result<Lock, UpdateError<E>> {
        if let Some(token) = &self.options.inherited_token {
            let inherited = self.lock.inherit(token).map_err(UpdateError::Inherit)?;
            return Ok(Lock::Parents(inherited));
        }
        let guard = if self.reruns == 0 {
            self.lock.acquire(&self.options.lock)
        } else {
            self.lock.acquire(&LockOptions {
                timeout: self.remaining(),
                ..self.options.lock.clone()
            })
        };
        let guard = guard.map_err(UpdateError::Lock)?;
        self.waited += guard.waited();
        if let Some(took_over) = guard.took_over() {
            sweep_locks_beside(&guard);
            if may_be_of_the_dead(took_over) {
                self.clean_up_after_the_dead(&guard);
            }
            self.took_over = Some(took_over.clone());
        }
        Ok(Lock::Own(guard))
    }

    /// A transaction over several stories whose process died in the middle is finished first.
    pub(crate) fn finish_pending<E: Error + 'static>(
        &mut self,
        lock: &Lock,
    ) -> Result<(), UpdateError<E>> {
        let warnings = together::finish(lock.resolved(), &self.options.lock)?;
        self.warnings.extend(warnings);
        Ok(())
    }

    /// What is too large would be written, and never be read again.
    pub(crate) fn check_size<E: Error + 'static>(
        &self,
        after: &Document,
    ) -> Result<(), UpdateError<E>> {
        let size = after.parts().iter().map(|part| part.len() as u64).sum();
        check_size(self.lock.resource(), size)
    }

    /// Only where the lock's owner died can a writer of ours have died in the middle of a commit; the usual update
    /// never lists the folder. Before the read, because a version that somebody saved may come back by it.
    fn clean_up_after_the_dead(&mut self, guard: &LockGuard) {
        let path = guard.resource();
        match sweep_beside(locked_by(guard)) {
            Ok(swept) => {
                if swept.busy {
                    self.warnings.push(Warning::not_swept(path, None));
                }
                let restored = swept.restored.into_iter();
                self.warnings
                    .extend(restored.map(|path| Warning::Restored { path }));
                let rescued = swept.rescued.into_iter();
                self.warnings
                    .extend(rescued.map(|rescued| Warning::rescued(path, rescued)));
            }
            Err(err) => self.warnings.push(Warning::not_swept(path, Some(err))),
        }
    }

    /// Finds out whether the operation, if the caller gave it an id, may be done.
    fn look_up<E: Error + 'static>(&mut self, before: &Document) -> Result<(), UpdateError<E>> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        journal
            .look_up(before, self.lock.resource())
            .map_err(|err| match err {
                LookUpError::Journal(source) => unjournalled(self.options, source),
                LookUpError::Done(entry) => UpdateError::AlreadyDone {
                    op: entry.op,
                    at: entry.at,
                    path: self.lock.resource().to_path_buf(),
                    revision: before.revision().to_string(),
                },
                LookUpError::Unknown(entry) => UpdateError::OutcomeUnknown {
                    op: entry.op,
                    at: entry.at,
                },
                LookUpError::Other(entry) => UpdateError::OtherOperation {
                    op: entry.op,
                    command: entry.command,
                    at: entry.at,
                },
            })
    }

    /// Writes into the journal, if there is one. The change matters more than its line, unless the caller counts on it.
    pub(crate) fn journal<E: Error + 'static>(
        &mut self,
        write: impl FnOnce(&mut Writing<'_>, &Path) -> Result<(), JournalError>,
    ) -> Result<(), UpdateError<E>> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        match write(journal, self.lock.resource()) {
            Err(err) if journal.is_needed() => Err(unjournalled(self.options, err)),
            Err(err) => {
                self.warnings.push(Warning::Journal(err));
                self.journal = None;
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Puts `after` in place of `original`, if both the lock and the file are still what they were. The journal has its line
    /// before, and is told afterwards what became of it.
    fn commit<E: Error + 'static>(
        &mut self,
        original: Original,
        before: &Document,
        after: &Document,
        lock: &Lock,
    ) -> Result<Option<Interference>, UpdateError<E>> {
        let staged = match original.stage_parts(&after.parts(), &self.commit_options()) {
            Ok(staged) => staged,
            Err(err) => return self.judge(Err(err)),
        };
        self.journal(|journal, path| journal.intend(before, after, path))?;
        let committed = self.judge(lock.guarding(|| staged.commit()));
        self.say(match &committed {
            Ok(None) => State::Done,
            Err(err) if err.is_committed() => State::Done,
            _ => State::Void,
        });
        committed
    }

    /// Tells the journal what became of the change that has its line there.
    pub(crate) fn say(&mut self, state: State) {
        if let Some(journal) = &mut self.journal {
            journal.say(state);
        }
    }

    /// How to commit.
    pub(crate) fn commit_options(&self) -> CommitOptions {
        CommitOptions {
            durability: self.options.durability,
            hard_links: self.options.hard_links,
        }
    }

    /// What became of a commit: done, in vain, or an error.
    pub(crate) fn judge<E: Error + 'static>(
        &mut self,
        committed: Result<Guarded, CommitError>,
    ) -> Result<Option<Interference>, UpdateError<E>> {
        match committed {
            Ok(Ok(committed)) => {
                let warnings = committed.warnings.into_iter().map(Warning::Commit);
                self.warnings.extend(warnings);
                Ok(None)
            }
            Ok(Err(lost)) => Ok(Some(Interference::LockRemoved(lost))),
            Err(CommitError::Changed { .. }) => Ok(Some(Interference::Changed)),
            Err(CommitError::Rescued { path, rescued }) => {
                self.warnings.push(Warning::rescued(&path, rescued));
                Ok(Some(Interference::Changed))
            }
            Err(err) => Err(UpdateError::Commit(err)),
        }
    }

    /// Prepares the next try, with a lock that holds, or gives up.
    pub(crate) fn go_on<E: Error + 'static>(
        &mut self,
        lock: Lock,
        interference: Interference,
    ) -> Result<Lock, UpdateError<E>> {
        let path = self.lock.resource().to_path_buf();
        let is_over = self.reruns >= LEAST_RERUNS && self.remaining().is_zero();
        match interference {
            Interference::Changed if is_over => Err(UpdateError::Conflict {
                path,
                reruns: self.reruns,
            }),
            Interference::LockRemoved(source) if is_over || matches!(lock, Lock::Parents(_)) => {
                Err(UpdateError::LockLost { path, source })
            }
            interference => {
                self.reruns += 1;
                if self.reruns > RERUNS_AT_ONCE {
                    std::thread::sleep(PAUSE.min(self.remaining()));
                }
                if matches!(interference, Interference::Changed) {
                    return Ok(lock);
                }
                // Already known to be lost: no second word about it.
                drop(lock);
                self.acquire()
            }
        }
    }

    /// A lock that could not be given back cleanly does not undo the update; it is only told.
    pub(crate) fn release(&mut self, lock: Lock) {
        if let Lock::Own(guard) = lock
            && let Err(err) = guard.release()
        {
            self.warnings.push(Warning::Release(err));
        }
    }

    pub(crate) fn remaining(&self) -> Duration {
        let timeout = self.options.lock.timeout;
        timeout.saturating_sub(self.started.elapsed())
    }
}

/// The caller counts on the journal, and it does not serve.
fn unjournalled<E: Error + 'static>(
    options: &UpdateOptions,
    source: JournalError,
) -> UpdateError<E> {
    let op = options
        .journal
        .as_ref()
        .and_then(|journal| journal.op.clone());
    UpdateError::Journal {
        op: op.unwrap_or_default(),
        source,
    }
}
