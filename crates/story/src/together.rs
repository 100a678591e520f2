//! Changing several stories together: all of them or none, also when the process is killed in the middle.
//!
//! All locks are taken first, in the order of the stories' canonical paths, so that two transactions never wait for each
//! other. Then one file, the record, is created whole beside the journal: it holds each story as it was read and as it is
//! to be. From that moment the transaction is decided. The stories are replaced one after the other, and the record goes
//! away. If the process dies before, whoever takes the lock of one of the stories next finds the record and takes that
//! story to where it is to be; and [`read`](crate::read()) shows what is decided even before that.

mod finish;
mod pending;
mod record;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::path::{Path, PathBuf};

use atomic_file::{CommitError, CommitOptions, Original, Staged};
use locked_file::{Lock, Warning};
use sidecar_lock::AcquireError;

use crate::document::Document;
use crate::folder::FolderError;
use crate::journal::State;
use crate::read::ReadError;
use crate::update::{self, Run, UpdateOptions, Updated};
use crate::update_error::UpdateError;
pub use finish::{Unfinished, finish_all, set_aside, unfinished};
pub(crate) use finish::{decided, finish};
use pending::{Filed, Pending};
use record::{Part, Record};

/// Why several stories were not changed together.
///
/// None of them is changed, unless [`TogetherError::is_committed`] says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TogetherError<E: Error + 'static> {
    /// One of the stories stands in the way.
    #[error("{source}")]
    Story {
        /// Its place among the paths that were given.
        index: usize,
        /// Why.
        source: UpdateError<E>,
    },
    /// Two of the paths mean one story. Retrying does not help.
    #[error("{} is named twice", path.display())]
    Twice {
        /// The place of the second.
        index: usize,
        /// The story, with all links resolved.
        path: PathBuf,
    },
    /// A story lies outside of the sdlc root of the first, or in none; there is no place then from which a transaction
    /// could be finished. Retrying does not help.
    #[error("{} does not lie in the sdlc root of the first story", path.display())]
    OtherRoot {
        /// The place of the story.
        index: usize,
        /// The story, with all links resolved.
        path: PathBuf,
    },
    /// The transaction could not be decided: its record was not written.
    #[error("the transaction cannot be written down")]
    Undecided {
        /// Why.
        source: CommitError,
    },
    /// The transaction is decided, but could not be carried out to the end. Whoever next updates one of the stories
    /// finishes it; do not apply it again.
    #[error("the transaction is decided, and will be finished by the next update of its stories")]
    Unfinished {
        /// Why it could not be finished at once.
        source: Box<UpdateError<E>>,
    },
}

impl<E: Error + 'static> TogetherError<E> {
    /// Whether the same call may well succeed a moment later. Never after the decision.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Story { source, .. } if source.is_retryable())
    }

    /// Whether the edits are decided in spite of the error: they must not be applied again.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Unfinished { .. })
    }
}

/// What stood in the way of finishing a transaction.
#[derive(Debug)]
pub(crate) enum Trouble {
    Read(ReadError),
    Lock(AcquireError),
    Commit(CommitError),
}

impl From<AcquireError> for Trouble {
    fn from(err: AcquireError) -> Self {
        Self::Lock(err)
    }
}

impl From<CommitError> for Trouble {
    fn from(err: CommitError) -> Self {
        Self::Commit(err)
    }
}

impl From<FolderError> for Trouble {
    fn from(err: FolderError) -> Self {
        let path = err.path().to_path_buf();
        let (FolderError::NotFound { source, .. } | FolderError::Io { source, .. }) = err;
        let step = "look for unfinished transactions";
        Self::Read(atomic_file::ReadError::Io { step, path, source }.into())
    }
}

impl<E: Error + 'static> From<Trouble> for UpdateError<E> {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Read(err) => Self::Read(err),
            Trouble::Lock(err) => Self::Lock(err),
            // It is another transaction's: the caller's own edit is not in place.
            Trouble::Commit(CommitError::CommittedUnsynced { path, source }) => {
                let step = "finish a transaction durably";
                Self::Commit(CommitError::Io { step, path, source })
            }
            Trouble::Commit(err) => Self::Commit(err),
        }
    }
}

