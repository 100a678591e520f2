//! One transaction on disk: the thin shell around `story::update` that all verbs share.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};
use sidecar_lock::{InheritError, LockOptions, SidecarLock, TookOver};
use story::journal::JournalFile;
use story::{
    Document, FoundBeside, Next, Revision, UpdateError, UpdateOptions, Updated, UpdatedBeside,
    Warning,
};

use crate::durations::rough;
use crate::failure::Failure;
use crate::failure_sources::foreign_lock;
use crate::journal;
use crate::json;
use crate::operations::{Refusal, Transaction};
use crate::output::Output;
use crate::places::Target;
use crate::settings::Settings;
use crate::signals;
use crate::story_leases::StoryLeases;

/// What a transaction did.
#[derive(Debug)]
pub struct Done {
    /// The story, with all links resolved and the id that it carries.
    pub target: Target,
    /// The keys that changed; `content` is the body.
    pub changed: Vec<String>,
    revision: Option<String>,
    took_over: Option<TookOver>,
    warnings: Vec<String>,
    op_id: Option<String>,
    waited: Duration,
    reruns: u32,
}

/// Whether the revision is worth hashing the whole story for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithRevision {
    /// The answer names it.
    Yes,
    /// Nobody asked.
    No,
}

/// Does the transaction under the story's lock.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn commit(
    target: &Target,
    transaction: &Transaction,
    settings: &Settings,
    with_revision: WithRevision,
    command: &str,
) -> Result<Done, Failure> {
    let today = settings.today();
    let edit = |story: &mut Document| transaction.apply(story, &today).map(|keys| ((), keys));
    let op_id = transaction.op_id.as_ref().or(settings.op_id.as_ref());
    let way = Way {
        with_revision,
        command,
        op_id,
    };
    change_once(target, settings, way, edit).map(|((), done)| done)
}

/// Lets `edit` change the story under its lock; it returns a value of its own and the keys that changed.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn change<T>(
    target: &Target,
    settings: &Settings,
    with_revision: WithRevision,
    command: &str,
    edit: impl FnMut(&mut Document) -> Result<(T, Vec<String>), Refusal>,
) -> Result<(T, Done), Failure> {
    let way = Way {
        with_revision,
        command,
        op_id: settings.op_id.as_ref(),
    };
    change_once(target, settings, way, edit)
}

/// How a change is made.
#[derive(Debug, Clone, Copy)]
struct Way<'a> {
    with_revision: WithRevision,
    command: &'a str,
    op_id: Option<&'a String>,
}

fn change_once<T>(
    target: &Target,
    settings: &Settings,
    way: Way<'_>,
    mut edit: impl FnMut(&mut Document) -> Result<(T, Vec<String>), Refusal>,
) -> Result<(T, Done), Failure> {
    let journal = journal::options(target, settings, way.command, way.op_id)
        .map_err(|failure| failure.about("update", target))?;
    let root = journal.as_ref().map(|journal| journal.root.as_path());
    let leases = StoryLeases::of([target.path.clone()], root, settings)
        .map_err(|failure| failure.about("update", target))?;
    let options = UpdateOptions {
        journal,
        ..options_for(target, settings, way.command)?
    };
    let updated = patiently(&options, &mut |options| {
        story::update(&target.path, options, |story| {
            let unleased = leases.check()?;
            signals::begin_commit()?;
            let (value, keys) = edit(story)?;
            // Given back when the change is in place.
            Ok(((value, unleased), keys))
        })
    });
    let updated = updated
        .map_err(|err| Failure::from_update(err, settings.timeout).about("update", target))?;
    let ((value, unleased), mut done) = Done::new(target, updated, way.with_revision);
    drop(unleased);
    done.op_id = way.op_id.cloned();
    Ok((value, done))
}

