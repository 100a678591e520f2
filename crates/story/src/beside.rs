//! Changing a file beside a story under the story's lock: section files, the checkpoint of a run.

use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::{
    CommitError, Original, ReadError as FileError, Resolved, Revision, create_resolved,
};
use locked_file::{Guarded, Interference, Lock};
use sidecar_lock::TookOver;

use crate::read::{MAX_STORY_BYTES, ReadError};
use crate::update::{Run, UpdateOptions, check_size};
use crate::update_error::{UpdateError, Warning};
use crate::workspace::STORY_FILE;

/// What is to become of a file beside a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It stays as it is, or away.
    Kept,
    /// It gets these contents; a missing file is created.
    Written(Vec<u8>),
    /// It is removed; a missing file stays away.
    Removed,
}

/// What an edit of a file beside a story finds.
#[derive(Debug, Clone, Copy)]
pub struct FoundBeside<'a> {
    /// The contents of the file; `None` when there is none.
    pub contents: Option<&'a [u8]>,
    /// The story's file as it is under the lock.
    pub story: &'a [u8],
}

impl FoundBeside<'_> {
    /// The revision of the story; costs a look at every byte.
    pub fn story_revision(&self) -> Revision {
        Revision::of(self.story)
    }
}

/// What an update of a file beside a story did.
#[derive(Debug)]
pub struct UpdatedBeside<T> {
    /// What the closure returned in the run that was committed.
    pub value: T,
    /// The file, in the folder of the story with all links resolved.
    pub path: PathBuf,
    /// Its contents as they are now; `None` when there is no file.
    pub contents: Option<Vec<u8>>,
    /// Whether the file was created, replaced or removed.
    pub changed: bool,
    /// The lock of a dead or foreign owner that was taken over.
    pub took_over: Option<TookOver>,
    /// What else is worth telling.
    pub warnings: Vec<Warning>,
    /// How long the lock was waited for.
    pub waited: Duration,
    /// How often the closure ran again because somebody without our lock had changed the file.
    pub reruns: u32,
}

/// Whether a story has its folder for itself: its file is `story.md`. In a legacy folder lie many stories, and what was
/// written beside one of them would be every other's, too.
pub fn has_own_folder(story: &Path) -> bool {
    story.file_name() == Some(OsStr::new(STORY_FILE))
}

/// Updates the file `name` in the folder of a story: acquires the *story's* lock, reads the file, lets `edit` say what
/// becomes of it, puts that in place in one step, releases the lock.
///
/// Everything happens in the very folder in which the lock was taken. The story must be there, but need not be readable as
/// one; it is not changed. `edit` may run several times and must have no other effect. Contents that are what they were
/// write nothing.
///
/// # Errors
///
/// The file is unchanged, except where [`UpdateError::is_committed`] is true. As [`update`](crate::update()); a `name` that
/// is no plain file name is [`UpdateError::Read`], and so is a link or a folder that has it, a file larger than
/// [`MAX_STORY_BYTES`], and a story that does not have its folder for itself ([`has_own_folder`]).
///
/// # Example
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("story.md");
/// # atomic_file::create(&path, b"---\nid: S-1\n---\n", &Default::default())?;
/// use story::{Next, update_beside};
///
/// let updated = update_beside(&path, "notes.md", &Default::default(), |found| {
///     let old = found.contents.unwrap_or_default();
///     Ok::<_, std::convert::Infallible>(((), Next::Written([old, b"one more\n"].concat())))
/// })?;
/// assert_eq!(updated.contents.as_deref(), Some(&b"one more\n"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn update_beside<T, E: Error + 'static>(
    story: &Path,
    name: &str,
    options: &UpdateOptions,
    mut edit: impl FnMut(FoundBeside<'_>) -> Result<(T, Next), E>,
) -> Result<UpdatedBeside<T>, UpdateError<E>> {
    let mut run = Run::checked(story, options)?;
    let path = beside(run.path(), name).map_err(UpdateError::Read)?;
    if !has_own_folder(run.path()) {
        return Err(UpdateError::Read(shared(run.path())));
    }
    let mut lock = run.session.acquire()?;
    loop {
        run.finish_pending(&lock)?;
        let (story, original) = read(&lock, &path).map_err(UpdateError::Read)?;
        let contents = original.as_ref().map(Original::bytes);
        let found = FoundBeside {
            contents,
            story: &story,
        };
        let (value, next) = edit(found).map_err(UpdateError::Edit)?;
        let next = without_effect(contents, next);
        let before = contents.map(<[u8]>::to_vec);
        let outcome = carry_out(&mut run, &lock, &path, original, &next)?;
        let Some(interference) = outcome else {
            run.session.release(lock);
            let (told, warnings) = run.told();
            return Ok(UpdatedBeside {
                value,
                path,
                changed: next != Next::Kept,
                contents: match next {
                    Next::Kept => before,
                    Next::Written(contents) => Some(contents),
                    Next::Removed => None,
                },
                took_over: told.took_over,
                warnings,
                waited: told.waited,
                reruns: told.reruns,
            });
        };
        // As with stories: it may hold what nobody should hold who waits.
        drop(value);
        lock = run.session.go_on(lock, interference)?;
    }
}

