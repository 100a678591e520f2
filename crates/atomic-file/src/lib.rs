//! Files that change all at once or not at all, and only if nobody else has changed them meanwhile.
//!
//! A commit is a compare-and-swap on a file: read an [`Original`], write the new contents beside it
//! ([`Original::stage`]), and put them in place ([`Staged::commit`]) *if the file is still the version that was read*.
//! No lock is needed for that to be safe, only to make it likely to succeed; the lock is another crate's business.
//!
//! # Promises
//!
//! - A reader by path sees the old version or the new one, whole; the name never goes away in between.
//! - A version that somebody else put in place between the read and the commit is never lost: the commit fails with
//!   [`CommitError::Changed`] and theirs keeps the name. Edits in place, replacements, removals, `chmod` and new hard
//!   links all count.
//! - Mode, owner, group, access control lists and extended attributes of the old version are those of the new one, or
//!   the commit fails. Symbolic links stay what they are; the file behind them is replaced.
//! - The contents are on the disk before their name is ([`Durability::Fast`]), and the name too when the commit
//!   returns ([`Durability::Durable`]): a power cut shows the old version or the new one, never an empty file.
//! - An error means that nothing of ours is in place; the one exception says so in its name,
//!   [`CommitError::CommittedUnsynced`].
//! - A killed writer leaves the old version or the new one in place, and at most one temporary file, which [`sweep`]
//!   recognises. What a temporary file holds that is somebody's work is put back or kept, never deleted.
//!
//! # Limits
//!
//! - The comparison is atomic where the file system can swap two names: ext4, XFS, Btrfs, tmpfs, overlayfs and others
//!   on Linux, APFS on macOS. Elsewhere (NFS, FAT, Windows) a save by somebody without our lock is lost if it falls into
//!   the microseconds between the last look and the rename.
//! - A version that loses the race may be visible for a moment before the other one gets its name back: microseconds,
//!   or as long as the sync of a folder takes ([`Durability::Durable`]).
//! - Somebody who writes *in place* through a descriptor opened before the commit writes into the old version. What is
//!   written before the commit returns is noticed and given back, but for the last microseconds; what comes later is lost.
//! - Two versions of the same size are told apart by the time of the last write. Where the clock behind it is coarse
//!   the contents are compared as well. Setting that time back on purpose after an edit in place defeats this.
//! - On overlayfs the first commit to a file of a lower layer may report [`CommitError::Changed`] once, because the
//!   file gets another identity when it is copied up.
//! - A temporary file of a writer on another machine cannot be told from a leftover; network file systems without
//!   locks on folders are therefore not swept.
//! - Access control lists and attributes are carried over on Linux and macOS, not on other systems.
//!
//! # Example
//!
//! ```
//! use atomic_file::{CommitError, CommitOptions, Original, replace_if_unchanged};
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("count");
//! # let options = CommitOptions::default();
//! atomic_file::create(&path, b"1", &options)?;
//! loop {
//!     let original = Original::read(&path)?;
//!     let count: u32 = String::from_utf8_lossy(original.bytes()).parse()?;
//!     let next = (count + 1).to_string();
//!     match replace_if_unchanged(original, next.as_bytes(), &options) {
//!         Ok(_) => break,
//!         Err(CommitError::Changed { .. }) => continue,
//!         Err(err) => return Err(err.into()),
//!     }
//! }
//! assert_eq!(atomic_file::read(&path, 100)?, b"2");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod commit;
mod create;
mod error;
mod folder;
mod name;
mod options;
mod original;
mod revision;
mod stage;
mod stamp;
mod swap;
mod sweep;
mod sys;
mod target;
mod version;

pub use commit::{Committed, replace, replace_if_unchanged};
pub use create::{create, create_exactly, create_resolved};
pub use error::{CommitError, CommitWarning, ReadError, SweepError};
pub use folder::{create_folder, ensure_folder, names_in, remove, rename};
pub use name::{is_rescued_name, is_temporary_name};
pub use options::{CommitOptions, Durability, HardLinks};
pub use original::{Original, read};
pub use revision::{Revision, RevisionError, RevisionPrefix};
pub use stage::Staged;
pub use sweep::{Swept, find_leftovers, sweep, sweep_beside, sweep_file};
pub use target::Resolved;
pub use version::{NewContents, Version};
