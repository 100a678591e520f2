//! Changing a state file without keeping others out while thinking: compare and swap at the end, again until it works.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use atomic_file::Revision;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use json_text::JsonText;
use locked_file::Warning;
use sidecar_lock::{LockOptions, TookOver};

use crate::edit::{Updated, as_text};
use crate::error::{ReadError, UpdateError};
use crate::options::{Missing, UpdateOptions};
use crate::read::{Found, read};
use crate::transact::{EMPTY, FileAsRead, transact};
use crate::version::Version;

/// After so many lost rounds the next one is made under the lock, where nobody can be faster. From the request for state files.
const LOST_ROUNDS: u32 = 3;

/// The first pause after a lost round. Chosen: a durable commit takes 1 to 10 ms, so the one that was faster is done by then.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause between rounds: S-0034 has 1 s for the lock.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Changes a state file optimistically: reads it, lets `edit` change the text while nobody is kept out, and puts the result
/// in place if the file is still what was read; else begins again.
///
/// For changes that take long to think out. Three rounds may be lost to others, with pauses that grow and are spread by
/// chance; the next one is made under the lock, as [`edit`](crate::edit()) does it. All within `options.lock.timeout`.
/// `edit` runs once a round and must have no effect other than on the text that it is given.
///
/// # Errors
///
/// As [`edit`](crate::edit()), and [`UpdateError::Conflict`]: the time was up after a round that was lost. Both versions are
/// told; try again later.
pub fn edit_optimistic<R, E: Error + 'static>(
    path: &Path,
    options: &UpdateOptions,
    mut edit: impl FnMut(&mut JsonText) -> Result<R, E>,
) -> Result<Updated<R>, UpdateError<E>> {
    rounds(path, options, |text, _| {
        edit(text).map_err(UpdateError::Edit)
    })
}

/// As [`edit_optimistic`], with a last look before the change is put in place: `confirm` runs under the lock, and what it
/// returns lives until the change is in place. For what must not change in between, such as that nobody else has leased the
/// file; `edit` has no lock, and would look too early.
///
/// `confirm` may run several times.
///
/// # Errors
///
/// As [`edit_optimistic`]; and [`UpdateError::Edit`]: what `confirm` returned. Nothing is written then.
pub fn edit_optimistic_if<R, G, E: Error + 'static>(
    path: &Path,
    options: &UpdateOptions,
    mut edit: impl FnMut(&mut JsonText) -> Result<R, E>,
    confirm: impl FnMut() -> Result<G, E>,
) -> Result<Updated<R>, UpdateError<E>> {
    let edit = |text: &mut JsonText, _: FileAsRead<'_>| edit(text).map_err(UpdateError::Edit);
    confirmed_rounds(path, options, edit, confirm)
}

/// The rounds of one optimistic change.
pub(crate) fn rounds<R, E: Error + 'static>(
    path: &Path,
    options: &UpdateOptions,
    edit: impl FnMut(&mut JsonText, FileAsRead<'_>) -> Result<R, UpdateError<E>>,
) -> Result<Updated<R>, UpdateError<E>> {
    confirmed_rounds(path, options, edit, || Ok(()))
}

fn confirmed_rounds<R, G, E: Error + 'static>(
    path: &Path,
    options: &UpdateOptions,
    mut edit: impl FnMut(&mut JsonText, FileAsRead<'_>) -> Result<R, UpdateError<E>>,
    mut confirm: impl FnMut() -> Result<G, E>,
) -> Result<Updated<R>, UpdateError<E>> {
    let mut rounds = Rounds::start(options);
    while rounds.lost < LOST_ROUNDS {
        let seen = look(path, options.missing)?;
        let mut text = seen.text.clone();
        let value = edit(&mut text, seen.as_file())?;
        let swapped = swap(path, &rounds.within(), &seen, &text, &mut confirm)?;
        match swapped.without_text() {
            (Swap::Done { .. }, swapped) => return Ok(rounds.tell(swapped.with(value, text))),
            (Swap::Lost { found }, swapped) => rounds.lose(swapped.with((seen, found), ()))?,
        }
    }
    let last = transact(path, &rounds.within(), as_text, |locked| {
        let confirmed = confirm().map_err(UpdateError::Edit)?;
        let mut text = locked.parsed;
        let value = edit(&mut text, locked.file)?;
        Ok(((value, confirmed), text))
    })?;
    Ok(rounds.tell(last.map(|(value, _)| value)))
}

