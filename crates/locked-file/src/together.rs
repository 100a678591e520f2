//! Changing several files together: all of them or none, also when the process is killed in the middle.
//!
//! All locks are taken first, in the order of the files' canonical paths, so that two transactions never wait for each
//! other. Then one file, the record, is created whole: it holds each file as it was read and as it is to be. From that
//! moment the transaction is decided. The files are replaced one after the other, and the record goes away. If the process
//! dies before, whoever takes the lock of one of the files next finds the record and takes that file to where it is to be
//! ([`finish`]); and a reader shows what is decided even before that ([`decided`]).

mod error;
mod finish;
mod pending;
mod record;
mod rules;

use std::error::Error;
use std::path::PathBuf;

use atomic_file::{CommitError, CommitOptions, Original, ReadError, Resolved, Staged};

use crate::lock::Lock;
use crate::session::{Session, Told};
use crate::session_error::SessionError;
use crate::warning::Warning;
pub use error::{FinishError, TogetherError};
pub use finish::{Unfinished, decided, finish, finish_all, set_aside, unfinished};
use pending::{Filed, Pending};
use record::{Part, Record};
pub use rules::{Meeting, Met, Place, Rules};

/// What an edit makes of one of the files.
#[derive(Debug)]
#[must_use = "the file is changed only by what is returned"]
#[expect(
    clippy::large_enum_variant,
    reason = "there are as many as files in a transaction, for as long as it takes to write them"
)]
pub enum Edited {
    /// It stays as it is, or away.
    Kept,
    /// It gets other contents.
    Written {
        /// The version that was read, and its bytes; `None`: there is no file, and it is created.
        read: Option<(Original, Vec<u8>)>,
        /// Its bytes as they are to be.
        after: Vec<u8>,
    },
}

/// What became of a change that was told to [`Changing::intend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in place.
    Done,
    /// It is not going to be.
    Void,
}

/// Whoever changes several files together, and may keep a journal of it. Files are told by their place among the sessions.
pub trait Changing {
    /// Why an edit was not made.
    type Error: Error + 'static;

    /// Reads a file, whose lock is held, in the folder where it was locked, and says what becomes of it. May run again, and
    /// must have no effect other than to take down what the last run made of each file.
    ///
    /// # Errors
    ///
    /// It refuses: no file is changed.
    fn edit(&mut self, index: usize, file: Resolved<'_>) -> Result<Edited, Self::Error>;

    /// Is told of each file that is going to change, right before the transaction is decided.
    ///
    /// # Errors
    ///
    /// It refuses: no file is changed, and [`Changing::say`] is told so of all files.
    fn intend(&mut self, index: usize) -> Result<(), Self::Error> {
        let _ = index;
        Ok(())
    }

    /// Is told what became of it.
    fn say(&mut self, index: usize, outcome: Outcome) {
        let _ = (index, outcome);
    }
}

/// Someone without a journal.
struct Plain<F>(F);

impl<E: Error + 'static, F: FnMut(usize, Resolved<'_>) -> Result<Edited, E>> Changing for Plain<F> {
    type Error = E;

    fn edit(&mut self, index: usize, file: Resolved<'_>) -> Result<Edited, E> {
        (self.0)(index, file)
    }
}

