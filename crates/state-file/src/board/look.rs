//! Looking at a board without a lock.

use std::path::Path;

use atomic_file::{Original, ReadError as FileError, Revision};

use super::error::RuleError;
use super::failure::BoardError;
use super::metrics::Metrics;
use super::paper::TextError;
use super::shared::Board;
use super::tasks::Tasks;
use crate::error::ReadError;
use crate::pending;
use crate::read::{Found, MAX_STATE_BYTES, read};

/// How often both files are read when they change meanwhile. Chosen: somebody who only looks is not kept for long.
const TRIES: u32 = 8;

/// The tasks of a board as they were read.
#[derive(Debug, Clone)]
pub struct SeenTasks {
    /// The tasks.
    pub tasks: Tasks,
    found: Found,
}

/// A board as it was read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The tasks.
    pub seen: SeenTasks,
    /// The metrics; none of a file that is not there.
    pub metrics: Metrics,
    /// Whether both are known to be of one moment; `false`: others changed the board all the while, and the two may be some
    /// transactions apart.
    pub is_settled: bool,
}

impl SeenTasks {
    fn of(found: Found) -> Result<Self, BoardError> {
        let tasks = Tasks::parse(found.text.as_str())
            .map_err(|err| BoardError::of_text(TextError::Rule(err), &found.path))?;
        Ok(Self { tasks, found })
    }

    /// The revision of the file of tasks; costs a look at every byte.
    pub fn revision(&self) -> Revision {
        self.found.revision()
    }

    /// The file of tasks, with all links resolved.
    pub fn path(&self) -> &Path {
        &self.found.path
    }
}

impl Board {
    /// Reads the tasks as they are now, and them alone: whatever became of the metrics. No lock, no waiting for writers; a
    /// transaction that is decided counts.
    ///
    /// # Errors
    ///
    /// [`BoardError::Read`], [`BoardError::Unclear`]: the file is not there, not JSON, or not a board.
    pub fn read_tasks(&self) -> Result<SeenTasks, BoardError> {
        SeenTasks::of(read(&self.tasks)?)
    }

    /// Reads both files as they are now: no lock, no waiting for writers. A transaction that is decided counts, even if its
    /// process died before it was carried out.
    ///
    /// Both files are read twice: if neither has changed meanwhile, they are of one moment. While others change the board
    /// all the time this is tried eight times; then [`Snapshot::is_settled`] says that it is not known.
    ///
    /// # Errors
    ///
    /// [`BoardError::Read`], [`BoardError::Unclear`]: a file is not there, not JSON, or not a board. Missing metrics are none.
    pub fn read(&self) -> Result<Snapshot, BoardError> {
        self.read_twice(|| {})
    }

    /// `between` is what happens between the two looks.
    fn read_twice(&self, mut between: impl FnMut()) -> Result<Snapshot, BoardError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let tasks = read(&self.tasks)?;
            let metrics = if_there(read(&self.metrics))?;
            between();
            let is_settled =
                is_still(&self.tasks, Some(&tasks))? && is_still(&self.metrics, metrics.as_ref())?;
            if is_settled || tries == TRIES {
                return self.snapshot(tasks, metrics, is_settled);
            }
        }
    }

    fn snapshot(
        &self,
        tasks: Found,
        metrics: Option<Found>,
        is_settled: bool,
    ) -> Result<Snapshot, BoardError> {
        let of_rule = |err: RuleError| BoardError::of_text(TextError::Rule(err), &self.metrics);
        let metrics = match metrics {
            Some(found) => Metrics::parse(found.text.as_str()),
            None => Ok(Metrics::default()),
        };
        Ok(Snapshot {
            seen: SeenTasks::of(tasks)?,
            metrics: metrics.map_err(of_rule)?,
            is_settled,
        })
    }
}

fn if_there(found: Result<Found, ReadError>) -> Result<Option<Found>, ReadError> {
    match found {
        Err(err) if err.is_not_found() => Ok(None),
        found => found.map(Some),
    }
}

/// Whether a file still says what was read, decided transactions included.
fn is_still(path: &Path, found: Option<&Found>) -> Result<bool, ReadError> {
    let now = match Original::read_with_limit(path, MAX_STATE_BYTES) {
        Ok(original) => Some(original),
        Err(FileError::NotFound { .. }) => None,
        Err(err) => return Err(err.into()),
    };
    let now = now.as_ref().map(Original::bytes);
    let decided = pending::decided(path, now)?;
    let now = decided.as_deref().or(now);
    Ok(now == found.map(|found| found.text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::*;

    const TASKS: &str = "tasks.json";
    const METRICS: &str = "metrics.json";

    fn board(sandbox: &Sandbox) -> Board {
        sandbox.write(TASKS, "[]");
        Board::at(&sandbox.join(TASKS), &sandbox.join(METRICS)).expect("both are in one folder")
    }

    #[test]
    fn read_looks_again_when_a_file_changes_between_its_looks() {
        let task = r#"[{"id": "a", "history": [{"agent": "ann", "action": "created"}]}]"#;
        let metrics = r#"{"agents": {"ann": {"created": 1}}}"#;
        for (name, text) in [(TASKS, task), (METRICS, metrics)] {
            let sandbox = Sandbox::new();
            let board = board(&sandbox);
            let mut looks = 0;
            let found = board.read_twice(|| {
                looks += 1;
                if looks == 1 {
                    sandbox.write(name, text);
                }
            });
            let found = found.expect("both are clear");
            assert_eq!(looks, 2, "{name} had changed, and then no more");
            assert!(found.is_settled, "both are of one moment");
            let seen = (found.seen.tasks.all().len(), found.metrics.agents.len());
            let expected = if name == TASKS { (1, 0) } else { (0, 1) };
            assert_eq!(seen, expected, "what is there now is seen");
        }
    }

    #[test]
    fn read_says_when_the_files_do_not_settle() {
        let sandbox = Sandbox::new();
        let board = board(&sandbox);
        let mut looks = 0;
        let found = board.read_twice(|| {
            looks += 1;
            sandbox.write(TASKS, format!("[{{\"id\": \"t{looks}\"}}]"));
        });
        let found = found.expect("both are clear");
        assert!(!found.is_settled, "it changed all the while");
        assert_eq!(looks, TRIES, "and was not looked at for ever");
    }
}
