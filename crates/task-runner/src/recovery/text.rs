//! What was interrupted, in words for people. Pure.

use std::fmt;

use super::{Interrupted, What};

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeforeWork => f.write_str(
                "was interrupted before its command began: its runner was killed, or the machine stopped",
            ),
            Self::AtWork => {
                f.write_str("was interrupted: its runner was killed, or the machine stopped")
            }
            Self::Outlived { pids } => {
                let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
                let pids = pids.join(", ");
                write!(f, "lost its runner, and goes on without it (process {pids})")
            }
            Self::Kept { state } => write!(f, "ended ({state}), and its snapshot is kept"),
            Self::Unrecorded => f.write_str("has a snapshot, and the journal does not know why"),
        }
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { task, what, .. } = self;
        match (what, &self.snapshot) {
            (What::Kept { state }, None) => write!(f, "{task} ended ({state})")?,
            _ => write!(f, "{task} {what}")?,
        }
        match self.gone.as_slice() {
            [] => Ok(()),
            [one] => write!(f, "; somebody has deleted the ref of its snapshot {one}"),
            more => write!(
                f,
                "; somebody has deleted the refs of its snapshots {}",
                more.join(", ")
            ),
        }
    }
}