/// Reads the file `name` in the folder of a story: no lock, one whole version; `None` when there is none, as beside a story
/// that does not have its folder for itself.
///
/// # Errors
///
/// [`ReadError::File`]: the story's folder is not there, a link or a folder has the name, no permission, too large.
pub fn read_beside(story: &Path, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
    let story = story.canonicalize().map_err(|source| {
        let path = story.to_path_buf();
        match source.kind() {
            std::io::ErrorKind::NotFound => FileError::NotFound { path, source },
            _ => FileError::Io {
                step: "resolve it",
                path,
                source,
            },
        }
    })?;
    let path = beside(&story, name)?;
    if !has_own_folder(&story) {
        return Ok(None);
    }
    let file = Resolved {
        path: &path,
        folder: None,
    };
    match Original::read_resolved(file, MAX_STORY_BYTES) {
        Ok(mut file) => Ok(Some(file.take_bytes())),
        Err(FileError::NotFound { .. }) => Ok(None),
        Err(err) => Err(err.into()),
    }
}

fn shared(story: &Path) -> ReadError {
    ReadError::File(FileError::Io {
        step: "keep a file beside it, in a folder that is not its own",
        path: story.to_path_buf(),
        source: std::io::ErrorKind::Unsupported.into(),
    })
}

/// The path of a file beside a story: the name in its folder, nothing that leads elsewhere.
fn beside(story: &Path, name: &str) -> Result<PathBuf, ReadError> {
    let path = story.with_file_name(name);
    let is_plain = Path::new(name).file_name() == Some(OsStr::new(name))
        && path.parent() == story.parent()
        && path != story;
    if is_plain {
        return Ok(path);
    }
    let source = std::io::ErrorKind::InvalidFilename.into();
    Err(ReadError::File(FileError::Io {
        step: "use its name beside a story",
        path: PathBuf::from(name),
        source,
    }))
}

/// Reads the story, and the file if there is one, in the folder that was locked.
fn read(lock: &Lock, path: &Path) -> Result<(Vec<u8>, Option<Original>), ReadError> {
    let mut story = Original::read_resolved(lock.resolved(), MAX_STORY_BYTES)?;
    let file = match Original::read_resolved(in_folder_of(lock, path), MAX_STORY_BYTES) {
        Ok(file) => Some(file),
        Err(FileError::NotFound { .. }) => None,
        Err(err) => return Err(err.into()),
    };
    Ok((story.take_bytes(), file))
}

fn in_folder_of<'a>(lock: &'a Lock, path: &'a Path) -> Resolved<'a> {
    Resolved {
        path,
        ..lock.resolved()
    }
}

/// What changes nothing is not written.
fn without_effect(contents: Option<&[u8]>, next: Next) -> Next {
    match (contents, next) {
        (Some(old), Next::Written(new)) if old == new => Next::Kept,
        (None, Next::Removed) => Next::Kept,
        (_, next) => next,
    }
}

fn carry_out<E: Error + 'static>(
    run: &mut Run<'_>,
    lock: &Lock,
    path: &Path,
    original: Option<Original>,
    next: &Next,
) -> Result<Option<Interference>, UpdateError<E>> {
    let options = run.session.commit_options();
    let committed: Result<Guarded, CommitError> = match (next, original) {
        (Next::Kept, _) | (Next::Removed, None) => return Ok(None),
        (Next::Removed, Some(original)) => lock.guarding(|| original.remove(&options)),
        (Next::Written(contents), original) => {
            check_size(path, contents.len() as u64)?;
            match original {
                Some(original) => original
                    .stage(contents, &options)
                    .and_then(|staged| lock.guarding(|| staged.commit())),
                None => {
                    lock.guarding(|| create_resolved(in_folder_of(lock, path), contents, &options))
                }
            }
        }
    };
    run.judge(committed)
}
