//! One change of a JSON file on disk: the thin shell that `state set` and `state patch` share.

use std::time::Duration;

use atomic_file::Revision;
use json_text::JsonText;
use serde_json::{Map, Value};
use sidecar_lock::{InheritError, LockOptions};
use state_file::{Missing, UpdateError, UpdateOptions, Updated};

use super::answer::Answer;
use super::leases;
use super::refusal::Refusal;
use crate::durations::rough;
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, write_json_of};
use crate::places::Target;
use crate::settings::Settings;
use crate::signals;
use crate::transaction::{chain, inherited_token, took_over_text};

/// A change that is to be made.
pub struct Change<'a> {
    /// The file.
    pub target: &'a Target,
    /// The verb, for those who wait for the lock: `story state set`.
    pub command: &'a str,
    /// How long the lock is held.
    pub way: Way,
    /// What to do when there is no such file.
    pub missing: Missing,
}

/// How a change keeps others from being overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The lock is held from reading to writing.
    UnderLock,
    /// The lock is held only to compare and swap.
    Optimistic,
}

/// What an edit changed.
#[derive(Debug, Default)]
pub struct Changed {
    /// The keys, as they were given.
    pub keys: Vec<String>,
    /// What increments arrived at, by key.
    pub numbers: Vec<(String, String)>,
}

/// What to do when there is no such file, by `--create`.
pub fn missing(is_created: bool) -> Missing {
    if is_created {
        Missing::Created
    } else {
        Missing::Refused
    }
}

/// A revision of the command line.
///
/// # Errors
///
/// `EUSAGE` when it is none.
pub fn revision(given: &str) -> Result<String, Failure> {
    match Revision::of(b"").matches(given) {
        Ok(_) => Ok(given.to_owned()),
        Err(err) => Err(Failure::usage(err.to_string())
            .hint("`story state get FILE --json` tells the revision in rev")),
    }
}

impl Change<'_> {
    /// Makes the change and tells what it did.
    ///
    /// # Errors
    ///
    /// [`Failure`]; the file is unchanged unless it says committed.
    pub fn run(
        &self,
        settings: &Settings,
        output: &Output,
        edit: impl Fn(&mut JsonText) -> Result<Changed, Refusal>,
    ) -> Result<(), Failure> {
        signals::note();
        let done = self
            .make(settings, output, edit)
            .map_err(|failure| failure.about("update", self.target))?;
        done.tell(self.target, output);
        if output.is_json() {
            write_json_of(&done.answer()).map_err(|unwritten| {
                if done.is_written {
                    unwritten.after_commit(self.target)
                } else {
                    unwritten
                }
            })?;
        }
        Ok(())
    }

    fn make(
        &self,
        settings: &Settings,
        output: &Output,
        edit: impl Fn(&mut JsonText) -> Result<Changed, Refusal>,
    ) -> Result<Done, Failure> {
        let options = UpdateOptions {
            lock: settings.lock_options(self.command),
            durability: settings.durability(),
            inherited_token: inherited_token(&self.target.path, settings)?,
            missing: self.missing,
            ..UpdateOptions::default()
        };
        let leases = leases::of(self.target, settings)?;
        let path = &self.target.path;
        // With the lock held: from here on signals wait for the end of the commit.
        let confirm = || {
            let unleased = leases.as_ref().map(leases::check).transpose()?;
            signals::begin_commit()?;
            Ok(unleased)
        };
        let updated = match self.way {
            Way::UnderLock => patiently(&options, &|options| {
                state_file::edit(path, options, |text| {
                    let unleased = confirm()?;
                    // Given back when the change is in place.
                    Ok((edit(text)?, unleased))
                })
                .map(|updated| Done::of(&updated, &updated.value.0, None, output))
            }),
            Way::Optimistic => {
                signals::watch();
                inheriting(&options, &|options| {
                    state_file::edit_optimistic_if(path, options, &edit, confirm).map(|updated| {
                        Done::of(&updated, &updated.value, Some(updated.lost_rounds), output)
                    })
                })
            }
        };
        updated.map_err(|err| Failure::from_state_update(err, settings.timeout))
    }
}