/// Changes several files of one place ([`Rules::place_of`]): `edit` reads each under its lock, told by its place among the
/// sessions, and says what becomes of it. What is told of each session is returned in the same order.
///
/// `edit` may run again if somebody without our lock changed a file meanwhile; edits that change no file write nothing. A
/// file that is not there can be created. Whatever the terms of the sessions say, what is written is durable: without that
/// a power cut could keep one half.
///
/// A program of another kind that looks at the files themselves may see some of them changed and others not, for the
/// moment of the commits, or until the next update of a file whose transaction was cut off.
///
/// # Errors
///
/// [`TogetherError`]; no file is changed unless [`TogetherError::is_committed`].
///
/// # Example
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let (from, to) = (folder.path().join("from"), folder.path().join("to"));
/// # atomic_file::create(&from, b"3", &Default::default())?;
/// use atomic_file::{Original, ReadError};
/// use locked_file::together::{Edited, Meeting, Place, Rules, update_together};
/// use locked_file::{Session, Terms};
///
/// let rules = Rules {
///     place_of: |path| Some(Place::new(path.parent()?, &[".counts-pending"])),
///     meet: |_| Meeting::Conflict,
///     max_bytes: 100,
/// };
/// let lock = Default::default();
/// let sessions = vec![
///     Session::new(&from, Terms::with(&lock))?,
///     Session::new(&to, Terms::with(&lock))?,
/// ];
/// update_together(sessions, &rules, |index, file| {
///     let read = match Original::read_resolved(file, 100) {
///         Ok(original) => Some(original),
///         Err(ReadError::NotFound { .. }) => None,
///         Err(err) => return Err(err),
///     };
///     let read = read.map(|original| {
///         let bytes = original.bytes().to_vec();
///         (original, bytes)
///     });
///     let after = if index == 0 { b"0" } else { b"3" }.to_vec();
///     Ok(Edited::Written { read, after })
/// })?;
/// assert_eq!(atomic_file::read(&from, 100)?, b"0");
/// assert_eq!(atomic_file::read(&to, 100)?, b"3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn update_together<E: Error + 'static>(
    sessions: Vec<Session<'_>>,
    rules: &Rules,
    edit: impl FnMut(usize, Resolved<'_>) -> Result<Edited, E>,
) -> Result<Vec<Told>, TogetherError<E>> {
    update_together_with(sessions, rules, &mut Plain(edit))
}

/// As [`update_together`], by someone who keeps a journal.
///
/// # Errors
///
/// Those of [`update_together`].
pub fn update_together_with<C: Changing>(
    sessions: Vec<Session<'_>>,
    rules: &Rules,
    changing: &mut C,
) -> Result<Vec<Told>, TogetherError<C::Error>> {
    let Some(pending) = common_place(&sessions, rules)? else {
        return Ok(Vec::new());
    };
    let mut transaction = Transaction {
        files: lock(sessions, rules, &pending)?,
        rules,
        pending,
    };
    let ready = loop {
        let edited = transaction.read_and_edit(changing)?;
        match transaction.stage(edited) {
            Ok(ready) => break ready,
            Err(err) => transaction.begin_anew(err)?,
        }
    };
    transaction.carry_out(ready, changing)
}

/// The place that all of them have; `None` when there are no files.
fn common_place<E: Error + 'static>(
    sessions: &[Session<'_>],
    rules: &Rules,
) -> Result<Option<Pending>, TogetherError<E>> {
    let mut common: Option<Pending> = None;
    for (index, session) in sessions.iter().enumerate() {
        let path = session.path();
        if sessions[..index].iter().any(|other| other.path() == path) {
            let path = path.to_path_buf();
            return Err(TogetherError::Twice { index, path });
        }
        let found = Pending::of(path, rules);
        let is_common = common.is_none() || common == found;
        if found.is_none() || !is_common {
            let path = path.to_path_buf();
            return Err(TogetherError::OtherPlace { index, path });
        }
        common = found;
    }
    Ok(common)
}

/// Takes the locks by canonical path, as every transaction does it, and returns the files as they were given.
fn lock<'a, E: Error + 'static>(
    sessions: Vec<Session<'a>>,
    rules: &Rules,
    pending: &Pending,
) -> Result<Vec<File<'a>>, TogetherError<E>> {
    let mut waiting: Vec<_> = sessions.into_iter().enumerate().collect();
    waiting.sort_by(|(_, a), (_, b)| a.path().cmp(b.path()));
    let mut files = Vec::new();
    for (index, mut session) in waiting {
        let Some(relative) = pending.relative(session.path()) else {
            let path = session.path().to_path_buf();
            return Err(TogetherError::OtherPlace { index, path });
        };
        let failed = |source| TogetherError::Session { index, source };
        let lock = session.acquire().map_err(failed)?;
        let finished = finish(lock.resolved(), rules, &session.lock_options())
            .map_err(|source| TogetherError::Pending { index, source })?;
        for warning in finished {
            session.warn(warning);
        }
        let file = File {
            relative,
            session,
            lock,
        };
        files.push((index, file));
    }
    files.sort_by_key(|(index, _)| *index);
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

