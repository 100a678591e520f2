//! Who is told what happens during a run, and is asked what only a person can decide.

use crate::ended::Ended;
use crate::journal::JournalWarning;
use crate::recovery::Interrupted;
use crate::snapshot::{Snapshot, Taken};
use crate::state_lock::Freed;

/// Something that happens during a run, in this order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The tree is ours.
    Locked,
    /// The lock was that of a dead process.
    Freed(&'a Freed),
    /// A dead process has left something beside the journal.
    JournalRecovered(&'a JournalWarning),
    /// An earlier task has not come to an end.
    Interrupted(&'a Interrupted),
    /// The state before is recorded. The work begins.
    Recorded(&'a Taken),
}

/// Who is told what happens during a run.
pub trait Witness {
    /// Something happened.
    fn tell(&mut self, event: Event<'_>);

    /// What becomes of the tree after work that ended like this, where the task says [`OnFailure::Ask`](crate::OnFailure).
    fn choose(&mut self, ended: Ended, snapshot: &Snapshot) -> Choice;
}

/// What becomes of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It stays as it is.
    Keep,
    /// It becomes what it was before.
    Restore,
}
