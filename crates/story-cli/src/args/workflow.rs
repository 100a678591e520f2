//! The grammar of the verbs about the checkpoint of a run.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with the checkpoint of a run.
#[derive(Debug, Subcommand)]
pub enum WorkflowVerb {
    Show(WorkflowShowArgs),
    Start(WorkflowStartArgs),
    Finish(WorkflowFinishArgs),
    Clear(WorkflowClearArgs),
    Migrate(WorkflowMigrateArgs),
}

/// Show what a run has done, and what it was doing
///
/// Warns when the checkpoint is of another version, older than 48 hours, or made before the story was last changed. No
/// checkpoint is exit 3.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story workflow show S-0034
  story workflow show S-0034 --json")]
pub struct WorkflowShowArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
}

/// Note that an action begins
///
/// Makes the checkpoint if there is none, and prints the id of the workflow. An action that is running already is refused,
/// unless --resume says that its run has ended.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story workflow start S-0034 plan
  story workflow start S-0034 plan --resume")]
pub struct WorkflowStartArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// What begins, such as plan or review
    pub action: String,
    /// The checkpoint must be of this workflow
    #[arg(long, value_name = "ID")]
    pub workflow: Option<String>,
    /// Replace an action that was left unfinished
    #[arg(long)]
    pub resume: bool,
}

/// Note that an action is done
///
/// The one that is running; or ACTION, whether it was started or not.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story workflow finish S-0034
  story workflow finish S-0034 research
  story workflow finish S-0034 --given-up")]
pub struct WorkflowFinishArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// What is done
    pub action: Option<String>,
    /// The checkpoint must be of this workflow
    #[arg(long, value_name = "ID")]
    pub workflow: Option<String>,
    /// The running action ended without being done
    #[arg(long, conflicts_with = "action")]
    pub given_up: bool,
}

/// Remove the checkpoint: the run has ended
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story workflow clear S-0034")]
pub struct WorkflowClearArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The checkpoint must be of this workflow
    #[arg(long, value_name = "ID")]
    pub workflow: Option<String>,
}

/// Move the old global checkpoint to its story
///
/// Older runs kept one for all stories, in the sdlc root. Refused while it says that an action is running, or names no story;
/// and kept while the story has one that cannot be read or is of another workflow. Without a global one nothing happens.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story workflow migrate")]
pub struct WorkflowMigrateArgs {}
