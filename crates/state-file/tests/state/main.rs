//! State files through the public face: reading, changing, replacing, with threads, processes and others who lock nothing.

mod bad_input;
mod bytes;
mod confirmed;
mod creating;
mod interference;
mod locks;
mod optimistic;
#[cfg(unix)]
mod processes;
mod reading;
mod support;
mod typed;
mod versions;