/// Updates several stories of one sdlc root: `edit` gets each as it is under its lock, with its place among `paths`.
///
/// With `options.journal` each change leaves its line; an operation's id is not looked for there.
///
/// As with [`update`](crate::update()) `edit` may run again, and an edit that changes no story writes nothing. Whatever
/// `options.durability` says, what is written is durable: without that a power cut could keep one half.
///
/// A program of another kind that looks at the files themselves may see some of them changed and others not, for the
/// moment of the commits, or until the next update of a story whose transaction was cut off.
///
/// # Errors
///
/// [`TogetherError`]; no story is changed unless [`TogetherError::is_committed`].
pub fn update_together<T, E: Error + 'static>(
    paths: &[&Path],
    options: &UpdateOptions,
    mut edit: impl FnMut(usize, &mut Document) -> Result<T, E>,
) -> Result<Vec<Updated<T>>, TogetherError<E>> {
    let runs = start(paths, options)?;
    let Some(pending) = root_of(&runs)? else {
        return Ok(Vec::new());
    };
    let mut stories = lock(runs)?;
    let mut tries = 0;
    let edited = loop {
        tries += 1;
        let edited = read_and_edit(&mut stories, &mut edit)?;
        match stage(&mut stories, edited) {
            Err(err) if tries < TRIES && was_changed(&err) => {}
            staged => break staged?,
        }
    };
    carry_out(stories, edited, &pending)
}

/// How often the edits are tried anew after somebody without our lock has changed a story meanwhile: S-0034 asks for
/// three retries.
const TRIES: u32 = 4;

/// One of the stories, before its lock is taken.
struct Waiting<'a> {
    index: usize,
    run: Run<'a>,
}

/// One of the stories, locked.
struct Story<'a> {
    index: usize,
    run: Run<'a>,
    lock: Lock,
}

fn failed<E: Error + 'static>(index: usize) -> impl FnOnce(UpdateError<E>) -> TogetherError<E> {
    move |source| TogetherError::Story { index, source }
}

fn start<'a, E: Error + 'static>(
    paths: &[&Path],
    options: &'a UpdateOptions,
) -> Result<Vec<Waiting<'a>>, TogetherError<E>> {
    let mut runs: Vec<Waiting<'_>> = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let run = Run::checked(path, options).map_err(failed(index))?;
        if runs.iter().any(|other| other.run.path() == run.path()) {
            let path = run.path().to_path_buf();
            return Err(TogetherError::Twice { index, path });
        }
        runs.push(Waiting { index, run });
    }
    Ok(runs)
}

/// The root that all of them lie in; `None` when there are none.
fn root_of<E: Error + 'static>(runs: &[Waiting<'_>]) -> Result<Option<Pending>, TogetherError<E>> {
    let mut common: Option<Pending> = None;
    for Waiting { index, run } in runs {
        let found = Pending::of(run.path());
        let is_common = common.is_none() || common == found;
        if found.is_none() || !is_common {
            let (index, path) = (*index, run.path().to_path_buf());
            return Err(TogetherError::OtherRoot { index, path });
        }
        common = found;
    }
    Ok(common)
}

/// Takes the locks by canonical path, as every transaction does it, and returns the stories as they were given.
fn lock<E: Error + 'static>(
    mut runs: Vec<Waiting<'_>>,
) -> Result<Vec<Story<'_>>, TogetherError<E>> {
    runs.sort_by(|a, b| a.run.path().cmp(b.run.path()));
    let mut stories = Vec::new();
    for Waiting { index, mut run } in runs {
        let lock = run
            .session
            .acquire()
            .map_err(|err| failed(index)(err.into()))?;
        run.finish_pending(&lock).map_err(failed(index))?;
        stories.push(Story { index, run, lock });
    }
    stories.sort_by_key(|story| story.index);
    Ok(stories)
}

/// A story as it was read, and as it is to be.
struct Edited<T> {
    value: T,
    original: Original,
    before: Document,
    after: Document,
}

fn read_and_edit<T, E: Error + 'static>(
    stories: &mut [Story<'_>],
    edit: &mut impl FnMut(usize, &mut Document) -> Result<T, E>,
) -> Result<Vec<Edited<T>>, TogetherError<E>> {
    let mut edited = Vec::new();
    for Story { index, run, lock } in stories {
        let failed = failed(*index);
        let mut one = || {
            let (original, before) = update::read(lock).map_err(UpdateError::Read)?;
            let mut after = before.clone();
            let value = edit(*index, &mut after).map_err(UpdateError::Edit)?;
            run.check_size(&after)?;
            Ok(Edited {
                value,
                original,
                before,
                after,
            })
        };
        edited.push(one().map_err(failed)?);
    }
    Ok(edited)
}

/// A story whose new version lies beside it, where there is one.
struct Ready<T> {
    value: T,
    before: Document,
    after: Document,
    staged: Option<Staged>,
}

