//! Logs: many processes append lines to one file, which gives way to a new one when it is full.
//!
//! A line is one write to the end (`O_APPEND`), without any lock: the kernel does one after the other, so that lines are never
//! mixed and nobody waits. Only the rotation takes the log's lock: `log` becomes `log.1`, that one `log.2`, and so on. Files
//! move to free names only, from the last to the first, so that a process which is killed in the middle leaves a gap and
//! loses nothing; the next rotation closes the gap.
//!
//! # Limits
//!
//! - On network file systems two machines may write to the same place: one write to the end is not one there.
//! - Who opened the log just before it was rotated writes its line into what is `log.1` by then. The line is there, once.
//! - The size is a limit for rotating, not for the file: what others append at the same moment comes on top.
//! - With [`Durability::Fast`] a power cut may take the last lines.
//! - The audit of writers (`story doctor --audit`) does not know that a log needs no lock: do not name logs to it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use atomic_file::{CommitError, Durability, Resolved};
use sidecar_lock::{AcquireError, LockOptions, SidecarLock};

/// The longest line, in bytes without its end: 1 MiB. Chosen: a record of a program is far shorter.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// How often to look whether the end of the log is still being written, and how long between; chosen: a write takes
/// microseconds.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(1);

/// How to append.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// When to begin a new file; default: never.
    pub rotation: Option<RotationLimits>,
    /// Whether a line is on the disk when the call returns.
    pub durability: Durability,
    /// How to acquire the log's lock, for a rotation only.
    pub lock: LockOptions,
}

/// When a log is rotated, and how many old ones are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationLimits {
    /// A line that would make the log larger than this, in bytes, goes to a new one.
    pub max_bytes: u64,
    /// How many old logs there are at most, `log.1` to `log.N`.
    pub keep: NonZeroU32,
}

/// A line that was appended.
#[derive(Debug)]
pub struct Appended {
    /// The log, with all links resolved.
    pub path: PathBuf,
    /// What became of the old log.
    pub rotation: Rotation,
}

/// What became of a log that was full.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rotation {
    /// It was not full.
    NotNeeded,
    /// It was moved away.
    Done,
    /// Somebody else had moved it away already.
    ByAnother,
    /// It could not be moved away; the line stands in it all the same.
    Failed(RotationError),
}

/// Why a log was not rotated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotationError {
    /// No lock.
    #[error("the log is full, and its lock cannot be had")]
    Lock(#[source] AcquireError),
    /// A file could not be moved or removed.
    #[error("the log is full, and cannot be moved away")]
    Move(#[source] CommitError),
}

/// Why a line was not appended. Unless [`LogError::is_committed`], nothing of it is in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// There is a line end in the line: it would be two. Retrying does not help.
    #[error("a line of a log must not hold a line end")]
    LineEnd,
    /// The line is longer than [`MAX_LINE_BYTES`]. Retrying does not help.
    #[error("a line of {bytes} bytes is too long for a log; {MAX_LINE_BYTES} are the most")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The log cannot be found: no folder, or links in a circle. Retrying does not help.
    #[error(transparent)]
    Place(AcquireError),
    /// Something else than a file has the name. Retrying does not help.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// The place.
        path: PathBuf,
    },
    /// The system refused. Retrying helps after repair.
    #[error("cannot {step} the log {}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// The log.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A part of the line is in the log, and ends there: the disk is full, as a rule.
    #[error("only {written} bytes of the line fit into the log {}", path.display())]
    Torn {
        /// The log.
        path: PathBuf,
        /// How many bytes of it are there.
        written: usize,
    },
    /// The line is in the log, but not known to be on the disk. Do not append it again.
    #[error("the line is committed to the log {}, but not known to be on the disk", path.display())]
    Unsynced {
        /// The log.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl LogError {
    /// Whether the whole line is in the log all the same.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Unsynced { .. })
    }
}

