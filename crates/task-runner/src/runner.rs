//! A run of a task: the tree's lock, a snapshot, the work, and what becomes of both.

mod ended;

pub use ended::Ended;
