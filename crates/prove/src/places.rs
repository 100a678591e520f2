//! Places that are hostile: full, read-only, failing, shared, foreign.

use crate::case::Case;

/// The cases of this section.
pub const CASES: &[Case] = &[];