/// Tries without waiting first: nearly always that is all, and it needs no thread to watch for signals, which is dear for
/// a process of two milliseconds.
fn patiently<T>(
    options: &UpdateOptions,
    update: &dyn Fn(&UpdateOptions) -> Result<T, UpdateError<Refusal>>,
) -> Result<T, UpdateError<Refusal>> {
    if !options.lock.timeout.is_zero() {
        let at_once = UpdateOptions {
            lock: LockOptions {
                timeout: Duration::ZERO,
                stale_after: Some(options.lock.effective_stale_after()),
                ..options.lock.clone()
            },
            ..options.clone()
        };
        match inheriting(&at_once, update) {
            Err(err) if err.is_retryable() => signals::watch(),
            updated => return updated,
        }
    }
    inheriting(options, update)
}

/// Under the lock of a parent process, if there is one that says so.
fn inheriting<T>(
    options: &UpdateOptions,
    update: &dyn Fn(&UpdateOptions) -> Result<T, UpdateError<Refusal>>,
) -> Result<T, UpdateError<Refusal>> {
    let update = |options: &UpdateOptions| {
        let updated = update(options);
        signals::end_commit();
        updated
    };
    match update(options) {
        // The parent has ended since: its word counts no more, and our own lock is as good.
        Err(UpdateError::Inherit(InheritError::NotHeld { .. })) => update(&UpdateOptions {
            inherited_token: None,
            ..options.clone()
        }),
        updated => updated,
    }
}

/// What a change did.
struct Done {
    members: Map<String, Value>,
    numbers: Vec<(String, String)>,
    keys: Vec<String>,
    warnings: Vec<String>,
    is_written: bool,
    is_created: bool,
    details: String,
}

impl Done {
    fn of<T>(
        updated: &Updated<T>,
        changed: &Changed,
        lost_rounds: Option<u32>,
        output: &Output,
    ) -> Self {
        let took_over = updated.took_over.as_ref();
        let warnings: Vec<String> = took_over
            .map(took_over_text)
            .into_iter()
            .chain(updated.warnings.iter().map(|warning| chain(warning)))
            .collect();
        let is_created = updated.before.is_none();
        let mut members = json::success();
        members.insert("path".to_owned(), json::text(&updated.path));
        members.insert("changed".to_owned(), changed.keys.clone().into());
        members.insert("created".to_owned(), is_created.into());
        if output.is_json() {
            // Nobody else is told, and it costs a look at every byte.
            members.insert("rev".to_owned(), updated.revision().to_string().into());
        }
        members.insert("warnings".to_owned(), warnings.clone().into());
        if let Some(lost) = lost_rounds {
            members.insert("lost_rounds".to_owned(), lost.into());
        }
        if let Some(took_over) = took_over {
            members.insert("took_over".to_owned(), json::took_over(took_over));
        }
        let lost = lost_rounds.map(|lost| format!("; {lost} lost rounds"));
        Self {
            members,
            numbers: changed.numbers.clone(),
            keys: changed.keys.clone(),
            warnings,
            is_written: updated.changed(),
            is_created,
            details: format!(
                "waited {} for the lock; {} more tries after others changed the file{}",
                rough(updated.waited),
                updated.reruns,
                lost.unwrap_or_default()
            ),
        }
    }

    fn answer(&self) -> Answer {
        let answer = Answer::new(self.members.clone());
        if self.numbers.is_empty() {
            return answer;
        }
        let numbers = self.numbers.iter();
        answer.with_values(numbers.map(|(key, number)| (key.as_str(), number.as_str())))
    }

    /// Tells people, on stderr.
    fn tell(&self, target: &Target, output: &Output) {
        for warning in &self.warnings {
            output.warning(warning);
        }
        let name = target.name();
        let created = if self.is_created { "created, " } else { "" };
        output.note(&if self.is_written {
            format!("{name}: {created}changed {}", self.keys.join(", "))
        } else {
            format!("{name}: nothing to change")
        });
        output.detail(&self.details);
    }
}
