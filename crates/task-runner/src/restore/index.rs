//! Putting a recorded index in place by git's own protocol, and keeping every other git away from it meanwhile.
//!
//! Git's lock is the file `index.lock`, which must be made by whoever wants to write the index, and is renamed over it. Ours is
//! a second name of a file in our own folder: the name of a dead process's lock is thereby known for what it is and taken away
//! by the next call, while another git's is never touched.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::recorded::AS_WRITTEN;
use super::sys::{same_file, set_modified};
use crate::git::{GitError, Repository};

/// The first pause between two looks at a lock; each is twice as long, up to [`LONGEST_PAUSE`] (chosen: git holds it for
/// milliseconds).
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The file in our folder that has the lock as its second name.
const MARK: &str = "index-lock";
/// The index that is prepared, and its second name.
const PREPARED: &str = "index-then";
const PREPARED_MARK: &str = "index-then-lock";

/// Why the index could not be locked or put in place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Another git has it. Retrying helps when that has ended; one that died leaves its lock, which is to be removed by hand.
    #[error("git's index is locked by another process: {} exists", lock.display())]
    Locked {
        /// Git's lock.
        lock: PathBuf,
    },
    /// Our lock was removed, or the index was written in spite of it. Retrying helps.
    #[error("{} was changed in spite of its lock", index.display())]
    Changed {
        /// The index.
        index: PathBuf,
    },
    /// A file in git's folder refuses. Retrying helps after repair.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl IndexError {
    /// Whether the same call may well succeed a moment later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::Changed { .. })
    }
}

/// An index as a record has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordedIndex<'a> {
    /// The whole file; `None`: there was none.
    pub(crate) bytes: Option<&'a [u8]>,
    /// When it was last written, in seconds and nanoseconds since 1970. Git takes an entry that is not older than that for
    /// uncertain and looks at the file; a younger time would make it trust what it must not.
    pub(crate) modified: (i64, u32),
}

/// Git's own lock on the index of one working tree. Dropping it lets go.
#[derive(Debug)]
#[must_use = "without it other gits may write the index"]
pub(crate) struct IndexLock {
    index: PathBuf,
    lock: PathBuf,
    folder: PathBuf,
    /// What is known as the lock.
    mark: PathBuf,
    found: Option<Stamp>,
}

/// By what another version of the index shows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<std::time::SystemTime>,
    length: u64,
}

impl IndexLock {
    /// Takes the lock. `folder` is ours alone, and on the file system of `git_dir`.
    pub(crate) fn acquire(
        git_dir: &Path,
        folder: &Path,
        wait: Duration,
    ) -> Result<Self, IndexError> {
        let (index, lock) = (git_dir.join("index"), git_dir.join("index.lock"));
        let mark = folder.join(MARK);
        let made = fs::File::create_new(&mark);
        made.map_err(|err| failed("make", &mark, err))?;
        let deadline = Instant::now() + wait;
        let mut pause = FIRST_PAUSE;
        loop {
            match fs::hard_link(&mark, &lock) {
                Ok(()) => break,
                Err(err) if err.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed("make", &lock, err));
                }
                Err(_) if Instant::now() >= deadline => return Err(IndexError::Locked { lock }),
                Err(_) => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let mut locked = Self {
            found: None,
            folder: folder.to_path_buf(),
            index,
            lock,
            mark,
        };
        locked.found = locked.stamp()?;
        Ok(locked)
    }

    /// Puts a recorded index in place and lets go. What it says about the files of the tree is brought up to date first.
    pub(crate) fn place(
        mut self,
        recorded: RecordedIndex<'_>,
        repository: &Repository,
    ) -> Result<(), IndexError> {
        let Some(bytes) = recorded.bytes else {
            return self.remove_index();
        };
        let prepared = self.prepare(bytes, recorded.modified, repository)?;
        // Its second name says whose lock it is, from before it is the lock.
        let mark = self.folder.join(PREPARED_MARK);
        fs::hard_link(&prepared, &mark).map_err(|err| failed("make", &mark, err))?;
        self.check()?;
        rename(&prepared, &self.lock)?;
        self.mark = mark;
        rename(&self.lock, &self.index)?;
        self.sync()
    }

