//! Texts through the crate's public face.

mod edits;
mod parsing;
