//! A board in a folder of its own.

use std::path::PathBuf;

use sidecar_lock::LockOptions;
use state_file::board::{Actor, Board, Metrics, Moment, NewTask, Tasks, metrics};
use testkit::Sandbox;

pub const TASKS: &str = "tasks.json";
pub const METRICS: &str = "agent-performance-metrics.json";

/// A folder with a board, which need not be there yet.
pub struct Place {
    pub sandbox: Sandbox,
    pub board: Board,
}

impl Place {
    pub fn new() -> Self {
        Self::inside(Sandbox::new())
    }

    /// In memory where there is such a place: tests of many transactions are not to measure the disk.
    #[cfg(unix)]
    pub fn in_memory() -> Self {
        Self::inside(Sandbox::on_tmpfs().unwrap_or_default())
    }

    fn inside(sandbox: Sandbox) -> Self {
        let board = Board::at(&sandbox.join(TASKS), &sandbox.join(METRICS));
        let board = board.expect("both are in one folder");
        Self { sandbox, board }
    }

    pub fn pending(&self) -> PathBuf {
        self.sandbox.join(state_file::PENDING_FOLDER)
    }

    /// Puts a task on the board and returns its id.
    pub fn create(&self, new: &NewTask) -> String {
        let created = self.board.create(new, &actor("maker", 0), &options());
        created.expect("the task is sound").task.id
    }

    /// That metrics and board agree, as they are in the files and as they are read.
    pub fn assert_agreement(&self) {
        let check = self.board.check(&options()).expect("the board is clear");
        assert_eq!(check.differences, [], "the metrics say what the board says");
        assert_eq!(check.problems, [], "the board is sound");
        let text = |name| self.sandbox.read(name);
        let tasks = Tasks::parse(&text(TASKS)).expect("a board");
        let metrics = Metrics::parse(&text(METRICS)).expect("they are clear");
        assert_eq!(
            sorted(metrics),
            metrics::of(&tasks),
            "also without our reading"
        );
    }

    /// That nothing is left of transactions and their locks.
    pub fn assert_tidy(&self) {
        let left = testkit::leftovers(self.sandbox.path());
        assert!(left.is_empty(), "nothing is left behind: {left:?}");
        assert!(!self.pending().exists(), "no transaction waits");
    }
}

pub fn options() -> LockOptions {
    LockOptions::default()
}

pub fn actor(agent: &str, milliseconds: i64) -> Actor<'_> {
    let start = Moment::parse("2026-01-12T10:00:00Z").expect("an instant");
    let at = Moment::from_milliseconds(start.milliseconds() + milliseconds);
    let at = at.expect("a moment");
    Actor::new(agent, 7, move || at)
}

/// As `metrics::of` has them.
pub fn sorted(mut metrics: Metrics) -> Metrics {
    metrics.claims.sort();
    metrics
}
