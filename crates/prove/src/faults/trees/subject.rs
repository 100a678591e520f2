//! What is killed or fails, and where it begins.

use super::judge;
use super::tree::{Run, Tree};
use crate::faults::operation::Judged;
use crate::trees::{FAILING_TASK, STASHED_TASK};

/// How far things had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has recorded anything.
    Fresh,
    /// It was recorded for the task T-1.
    Recorded,
    /// And then the task was at work.
    Damaged,
}

/// A command, where it begins, and what must be true after it was disturbed.
pub struct Subject {
    pub stage: Stage,
    pub command: &'static [&'static str],
    /// How it ends when nothing is in its way.
    pub exit: i32,
    pub after_kill: fn(&Tree<'_>, &Run) -> Judged,
    pub after_error: fn(&Tree<'_>, &Run) -> Judged,
}

/// A snapshot of a tree.
pub const TAKE: Subject = Subject {
    stage: Stage::Fresh,
    command: &["STORY", "snapshot", "take", "--task", "T-1"],
    exit: 0,
    after_kill: judge::taken,
    after_error: judge::taken,
};

/// The way back.
pub const RESTORE: Subject = Subject {
    stage: Stage::Damaged,
    command: &["STORY", "snapshot", "restore", "T-1"],
    exit: 0,
    after_kill: judge::restored,
    after_error: judge::restored,
};

/// A snapshot that is needed no more: the tree is as it was.
pub const DROP: Subject = Subject {
    stage: Stage::Recorded,
    command: &["STORY", "snapshot", "drop", "T-1"],
    exit: 0,
    after_kill: judge::dropped,
    after_error: judge::dropped,
};

/// A task that does damage and fails, after which the tree is brought back.
pub const RUN: Subject = Subject {
    stage: Stage::Fresh,
    command: &[
        "STORY",
        "run",
        "--task",
        "T-1",
        "--on-failure",
        "restore",
        "--",
        "sh",
        "-c",
        FAILING_TASK,
    ],
    exit: 3,
    after_kill: judge::ran,
    after_error: judge::ran,
};

/// The recipe that everybody knows. It empties the tree for the task, and does not come back over what the task did.
pub const STASH: Subject = Subject {
    stage: Stage::Fresh,
    command: &["sh", "-c", STASHED_TASK],
    exit: 1,
    after_kill: judge::stashed,
    after_error: judge::stashed,
};
