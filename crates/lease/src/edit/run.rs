//! One edit under way: the steps in their order, and the tries anew when others interfere.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use atomic_file::{
    CommitError, CommitOptions, Committed, Original, ReadError, Resolved, Revision, Staged,
};
use sidecar_lock::{ForeignKind, LockGuard, LockOptions, LostError, SidecarLock, TookOver};

use super::error::{EditError, EditWarning};
use super::{Edited, MAX_FILE_BYTES, Workplace, Writer, guarded, ours};
use crate::error::{LeaseError, StoreError};
use crate::lease::Token;
use crate::leases::Leases;
use crate::project_path::ProjectPath;

/// How often an edit is tried again even when the time is up, as for stories.
const LEAST_RERUNS: u32 = 3;

/// From this rerun on there is a pause before the next: whoever writes so often needs room, and we do not spin.
const RERUNS_AT_ONCE: u32 = 3;

/// The pause. Chosen: shorter than any pause a person or an editor makes.
const PAUSE: Duration = Duration::from_millis(2);

/// What is to become of a file.
pub(super) enum Outcome {
    /// It is what it should be.
    Unchanged(Revision),
    /// It becomes this.
    Written(Vec<u8>),
}

impl Outcome {
    /// `contents`, where that is not what is there.
    pub(super) fn of(contents: Vec<u8>, found: Option<&[u8]>) -> Self {
        if found == Some(contents.as_slice()) {
            Self::Unchanged(Revision::of(&contents))
        } else {
            Self::Written(contents)
        }
    }
}

/// What somebody without our lock did between the read and the commit. Nothing of ours is in place.
enum Interference {
    Changed,
    LockRemoved(LostError),
}

/// One edit under way.
pub(super) struct Run<'a> {
    place: Workplace<'a>,
    by: &'a Writer,
    path: ProjectPath,
    location: PathBuf,
    started: Instant,
    token: Option<Token>,
    took_over: Option<TookOver>,
    warnings: Vec<EditWarning>,
    waited: Duration,
    reruns: u32,
}

impl<'a> Run<'a> {
    /// Finds the file, and refuses at once who does not hold it: before anything is waited for or made.
    pub(super) fn start(
        place: Workplace<'a>,
        given: &Path,
        by: &'a Writer,
    ) -> Result<Self, EditError> {
        let path = place.project.path(given)?;
        ours::check(place, &path)?;
        let mut run = Self {
            location: place.project.locate(&path),
            place,
            by,
            path,
            started: Instant::now(),
            token: None,
            took_over: None,
            warnings: Vec::new(),
            waited: Duration::ZERO,
            reruns: 0,
        };
        run.prove(&place.store.read()?)?;
        Ok(run)
    }

    /// Lets `change` say what becomes of the contents that it is given, and does that.
    pub(super) fn carry_out(
        mut self,
        change: impl Fn(&ProjectPath, Option<&[u8]>) -> Result<Outcome, EditError>,
    ) -> Result<Edited, EditError> {
        let mut guard = self.acquire()?;
        loop {
            let original = self.read(&guard)?;
            let found = original.as_ref().map(Original::bytes);
            let contents = match change(&self.path, found) {
                Ok(Outcome::Unchanged(revision)) => return Ok(self.done(guard, revision, false)),
                Ok(Outcome::Written(contents)) => contents,
                Err(mismatch) => return Err(self.reason_for(mismatch)),
            };
            self.check_size(contents.len() as u64)?;
            (self.place.judge)(&self.location, found, &contents).map_err(|reason| {
                EditError::Unfit {
                    path: self.path.clone(),
                    reason,
                }
            })?;
            let Some(interference) = self.put(&guard, original, &contents)? else {
                let revision = Revision::of(&contents);
                return Ok(self.done(guard, revision, true));
            };
            guard = self.go_on(guard, interference)?;
        }
    }

