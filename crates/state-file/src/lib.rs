//! JSON files that several programs and agents change at the same time: tasks, state, metrics.
//!
//! Whoever changes one takes its lock, reads it under the lock, changes only what it means to change, and puts the result
//! in place in one step, if the file is still what was read. Or thinks without a lock and gives the version that it saw:
//! the change is made only if the file still has it. Nothing is ever half-written, and every byte outside the changed
//! member stays.
//!
//! | to | call |
//! |---|---|
//! | look, without a lock | [`read()`], [`StateFile::read`] |
//! | change the text itself, under the lock | [`edit()`] |
//! | change a value of a known type, under the lock | [`StateFile::update`] |
//! | think long, and keep nobody out meanwhile | [`StateFile::update_optimistic`], [`edit_optimistic()`] |
//! | write what was thought out for a version that was seen before | [`StateFile::replace_if`] |
//! | make a list of small changes by their paths | [`apply`] within [`edit()`] |
//! | apply a JSON patch | [`JsonPatch::apply`] within [`edit()`] |
//! | do anything else under the lock | [`with_file_lock()`] |
//! | append a line to a log | [`log_file::append()`] |
//!
//! What is no JSON, or has a byte order mark, two members of one name, or something behind its end, is an error that names
//! the place, and the file stays as it is.

pub mod board;
mod edit;
mod error;
mod exact;
mod json_patch;
pub mod log_file;
mod members;
mod optimistic;
mod options;
mod pending;
mod pointer;
mod read;
mod state_file;
mod transact;
mod typed;
mod version;
mod with_lock;

pub use edit::{Updated, edit};
pub use error::{ReadError, UpdateError};
pub use exact::is_same_json;
pub use json_patch::{JsonPatch, JsonPatchError, PatchError};
pub use locked_file::Warning;
pub use locked_file::together::Unfinished;
pub use members::changed_members;
pub use optimistic::{edit_optimistic, edit_optimistic_if};
pub use options::{Missing, UpdateOptions};
pub use pending::{PENDING_FOLDER, finish_all, finish_under, set_aside, unfinished};
pub use pointer::{Applied, PointerEdit, apply};
pub use read::{Found, MAX_STATE_BYTES, read};
pub use state_file::{Seen, StateFile};
pub use version::{Version, VersionError, Versioning};
pub use with_lock::{FileLock, UnderLock, WithLockError, with_file_lock};

/// The examples of the page about shared JSON files, which documentation tests compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/architecture/state-files.md")]
mod state_files {}