/// Lets `edit` say what becomes of the file `name` beside a story, under the story's lock.
///
/// # Errors
///
/// [`Failure`]; the file is unchanged unless it says committed.
pub fn change_beside<T>(
    target: &Target,
    name: &str,
    settings: &Settings,
    with_revision: WithRevision,
    command: &str,
    mut edit: impl FnMut(FoundBeside<'_>) -> Result<(T, Next), Refusal>,
) -> Result<(T, Done), Failure> {
    let options = options_for(target, settings, command)?;
    let leases =
        leases_beside(target, name, settings).map_err(|failure| failure.about("update", target))?;
    let updated = patiently(&options, &mut |options| {
        story::update_beside(&target.path, name, options, |found| {
            let unleased = leases.check()?;
            signals::begin_commit()?;
            let (value, next) = edit(found)?;
            Ok(((value, unleased), next))
        })
    });
    let updated = updated
        .map_err(|err| Failure::from_update(err, settings.timeout).about("update", target))?;
    let ((value, unleased), done) = Done::beside(target, name, updated, with_revision);
    drop(unleased);
    Ok((value, done))
}

/// Who has leased a story writes beside it, too.
fn leases_beside<'a>(
    target: &Target,
    name: &str,
    settings: &'a Settings,
) -> Result<StoryLeases<'a>, Failure> {
    let journal = journal::file_of(target, settings)?;
    let files = [target.path.clone(), target.path.with_file_name(name)];
    StoryLeases::of(files, journal.as_ref().map(JournalFile::root), settings)
}

/// How to update, under the lock of a parent process if that says so.
///
/// # Errors
///
/// As [`inherited_token`].
pub fn options_for(
    target: &Target,
    settings: &Settings,
    command: &str,
) -> Result<UpdateOptions, Failure> {
    Ok(UpdateOptions {
        inherited_token: inherited_token(&target.path, settings)
            .map_err(|failure| failure.about("update", target))?,
        ..settings.update_options(command)
    })
}