/// Appends a line, whose end is added here. A log that is not there is made; its folder must exist.
///
/// A log whose last line was cut off by a full disk gets a line end first.
///
/// # Errors
///
/// [`LogError`]; a log that could not be rotated is none, see [`Appended::rotation`].
///
/// # Example
///
/// ```
/// use state_file::log_file::{LogOptions, append};
/// # let folder = tempfile::tempdir()?;
/// # let log = folder.path().join("events.jsonl");
/// append(&log, r#"{"event":"started"}"#, &LogOptions::default())?;
/// append(&log, r#"{"event":"ended"}"#, &LogOptions::default())?;
/// assert_eq!(std::fs::read_to_string(&log)?.lines().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn append(path: &Path, line: &str, options: &LogOptions) -> Result<Appended, LogError> {
    if line.contains(['\n', '\r']) {
        return Err(LogError::LineEnd);
    }
    let bytes = line.len();
    if bytes > MAX_LINE_BYTES {
        return Err(LogError::TooLong { bytes });
    }
    let lock = SidecarLock::new(path).map_err(LogError::Place)?;
    let path = lock.resource().to_path_buf();
    let mut log = Log::open(&path)?;
    let needed = bytes as u64 + 1;
    let rotation = match options.rotation {
        Some(limits) if is_full(log.size()?, needed, limits) => {
            let rotation = rotate(&lock, needed, limits, options).unwrap_or_else(Rotation::Failed);
            log = Log::open(&path)?;
            rotation
        }
        _ => Rotation::NotNeeded,
    };
    log.write(line)?;
    if options.durability == Durability::Durable {
        log.sync()?;
    }
    Ok(Appended { path, rotation })
}

/// Whether a line of so many bytes, with its end, goes to a new log. An empty log takes any line.
fn is_full(size: u64, needed: u64, limits: RotationLimits) -> bool {
    size > 0 && size.saturating_add(needed) > limits.max_bytes
}

/// An open log.
struct Log<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> Log<'a> {
    fn open(path: &'a Path) -> Result<Self, LogError> {
        let not_a_file = || LogError::NotAFile {
            path: path.to_path_buf(),
        };
        // A FIFO is not even opened: that could wait for ever.
        if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(not_a_file());
        }
        let opened = File::options()
            .read(true)
            .append(true)
            .create(true)
            .open(path);
        let file = opened.map_err(|source| LogError::Io {
            step: "open",
            path: path.to_path_buf(),
            source,
        })?;
        Ok(Self { path, file })
    }

    fn size(&self) -> Result<u64, LogError> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(|err| self.io("look at", err))?.len())
    }

    /// One write, whatever happens: what another one appends stands before it or after it.
    fn write(&mut self, line: &str) -> Result<(), LogError> {
        let is_torn = self.is_torn().map_err(|err| self.io("read", err))?;
        let mut bytes = Vec::with_capacity(line.len() + 2);
        bytes.extend(is_torn.then_some(b'\n'));
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        let written = loop {
            match self.file.write(&bytes) {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                written => break written.map_err(|err| self.io("append to", err))?,
            }
        };
        if written == bytes.len() {
            return Ok(());
        }
        // The next one to append ends the line, if that does not fit either.
        self.file.write_all(b"\n").ok();
        Err(LogError::Torn {
            path: self.path.to_path_buf(),
            written: written.saturating_sub(usize::from(is_torn)),
        })
    }

    /// Whether the last line has no end, and nobody is at work on it.
    fn is_torn(&mut self) -> io::Result<bool> {
        for _ in 0..LOOKS {
            let size = self.file.metadata()?.len();
            let Some(last) = size.checked_sub(1) else {
                return Ok(false);
            };
            let mut byte = Vec::with_capacity(1);
            self.file.seek(SeekFrom::Start(last))?;
            // Unlike a single read this begins again when a signal interrupts it.
            (&self.file).take(1).read_to_end(&mut byte)?;
            if byte.is_empty() || byte == b"\n" {
                return Ok(false);
            }
            thread::sleep(PAUSE);
        }
        Ok(true)
    }

    fn sync(&self) -> Result<(), LogError> {
        let synced = self.file.sync_data();
        synced.map_err(|source| LogError::Unsynced {
            path: self.path.to_path_buf(),
            source,
        })
    }

    fn io(&self, step: &'static str, source: io::Error) -> LogError {
        LogError::Io {
            step,
            path: self.path.to_path_buf(),
            source,
        }
    }
}

