//! What differs between systems: listing a folder, opening a file, opening a journal.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod unix_journal;

#[cfg(not(unix))]
pub(crate) use other::{
    Base, Opened, entries_of, length_and_time, open_base, open_journal, open_to_look, sync_journal,
};
#[cfg(unix)]
pub(crate) use unix::{Base, entries_of, length_and_time, open_base, open_to_look};
#[cfg(unix)]
pub(crate) use unix_journal::{Opened, open_journal, sync_journal};

use std::path::Path;

/// Where a journal lies: `root/folders[0]/…/name`. Below the root no link is followed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JournalPlace<'a> {
    pub(crate) root: &'a Path,
    pub(crate) folders: &'a [String],
    pub(crate) name: &'a Path,
}

/// How a journal is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access<'a> {
    Read,
    /// To append; a missing one is made, open to those to whom `like` is open.
    Append {
        like: &'a Path,
    },
}
