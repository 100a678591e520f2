//! Tests through the public functions, each on files of its own.
#![cfg(unix)]

mod creating;
mod exactly;
mod kept;
mod killed;
mod leftovers;
mod others;
mod readers;
mod refused;
mod support;