/// Moves the log away under its lock, if it is still full.
fn rotate(
    lock: &SidecarLock,
    needed: u64,
    limits: RotationLimits,
    options: &LogOptions,
) -> Result<Rotation, RotationError> {
    let guard = lock.acquire(&options.lock).map_err(RotationError::Lock)?;
    let log = guard.resource();
    let size = fs::metadata(log).map_or(0, |metadata| metadata.len());
    if !is_full(size, needed, limits) {
        return Ok(Rotation::ByAnother);
    }
    for step in steps(limits.keep, |number| is_there(&numbered(log, number))) {
        carry_out(log, step, options.durability).map_err(RotationError::Move)?;
    }
    // A lock that was lost meanwhile does not undo the rotation, and no file has moved to a name that was taken.
    guard.release().ok();
    Ok(Rotation::Done)
}

/// One step of a rotation. Number 0 is the log itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Remove(u32),
    /// To the next number.
    Move(u32),
}

/// The oldest goes if all places are taken; all before the first free place move up by one, the last of them first. Pure.
fn steps(keep: NonZeroU32, is_taken: impl Fn(u32) -> bool) -> Vec<Step> {
    let last = keep.get();
    let free = (1..=last).find(|number| !is_taken(*number));
    let removed = free.is_none().then_some(Step::Remove(last));
    let moved = (0..free.unwrap_or(last)).rev().map(Step::Move);
    removed.into_iter().chain(moved).collect()
}

