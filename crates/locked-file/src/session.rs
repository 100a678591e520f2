//! One change of one file under its lock: acquire, read, commit if nothing else happened, else again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use atomic_file::{CommitError, CommitOptions, Durability, HardLinks};
use sidecar_lock::{LockOptions, LostError, SidecarLock, TookOver};

use crate::leftovers::clean_up_after_the_dead;
use crate::lock::{Guarded, Lock};
use crate::session_error::SessionError;
use crate::warning::Warning;

/// How often a change is tried again even when the time is up: S-0034 asks for three retries.
const LEAST_RERUNS: u32 = 3;

/// From this rerun on there is a pause before the next: whoever writes so often needs room, and we do not spin.
const RERUNS_AT_ONCE: u32 = 3;

/// The pause. Chosen: shorter than any pause a person or an editor makes.
const PAUSE: Duration = Duration::from_millis(2);

/// On what terms a file is changed.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// How to acquire the lock. `lock.timeout` also bounds the tries after others changed the file meanwhile.
    pub lock: &'a LockOptions,
    /// What is still there after a power cut.
    pub durability: Durability,
    /// What to do with a file that has several names.
    pub hard_links: HardLinks,
    /// The token of a lock that a parent process holds on this file; the change is then made under that lock.
    pub inherited_token: Option<&'a str>,
}

/// What somebody without our lock did between the read and the commit. Nothing of ours is in place.
#[derive(Debug)]
#[must_use = "the change was not made: `Session::go_on` prepares the next try"]
pub enum Interference {
    /// The file was changed, replaced, created or removed.
    Changed,
    /// The lock is not ours any more.
    LockRemoved(LostError),
}

/// One change of one file, under way: the loop of whoever makes it.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("count");
/// # atomic_file::create(&path, b"1", &Default::default())?;
/// use atomic_file::Original;
/// use locked_file::{Session, Terms};
///
/// let lock_options = Default::default();
/// let mut session = Session::new(&path, Terms::with(&lock_options))?;
/// let mut lock = session.acquire()?;
/// loop {
///     let original = Original::read_resolved(lock.resolved(), 100)?;
///     let count: u32 = String::from_utf8_lossy(original.bytes()).parse()?;
///     let staged = original.stage((count + 1).to_string().as_bytes(), &session.commit_options())?;
///     match session.judge(lock.guarding(|| staged.commit()))? {
///         None => break,
///         Some(interference) => lock = session.go_on(lock, interference)?,
///     }
/// }
/// session.release(lock);
/// assert_eq!(atomic_file::read(&path, 100)?, b"2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session<'a> {
    lock: SidecarLock,
    terms: Terms<'a>,
    started: Instant,
    told: Told,
}

/// What is to be told of a session.
#[derive(Debug)]
pub struct Told {
    /// The file, with all links resolved.
    pub path: PathBuf,
    /// The lock of a dead or foreign owner that was taken over.
    pub took_over: Option<TookOver>,
    /// What else is worth telling.
    pub warnings: Vec<Warning>,
    /// How long the lock was waited for.
    pub waited: Duration,
    /// How often the change was tried again because somebody without our lock had changed the file.
    pub reruns: u32,
}

impl<'a> Terms<'a> {
    /// The safe choice in each point, with a lock as told.
    pub fn with(lock: &'a LockOptions) -> Self {
        Self {
            lock,
            durability: Durability::default(),
            hard_links: HardLinks::default(),
            inherited_token: None,
        }
    }
}

impl<'a> Session<'a> {
    /// Resolves the path; nothing is locked yet. The file need not be there, its folder must.
    ///
    /// # Errors
    ///
    /// [`SessionError::Lock`]: the path leads nowhere. Retrying does not help by itself.
    pub fn new(path: &Path, terms: Terms<'a>) -> Result<Self, SessionError> {
        let lock = SidecarLock::new(path).map_err(SessionError::Lock)?;
        let told = Told {
            path: lock.resource().to_path_buf(),
            took_over: None,
            warnings: Vec::new(),
            waited: Duration::ZERO,
            reruns: 0,
        };
        Ok(Self {
            lock,
            terms,
            started: Instant::now(),
            told,
        })
    }

    /// The file, with all links resolved.
    pub fn path(&self) -> &Path {
        self.lock.resource()
    }

