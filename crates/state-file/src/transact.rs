//! The one transaction on a state file: lock, fresh read, decide, commit if nothing came between. All changes stand on it.

use std::error::Error;
use std::path::Path;

use atomic_file::{CommitError, CommitOptions, Original, ReadError as FileError, create_resolved};
use json_text::JsonText;
use locked_file::{Guarded, Lock, Session};

use crate::edit::Updated;
use crate::error::{ReadError, UpdateError};
use crate::options::{Missing, UpdateOptions};
use crate::pending;
use crate::read::{MAX_STATE_BYTES, Unreadable, fresh};

/// What a file begins with that is created.
pub(crate) const EMPTY: &[u8] = b"{}\n";

/// A file as it is under the lock, and what was made of it.
pub(crate) struct Locked<'a, P> {
    pub(crate) parsed: P,
    pub(crate) file: FileAsRead<'a>,
}

/// What was read of which file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileAsRead<'a> {
    /// The file, with all links resolved.
    pub(crate) path: &'a Path,
    /// Its bytes; `None` when there is no file.
    pub(crate) bytes: Option<&'a [u8]>,
}

/// What a decision leaves in the file.
pub(crate) trait Contents {
    /// All its bytes; `None`: what it has.
    fn contents(&self) -> Option<&[u8]>;
}

impl Contents for JsonText {
    fn contents(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
}

impl Contents for Option<&JsonText> {
    fn contents(&self) -> Option<&[u8]> {
        self.map(JsonText::as_bytes)
    }
}

/// What the caller is told, and what is to be in the file.
pub(crate) type Decision<R, A, E> = Result<(R, A), UpdateError<E>>;

/// Runs one transaction. `decide` may run several times, and gets the file anew each time.
pub(crate) fn transact<P, R, A: Contents, E: Error + 'static>(
    path: &Path,
    options: &UpdateOptions,
    parse: impl Fn(&[u8]) -> Result<P, Unreadable>,
    mut decide: impl FnMut(Locked<'_, P>) -> Decision<R, A, E>,
) -> Result<Updated<R, A>, UpdateError<E>> {
    check(path, options.missing)?;
    let mut session = Session::new(path, options.terms())?;
    let mut lock = session.acquire()?;
    loop {
        for warning in pending::finish(lock.resolved(), &options.lock)? {
            session.warn(warning);
        }
        let (original, bytes, parsed) = read_under(&lock, options.missing, &parse)?;
        let is_there = original.is_some();
        let (value, after) = decide(Locked {
            parsed,
            file: FileAsRead {
                path: session.path(),
                bytes: is_there.then_some(&*bytes),
            },
        })?;
        let as_read = is_there.then_some(&*bytes);
        let interference = match after.contents() {
            None => None,
            contents if contents == as_read => None,
            Some(contents) => {
                check_size(session.path(), contents)?;
                let committed = commit(&lock, original, contents, &session.commit_options());
                session.judge(committed)?
            }
        };
        let Some(interference) = interference else {
            session.release(lock);
            let done = session.done();
            return Ok(Updated {
                value,
                before: is_there.then_some(bytes),
                after,
                path: done.path,
                took_over: done.took_over,
                warnings: done.warnings,
                waited: done.waited,
                reruns: done.reruns,
                lost_rounds: 0,
            });
        };
        // It may hold what nobody should hold who waits.
        drop((value, after));
        lock = session.go_on(lock, interference)?;
    }
}

/// Refuses what is no state file before a lock is made beside it: a path that leads to a device, say.
fn check(path: &Path, missing: Missing) -> Result<(), ReadError> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() <= MAX_STATE_BYTES => Ok(()),
        // It is going to be created by a transaction that is decided.
        Err(_) if pending::decided(path, None)?.is_some() => Ok(()),
        // It tells what is wrong better than we could here; a file that is right by now may be locked.
        _ => match Original::read_with_limit(path, MAX_STATE_BYTES) {
            Err(FileError::NotFound { .. }) if missing == Missing::Created => Ok(()),
            found => Ok(found.map(drop)?),
        },
    }
}

/// Reads what is locked, in the very folder where the lock is: the path may lead elsewhere by now.
fn read_under<P>(
    lock: &Lock,
    missing: Missing,
    parse: impl Fn(&[u8]) -> Result<P, Unreadable>,
) -> Result<(Option<Original>, Vec<u8>, P), ReadError> {
    let reading = || Original::read_resolved(lock.resolved(), MAX_STATE_BYTES);
    match fresh(reading, &parse) {
        Ok(found) => Ok((Some(found.original), found.bytes, found.parsed)),
        Err(ReadError::File(FileError::NotFound { .. })) if missing == Missing::Created => {
            let parsed = parse(EMPTY).map_err(|err| err.at(lock.resolved().path))?;
            Ok((None, EMPTY.to_vec(), parsed))
        }
        Err(err) => Err(err),
    }
}

fn commit(
    lock: &Lock,
    original: Option<Original>,
    contents: &[u8],
    options: &CommitOptions,
) -> Result<Guarded, CommitError> {
    match original {
        Some(original) => {
            let staged = original.stage(contents, options)?;
            lock.guarding(|| staged.commit())
        }
        None => lock.guarding(|| create_resolved(lock.resolved(), contents, options)),
    }
}

/// Refuses what would be written and never be read again.
fn check_size<E: Error + 'static>(path: &Path, contents: &[u8]) -> Result<(), UpdateError<E>> {
    let size = contents.len() as u64;
    if size <= MAX_STATE_BYTES {
        return Ok(());
    }
    Err(UpdateError::TooLarge {
        path: path.to_path_buf(),
        size,
        limit: MAX_STATE_BYTES,
    })
}
