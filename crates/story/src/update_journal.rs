//! What an update under way writes into its story's journal, if it has one.

use std::error::Error;
use std::path::{Path, PathBuf};

use crate::document::Document;
use crate::journal::{JournalError, LookUpError, State, Writing};
use crate::update::UpdateOptions;
use crate::update_error::{UpdateError, Warning};

/// The journal of one update.
pub(crate) struct UpdateJournal<'a> {
    options: &'a UpdateOptions,
    writing: Option<Writing<'a>>,
    /// The story, with all links resolved.
    story: PathBuf,
    /// What is to be told; a change may go on without its line.
    pub(crate) warnings: Vec<Warning>,
}

impl<'a> UpdateJournal<'a> {
    pub(crate) fn start<E: Error + 'static>(
        options: &'a UpdateOptions,
        story: &Path,
    ) -> Result<Self, UpdateError<E>> {
        let writing = match &options.journal {
            None => None,
            Some(journal) => {
                Writing::start(journal, story).map_err(|err| unjournalled(options, err))?
            }
        };
        Ok(Self {
            options,
            writing,
            story: story.to_path_buf(),
            warnings: Vec::new(),
        })
    }

    /// Finds out whether the operation, if the caller gave it an id, may be done.
    pub(crate) fn look_up<E: Error + 'static>(
        &self,
        before: &Document,
    ) -> Result<(), UpdateError<E>> {
        let Some(writing) = &self.writing else {
            return Ok(());
        };
        writing
            .look_up(before, &self.story)
            .map_err(|err| match err {
                LookUpError::Journal(source) => unjournalled(self.options, source),
                LookUpError::Done(entry) => UpdateError::AlreadyDone {
                    op: entry.op,
                    at: entry.at,
                    path: self.story.clone(),
                    revision: before.revision().to_string(),
                },
                LookUpError::Unknown(entry) => UpdateError::OutcomeUnknown {
                    op: entry.op,
                    at: entry.at,
                },
                LookUpError::Other(entry) => UpdateError::OtherOperation {
                    op: entry.op,
                    command: entry.command,
                    at: entry.at,
                },
            })
    }

    /// Writes, if there is a journal. The change matters more than its line, unless the caller counts on it.
    pub(crate) fn write<E: Error + 'static>(
        &mut self,
        write: impl FnOnce(&mut Writing<'_>, &Path) -> Result<(), JournalError>,
    ) -> Result<(), UpdateError<E>> {
        let Some(writing) = &mut self.writing else {
            return Ok(());
        };
        match write(writing, &self.story) {
            Err(err) if writing.is_needed() => Err(unjournalled(self.options, err)),
            Err(err) => {
                self.warnings.push(Warning::Journal(err));
                self.writing = None;
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Tells what became of the change that has its line.
    pub(crate) fn say(&mut self, state: State) {
        if let Some(writing) = &mut self.writing {
            writing.say(state);
        }
    }
}

/// The caller counts on the journal, and it does not serve.
fn unjournalled<E: Error + 'static>(
    options: &UpdateOptions,
    source: JournalError,
) -> UpdateError<E> {
    let op = options
        .journal
        .as_ref()
        .and_then(|journal| journal.op.clone());
    UpdateError::Journal {
        op: op.unwrap_or_default(),
        source,
    }
}
