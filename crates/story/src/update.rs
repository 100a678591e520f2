//! Changing a story: the only place where lock, file and document meet.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::{CommitError, Durability, HardLinks, Original};
use locked_file::{Guarded, Interference, Lock, Session, Terms, Told};
use sidecar_lock::{LockOptions, TookOver};

use crate::document::Document;
use crate::journal::{JournalOptions, State};
use crate::read::{MAX_STORY_BYTES, ReadError, check_remote, fresh, is_named_like_a_story};
use crate::together;
use crate::update_error::{UpdateError, Warning};
use crate::update_journal::UpdateJournal;

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
    let mut lock = run.session.acquire()?;
    loop {
        run.finish_pending(&lock)?;
        let (original, before) = read(&lock).map_err(UpdateError::Read)?;
        run.journal.look_up(&before)?;
        let mut after = before.clone();
        let value = edit(&mut after).map_err(UpdateError::Edit)?;
        check_size(run.path(), size_of(&after))?;
        let interference = if after == before {
            run.journal
                .write(|journal, path| journal.nothing_to_change(&before, path))?;
            None
        } else {
            run.commit(original, &before, &after, &lock)?
        };
        let Some(interference) = interference else {
            run.session.release(lock);
            return Ok(Updated::of(run.told(), (value, [before, after])));
        };
        // It may hold what nobody should hold who waits.
        drop(value);
        lock = run.session.go_on(lock, interference)?;
    }
}

fn size_of(story: &Document) -> u64 {
    story.parts().iter().map(|part| part.len() as u64).sum()
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

/// Reads a story under its lock together with what the commit needs to know.
fn read(lock: &Lock) -> Result<(Original, Document), ReadError> {
    fresh(|| Original::read_resolved(lock.resolved(), MAX_STORY_BYTES))
}

/// One update under way: a session of its file, and its journal.
pub(crate) struct Run<'a> {
    pub(crate) session: Session<'a>,
    pub(crate) journal: UpdateJournal<'a>,
}

impl UpdateOptions {
    fn terms(&self) -> Terms<'_> {
        Terms {
            lock: &self.lock,
            durability: self.durability,
            hard_links: self.hard_links,
            inherited_token: self.inherited_token.as_deref(),
        }
    }
}

impl<'a> Run<'a> {
    /// Refuses what is no story before anything is made beside it.
    pub(crate) fn checked<E: Error + 'static>(
        path: &Path,
        options: &'a UpdateOptions,
    ) -> Result<Self, UpdateError<E>> {
        let session = Session::new(path, options.terms());
        // No link is in a path that is canonical already: one look less.
        let is_canonical = session.as_ref().is_ok_and(|session| session.path() == path);
        if !is_canonical || !is_named_like_a_story(path) {
            check_remote(path).map_err(UpdateError::Read)?;
        }
        let session = session?;
        let journal = UpdateJournal::start(options, session.path())?;
        Ok(Self { session, journal })
    }

    /// The story, with all links resolved.
    pub(crate) fn path(&self) -> &Path {
        self.session.path()
    }

    /// What the caller is told: of the session, and the warnings of both.
    pub(crate) fn told(self) -> (Told, Vec<Warning>) {
        told(self.session.done(), self.journal)
    }

    /// A transaction over several stories whose process died in the middle is finished first.
    pub(crate) fn finish_pending<E: Error + 'static>(
        &mut self,
        lock: &Lock,
    ) -> Result<(), UpdateError<E>> {
        for warning in together::finish(lock.resolved(), self.session.terms().lock)? {
            self.session.warn(warning);
        }
        Ok(())
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
        let staged = match original.stage_parts(&after.parts(), &self.session.commit_options()) {
            Ok(staged) => staged,
            Err(err) => return self.judge(Err(err)),
        };
        self.journal
            .write(|journal, path| journal.intend(before, after, path))?;
        let committed = self.judge(lock.guarding(|| staged.commit()));
        self.journal.say(match &committed {
            Ok(None) => State::Done,
            Err(err) if err.is_committed() => State::Done,
            _ => State::Void,
        });
        committed
    }

    /// What became of a commit: done, in vain, or an error.
    pub(crate) fn judge<E: Error + 'static>(
        &mut self,
        committed: Result<Guarded, CommitError>,
    ) -> Result<Option<Interference>, UpdateError<E>> {
        Ok(self.session.judge(committed)?)
    }
}

impl<T> Updated<T> {
    /// Of a run that has come to its end.
    pub(crate) fn of((told, warnings): (Told, Vec<Warning>), story: (T, [Document; 2])) -> Self {
        let (value, [before, after]) = story;
        Self {
            value,
            before,
            after,
            path: told.path,
            took_over: told.took_over,
            warnings,
            waited: told.waited,
            reruns: told.reruns,
        }
    }
}

/// Joins what a session and a journal have to tell.
pub(crate) fn told(mut told: Told, journal: UpdateJournal<'_>) -> (Told, Vec<Warning>) {
    let of_file = std::mem::take(&mut told.warnings);
    let warnings = of_file.into_iter().map(Warning::File);
    let warnings = warnings.chain(journal.warnings).collect();
    (told, warnings)
}