    /// The terms of the session.
    pub fn terms(&self) -> &Terms<'a> {
        &self.terms
    }

    /// How to commit.
    pub fn commit_options(&self) -> CommitOptions {
        CommitOptions {
            durability: self.terms.durability,
            hard_links: self.terms.hard_links,
        }
    }

    /// Takes the lock, or verifies the parent's; waits as the terms say. What a dead owner left is cleaned up.
    ///
    /// # Errors
    ///
    /// - [`SessionError::Lock`]: [`AcquireError::Contended`](sidecar_lock::AcquireError) names the holder; try again later.
    /// - [`SessionError::Inherit`]: the parent does not hold it any more. Retrying does not help.
    pub fn acquire(&mut self) -> Result<Lock, SessionError> {
        if let Some(token) = self.terms.inherited_token {
            let inherited = self.lock.inherit(token).map_err(SessionError::Inherit)?;
            return Ok(Lock::Parents(inherited));
        }
        let options = self.lock_options();
        let guard = self.lock.acquire(&options).map_err(SessionError::Lock)?;
        self.told.waited += guard.waited();
        if let Some(took_over) = guard.took_over() {
            self.told.warnings.extend(clean_up_after_the_dead(&guard));
            self.told.took_over = Some(took_over.clone());
        }
        Ok(Lock::Own(guard))
    }

    /// What became of a commit: done (`None`), in vain, or an error.
    ///
    /// # Errors
    ///
    /// [`SessionError::Commit`]: trying again does not help by itself.
    pub fn judge(
        &mut self,
        committed: Result<Guarded, CommitError>,
    ) -> Result<Option<Interference>, SessionError> {
        match committed {
            Ok(Ok(committed)) => {
                let warnings = committed.warnings.into_iter().map(Warning::Commit);
                self.told.warnings.extend(warnings);
                Ok(None)
            }
            Ok(Err(lost)) => Ok(Some(Interference::LockRemoved(lost))),
            // `AlreadyExists`: of a file that was to be created; somebody made it meanwhile.
            Err(CommitError::Changed { .. } | CommitError::AlreadyExists { .. }) => {
                Ok(Some(Interference::Changed))
            }
            Err(CommitError::Rescued { path, rescued }) => {
                self.told.warnings.push(Warning::rescued(&path, rescued));
                Ok(Some(Interference::Changed))
            }
            Err(err) => Err(SessionError::Commit(err)),
        }
    }

    /// Prepares the next try, with a lock that holds, or gives up.
    ///
    /// # Errors
    ///
    /// - [`SessionError::Conflict`], [`SessionError::LockLost`]: others kept interfering until the limit, and at least three
    ///   reruns were made; try again later.
    /// - Those of [`Session::acquire`].
    pub fn go_on(&mut self, lock: Lock, interference: Interference) -> Result<Lock, SessionError> {
        match interference {
            Interference::Changed => self.begin_anew().map(|()| lock),
            Interference::LockRemoved(source)
                if self.is_over() || matches!(lock, Lock::Parents(_)) =>
            {
                let path = self.path().to_path_buf();
                Err(SessionError::LockLost { path, source })
            }
            Interference::LockRemoved(_) => {
                self.count_rerun();
                // Already known to be lost: no second word about it.
                drop(lock);
                self.acquire()
            }
        }
    }

    /// As [`Session::go_on`] after the file was changed.
    pub(crate) fn begin_anew(&mut self) -> Result<(), SessionError> {
        if self.is_over() {
            let (path, reruns) = (self.path().to_path_buf(), self.told.reruns);
            return Err(SessionError::Conflict { path, reruns });
        }
        self.count_rerun();
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.told.reruns >= LEAST_RERUNS && self.remaining().is_zero()
    }

    fn count_rerun(&mut self) {
        self.told.reruns += 1;
        if self.told.reruns > RERUNS_AT_ONCE {
            std::thread::sleep(PAUSE.min(self.remaining()));
        }
    }

    /// A lock that could not be given back cleanly does not undo the change; it is only told.
    pub fn release(&mut self, lock: Lock) {
        if let Lock::Own(guard) = lock
            && let Err(err) = guard.release()
        {
            self.told.warnings.push(Warning::Release(err));
        }
    }

    /// How to acquire a lock in what is left of the waiting limit, which is one for the whole session.
    pub fn lock_options(&self) -> LockOptions {
        LockOptions {
            timeout: self.remaining(),
            // Its default depends on the limit: having waited already does not make a lock older.
            stale_after: Some(self.terms.lock.effective_stale_after()),
            ..self.terms.lock.clone()
        }
    }

    /// What is left of the waiting limit.
    pub fn remaining(&self) -> Duration {
        let timeout = self.terms.lock.timeout;
        timeout.saturating_sub(self.started.elapsed())
    }

    /// Takes down what is worth telling.
    pub fn warn(&mut self, warning: Warning) {
        self.told.warnings.push(warning);
    }

    /// Ends the session.
    pub fn done(self) -> Told {
        self.told
    }
}

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::*;

    #[test]
    fn lock_options_wait_for_what_is_left_and_judge_staleness_by_the_whole_limit() {
        let sandbox = Sandbox::new();
        sandbox.write("file", "");
        let lock = LockOptions {
            timeout: Duration::from_mins(1),
            ..LockOptions::default()
        };
        let terms = Terms::with(&lock);
        let mut session = Session::new(&sandbox.join("file"), terms).expect("it is there");
        for (waited, left) in [(45, 15), (60, 0), (75, 0)] {
            let waited = Duration::from_secs(waited);
            session.started = Instant::now()
                .checked_sub(waited)
                .expect("the system has been up for longer");
            let options = session.lock_options();
            assert!(
                options.timeout <= Duration::from_secs(left),
                "no more than is left after {waited:?}: {:?}",
                options.timeout
            );
            assert_eq!(
                options.effective_stale_after(),
                Duration::from_mins(1),
                "a lock is not stale earlier because one has waited for {waited:?}"
            );
        }
    }
}