    /// Makes sure that the agent holds the file, by the clock as it is now.
    fn prove(&mut self, leases: &Leases) -> Result<(), LeaseError> {
        let present = self.place.rules.present();
        leases.check_readable(&present)?;
        let proof = leases.prove_holder(&self.path, &self.by.agent, self.by.token, &present)?;
        self.token = proof.token;
        Ok(())
    }

    /// Who has lost the lease meanwhile finds another text because of that, and should learn it.
    fn reason_for(&mut self, mismatch: EditError) -> EditError {
        let leases = self.place.store.read().map_err(LeaseError::from);
        match leases.and_then(|leases| self.prove(&leases)) {
            Ok(()) => mismatch,
            Err(lost) => lost.into(),
        }
    }

    fn acquire(&mut self) -> Result<LockGuard, EditError> {
        let guarded = guarded::guarded(&self.location);
        let lock = SidecarLock::new(&guarded)?;
        if lock.resource() != guarded {
            // A part of the path became a link since it was followed: another file would be locked than is leased.
            return Err(self.conflict());
        }
        if guarded::is_obstructed(&lock) {
            return Err(EditError::Obstructed {
                path: self.path.clone(),
                obstacle: lock.sidecar().to_path_buf(),
            });
        }
        let mut options = guarded::options(&guarded, &self.by.lock);
        if self.reruns > 0 {
            options = LockOptions {
                stale_after: Some(options.effective_stale_after()),
                timeout: self.remaining(),
                ..options
            };
        }
        let guard = lock.acquire(&options)?;
        self.waited += guard.waited();
        if let Some(took_over) = guard.took_over() {
            self.clean_up_after_the_dead(&guard, took_over);
            self.took_over = Some(took_over.clone());
        }
        let finished =
            (self.place.finish)(&guard, &options).map_err(|reason| EditError::Unfinished {
                path: self.path.clone(),
                reason,
            })?;
        let finished = finished
            .into_iter()
            .map(|what| EditWarning::Finished { what });
        self.warnings.extend(finished);
        Ok(guard)
    }

    /// Only where the lock's owner died can a writer of ours have died in the middle of a commit. Before the read, because a
    /// version that somebody saved may come back by it.
    fn clean_up_after_the_dead(&mut self, guard: &LockGuard, took_over: &TookOver) {
        if let Err(err) = guard.sweep_temporaries() {
            tracing::warn!(%err, "leftovers of lock files not swept");
        }
        // A power cut leaves a lock of ours looking like another tool's, as a rule.
        if matches!(took_over, TookOver::Foreign(lock) if lock.kind != ForeignKind::File) {
            return;
        }
        let path = self.location.clone();
        match atomic_file::sweep_beside(self.resolved(guard)) {
            Ok(swept) => {
                let restored = swept.restored.into_iter();
                let rescued = swept.rescued.into_iter();
                self.warnings
                    .extend(restored.map(|path| EditWarning::Restored { path }));
                self.warnings
                    .extend(rescued.map(|rescued| EditWarning::Rescued { rescued }));
                if swept.busy {
                    self.warnings
                        .push(EditWarning::NotSwept { path, source: None });
                }
            }
            Err(err) => self.warnings.push(EditWarning::NotSwept {
                path,
                source: Some(err),
            }),
        }
    }

    /// The file in the very folder where the lock is: the path may lead elsewhere by now.
    fn resolved<'b>(&'b self, guard: &'b LockGuard) -> Resolved<'b> {
        Resolved {
            path: &self.location,
            folder: guard.folder(),
        }
    }

    fn read(&self, guard: &LockGuard) -> Result<Option<Original>, EditError> {
        match Original::read_resolved(self.resolved(guard), MAX_FILE_BYTES) {
            Ok(original) => Ok(Some(original)),
            Err(ReadError::NotFound { .. }) => Ok(None),
            Err(ReadError::TooLarge { size, limit, .. }) => Err(EditError::TooLarge {
                path: self.path.clone(),
                size,
                limit,
            }),
            Err(err) => Err(EditError::Read(err)),
        }
    }

