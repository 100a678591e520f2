//! Power cuts: a file system on a loop device, shut down or copied at each step of an update.

use crate::case::Case;

/// The cases of this section.
pub const CASES: &[Case] = &[];