/// Prepares everything that may fail, and looks once more whether the locks are ours.
fn stage<T, E: Error + 'static>(
    stories: &mut [Story<'_>],
    edited: Vec<Edited<T>>,
) -> Result<Vec<Ready<T>>, TogetherError<E>> {
    let mut ready = Vec::new();
    for (story, edited) in stories.iter().zip(edited) {
        let options = CommitOptions {
            hard_links: story.run.options.hard_links,
            ..CommitOptions::default()
        };
        let staged = (edited.before != edited.after)
            .then(|| edited.original.stage_parts(&edited.after.parts(), &options))
            .transpose()
            .map_err(UpdateError::Commit)
            .map_err(failed(story.index))?;
        ready.push(Ready {
            value: edited.value,
            before: edited.before,
            after: edited.after,
            staged,
        });
    }
    for story in stories {
        story.lock.verify().map_err(|source| {
            let path = story.run.path().to_path_buf();
            failed(story.index)(UpdateError::LockLost { path, source })
        })?;
    }
    Ok(ready)
}

fn was_changed<E: Error + 'static>(err: &TogetherError<E>) -> bool {
    let TogetherError::Story { source, .. } = err else {
        return false;
    };
    matches!(source, UpdateError::Commit(err) if err.is_retryable())
}

/// Decides the transaction and puts the new versions in place.
fn carry_out<T, E: Error + 'static>(
    mut stories: Vec<Story<'_>>,
    mut ready: Vec<Ready<T>>,
    pending: &Pending,
) -> Result<Vec<Updated<T>>, TogetherError<E>> {
    if let Some(record) = record_of(&stories, &ready, pending) {
        intend(&mut stories, &ready)?;
        let filed = pending.file(record).map_err(|source| {
            say_void(&mut stories);
            TogetherError::Undecided { source }
        })?;
        for (story, ready) in stories.iter_mut().zip(&mut ready) {
            if let Some(staged) = ready.staged.take() {
                put(story, staged, &filed, pending).map_err(|trouble| {
                    let source = Box::new(trouble.into());
                    TogetherError::Unfinished { source }
                })?;
                story.run.say(State::Done);
            }
        }
        if let Err(source) = filed.discard() {
            let warning = Warning::RecordLeft { source };
            stories[0].run.session.warn(warning);
        }
    }
    let done = stories.into_iter().zip(ready).map(|(story, ready)| {
        let Story { mut run, lock, .. } = story;
        run.session.release(lock);
        run.done(ready.value, ready.before, ready.after)
    });
    Ok(done.collect())
}

fn say_void(stories: &mut [Story<'_>]) {
    for story in stories {
        story.run.say(State::Void);
    }
}

/// Writes the lines of the changes, each into its story's journal.
fn intend<T, E: Error + 'static>(
    stories: &mut [Story<'_>],
    ready: &[Ready<T>],
) -> Result<(), TogetherError<E>> {
    for at in 0..stories.len() {
        let Ready { before, after, .. } = &ready[at];
        if before == after {
            continue;
        }
        let Story { index, run, .. } = &mut stories[at];
        let written = run.journal(|journal, path| journal.intend(before, after, path));
        if let Err(source) = written.map_err(failed(*index)) {
            say_void(stories);
            return Err(source);
        }
    }
    Ok(())
}

/// `None` when no story is to change.
fn record_of<T>(stories: &[Story<'_>], ready: &[Ready<T>], pending: &Pending) -> Option<Record> {
    let changed = stories
        .iter()
        .zip(ready)
        .filter(|(_, it)| it.staged.is_some());
    let parts: Vec<_> = changed
        .filter_map(|(story, ready)| {
            Some(Part {
                path: pending.relative(story.run.path())?,
                before: ready.before.as_bytes().to_vec(),
                after: ready.after.as_bytes().to_vec(),
            })
        })
        .collect();
    (!parts.is_empty()).then_some(Record { parts })
}

/// One story of a decided transaction.
fn put(
    story: &mut Story<'_>,
    staged: Staged,
    filed: &Filed,
    pending: &Pending,
) -> Result<(), Trouble> {
    match staged.commit() {
        Ok(committed) => {
            for warning in committed.warnings {
                story.run.session.warn(Warning::Commit(warning));
            }
            Ok(())
        }
        Err(CommitError::Changed { .. } | CommitError::Rescued { .. }) => {
            let resolved = story.lock.resolved();
            let warning = finish::put(resolved, filed, pending, &story.run.options.lock)?;
            if let Some(warning) = warning.filter(|it| !matches!(it, Warning::Finished { .. })) {
                story.run.session.warn(warning);
            }
            Ok(())
        }
        Err(err) => Err(err.into()),
    }
}