/// What a reader without the lock saw.
struct Look {
    text: JsonText,
    path: PathBuf,
    is_there: bool,
}

impl Look {
    fn as_file(&self) -> FileAsRead<'_> {
        FileAsRead {
            path: &self.path,
            bytes: self.is_there.then_some(self.text.as_bytes()),
        }
    }
}

fn look(path: &Path, missing: Missing) -> Result<Look, ReadError> {
    match read(path) {
        Ok(Found { text, path }) => Ok(Look {
            text,
            path,
            is_there: true,
        }),
        Err(err) if err.is_not_found() && missing == Missing::Created => Ok(Look {
            text: as_text(EMPTY).map_err(|err| err.at(path))?,
            path: path.to_path_buf(),
            is_there: false,
        }),
        Err(err) => Err(err),
    }
}

/// What became of a compare-and-swap.
enum Swap<G> {
    /// It is in place, and what was confirmed lived until then.
    Done {
        #[expect(dead_code, reason = "living is all that it is for")]
        confirmed: G,
    },
    Lost {
        found: Revision,
    },
}

/// Puts `text` in place if the file is what was seen: all that is done under the lock.
fn swap<'t, G, E: Error + 'static>(
    path: &Path,
    options: &UpdateOptions,
    seen: &Look,
    text: &'t JsonText,
    mut confirm: impl FnMut() -> Result<G, E>,
) -> Result<Updated<Swap<G>, Option<&'t JsonText>>, UpdateError<E>> {
    // What is the same as a text that was read need not be read as one again.
    transact(
        path,
        options,
        |_| Ok(()),
        |locked| {
            if locked.file.bytes == seen.as_file().bytes {
                let confirmed = confirm().map_err(UpdateError::Edit)?;
                return Ok((Swap::Done { confirmed }, Some(text)));
            }
            let found = Revision::of(locked.file.bytes.unwrap_or_default());
            Ok((Swap::Lost { found }, None))
        },
    )
}

/// How many rounds were lost so far, and what is to be told of them.
struct Rounds<'a> {
    options: &'a UpdateOptions,
    started: Instant,
    pauses: ExponentialBackoff,
    lost: u32,
    waited: Duration,
    took_over: Option<TookOver>,
    warnings: Vec<Warning>,
}

impl<'a> Rounds<'a> {
    fn start(options: &'a UpdateOptions) -> Self {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_jitter()
            .without_max_times();
        Self {
            options,
            started: Instant::now(),
            pauses: pauses.build(),
            lost: 0,
            waited: Duration::ZERO,
            took_over: None,
            warnings: Vec::new(),
        }
    }

    fn remaining(&self) -> Duration {
        let timeout = self.options.lock.timeout;
        timeout.saturating_sub(self.started.elapsed())
    }

    /// The options for what is done now: the limit is one for all rounds.
    fn within(&self) -> UpdateOptions {
        UpdateOptions {
            lock: LockOptions {
                timeout: self.remaining(),
                stale_after: Some(self.options.lock.effective_stale_after()),
                ..self.options.lock.clone()
            },
            ..self.options.clone()
        }
    }

    /// Takes down a lost round and pauses before the next one, if there is time for one.
    fn lose<E: Error + 'static>(
        &mut self,
        lost: Updated<(Look, Revision), ()>,
    ) -> Result<(), UpdateError<E>> {
        self.lost += 1;
        self.waited += lost.waited;
        self.warnings.extend(lost.warnings);
        self.took_over = lost.took_over.or(self.took_over.take());
        let (seen, found) = lost.value;
        if self.remaining().is_zero() {
            let expected = Revision::of(seen.as_file().bytes.unwrap_or_default());
            return Err(UpdateError::Conflict {
                path: lost.path,
                expected: Version::Content(expected),
                found: Version::Content(found),
            });
        }
        let pause = self.pauses.next().unwrap_or(LONGEST_PAUSE);
        let pause = pause.min(LONGEST_PAUSE).min(self.remaining());
        std::thread::sleep(pause);
        self.waited += pause;
        Ok(())
    }

    /// Adds what the lost rounds have to tell.
    fn tell<R>(self, last: Updated<R>) -> Updated<R> {
        let mut warnings = self.warnings;
        warnings.extend(last.warnings);
        Updated {
            waited: self.waited + last.waited,
            took_over: last.took_over.or(self.took_over),
            warnings,
            lost_rounds: self.lost,
            ..last
        }
    }
}
