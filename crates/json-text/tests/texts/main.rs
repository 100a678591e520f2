//! Texts through the crate's public face.

mod edits;
mod following;
mod invariants;
mod merging;
mod parsing;
mod properties;
mod real_world;
