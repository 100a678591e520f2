//! Why a snapshot is still there. Pure.

use std::fmt;
use std::path::Path;

use task_runner::Snapshot;

use crate::run::Known;
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
    /// A run took it that the journal knows.
    Run {
        /// The word for what became of that.
        state: &'static str,
        /// The same for people.
        outcome: String,
    },
    /// A run took it, and nothing is known of the run.
    UnknownRun,
    /// A run in another working tree took it.
    Elsewhere,
}

impl Kept {
    /// Judges by what the snapshot tells, and by the tasks of the working tree whose top is given.
    pub fn judge(snapshot: &Snapshot, tasks: &[Known], top: &Path) -> Self {
        if let Some(of) = &snapshot.rescue_of {
            return Self::Rescue { of: of.clone() };
        }
        let Some(run) = &snapshot.run else {
            return Self::ByHand;
        };
        if snapshot.worktree != top {
            return Self::Elsewhere;
        }
        let its = tasks
            .iter()
            .find(|known| known.task() == Some(&snapshot.task));
        let Some(known) = its.filter(|known| known.has_run(run)) else {
            return Self::UnknownRun;
        };
        Self::Run {
            state: known.state(),
            outcome: known.outcome(),
        }
    }

    /// The word for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ByHand => "by-hand",
            Self::Rescue { .. } => "rescue",
            Self::Run { state, .. } => state,
            Self::UnknownRun => "unknown-run",
            Self::Elsewhere => "elsewhere",
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByHand => write!(f, "taken by hand"),
            Self::Rescue { of } => write!(f, "rescue of {}", short(of)),
            Self::Run { state: "done", .. } => write!(f, "only copy"),
            Self::Run { outcome, .. } => write!(f, "task: {outcome}"),
            Self::Elsewhere => write!(f, "task in another tree"),
            Self::UnknownRun => write!(f, "its run is not in the journal"),
        }
    }
}
