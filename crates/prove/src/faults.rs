//! System calls of the program under test that are killed or fail.

use crate::case::Case;

/// The cases of this section.
pub const CASES: &[Case] = &[];
