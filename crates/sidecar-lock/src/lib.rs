//! Exclusive locks as sidecar files: `story.md` is guarded by `story.md.lock` beside it.
//!
//! **The existence of the sidecar is ownership; the kernel lock on it proves that its owner is
//! alive.** Exclusion comes from one atomic create-if-absent of one name, so every tool that
//! creates that name exclusively is excluded too. Liveness comes from the kernel, so a crashed
//! owner is replaced at once, in any PID namespace, without a clock. The protocol is described in
//! `docs/protocol.md`.
//!
//! # Promises
//!
//! - At most one [`LockGuard`] exists for a resource at a time, in all processes of one machine.
//! - A wait ends: by the lock, or by [`AcquireError::Contended`] at the limit. Waiting sleeps.
//! - A lock whose owner died (`kill -9`, power cut) is taken over by the next `acquire` at once.
//! - A lock of another tool (a file or a directory of the same name) is respected until it is
//!   stale on two clocks, and anything else at that place is an error and stays untouched.
//! - After normal work no sidecar is left.
//!
//! # Limits
//!
//! - Advisory: who ignores the sidecar is not stopped. Pair the lock with a compare-and-swap commit.
//! - A stopped (not dead) owner keeps its lock; waiters report it.
//! - A process that is killed leaves its sidecar; the next `acquire` adopts it, but tools that only
//!   know "file exists" wait until one of ours has passed by.
//! - On file systems other than the usual local ones (NFS, SMB, FUSE, 9p) waiting is by polling.
//!   Locks taken over NFS do not exclude locks taken on the server's own path.
//! - Synchronous. From async code, call it inside `spawn_blocking`.
//!
//! # Example
//!
//! ```
//! use sidecar_lock::{LockOptions, SidecarLock};
//! # let dir = tempfile::tempdir()?;
//! # let story = dir.path().join("story.md");
//! let guard = SidecarLock::new(&story)?.acquire(&LockOptions {
//!     owner: Some("runner 2".into()),
//!     ..LockOptions::default()
//! })?;
//! assert!(guard.sidecar().exists());
//! // ... read, change and replace the story ...
//! guard.release()?;
//! assert!(!dir.path().join("story.md.lock").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod acquire;
mod backoff;
mod breaking;
mod error;
mod foreign;
mod guard;
mod held;
mod holder;
mod identity;
mod inherit;
mod inspect;
mod keeper;
mod leftovers;
mod lock;
mod options;
mod queue;
#[cfg(test)]
#[path = "../tests/races/mod.rs"]
mod races;
mod record;
mod release;
mod stale;
mod sys;
mod wait;

pub use breaking::Force;
pub use error::{
    AcquireError, BreakError, InheritError, InspectError, LockedBy, LostError, Obstruction,
    ReleaseError,
};
pub use foreign::{ForeignKind, ForeignLock};
pub use guard::{Lent, LockGuard, TookOver};
pub use held::{release_all_held, settle_hand_overs};
pub use holder::{Holder, Printable};
pub use inherit::InheritedLock;
pub use inspect::LockState;
pub use leftovers::{LeftoverError, find_temporaries, is_temporary_name, sweep_temporaries};
pub use lock::SidecarLock;
pub use options::{Backoff, Fairness, Jitter, LockOptions};
pub use record::is_record;

/// The version of the protocol that this crate writes; readers respect later ones.
pub const PROTOCOL_VERSION: u32 = 1;
