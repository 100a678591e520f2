//! Reading one whole version of a file, and remembering which one it was.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::commit::{Committed, sync_folder};
use crate::error::{CommitError, ReadError};
use crate::options::{CommitOptions, Durability};
use crate::stage::{Base, Staged, stage};
use crate::sys;
use crate::target::{Resolved, Target};

/// Pauses between attempts to read a file that somebody writes in place. Chosen: an editor writes a story within a
/// few milliseconds.
const PAUSES_MS: [u64; 8] = [0, 1, 2, 4, 8, 16, 32, 64];

/// How often a file may be replaced on an NFS server while it is read. Chosen: a commit there takes milliseconds, and so
/// does a read.
const STALE_READS: u32 = 8;

/// A file as it was read.
///
/// It keeps the file open: as long as it lives, another file cannot be mistaken for the one that was read.
#[derive(Debug)]
pub struct Original {
    target: Target,
    bytes: Vec<u8>,
    /// Whether stamps alone cannot tell this version from a later one.
    is_ambiguous: bool,
}

impl Original {
    /// Reads a file of any size. Links are followed; see [`Original::read_with_limit`].
    ///
    /// # Errors
    ///
    /// As [`Original::read_with_limit`], without [`ReadError::TooLarge`].
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        Self::read_with_limit(path, u64::MAX)
    }

    /// Reads a file of at most `max_bytes` bytes, whole: one version of it, never parts of two.
    ///
    /// Symbolic links are followed, chains too. A file that is written in place meanwhile is read again, up to
    /// eight times within about 130 ms.
    ///
    /// # Errors
    ///
    /// - [`ReadError::Unstable`]: somebody kept writing it in place. Trying again helps once that has ended.
    /// - [`ReadError::NotFound`], [`ReadError::NotRegular`], [`ReadError::TooLarge`], [`ReadError::NoPermission`],
    ///   [`ReadError::Io`]: trying again does not help by itself.
    pub fn read_with_limit(path: &Path, max_bytes: u64) -> Result<Self, ReadError> {
        still_there(|| Self::of(Target::open(path)?, max_bytes))
    }

    /// Reads a file that a lock has resolved already, in the folder that was locked; see
    /// [`Original::read_with_limit`].
    ///
    /// Everything up to the commit happens in that folder, whatever becomes of the path. Saves a system call for each
    /// component of the path, too.
    ///
    /// # Errors
    ///
    /// As [`Original::read_with_limit`], and [`ReadError::NotRegular`] when the last component is a link after all.
    pub fn read_resolved(file: Resolved<'_>, max_bytes: u64) -> Result<Self, ReadError> {
        still_there(|| Self::of(Target::open_resolved(file)?, max_bytes))
    }

    fn of(mut target: Target, max_bytes: u64) -> Result<Self, ReadError> {
        let bytes = read_stable(&mut target, max_bytes)?;
        let is_ambiguous = target
            .stamp
            .is_ambiguous(now(), || target.directory.has_fine_stamps());
        Ok(Self {
            target,
            bytes,
            is_ambiguous,
        })
    }

    /// The file, with all links resolved.
    pub fn path(&self) -> &Path {
        &self.target.path
    }

    /// The contents that were read, unless they were taken.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the contents out without copying them, where that is possible.
    ///
    /// They are copied only when the commit has to compare them, because the clock behind the file's stamps is too
    /// coarse to tell two versions apart. Afterwards [`Original::bytes`] may be empty.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        if self.is_ambiguous {
            self.bytes.clone()
        } else {
            std::mem::take(&mut self.bytes)
        }
    }

    /// How long before now the file was last written; `None` when its clock is ahead of ours.
    pub fn age(&self) -> Option<Duration> {
        let nanos = u64::try_from(now() - self.target.stamp.modified).ok()?;
        Some(Duration::from_nanos(nanos))
    }

    /// Looks whether the file is still the version that was read, untouched.
    ///
    /// A file that was removed has changed.
    ///
    /// # Errors
    ///
    /// When the system refuses the look; nothing is known then.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        self.target.is_untouched()
    }

    /// Writes `contents` to a file beside the original, with its mode, owner, access rules and extended attributes,
    /// and waits until they are on the disk. Nothing is visible under the original's name yet.
    ///
    /// # Errors
    ///
    /// - [`CommitError::HardLinked`]: allow it by [`HardLinks::Break`](crate::HardLinks::Break), or not at all.
    /// - [`CommitError::OwnerNotKept`], [`CommitError::NoPermission`], [`CommitError::ReadOnly`],
    ///   [`CommitError::NoSpace`], [`CommitError::Io`]: nothing was changed; trying again does not help by itself.
    pub fn stage(self, contents: &[u8], options: &CommitOptions) -> Result<Staged, CommitError> {
        self.stage_parts(&[contents], options)
    }

    /// The same for contents that lie in several pieces: they need not be copied into one.
    ///
    /// # Errors
    ///
    /// As [`Original::stage`].
    pub fn stage_parts(
        self,
        contents: &[&[u8]],
        options: &CommitOptions,
    ) -> Result<Staged, CommitError> {
        let base = Base::Version {
            bytes: self.is_ambiguous.then_some(self.bytes),
        };
        stage(self.target, base, contents, options)
    }

    /// Removes the file if it is still the version that was read.
    ///
    /// The look and the removal are two steps: a version that somebody puts in place in the microseconds between them,
    /// without the lock, is lost. `options.hard_links` plays no part, for the other names keep the contents.
    ///
    /// # Errors
    ///
    /// - [`CommitError::Changed`]: somebody else changed, replaced or removed it; nothing was done.
    /// - [`CommitError::CommittedUnsynced`]: it is gone, but that is not known to be durable.
    /// - [`CommitError::NoPermission`], [`CommitError::ReadOnly`], [`CommitError::Io`]: it is there still; trying again
    ///   does not help by itself.
    pub fn remove(self, options: &CommitOptions) -> Result<Committed, CommitError> {
        let Target {
            directory,
            path,
            name,
            ..
        } = &self.target;
        let fail = |step, err| CommitError::from_io(step, path, err);
        let untouched = self.is_unchanged().and_then(|unchanged| {
            // Where the clock is too coarse to tell, the contents do.
            let same = || sys::read_at_start(self.target.file(), self.bytes.len());
            Ok(unchanged && (!self.is_ambiguous || same()? == self.bytes))
        });
        if !untouched.map_err(|err| fail("look at it", err))? {
            return Err(CommitError::Changed { path: path.clone() });
        }
        directory
            .remove(name)
            .map_err(|err| fail("remove it", err))?;
        let mut warnings = Vec::new();
        if options.durability == Durability::Durable {
            warnings.extend(sync_folder(directory, path)?);
        }
        Ok(Committed { warnings })
    }
}

