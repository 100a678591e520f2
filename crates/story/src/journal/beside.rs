//! A change that somebody else makes under the story's lock, with its line in the journal.

use std::path::Path;

use crate::document::Document;
use crate::journal::line::State;
use crate::journal::writing::Writing;
use crate::journal::{JournalError, JournalOptions};

/// Lets `commit` put one version of a story in place of another, and leaves a line about it in the story's journal: for who
/// replaces a story by a whole version that it had before. The caller holds the story's lock; `story` has no links in it.
///
/// `commit` runs once, and says whether the new version is in place. The journal matters less: what stood in the way of its line is
/// returned. An operation id in `options` is not looked for.
pub fn with_line(
    story: &Path,
    [before, after]: [&Document; 2],
    options: &JournalOptions,
    commit: impl FnOnce() -> bool,
) -> Option<JournalError> {
    let intended = Writing::start(options, story).and_then(|writing| {
        let Some(mut writing) = writing else {
            return Ok(None);
        };
        writing.intend(before, after, story)?;
        Ok(Some(writing))
    });
    let is_in_place = commit();
    match intended {
        Ok(None) => None,
        Ok(Some(mut writing)) => {
            writing.say(if is_in_place {
                State::Done
            } else {
                State::Void
            });
            None
        }
        Err(err) => Some(err),
    }
}
