//! Read-modify-write of whole files under their sidecar lock: of one file, and of several together. What the bytes mean is
//! not known here.
//!
//! [`Session`] is the loop of every update in the workspace: the lock is taken, the file is read under it, and the new
//! version is put in place if the file is still what was read and the lock is still ours; else it begins again, until the
//! limit. [`together`] changes several files, all of them or none.

mod fresh;
mod leftovers;
mod lock;
mod session;
mod session_error;
pub mod together;
mod warning;

pub use fresh::{FRESH, FreshError, PAUSES, fresh};
pub use leftovers::{clean_up_after_the_dead, sweep_locks_beside};
pub use lock::{Guarded, Lock, locked_by};
pub use session::{Interference, Session, Terms, Told};
pub use session_error::SessionError;
pub use warning::Warning;
