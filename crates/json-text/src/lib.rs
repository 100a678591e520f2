//! One JSON text edited in place: what is not meant keeps its bytes, its order, its layout and its numbers. Pure: no file,
//! no lock, no clock.

mod align;
mod change;
mod difference;
mod error;
mod json;
mod keys;
mod layout;
mod merge;
mod path;
mod scan;
mod text;
mod tree;
mod write;

pub use error::{EditError, Kind, ParseError, ParseErrorKind};
pub use json::{Json, JsonError};
pub use path::{Path, PathError};
pub use scan::MAX_DEPTH;
pub use text::JsonText;
