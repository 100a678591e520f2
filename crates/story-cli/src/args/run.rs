//! The grammar of `story run`: a command as a task, and what becomes of tasks.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};
use task_runner::TaskId;

use super::run_verbs::RunVerb;
use crate::durations;

/// Run a command as a task that can be undone
///
/// One task runs in a working tree of git at a time. Before CMD starts, the whole tree is recorded as a snapshot: files,
/// staged or not, tracked or not, except those that git ignores. When CMD succeeds the snapshot goes, unless it holds the only
/// copy of something; when CMD fails, or anything dies, it stays, and `story run restore TASK` brings the tree back.
///
/// The streams of CMD are ours, and nothing is added to its output; what there is to say stands on stderr. Its exit code is
/// passed on, 128+n when signal n ended it, 124 when its time was over. SIGINT, SIGTERM and SIGHUP are forwarded. It finds
/// `STORY_TASK`, `STORY_RUN` and `STORY_SNAPSHOT` in its environment. While another task runs in the tree: exit 1, and who.
#[derive(Debug, Args)]
#[command(
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  story run -- sh -c 'echo hello > hello.txt'
  story run --task parser --on-failure restore --time-limit 30m -- sh -c 'echo done > result.txt'
  story run --wait 10m --json -- true"
)]
pub struct RunArgs {
    #[command(flatten)]
    pub options: RunOptions,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
    #[command(subcommand)]
    pub verb: Option<RunVerb>,
}

/// How to run the command. None of them goes with a verb.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub struct RunOptions {
    /// What the task is called: up to 64 bytes on one line [default: run-TIME-RANDOM]
    #[arg(long, value_name = "ID", value_parser = task_id)]
    pub task: Option<TaskId>,
    /// What becomes of the tree when CMD fails [default: keep]
    #[arg(long, value_name = "WHAT", value_enum)]
    pub on_failure: Option<WhenFailed>,
    /// How long to wait for the task that runs in this tree [default: not at all]
    #[arg(long, value_name = "DURATION", value_parser = durations::parse)]
    pub wait: Option<Duration>,
    /// End CMD and everything that it started after this time: SIGTERM, and SIGKILL 10 s later
    #[arg(long, value_name = "DURATION", value_parser = durations::parse)]
    pub time_limit: Option<Duration>,
    /// Exit with N when the command could not be started, instead of our own code
    #[arg(long, value_name = "N")]
    pub conflict_exit_code: Option<u8>,
    /// What is done and why, for the list of snapshots: free text
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
}

/// What becomes of the tree when the command fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhenFailed {
    /// It stays as it is; the snapshot stays, too
    Keep,
    /// It becomes what it was before; what this overwrites is kept in a snapshot of its own
    Restore,
    /// Ask, where there is a terminal; else as keep
    Ask,
}

/// Reads the name of a task.
///
/// # Errors
///
/// One sentence for the usage message.
pub fn task_id(text: &str) -> Result<TaskId, String> {
    TaskId::new(text).map_err(|err| err.to_string())
}
