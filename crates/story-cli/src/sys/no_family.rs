//! Only the child itself can be ended: what it started is not found here.

use std::io;
use std::process::Child;
use std::time::Duration;

use super::{Ending, end_child, wait_without_reaping};

/// Nobody is adopted.
pub fn adopt_orphans() {}

/// Nobody was adopted.
pub fn bury_orphans(_child: &Child) {}

/// A child, and what it was told.
#[derive(Debug)]
pub struct Family {
    told: Option<Ending>,
}

impl Family {
    /// The child alone.
    pub fn of(_child: &Child) -> Self {
        Self { told: None }
    }

    /// Asks or forces the child to end, once; returns how many live.
    ///
    /// # Errors
    ///
    /// When the child cannot be waited for.
    pub fn tell(&mut self, child: &mut Child, ending: Ending) -> io::Result<usize> {
        if wait_without_reaping(child, Some(Duration::ZERO))? {
            return Ok(0);
        }
        if self.told.replace(ending) != Some(ending) {
            end_child(child, ending);
        }
        Ok(1)
    }
}