/// Tries without waiting first: nearly always that is all, and it needs no thread to watch for signals, which is dear for
/// a process of two milliseconds.
///
/// # Errors
///
/// What `update` returned last.
pub fn patiently<T>(
    options: &UpdateOptions,
    update: &mut impl FnMut(&UpdateOptions) -> Result<T, UpdateError<Refusal>>,
) -> Result<T, UpdateError<Refusal>> {
    if !(signals::is_watching() || options.lock.timeout.is_zero()) {
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
    update: &mut impl FnMut(&UpdateOptions) -> Result<T, UpdateError<Refusal>>,
) -> Result<T, UpdateError<Refusal>> {
    let mut update = |options: &UpdateOptions| {
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

impl Done {
    /// What `target` was updated to.
    pub fn new<T>(
        target: &Target,
        updated: Updated<(T, Vec<String>)>,
        with_revision: WithRevision,
    ) -> (T, Self) {
        let (value, changed) = updated.value;
        let warnings = warnings_of(target, updated.took_over.as_ref(), &updated.warnings);
        let done = Self {
            target: Target {
                id: id_of(&updated.after).or_else(|| target.id.clone()),
                path: updated.path,
                copy: target.copy.clone(),
                warnings: Vec::new(),
            },
            changed,
            revision: (with_revision == WithRevision::Yes)
                .then(|| updated.after.revision().to_string()),
            took_over: updated.took_over,
            warnings,
            op_id: None,
            waited: updated.waited,
            reruns: updated.reruns,
        };
        (value, done)
    }

    /// What the file `name` beside `target` was updated to.
    fn beside<T>(
        target: &Target,
        name: &str,
        updated: UpdatedBeside<T>,
        with_revision: WithRevision,
    ) -> (T, Self) {
        let changed = updated.changed.then(|| name.to_owned());
        let contents = updated.contents.as_deref();
        let done = Self {
            target: Target {
                path: updated.path,
                warnings: Vec::new(),
                ..target.clone()
            },
            changed: changed.into_iter().collect(),
            revision: contents
                .filter(|_| with_revision == WithRevision::Yes)
                .map(|contents| Revision::of(contents).to_string()),
            warnings: warnings_of(target, updated.took_over.as_ref(), &updated.warnings),
            took_over: updated.took_over,
            op_id: None,
            waited: updated.waited,
            reruns: updated.reruns,
        };
        (updated.value, done)
    }

    /// Adds something that is worth telling.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// The JSON that answers it.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut result = json::success_of(self.target.id.as_deref(), &self.target.path);
        result.insert("changed".to_owned(), self.changed.clone().into());
        result.insert("rev".to_owned(), self.revision.clone().into());
        result.insert("warnings".to_owned(), self.warnings.clone().into());
        if let Some(op_id) = &self.op_id {
            result.insert("op_id".to_owned(), op_id.as_str().into());
            result.insert("already".to_owned(), false.into());
        }
        if let Some(took_over) = &self.took_over {
            result.insert("took_over".to_owned(), json::took_over(took_over));
        }
        json::add_copy(&mut result, self.target.copy.as_ref());
        result
    }

    /// What it means that the result could not be written: a committed change must not be repeated.
    pub fn unreported(&self, unwritten: Failure) -> Failure {
        if self.changed.is_empty() {
            unwritten
        } else {
            unwritten.after_commit(&self.target)
        }
    }

    /// Tells people, on stderr.
    pub fn tell(&self, output: &Output) {
        for warning in &self.warnings {
            output.warning(warning);
        }
        let name = self.target.name();
        if self.changed.is_empty() {
            output.note(&format!("{name}: nothing to change"));
        } else {
            output.note(&format!("{name}: changed {}", self.changed.join(", ")));
        }
        output.detail(&format!(
            "waited {} for the lock; {} more tries after others changed the story",
            rough(self.waited),
            self.reruns
        ));
    }
}

fn warnings_of(target: &Target, took_over: Option<&TookOver>, others: &[Warning]) -> Vec<String> {
    let mut warnings = target.warnings.clone();
    warnings.extend(took_over.map(took_over_text));
    warnings.extend(others.iter().map(|warning| chain(warning)));
    warnings
}

/// The id that a story carries.
pub fn id_of(story: &Document) -> Option<String> {
    match story.get("id") {
        Ok(Some(story::Value::String(id))) => Some(id),
        _ => None,
    }
}

/// The token of a lock that a living parent process holds on `path` for us.
///
/// # Errors
///
/// When it cannot be found out: taking the lock ourselves might be waiting for ourselves.
pub fn inherited_token(path: &Path, settings: &Settings) -> Result<Option<String>, Failure> {
    let Some(held) = settings.lock_held.as_deref() else {
        return Ok(None);
    };
    let lock =
        SidecarLock::new(path).map_err(|err| Failure::from_acquire(err, settings.timeout))?;
    for token in tokens_of(held, lock.resource().as_os_str()) {
        match lock.inherit(token) {
            Ok(_) => return Ok(Some(token.to_owned())),
            Err(InheritError::NotHeld { .. }) => {}
            Err(err) => return Err(Failure::from_inherit(&err).at(path)),
        }
    }
    Ok(None)
}

/// The tokens for a resource in `<canonical path>:<token>`, one a line when locks are nested.
///
/// A path may hold line feeds itself, and what follows one may look like a path: whoever asks tries each token.
fn tokens_of<'a>(held: &'a OsStr, resource: &'a OsStr) -> impl Iterator<Item = &'a str> {
    let (held, resource) = (held.as_encoded_bytes(), resource.as_encoded_bytes());
    let begins_line = |at: &usize| *at == 0 || held[at - 1] == b'\n';
    (0..held.len()).filter(begins_line).filter_map(move |at| {
        let token = held[at..].strip_prefix(resource)?.strip_prefix(b":")?;
        let token = token.split(|byte| *byte == b'\n').next()?;
        std::str::from_utf8(token).ok()
    })
}

/// A lock that was taken over, in words.
pub fn took_over_text(took_over: &TookOver) -> String {
    match took_over {
        TookOver::Foreign(foreign) => format!("took over {}", foreign_lock(foreign)),
        took_over => format!("took over {took_over}"),
    }
}

/// An error and what is behind it, in one sentence.
pub fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut source = err.source();
    while let Some(err) = source {
        let next = err.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = err.source();
    }
    text
}

impl From<signals::Interrupted> for Refusal {
    fn from(_: signals::Interrupted) -> Self {
        Self::Interrupted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_finds_those_of_the_resource_whatever_its_name_is() {
        let table: [(&str, &str, &[&str]); 8] = [
            ("/a/story.md:0f", "/a/story.md", &["0f"]),
            ("/a/story.md:0f", "/a/story", &[]),
            ("/a/story.md:0f", "/b/story.md", &[]),
            ("/a:b/story.md:0f", "/a:b/story.md", &["0f"]),
            ("/a:1\n/b:2", "/b", &["2"]),
            ("/a:1\n/b:2\n/a:3", "/a", &["1", "3"]),
            ("/a\n/b:1\n/c:2", "/a\n/b", &["1"]),
            ("nonsense", "/a", &[]),
        ];
        for (held, resource, expected) in table {
            let found: Vec<_> = tokens_of(OsStr::new(held), OsStr::new(resource)).collect();
            assert_eq!(found, expected, "the tokens of {resource:?} in {held:?}");
        }
    }
}
