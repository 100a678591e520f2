//! The grammar of the verbs that look at a story's journal or go back by it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Verbs of the journal.
#[derive(Debug, Subcommand)]
pub enum JournalVerb {
    Log(LogArgs),
    Undo(UndoArgs),
}

/// Show the changes of a story, oldest first
///
/// Each change leaves a line in .ai-sdlc/journal/: when, which operation, whether it was done, who, by which command, and
/// each key with its old and new value. Changes by other programs leave none: `story doctor` tells of them. Above 1 MiB the
/// older half of a journal is dropped. A story outside of an sdlc root has no journal.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story log S-0034
  story log S-0034 --limit 1 --json")]
pub struct LogArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// Show the last N only; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
}

/// Take back one change of a story
///
/// Puts the old values back, and the old lines of the body; `updated` is set as by any change. Without OP the last change is
/// taken back. That is a change itself, so a second `story undo` takes back the first. It is refused (exit 7) when a later
/// change touches the same key or lines, or when they are not what that change left.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story set S-0034 priority=3 --op-id demo-1 && story undo S-0034
  story set S-0034 priority=3 --op-id demo-2 && story undo S-0034 demo-2")]
pub struct UndoArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The operation, as `story log` tells it
    #[arg(value_name = "OP")]
    pub operation: Option<String>,
}
