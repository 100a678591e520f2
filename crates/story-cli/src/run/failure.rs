//! From an error of the runner to a failure. Pure.

use task_runner::RunError;

use crate::failure::{Code, Failure};

impl Failure {
    /// A task was not run.
    pub fn from_run(err: RunError) -> Self {
        match err {
            RunError::Lock(err) => Self::from_state_lock(err),
            RunError::Journal(err) => Self::from_task_journal(&err),
            RunError::Snapshot(err) => Self::from_snapshot(&err, "run a task"),
            err => Self::new(Code::Io, "cannot run a task").with_chain(&err),
        }
    }
}
