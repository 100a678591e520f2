//! Snapshots of real git repositories, through the public face of the crate.

mod child;
mod converted;
mod dropping;
mod failing;
mod flags;
mod kinds;
mod opening;
mod ordinary;
mod racy;
mod refused;
mod repo;
mod runs;
mod seen;
mod tools;
mod worktrees;