/// One of the files, locked.
struct File<'a> {
    /// Its path as records have it.
    relative: PathBuf,
    session: Session<'a>,
    lock: Lock,
}

/// Files whose locks are all held.
struct Transaction<'a> {
    files: Vec<File<'a>>,
    rules: &'a Rules,
    pending: Pending,
}

/// A file that is going to change, with what it needs for that prepared.
struct Ready {
    part: Part,
    /// The new version beside the old one; `None`: there is no old one.
    staged: Option<Staged>,
}

impl Transaction<'_> {
    fn read_and_edit<C: Changing>(
        &self,
        changing: &mut C,
    ) -> Result<Vec<Edited>, TogetherError<C::Error>> {
        let edit = |(index, file): (usize, &File<'_>)| {
            changing
                .edit(index, file.lock.resolved())
                .map_err(|source| TogetherError::Edit { index, source })
        };
        self.files.iter().enumerate().map(edit).collect()
    }

    /// Prepares what may fail, and looks once more whether all is as it was.
    fn stage<E: Error + 'static>(
        &self,
        edited: Vec<Edited>,
    ) -> Result<Vec<Option<Ready>>, TogetherError<E>> {
        let mut ready = Vec::new();
        for (index, (file, edited)) in self.files.iter().zip(edited).enumerate() {
            ready.push(match edited {
                Edited::Kept => None,
                Edited::Written { read, after } => {
                    self.check(index, &file.session, &after)?;
                    let failed = |source| TogetherError::Session { index, source };
                    Some(stage_one(file, read, after).map_err(failed)?)
                }
            });
        }
        self.look_once_more(&ready)?;
        Ok(ready)
    }

    /// Whether the locks are ours still, and the files what was read: it is better to begin anew than to decide what
    /// somebody has overtaken.
    fn look_once_more<E: Error + 'static>(
        &self,
        ready: &[Option<Ready>],
    ) -> Result<(), TogetherError<E>> {
        for (index, (file, ready)) in self.files.iter().zip(ready).enumerate() {
            let failed = |source| TogetherError::Session { index, source };
            file.lock.verify().map_err(|source| {
                let path = file.session.path().to_path_buf();
                failed(SessionError::LockLost { path, source })
            })?;
            let Some(Ready { staged, .. }) = ready else {
                continue;
            };
            let unchanged = match staged {
                Some(staged) => staged.check_unchanged(),
                None => check_missing(file.lock.resolved()),
            };
            unchanged.map_err(|err| failed(SessionError::Commit(err)))?;
        }
        Ok(())
    }

    /// Prepares the next try if somebody without our lock has changed a file, until the limit of its session.
    fn begin_anew<E: Error + 'static>(
        &mut self,
        err: TogetherError<E>,
    ) -> Result<(), TogetherError<E>> {
        match err {
            TogetherError::Session {
                index,
                source: SessionError::Commit(source),
            } if source.is_retryable() => self.files[index]
                .session
                .begin_anew()
                .map_err(|source| TogetherError::Session { index, source }),
            err => Err(err),
        }
    }

    /// Refuses what would be written and never be read again.
    fn check<E: Error + 'static>(
        &self,
        index: usize,
        session: &Session<'_>,
        after: &[u8],
    ) -> Result<(), TogetherError<E>> {
        let (size, limit) = (after.len() as u64, self.rules.max_bytes);
        if size <= limit {
            return Ok(());
        }
        Err(TogetherError::TooLarge {
            index,
            path: session.path().to_path_buf(),
            size,
            limit,
        })
    }

    /// Decides the transaction and puts the new versions in place.
    fn carry_out<C: Changing>(
        mut self,
        ready: Vec<Option<Ready>>,
        changing: &mut C,
    ) -> Result<Vec<Told>, TogetherError<C::Error>> {
        if ready.iter().any(Option::is_some) {
            self.intend(&ready, changing)?;
            let mut parts = Vec::new();
            let mut take_part = |ready: Ready| {
                parts.push(ready.part);
                ready.staged
            };
            let staged: Vec<_> = ready.into_iter().map(|it| it.map(&mut take_part)).collect();
            let filed = self.pending.file(Record { parts }).map_err(|source| {
                self.say_void(changing);
                TogetherError::Undecided { source }
            })?;
            for (index, (file, staged)) in self.files.iter_mut().zip(staged).enumerate() {
                if let Some(staged) = staged {
                    put(file, staged, &filed, self.rules)
                        .map_err(|source| TogetherError::Unfinished { source })?;
                    changing.say(index, Outcome::Done);
                }
            }
            if let Err(source) = filed.discard() {
                self.files[0].session.warn(Warning::RecordLeft { source });
            }
        }
        let done = self.files.into_iter().map(|file| {
            let File {
                mut session, lock, ..
            } = file;
            session.release(lock);
            session.done()
        });
        Ok(done.collect())
    }

    fn intend<C: Changing>(
        &self,
        ready: &[Option<Ready>],
        changing: &mut C,
    ) -> Result<(), TogetherError<C::Error>> {
        for (index, ready) in ready.iter().enumerate() {
            if ready.is_some()
                && let Err(source) = changing.intend(index)
            {
                self.say_void(changing);
                return Err(TogetherError::Edit { index, source });
            }
        }
        Ok(())
    }

    fn say_void(&self, changing: &mut impl Changing) {
        for index in 0..self.files.len() {
            changing.say(index, Outcome::Void);
        }
    }
}

