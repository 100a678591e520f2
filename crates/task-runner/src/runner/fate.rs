//! What becomes of the snapshot and the tree when the work has ended.

use super::report::{Fate, Kept, Trouble};
use super::witness::{Choice, Witness};
use super::{OnFailure, Task, TaskRunner};
use crate::drop::{Drop, Dropped};
use crate::ended::Ended;
use crate::journal::{Attempt, Decision, Journal, Written};
use crate::restore::RestoreOptions;
use crate::snapshot::Snapshot;
use crate::state_lock::StateLockGuard;

/// The end of one run.
pub(super) struct Settling<'a> {
    pub runner: &'a TaskRunner<'a>,
    pub journal: &'a Journal,
    pub lock: &'a StateLockGuard,
    pub task: &'a Task,
    pub snapshot: &'a Snapshot,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Drop,
    Keep,
    Ask,
    Restore,
}

/// Work that did not begin has changed nothing.
fn step(ended: Ended, on_failure: OnFailure) -> Step {
    match (ended, on_failure) {
        (Ended::Done | Ended::NotStarted, _) => Step::Drop,
        (_, OnFailure::Keep) => Step::Keep,
        (_, OnFailure::Ask) => Step::Ask,
        (_, OnFailure::Restore) => Step::Restore,
    }
}

impl Settling<'_> {
    /// Writes the outcome down, and then drops, keeps or restores.
    pub(super) fn settle(
        &self,
        attempt: &mut Attempt,
        ended: Ended,
        witness: &mut dyn Witness,
    ) -> (Fate, Vec<Trouble>) {
        let mut troubles = Vec::new();
        match self.journal.end(attempt, ended, self.runner.now()) {
            Ok(Written::InPlace) => {}
            Ok(Written::Anew) => troubles.push(Trouble::JournalDeleted),
            Err(err) => troubles.push(Trouble::NotWrittenDown(err)),
        }
        let is_written = !matches!(troubles[..], [Trouble::NotWrittenDown(_)]);
        let mut step = step(ended, self.task.on_failure);
        if let Err(lost) = self.lock.verify() {
            // Somebody else may be at work in the tree: what it holds now says nothing, and it is not ours to change.
            troubles.push(Trouble::LockLost(lost));
            return (Fate::Kept(Kept::Trouble), troubles);
        }
        if step == Step::Drop && !is_written {
            return (Fate::Kept(Kept::Trouble), troubles);
        }
        if step == Step::Ask {
            step = match witness.choose(ended, self.snapshot) {
                Choice::Keep => Step::Keep,
                Choice::Restore => Step::Restore,
            };
        }
        let fate = match step {
            Step::Drop => self.drop(&mut troubles),
            Step::Restore => self.restore(attempt, &mut troubles),
            Step::Keep | Step::Ask => self.keep(&mut troubles),
        };
        (fate, troubles)
    }

    /// The work may have deleted the ref, or the whole repository: then nothing must be promised.
    fn keep(&self, troubles: &mut Vec<Trouble>) -> Fate {
        match self.runner.snapshots.list() {
            Ok(all) if all.iter().any(|one| one.id == self.snapshot.id) => {
                Fate::Kept(Kept::NotDone)
            }
            Ok(_) => Fate::Gone,
            Err(err) => {
                troubles.push(Trouble::NotFound(err));
                Fate::Gone
            }
        }
    }

    fn drop(&self, troubles: &mut Vec<Trouble>) -> Fate {
        match self.runner.snapshots.drop(self.snapshot, Drop::IfSafe) {
            Ok(Dropped::Gone) => {
                self.forget(troubles);
                Fate::Dropped
            }
            Ok(Dropped::Kept { only_there, commit }) => {
                Fate::Kept(Kept::OnlyCopy { only_there, commit })
            }
            Err(err) => {
                troubles.push(Trouble::NotDropped(err));
                Fate::Kept(Kept::Trouble)
            }
        }
    }

    fn forget(&self, troubles: &mut Vec<Trouble>) {
        let now = self.runner.now();
        let forgotten = self
            .journal
            .forget_snapshot(&self.task.id, &self.snapshot.id, now);
        troubles.extend(forgotten.err().map(Trouble::NotWrittenDown));
    }

    fn restore(&self, attempt: &Attempt, troubles: &mut Vec<Trouble>) -> Fate {
        let runner = self.runner;
        // What is undone began with the run that the snapshot was taken for, which may be an earlier attempt.
        let options = RestoreOptions {
            run: self.snapshot.run.clone().or_else(|| Some(attempt.run())),
            ..RestoreOptions::new(runner.now())
        };
        let restored =
            match runner
                .snapshots
                .restore(self.snapshot, &options, runner.options.shared)
            {
                Ok(restored) => restored,
                Err(err) => {
                    troubles.push(Trouble::NotRestored(err));
                    return Fate::Kept(Kept::Trouble);
                }
            };
        let decided = self
            .journal
            .decide(&self.task.id, Decision::Restored, runner.now());
        troubles.extend(decided.err().map(Trouble::NotWrittenDown));
        let is_dropped = restored.is_whole() && matches!(self.drop(troubles), Fate::Dropped);
        Fate::Restored {
            restored: Box::new(restored),
            is_dropped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_drops_only_after_work_that_ended_well_or_never_began() {
        let bad = [
            Ended::Failed { code: 1 },
            Ended::Signalled { signal: 9 },
            Ended::TimedOut,
        ];
        let policies = [
            (OnFailure::Keep, Step::Keep),
            (OnFailure::Ask, Step::Ask),
            (OnFailure::Restore, Step::Restore),
        ];
        for (policy, expected) in policies {
            for ended in [Ended::Done, Ended::NotStarted] {
                assert_eq!(step(ended, policy), Step::Drop, "{ended:?} with {policy:?}");
            }
            for ended in bad {
                assert_eq!(step(ended, policy), expected, "{ended:?} with {policy:?}");
            }
        }
    }
}
