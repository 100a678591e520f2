//! One JSON text edited in place: what is not meant keeps its bytes, its order, its layout and its numbers. Pure: no file,
//! no lock, no clock.
//!
//! # Promises
//!
//! - What is read is strict JSON (RFC 8259) in UTF-8. Beyond that a text is refused in which an object has two members of one name, because
//!   programs differ in which one they take. [`ParseError`] says what is wrong, and where.
//! - An edit changes the bytes of the member or item that it names, with the comma and the line that come or go with it. Every other byte
//!   stays: order, number forms (1.0, 1e400, 12345678901234567890123), escapes, indentation, line ends, the final newline.
//! - What is new is laid out as its neighbours are: as far indented, with their line ends, or on their line.
//! - A value that stands there already is not written again, whatever its white space and escapes are.
//! - An edit that fails leaves the text as it was, and says in [`EditError`] where it did not fit. What an edit leaves can be read again, here
//!   and by `serde_json`.
//!
//! # Limits
//!
//! - Nested less deeply than [`MAX_DEPTH`], shorter than 4 GiB. Comments, trailing commas and byte order marks are no JSON.
//! - Half of a character in an escape (a lone surrogate such as `\ud800`) is refused, as by `serde_json`: no Rust text can hold it.
//! - A text that is edited is held whole, with 12 bytes for each of its values and names. An edit moves what stands behind it; a member is found by
//!   looking at those before it.
//!
//! # Example
//!
//! ```
//! use json_text::{Json, JsonText};
//!
//! let mut text = JsonText::parse(b"{\n    \"runs\": 41,\n    \"ratio\": 1.0\n}\n")?;
//! assert_eq!(text.increment(&"runs".parse()?, 1)?, 42);
//! text.set(&"last.agent".parse()?, &Json::text("reviewer"))?;
//! let after = "{\n    \"runs\": 42,\n    \"ratio\": 1.0,\n    \"last\": {\n        \"agent\": \"reviewer\"\n    }\n}\n";
//! assert_eq!(text.as_str(), after);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod align;
mod change;
mod difference;
mod error;
mod json;
mod keys;
mod layout;
mod merge;
mod narrow;
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
