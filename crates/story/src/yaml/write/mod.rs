//! Values -> YAML text in the style of the reference tool's js-yaml 3.14 (contract, section 12).
//!
//! All text is written with LF; the splice that inserts it gives it the file's line ends.

mod block_scalar;
mod number;
mod render;
mod sound;
mod string;

pub(crate) use number::float_text;
pub(crate) use render::{Renderer, flow, flow_entry, named};
pub(crate) use sound::{levels, refuse_unsound, refuse_unsound_key};
pub(crate) use string::{Spot, key, string};