fn stage_one(
    file: &File<'_>,
    read: Option<(Original, Vec<u8>)>,
    after: Vec<u8>,
) -> Result<Ready, SessionError> {
    let options = CommitOptions {
        hard_links: file.session.terms().hard_links,
        ..CommitOptions::default()
    };
    let (staged, before) = match read {
        Some((original, before)) => {
            let staged = original.stage(&after, &options);
            (Some(staged.map_err(SessionError::Commit)?), Some(before))
        }
        None => (None, None),
    };
    let path = file.relative.clone();
    let part = Part {
        path,
        before,
        after,
    };
    Ok(Ready { part, staged })
}

/// A file that is to be created must not be there.
fn check_missing(file: Resolved<'_>) -> Result<(), CommitError> {
    match Original::read_resolved(file, 0) {
        Err(ReadError::NotFound { .. }) => Ok(()),
        _ => Err(CommitError::Changed {
            path: file.path.to_path_buf(),
        }),
    }
}

/// One file of a decided transaction.
fn put(
    file: &mut File<'_>,
    staged: Option<Staged>,
    filed: &Filed,
    rules: &Rules,
) -> Result<(), FinishError> {
    match staged.map(Staged::commit) {
        Some(Ok(committed)) => {
            for warning in committed.warnings {
                file.session.warn(Warning::Commit(warning));
            }
            return Ok(());
        }
        Some(Err(CommitError::Rescued { path, rescued })) => {
            file.session.warn(Warning::rescued(&path, rescued));
        }
        None | Some(Err(CommitError::Changed { .. })) => {}
        Some(Err(err)) => return Err(err.into()),
    }
    let options = file.session.terms().lock;
    let Some(part) = filed.part(&file.relative).cloned() else {
        return Ok(());
    };
    let warning = finish::put(file.lock.resolved(), part, filed, rules, options)?;
    if let Some(warning) = warning.filter(|it| !matches!(it, Warning::Finished { .. })) {
        file.session.warn(warning);
    }
    Ok(())
}
