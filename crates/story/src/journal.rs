//! The journal of a story: one line for each change, in an append-only file under the sdlc root.
//!
//! An update writes its line *before* it puts the new version in place, under the story's lock, and a word behind it
//! afterwards. Whoever finds a line without a word judges it by the revision that the file has: the update may have been
//! killed before the commit or after it. So a journal never says more or less than what happened, and
//! [`JournalOptions::op`] makes an operation happen once however often it is tried.
//!
//! # Limits
//!
//! - Without an operation id a line is not waited for to reach the disk: after a power cut the last ones may be missing.
//! - Above [`MAX_JOURNAL_BYTES`] the older half is dropped; operation ids are remembered for as long.
//! - Values and texts above [`MAX_LOGGED_BYTES`] are replaced by their hash: they cannot be brought back.
//! - A story that another tool puts back to the version before a change about which no word was said makes that change
//!   look as if it had never been done.

mod accept;
mod beside;
mod chain;
mod encoding;
mod line;
mod place;
mod undo;
mod writing;

use std::io;
use std::path::{Path, PathBuf};

use crate::moment::Moment;

pub use accept::{AcceptError, accept};
pub use beside::with_line;
pub use chain::{Gap, Journal};
pub use encoding::{Logged, LoggedText, MAX_LOGGED_BYTES};
pub use line::{Entry, EntryBody, EntryChange, Seen, State};
pub use place::JournalFile;
pub use undo::{UndoError, Undone, undo};
pub(crate) use writing::{LookUpError, Writing};
pub use writing::{MAX_JOURNAL_BYTES, read};

/// How an update keeps its story's journal.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// The sdlc root, with all links resolved. A story that does not lie in it as stories lie has no journal.
    pub root: PathBuf,
    /// When the change is made, as the caller's clock says.
    pub at: Moment,
    /// On whose behalf.
    pub owner: Option<String>,
    /// The run of a task that makes the change, so that a restore of its snapshot knows which changes were its own.
    pub run: Option<String>,
    /// What is done, such as `story set`.
    pub command: String,
    /// The caller's id of the operation: it is done once, however often it is tried with this id. The line is then on the
    /// disk before the story changes, and an update whose line cannot be written fails. `None`: the line gets an id of
    /// its own, and where it cannot be written the update goes on with a warning.
    pub op: Option<String>,
}

/// Why a journal could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The system refused, or something else than a journal has its name. Retrying helps after repair.
    #[error("cannot {step} the journal {}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// The journal.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The story does not lie where a story of that sdlc root lies. Retrying does not help.
    #[error("{} does not lie as a story of {} does", story.display(), root.display())]
    NoPlace {
        /// The story.
        story: PathBuf,
        /// The sdlc root.
        root: PathBuf,
    },
    /// It is far larger than any that was written here. Retrying does not help; it may be removed.
    #[error("the journal {} has {size} bytes, more than any that was written by this program", path.display())]
    TooLarge {
        /// The journal.
        path: PathBuf,
        /// Its size.
        size: u64,
    },
}

impl JournalOptions {
    /// The journal of a story, whose path must be resolved.
    pub(crate) fn file_of(&self, story: &Path) -> Option<JournalFile> {
        JournalFile::of(story).filter(|file| file.root() == self.root)
    }
}
