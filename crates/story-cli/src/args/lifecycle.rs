//! The grammar of the verbs that move a story along.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Verbs that move a story along.
#[derive(Debug, Subcommand)]
pub enum LifecycleVerb {
    Complete(CompleteArgs),
}

/// Mark all four phases of a story complete
///
/// Sets `research_complete`, `plan_complete`, `implementation_complete` and `reviews_complete` in one step. The status stays.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story complete S-0034")]
pub struct CompleteArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
}
