//! Moving a story's file to a legacy folder: first the new file, complete; then the old one goes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::{CommitError, CommitOptions, CommitWarning, Original, Resolved};
use locked_file::together::FinishError;
use locked_file::{Warning as FileWarning, clean_up_after_the_dead, locked_by};
use sidecar_lock::{AcquireError, LockGuard, LockOptions, LostError, SidecarLock, TookOver};

use crate::changes::Changes;
use crate::create::CREATION;
use crate::document::Document;
use crate::folder::{FolderError, Order};
use crate::head::Head;
use crate::operate::{Dating, carry_out};
use crate::operation_error::OperationError;
use crate::read::{MAX_STORY_BYTES, ReadError, check_remote, fresh};
use crate::sanitise::slug;
use crate::status::{Status, set_status};
use crate::together;
use crate::update_error::Warning;
use crate::workspace::{LegacyFolder, STORIES, STORY_FILE, StoryCopy, StoryFile, Workspace};

/// How often to begin again when somebody without our lock saves the story meanwhile. Chosen.
const TRIES: u32 = 3;

/// A story that was moved.
#[derive(Debug)]
#[non_exhaustive]
pub struct Relocated {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is.
    pub to: PathBuf,
    /// What the new file holds.
    pub story: Document,
    /// The keys that changed.
    pub changed: Vec<String>,
    /// The lock of a dead or foreign owner that was taken over.
    pub took_over: Option<TookOver>,
    /// What is worth telling beside.
    pub warnings: Vec<Warning>,
}

