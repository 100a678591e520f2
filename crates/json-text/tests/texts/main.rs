//! Texts through the crate's public face.

mod edits;
mod following;
mod merging;
mod parsing;
