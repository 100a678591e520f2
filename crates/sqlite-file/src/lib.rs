//! SQLite databases that many processes use at once: opened one way, durable, of a known version.
//!
//! A [`Database`] is in WAL mode with `synchronous=FULL`: what was committed survives a power cut, readers and the one
//! writer do not wait for each other, and what a killed process left is recovered by whoever opens it next.
//!
//! # Limits
//!
//! - While it is in use two more files lie beside it, with `-wal` and `-shm` behind its name; after a crash they stay. They
//!   belong to it: the `-wal` holds what was committed last. Opening takes care of them, nobody has to delete them, and
//!   whoever does deletes what was committed.
//! - Readers make these files too, so they need the right to write in the folder.
//! - All who use it run on one machine. A folder that Linux says to be on a network is refused; FUSE and 9P, which may be
//!   either, are not.
//! - One name: through a second hard link the same database would have a second `-wal`.
//! - The database must not be opened and closed by other means in a process that uses it: on Unix that drops the locks.

mod database;
mod error;
mod leftovers;
mod patience;
mod schema;
mod steps;
mod sys;

pub use database::Database;
pub use error::DatabaseError;
pub use leftovers::{Checkpoint, Leftovers, Users};
pub use rusqlite;
pub use schema::Schema;