/// Reads a file of at most `max_bytes` bytes: no lock, no waiting for writers, never parts of two versions of a file
/// that is replaced meanwhile.
///
/// # Errors
///
/// As [`Original::read_with_limit`].
pub fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
    still_there(|| read_stable(&mut Target::open(path)?, max_bytes))
}

/// Reads again when the file that was opened is gone on its NFS server: another machine has replaced it.
fn still_there<T>(read: impl Fn() -> Result<T, ReadError>) -> Result<T, ReadError> {
    for _ in 0..STALE_READS {
        match read() {
            Err(ReadError::Io { source, .. })
                if source.kind() == io::ErrorKind::StaleNetworkFileHandle => {}
            result => return result,
        }
    }
    read()
}

/// Reads until the file did not change during a read; `target.stamp` is then the stamp of what was read.
fn read_stable(target: &mut Target, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
    let path = &target.path;
    for pause_ms in PAUSES_MS {
        if pause_ms > 0 {
            std::thread::sleep(Duration::from_millis(pause_ms));
            target.stamp = sys::stamp_of(target.file())
                .map_err(|err| ReadError::from_io("look at it", path, err))?;
        }
        let size = target.stamp.size;
        let room = usize::try_from(size).ok().filter(|_| size <= max_bytes);
        let Some(room) = room else {
            return Err(ReadError::TooLarge {
                path: path.clone(),
                size,
                limit: max_bytes,
            });
        };
        let bytes = sys::read_at_start(target.file(), room)
            .map_err(|err| ReadError::from_io("read it", path, err))?;
        let after = sys::stamp_of(target.file())
            .map_err(|err| ReadError::from_io("look at it", path, err))?;
        let is_stable = after.same_contents(&target.stamp) && bytes.len() == room;
        target.stamp = after;
        if is_stable {
            return Ok(bytes);
        }
    }
    Err(ReadError::Unstable { path: path.clone() })
}

/// Nanoseconds since 1970, by the clock that stamps files.
pub(crate) fn now() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
    })
}

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::{ReadError, read_stable};
    use crate::target::Target;

    #[test]
    fn read_stable_reads_again_when_the_file_was_written_in_place_since_the_first_look() {
        for contents in ["longer than before", "less", ""] {
            let sandbox = Sandbox::new();
            let path = sandbox.write("story.md", "before");
            let mut target = Target::open(&path).expect("it can be opened");
            sandbox.write("story.md", contents);
            let bytes = read_stable(&mut target, 100).expect("it does not change any more");
            assert_eq!(bytes, contents.as_bytes(), "one version, whole");
            assert_eq!(
                target.stamp.size,
                bytes.len() as u64,
                "and the stamp is that version's"
            );
        }
    }

    #[test]
    fn read_stable_refuses_a_file_that_has_grown_beyond_the_limit_since_the_first_look() {
        let sandbox = Sandbox::new();
        let path = sandbox.write("story.md", "12345");
        let mut target = Target::open(&path).expect("it can be opened");
        sandbox.write("story.md", "123456");
        let refused = read_stable(&mut target, 5);
        assert!(
            matches!(
                refused,
                Err(ReadError::TooLarge {
                    size: 6,
                    limit: 5,
                    ..
                })
            ),
            "the limit holds for what is there now: {refused:?}"
        );
    }
}