    /// Writes the index that is to come, and lets git look at the files that it names.
    fn prepare(
        &self,
        bytes: &[u8],
        (seconds, nanoseconds): (i64, u32),
        repository: &Repository,
    ) -> Result<PathBuf, IndexError> {
        let prepared = self.folder.join(PREPARED);
        let write = || {
            let mut file = fs::File::create_new(&prepared)?;
            io::Write::write_all(&mut file, bytes)?;
            file.set_permissions(self.permissions()?)?;
            set_modified(&prepared, seconds, nanoseconds)
        };
        write().map_err(|err| failed("write", &prepared, err))?;
        let refresh = repository
            .git(["update-index", "-q", "--refresh"])
            .set(AS_WRITTEN)
            .index(&prepared);
        match refresh.run() {
            // It says by its exit code that files differ from what is staged.
            Ok(_) | Err(GitError::Failed { code: Some(1), .. }) => {}
            // The index is right without it; git looks at the files when it is asked for them.
            Err(err) => {
                tracing::warn!(%err, "the index is put in place without a look at the files");
            }
        }
        let file = fs::File::open(&prepared);
        let synced = file.and_then(|file| file.sync_all());
        synced.map_err(|err| failed("sync", &prepared, err))?;
        Ok(prepared)
    }

    /// Those of the index that is there: a repository may be shared by a group.
    fn permissions(&self) -> io::Result<fs::Permissions> {
        let like = if self.found.is_some() {
            &self.index
        } else {
            &self.mark
        };
        Ok(fs::metadata(like)?.permissions())
    }

    fn remove_index(&self) -> Result<(), IndexError> {
        self.check()?;
        if self.found.is_some() {
            let removed = fs::remove_file(&self.index);
            removed.map_err(|err| failed("remove", &self.index, err))?;
        }
        self.sync()
    }

    /// Whether the lock is still ours and the index the one that was found.
    fn check(&self) -> Result<(), IndexError> {
        if same_file(&self.lock, &self.mark) && self.stamp()? == self.found {
            return Ok(());
        }
        let index = self.index.clone();
        Err(IndexError::Changed { index })
    }

    fn stamp(&self) -> Result<Option<Stamp>, IndexError> {
        match fs::symlink_metadata(&self.index) {
            Ok(found) => Ok(Some(Stamp {
                modified: found.modified().ok(),
                length: found.len(),
            })),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(failed("look at", &self.index, err)),
        }
    }

    fn sync(&self) -> Result<(), IndexError> {
        let git_dir = self.index.parent().unwrap_or(&self.index);
        let synced = super::sys::Folder::open(git_dir).and_then(|folder| folder.sync());
        synced.map_err(|err| failed("sync", git_dir, err))
    }
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        if same_file(&self.lock, &self.mark)
            && let Err(err) = fs::remove_file(&self.lock)
        {
            tracing::warn!(lock = %self.lock.display(), %err, "cannot let go of git's index");
        }
        for name in [MARK, PREPARED, PREPARED_MARK] {
            match fs::remove_file(self.folder.join(name)) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(folder = %self.folder.display(), %err, "cannot remove a temporary file");
                }
                _ => {}
            }
        }
    }
}

/// Takes away the lock of a dead process, whose folder this was. Answers whether there was one.
///
/// # Errors
///
/// [`IndexError::Io`]: it is there still. Retrying helps after repair.
pub(crate) fn free_leftover(git_dir: &Path, folder: &Path) -> Result<bool, IndexError> {
    let lock = git_dir.join("index.lock");
    let marks = [MARK, PREPARED, PREPARED_MARK];
    if !marks
        .iter()
        .any(|mark| same_file(&lock, &folder.join(mark)))
    {
        return Ok(false);
    }
    fs::remove_file(&lock).map_err(|err| failed("remove", &lock, err))?;
    Ok(true)
}

#[expect(
    clippy::disallowed_methods,
    reason = "git's own protocol: the one who holds index.lock renames over it, and then it over the index"
)]
fn rename(from: &Path, to: &Path) -> Result<(), IndexError> {
    fs::rename(from, to).map_err(|err| failed("rename", from, err))
}

fn failed(step: &'static str, path: &Path, source: io::Error) -> IndexError {
    let path = path.to_path_buf();
    IndexError::Io { step, path, source }
}
