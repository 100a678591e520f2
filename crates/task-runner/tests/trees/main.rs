//! Snapshots of real git repositories, through the public face of the crate.

mod dropping;
mod opening;
mod ordinary;
mod repo;
mod seen;
