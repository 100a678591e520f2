//! `FileLockManager` on real stores: several threads, several processes, and what happens when one of them dies.

mod guard;
#[cfg(unix)]
mod processes;
mod support;
mod threads;
