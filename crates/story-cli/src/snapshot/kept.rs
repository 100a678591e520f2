//! Why a snapshot is still there. Pure.

use std::fmt;

use task_runner::Snapshot;

use crate::table::short;

/// Why a snapshot is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Somebody took it, and did not drop it.
    ByHand,
    /// It holds what a restore has overwritten.
    Rescue {
        /// The snapshot that was restored.
        of: String,
    },
    /// A run took it, and nothing is known of the run.
    UnknownRun,
}

impl Kept {
    /// What the snapshot itself tells.
    pub fn without_journal(snapshot: &Snapshot) -> Self {
        match (&snapshot.rescue_of, &snapshot.run) {
            (Some(of), _) => Self::Rescue { of: of.clone() },
            (None, None) => Self::ByHand,
            (None, Some(_)) => Self::UnknownRun,
        }
    }

    /// The word for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ByHand => "by-hand",
            Self::Rescue { .. } => "rescue",
            Self::UnknownRun => "unknown-run",
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByHand => write!(f, "taken by hand"),
            Self::Rescue { of } => write!(f, "rescue of {}", short(of)),
            Self::UnknownRun => write!(f, "its run is not in the journal"),
        }
    }
}
