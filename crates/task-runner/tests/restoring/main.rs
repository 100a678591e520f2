//! Bringing real git repositories back, through the public face of the crate.
#![cfg(unix)]

mod hindered;
mod ignored;
mod killed;
mod kinds;
mod moved_head;
mod ordinary;
#[path = "../trees/repo.rs"]
mod repo;
mod state;
mod unfinished;