/// Why a story was not moved. It is where it was, except where a variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelocateError {
    /// It lies in that folder already. Retrying does not help.
    #[error("{} lies there already", .path.display())]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// No lock. [`AcquireError::is_retryable`] says whether retrying helps.
    #[error(transparent)]
    Lock(#[from] AcquireError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A rule forbids it, or a field cannot be written. Retrying does not help.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// The folder cannot be listed. Retrying helps after repair.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A transaction over several stories, whose process died, could not be finished here first. Retrying helps after
    /// repair.
    #[error("cannot finish what a process that died had begun")]
    Pending(#[source] CommitError),
    /// The lock was lost before anything was removed. Retrying helps.
    #[error(transparent)]
    Lost(#[from] LostError),
    /// Somebody without our lock kept changing it. Retrying helps.
    #[error("others kept changing {}", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The new file was not made, or is not known to be durable; the old one is there.
    #[error("cannot make the new file")]
    Create(#[source] CommitError),
    /// Both files are there. Retrying makes a third; one of the two has to be removed by hand.
    #[error("both {} and {} are there now", .from.display(), .to.display())]
    Both {
        /// Where it was.
        from: PathBuf,
        /// Where it should be.
        to: PathBuf,
        /// Why one of them could not be removed; `None`: others are changing it.
        source: Option<CommitError>,
    },
}

/// Moves the file of a story to a legacy folder, as `NN-slug.md`, NN being one more than the number of files there.
///
/// What a transaction over several stories had decided for it goes with it, also where its process died.
///
/// Status and priority (NN) follow, as the contract has it for these folders. Whoever is killed in between leaves both files,
/// never neither; [`find`](crate::find()) then still finds the old one, where it is a main copy.
///
/// # Errors
///
/// [`RelocateError`].
///
/// # Limits
///
/// What somebody without our lock saves to the old file in the microseconds between the last look and its removal is lost.
pub fn relocate(
    path: &Path,
    workspace: &Workspace,
    folder: LegacyFolder,
    dating: Dating,
    options: (&LockOptions, &CommitOptions),
) -> Result<Relocated, RelocateError> {
    check_remote(path)?;
    let guard = SidecarLock::new(path)?.acquire(options.0)?;
    let mut finished = clean_up_after_the_dead(&guard);
    finished.extend(together::finish(locked_by(&guard), options.0)?);
    let target = make_folder(&workspace.legacy(folder))?;
    if guard.resource().parent() == Some(&target) {
        let path = guard.resource().to_path_buf();
        return Err(RelocateError::AlreadyThere { path });
    }
    let numbers = numbers(&target, options.0, guard.waited())?;
    let moving = Moving {
        guard,
        workspace,
        folder,
        target,
        dating,
        options: options.1,
    };
    let mut tries = 1;
    let mut moved = loop {
        match moving.attempt() {
            Err(RelocateError::Changed { .. }) if tries < TRIES => tries += 1,
            moved => break moved?,
        }
    };
    moved
        .warnings
        .extend(finished.into_iter().map(Warning::File));
    moved.took_over = moving.guard.took_over().cloned();
    for guard in [numbers, moving.guard] {
        if let Err(err) = guard.release() {
            tracing::warn!(%err, "lock not released cleanly after a move");
        }
    }
    remove_if_empty(&moved.from);
    Ok(moved)
}

/// Removes the folder that a story had to itself, if nothing is left in it: it would look like that of a lost story. The
/// id is not given again, for the moved file carries it.
fn remove_if_empty(story: &Path) {
    let Some(folder) = story.parent() else { return };
    let is_in_stories = folder.parent().and_then(Path::file_name) == Some(STORIES.as_ref());
    if is_in_stories && story.file_name() == Some(STORY_FILE.as_ref()) {
        // It fails where there is anything in it: plans, or the lock of somebody who waits.
        fs::remove_dir(folder).ok();
    }
}

/// Waits for the right to give out numbers in a folder: two stories that come at once would both get the same. Whoever has
/// it waits for no story's lock.
fn numbers(
    folder: &Path,
    options: &LockOptions,
    waited: Duration,
) -> Result<LockGuard, AcquireError> {
    let guard = SidecarLock::new(folder.join(CREATION))?.acquire(&LockOptions {
        timeout: options.timeout.saturating_sub(waited),
        ..options.clone()
    })?;
    for warning in clean_up_after_the_dead(&guard) {
        tracing::warn!(%warning, "before a number is given out");
    }
    Ok(guard)
}

/// One move under its lock.
struct Moving<'a> {
    guard: LockGuard,
    workspace: &'a Workspace,
    folder: LegacyFolder,
    /// The folder with all links resolved.
    target: PathBuf,
    dating: Dating,
    options: &'a CommitOptions,
}

impl Moving<'_> {
    fn attempt(&self) -> Result<Relocated, RelocateError> {
        let from = self.guard.resource();
        let reading = || Original::read_resolved(locked_by(&self.guard), MAX_STORY_BYTES);
        let (original, before) = fresh(reading)?;
        self.guard.verify()?;
        let (to, after, mut warnings) = self.create(&before)?;
        if !original.is_unchanged().unwrap_or(false) {
            self.take_back(&to, &after)?;
            return Err(RelocateError::Changed {
                path: from.to_path_buf(),
            });
        }
        if let Err(lost) = self.guard.verify() {
            self.take_back(&to, &after)?;
            return Err(lost.into());
        }
        let removed = atomic_file::remove(locked_by(&self.guard));
        match removed {
            Ok(committed) => warnings.extend(told(committed.warnings)),
            Err(source) => return Err(self.both(to, Some(source))),
        }
        Ok(Relocated {
            from: from.to_path_buf(),
            to,
            changed: Changes::between(&before, &after).keys(),
            story: after,
            took_over: None,
            warnings,
        })
    }

    /// Makes the new file under the first number that is free.
    fn create(
        &self,
        before: &Document,
    ) -> Result<(PathBuf, Document, Vec<Warning>), RelocateError> {
        let files = self.workspace.legacy_files(self.folder, Order::Directory)?;
        let mut number = files.len() as u64 + 1;
        loop {
            let mut after = before.clone();
            carry_out(&mut after, self.dating, |story| {
                set_status(story, &Status::from(self.folder.name()))?;
                story.set("priority", i64::try_from(number).unwrap_or(i64::MAX))?;
                Ok(())
            })?;
            let name = format!("{number:02}-{}.md", slug_of(before, self.guard.resource()));
            let to = self.target.join(name);
            match atomic_file::create(&to, after.as_bytes(), self.options) {
                Ok(committed) => return Ok((to, after, told(committed.warnings).collect())),
                Err(CommitError::AlreadyExists { .. }) => number += 1,
                Err(source) if source.is_committed() => return Err(self.both(to, Some(source))),
                Err(source) => return Err(RelocateError::Create(source)),
            }
        }
    }

    /// Removes the new file, as long as nobody has changed it.
    fn take_back(&self, to: &Path, written: &Document) -> Result<(), RelocateError> {
        let is_ours =
            atomic_file::read(to, MAX_STORY_BYTES).is_ok_and(|bytes| bytes == written.as_bytes());
        if !is_ours {
            return Err(self.both(to.to_path_buf(), None));
        }
        let file = Resolved {
            path: to,
            folder: None,
        };
        match atomic_file::remove(file) {
            Ok(_) => Ok(()),
            Err(source) => Err(self.both(to.to_path_buf(), Some(source))),
        }
    }

    fn both(&self, to: PathBuf, source: Option<CommitError>) -> RelocateError {
        let from = self.guard.resource().to_path_buf();
        RelocateError::Both { from, to, source }
    }
}

fn told(warnings: Vec<CommitWarning>) -> impl Iterator<Item = Warning> {
    let warnings = warnings.into_iter().map(FileWarning::Commit);
    warnings.map(Warning::File)
}

impl From<FinishError> for RelocateError {
    fn from(err: FinishError) -> Self {
        match err {
            FinishError::Read(err) => Self::Read(err.into()),
            FinishError::Lock(err) => Self::Lock(err),
            FinishError::Commit(err) => Self::Pending(err),
        }
    }
}

/// Makes the folder where it is missing, and resolves it.
fn make_folder(folder: &Path) -> Result<PathBuf, RelocateError> {
    if !folder.is_dir() {
        atomic_file::ensure_folder(folder).map_err(RelocateError::Create)?;
    }
    fs::canonicalize(folder).map_err(|source| {
        let path = folder.to_path_buf();
        FolderError::Io { path, source }.into()
    })
}

/// The slug as part of a file name: the field, made harmless, else what the file or the title says.
fn slug_of(story: &Document, path: &Path) -> String {
    let file = StoryFile {
        path: path.to_path_buf(),
        copy: StoryCopy::Main,
        name: path.file_name().unwrap_or_default().to_owned(),
    };
    let field = story.text("slug").unwrap_or_default();
    let title = story.text("title").unwrap_or_default();
    [field, title, Head::of(story, &file).slug]
        .iter()
        .map(|text| slug(text))
        .find(|slug| !slug.is_empty())
        .unwrap_or_else(|| "story".to_owned())
}