fn carry_out(log: &Path, step: Step, durability: Durability) -> Result<(), CommitError> {
    match step {
        Step::Remove(number) => {
            let path = numbered(log, number);
            let file = Resolved {
                path: &path,
                folder: None,
            };
            atomic_file::remove(file).map(drop)
        }
        Step::Move(number) => {
            let path = numbered(log, number);
            let file = Resolved {
                path: &path,
                folder: None,
            };
            let to = numbered(log, number + 1);
            let to = to.file_name().unwrap_or_default();
            atomic_file::rename(file, to, durability).map(drop)
        }
    }
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// `log.3`; the log itself for 0.
fn numbered(log: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(log);
    if number > 0 {
        name.push(format!(".{number}"));
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::*;

    fn rotating(max_bytes: u64, keep: u32) -> LogOptions {
        LogOptions {
            rotation: NonZeroU32::new(keep).map(|keep| RotationLimits { max_bytes, keep }),
            durability: Durability::Fast,
            ..LogOptions::default()
        }
    }

    #[test]
    fn rotation_moves_up_to_the_first_free_place_and_drops_the_oldest_only_when_all_are_taken() {
        use Step::{Move, Remove};
        let table: [(u32, &[u32], &[Step]); 6] = [
            (3, &[], &[Move(0)]),
            (3, &[1], &[Move(1), Move(0)]),
            (3, &[1, 2], &[Move(2), Move(1), Move(0)]),
            (3, &[1, 2, 3], &[Remove(3), Move(2), Move(1), Move(0)]),
            (3, &[2, 3], &[Move(0)]),
            (1, &[1], &[Remove(1), Move(0)]),
        ];
        for (keep, taken, expected) in table {
            let keep = NonZeroU32::new(keep).expect("none of them is 0");
            let found = steps(keep, |number| taken.contains(&number));
            assert_eq!(found, expected, "of {keep} these are taken: {taken:?}");
        }
    }

    #[test]
    fn append_rotates_and_keeps_so_many_old_logs() {
        let sandbox = Sandbox::new();
        let log = sandbox.join("run.log");
        for number in 0..6 {
            let appended = append(&log, &format!("line {number}"), &rotating(14, 2));
            let rotation = appended.expect("nothing is in the way").rotation;
            let expected = number > 0 && number % 2 == 0;
            assert_eq!(
                matches!(rotation, Rotation::Done),
                expected,
                "two lines fit into one: line {number}, {rotation:?}"
            );
        }
        assert_eq!(sandbox.read("run.log"), "line 4\nline 5\n", "the newest");
        assert_eq!(sandbox.read("run.log.1"), "line 2\nline 3\n", "older");
        assert_eq!(sandbox.read("run.log.2"), "line 0\nline 1\n", "the oldest");
        append(&log, "line 6", &rotating(14, 2)).expect("nothing is in the way");
        assert_eq!(
            sandbox.read("run.log.2"),
            "line 2\nline 3\n",
            "one fell out"
        );
        assert!(!sandbox.join("run.log.3").exists(), "no more than was said");
        assert!(!sandbox.join("run.log.lock").exists(), "no lock is left");
    }

    #[test]
    fn line_longer_than_the_limit_goes_to_a_log_of_its_own() {
        let sandbox = Sandbox::new();
        let log = sandbox.join("run.log");
        for line in ["longer than four bytes", "this one, too"] {
            append(&log, line, &rotating(4, 3)).expect("it is appended");
        }
        assert_eq!(sandbox.read("run.log"), "this one, too\n", "whole");
        assert_eq!(
            sandbox.read("run.log.1"),
            "longer than four bytes\n",
            "whole"
        );
    }

    #[test]
    fn line_end_inside_is_refused_and_nothing_is_written() {
        let sandbox = Sandbox::new();
        let log = sandbox.join("run.log");
        for line in ["two\nlines", "ends\n", "\r"] {
            let refused = append(&log, line, &LogOptions::default());
            assert!(
                matches!(refused, Err(LogError::LineEnd)),
                "{line:?} would be two lines: {refused:?}"
            );
        }
        let long = "x".repeat(MAX_LINE_BYTES + 1);
        let refused = append(&log, &long, &LogOptions::default());
        assert!(
            matches!(refused, Err(LogError::TooLong { .. })),
            "{refused:?}"
        );
        assert!(!log.exists(), "no log was made");
    }

    #[test]
    fn line_that_was_cut_off_is_ended_by_the_next() {
        let sandbox = Sandbox::new();
        let log = sandbox.write("run.log", "whole\ncut o");
        append(&log, "next", &LogOptions::default()).expect("it is appended");
        assert_eq!(
            sandbox.read("run.log"),
            "whole\ncut o\nnext\n",
            "nobody's line is glued to another's"
        );
    }

    #[test]
    fn rotation_without_the_lock_is_left_out_and_the_line_is_there() {
        let sandbox = Sandbox::new();
        let log = sandbox.write("run.log", "full\n");
        let lock = SidecarLock::new(&log).expect("the folder is there");
        let guard = lock.acquire(&LockOptions::default()).expect("it is free");
        let appended = append(&log, "next", &rotating(5, 3)).expect("a line is never lost");
        assert!(
            matches!(
                appended.rotation,
                Rotation::Failed(RotationError::Lock(AcquireError::Nested { .. }))
            ),
            "it says so: {appended:?}"
        );
        assert_eq!(sandbox.read("run.log"), "full\nnext\n", "in the old log");
        guard.release().expect("it is ours");
    }

    #[cfg(unix)]
    #[test]
    fn link_to_a_log_stays_and_the_log_behind_it_is_rotated() {
        let sandbox = Sandbox::new();
        sandbox.write("real/run.log", "full\n");
        let link = sandbox.join("link.log");
        std::os::unix::fs::symlink("real/run.log", &link).expect("a link");
        append(&link, "next", &rotating(5, 3)).expect("it is appended");
        assert!(link.is_symlink(), "the link stays one");
        assert_eq!(sandbox.read("real/run.log"), "next\n", "the log behind it");
        assert_eq!(sandbox.read("real/run.log.1"), "full\n", "and its old one");
        let refused = append(sandbox.path(), "x", &LogOptions::default());
        assert!(
            matches!(refused, Err(LogError::NotAFile { .. })),
            "a folder is no log: {refused:?}"
        );
    }
}
