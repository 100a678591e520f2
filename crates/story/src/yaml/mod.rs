//! YAML text with places.

use crate::error::ParseError;
use crate::value::Value;

/// Deepest nesting of lists and mappings that is read or written.
pub const MAX_DEPTH: usize = 64;

/// Most bytes the values may hold once aliases are resolved: 1 MiB, four times the longest
/// frontmatter (chosen).
pub const MAX_EXPANDED_BYTES: usize = 4 * crate::MAX_FRONTMATTER_BYTES;

pub(crate) fn parse_value(text: &str) -> Result<Value, ParseError> {
    Ok(Value::String(text.to_owned()))
}
