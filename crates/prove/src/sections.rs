//! All cases, in the order of the table.

use crate::case::Case;
use crate::{faults, hostile, kernel, places, power, protocol, soak};

/// Every case there is.
pub fn all() -> Vec<Case> {
    [
        protocol::CASES,
        faults::CASES,
        faults::leasing::CASES,
        faults::state::CASES,
        faults::trees::CASES,
        power::CASES,
        kernel::CASES,
        places::CASES,
        hostile::CASES,
        soak::CASES,
    ]
    .concat()
}