    fn check_size(&self, size: u64) -> Result<(), EditError> {
        if size <= MAX_FILE_BYTES {
            return Ok(());
        }
        Err(EditError::TooLarge {
            path: self.path.clone(),
            size,
            limit: MAX_FILE_BYTES,
        })
    }

    /// Puts `contents` in place if lease, lock and file are still what they were.
    fn put(
        &mut self,
        guard: &LockGuard,
        original: Option<Original>,
        contents: &[u8],
    ) -> Result<Option<Interference>, EditError> {
        let options = CommitOptions {
            durability: self.by.durability,
            hard_links: self.by.hard_links,
        };
        // What takes time comes before the store is locked.
        let staged = match original.map(|original| original.stage(contents, &options)) {
            Some(Err(err)) => return self.judge(Err(err)),
            Some(Ok(staged)) => Some(staged),
            None => None,
        };
        let transaction = self.place.store.begin(self.place.rules.store_timeout)?;
        self.prove(transaction.leases())?;
        if let Err(lost) = guard.verify() {
            return Ok(Some(Interference::LockRemoved(lost)));
        }
        match transaction.verify() {
            // What is no longer the store says nothing about who may write: from the beginning.
            Err(StoreError::Interfered { .. }) => return Ok(Some(Interference::Changed)),
            verified => verified?,
        }
        let committed = match staged {
            Some(staged) => Staged::commit(staged),
            None => atomic_file::create_resolved(self.resolved(guard), contents, &options),
        };
        // Until here nobody could take the lease over.
        drop(transaction);
        self.judge(committed)
    }

    fn judge(
        &mut self,
        committed: Result<Committed, CommitError>,
    ) -> Result<Option<Interference>, EditError> {
        match committed {
            Ok(committed) => {
                let warnings = committed.warnings.into_iter().map(EditWarning::Commit);
                self.warnings.extend(warnings);
                Ok(None)
            }
            // It was not there when it was read.
            Err(CommitError::Changed { .. } | CommitError::AlreadyExists { .. }) => {
                Ok(Some(Interference::Changed))
            }
            Err(CommitError::Rescued { rescued, .. }) => {
                self.warnings.push(EditWarning::Rescued { rescued });
                Ok(Some(Interference::Changed))
            }
            Err(err) => Err(EditError::Commit(err)),
        }
    }

    /// Prepares the next try, with a lock that holds, or gives up.
    fn go_on(
        &mut self,
        guard: LockGuard,
        interference: Interference,
    ) -> Result<LockGuard, EditError> {
        let is_over = self.reruns >= LEAST_RERUNS && self.remaining().is_zero();
        match interference {
            Interference::Changed if is_over => return Err(self.conflict()),
            Interference::LockRemoved(source) if is_over => {
                let path = self.path.clone();
                return Err(EditError::LockLost { path, source });
            }
            _ => {}
        }
        self.reruns += 1;
        if self.reruns > RERUNS_AT_ONCE {
            std::thread::sleep(PAUSE.min(self.remaining()));
        }
        if matches!(interference, Interference::Changed) {
            return Ok(guard);
        }
        // Already known to be lost: no second word about it.
        drop(guard);
        self.acquire()
    }

    fn conflict(&self) -> EditError {
        EditError::Conflict {
            path: self.path.clone(),
        }
    }

    fn remaining(&self) -> Duration {
        let timeout = self.by.lock.timeout;
        timeout.saturating_sub(self.started.elapsed())
    }

    /// A lock that could not be given back cleanly does not undo the edit; it is only told.
    fn done(mut self, guard: LockGuard, revision: Revision, changed: bool) -> Edited {
        if let Err(err) = guard.release() {
            self.warnings.push(EditWarning::Release(err));
        }
        Edited {
            path: self.path,
            location: self.location,
            revision,
            changed,
            token: self.token,
            took_over: self.took_over,
            warnings: self.warnings,
            waited: self.waited,
            reruns: self.reruns,
        }
    }
}
