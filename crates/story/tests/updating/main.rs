//! `story::update` and `story::read` on real files, with others at work.
#![cfg(unix)]

mod beside;
mod interference;
mod locks;
mod reading;
mod support;
mod transaction;
