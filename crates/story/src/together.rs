//! Changing several stories together: all of them or none, also when the process is killed in the middle.
//!
//! How that is done is [`locked_file::together`]'s business; here is what stories add: the record lies beside the journal,
//! each change leaves its line there, and a story that somebody without our lock has changed meanwhile is merged.

mod decided;
mod meeting;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::path::{Path, PathBuf};

use atomic_file::{CommitError, Original, Resolved};
use locked_file::together::{self, Changing, Edited, Outcome};

use crate::document::Document;
use crate::journal::State;
use crate::read::{MAX_STORY_BYTES, fresh};
use crate::update::{Run, UpdateOptions, Updated, told};
use crate::update_error::UpdateError;
use crate::update_journal::UpdateJournal;
use decided::RULES;
pub use decided::{Unfinished, finish_all, finish_under, set_aside, unfinished};
pub(crate) use decided::{decided, finish};

/// Why several stories were not changed together.
///
/// None of them is changed, unless [`TogetherError::is_committed`] says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TogetherError<E: Error + 'static> {
    /// One of the stories stands in the way.
    #[error("{source}")]
    Story {
        /// Its place among the paths that were given.
        index: usize,
        /// Why.
        source: UpdateError<E>,
    },
    /// Two of the paths mean one story. Retrying does not help.
    #[error("{} is named twice", path.display())]
    Twice {
        /// The place of the second.
        index: usize,
        /// The story, with all links resolved.
        path: PathBuf,
    },
    /// A story lies outside of the sdlc root of the first, or in none; there is no place then from which a transaction
    /// could be finished. Retrying does not help.
    #[error("{} does not lie in the sdlc root of the first story", path.display())]
    OtherRoot {
        /// The place of the story.
        index: usize,
        /// The story, with all links resolved.
        path: PathBuf,
    },
    /// The transaction could not be decided: its record was not written.
    #[error("the transaction cannot be written down")]
    Undecided {
        /// Why.
        source: CommitError,
    },
    /// The transaction is decided, but could not be carried out to the end. Whoever next updates one of the stories
    /// finishes it; do not apply it again.
    #[error("the transaction is decided, and will be finished by the next update of its stories")]
    Unfinished {
        /// Why it could not be finished at once.
        source: Box<UpdateError<E>>,
    },
}

impl<E: Error + 'static> TogetherError<E> {
    /// Whether the same call may well succeed a moment later. Never after the decision.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Story { source, .. } if source.is_retryable())
    }

    /// Whether the edits are decided in spite of the error: they must not be applied again.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Unfinished { .. })
    }
}

/// Updates several stories of one sdlc root: `edit` gets each as it is under its lock, with its place among `paths`.
///
/// With `options.journal` each change leaves its line; an operation's id is not looked for there.
///
/// As with [`update`](crate::update()) `edit` may run again, and an edit that changes no story writes nothing. Whatever
/// `options.durability` says, what is written is durable: without that a power cut could keep one half.
///
/// A program of another kind that looks at the files themselves may see some of them changed and others not, for the
/// moment of the commits, or until the next update of a story whose transaction was cut off.
///
/// # Errors
///
/// [`TogetherError`]; no story is changed unless [`TogetherError::is_committed`].
pub fn update_together<T, E: Error + 'static>(
    paths: &[&Path],
    options: &UpdateOptions,
    edit: impl FnMut(usize, &mut Document) -> Result<T, E>,
) -> Result<Vec<Updated<T>>, TogetherError<E>> {
    let (mut sessions, mut journals) = (Vec::new(), Vec::new());
    for (index, path) in paths.iter().enumerate() {
        let run =
            Run::checked(path, options).map_err(|source| TogetherError::Story { index, source })?;
        sessions.push(run.session);
        journals.push(run.journal);
    }
    let mut stories = Stories {
        edit,
        journals,
        edited: Vec::new(),
    };
    let ends = together::update_together_with(sessions, &RULES, &mut stories)?;
    let edited = stories.edited.into_iter().zip(stories.journals);
    let updated = ends
        .into_iter()
        .zip(edited)
        .map(|(end, (edited, journal))| {
            let story = (edited.value, [edited.before, edited.after]);
            Updated::of(told(end, journal), story)
        });
    Ok(updated.collect())
}

/// What is done to stories in one transaction, each told by its place.
struct Stories<'a, T, F> {
    edit: F,
    journals: Vec<UpdateJournal<'a>>,
    /// What the last run made of each.
    edited: Vec<EditedStory<T>>,
}

struct EditedStory<T> {
    value: T,
    before: Document,
    after: Document,
}

impl<T, E, F> Changing for Stories<'_, T, F>
where
    E: Error + 'static,
    F: FnMut(usize, &mut Document) -> Result<T, E>,
{
    type Error = UpdateError<E>;

    fn edit(&mut self, index: usize, file: Resolved<'_>) -> Result<Edited, UpdateError<E>> {
        // What an earlier run returned may hold what nobody should hold who begins anew.
        self.edited.truncate(index);
        let (original, before) =
            fresh(|| Original::read_resolved(file, MAX_STORY_BYTES)).map_err(UpdateError::Read)?;
        let mut after = before.clone();
        let value = (self.edit)(index, &mut after).map_err(UpdateError::Edit)?;
        let edited = if before == after {
            Edited::Kept
        } else {
            Edited::Written {
                read: Some((original, before.as_bytes().to_vec())),
                after: after.as_bytes().to_vec(),
            }
        };
        self.edited.push(EditedStory {
            value,
            before,
            after,
        });
        Ok(edited)
    }

    fn intend(&mut self, index: usize) -> Result<(), UpdateError<E>> {
        let EditedStory { before, after, .. } = &self.edited[index];
        self.journals[index].write(|journal, path| journal.intend(before, after, path))
    }

    fn say(&mut self, index: usize, outcome: Outcome) {
        self.journals[index].say(match outcome {
            Outcome::Done => State::Done,
            Outcome::Void => State::Void,
        });
    }
}

impl<E: Error + 'static> From<together::TogetherError<UpdateError<E>>> for TogetherError<E> {
    fn from(err: together::TogetherError<UpdateError<E>>) -> Self {
        use together::TogetherError as Together;

        let (index, source) = match err {
            Together::Session { index, source } => (index, source.into()),
            Together::Pending { index, source } => (index, source.into()),
            Together::Edit { index, source } => (index, source),
            Together::TooLarge {
                index,
                path,
                size,
                limit,
            } => (index, UpdateError::TooLarge { path, size, limit }),
            Together::Twice { index, path } => return Self::Twice { index, path },
            Together::OtherPlace { index, path } => return Self::OtherRoot { index, path },
            Together::Undecided { source } => return Self::Undecided { source },
            Together::Unfinished { source } => {
                let source = Box::new(source.into());
                return Self::Unfinished { source };
            }
        };
        Self::Story { index, source }
    }
}
