//! Files and people that mean harm.

use crate::case::Case;

/// The cases of this section.
pub const CASES: &[Case] = &[];
