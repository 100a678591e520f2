//! Random trees in real repositories: whatever a task did, the state before comes back, to the last byte and mode, and
//! nothing of the owner's is lost on the way.
#![cfg(unix)]

mod cases;
#[cfg(target_os = "linux")]
mod kills;
mod ours;
mod plan;
mod promise;
mod stash;
mod world;
