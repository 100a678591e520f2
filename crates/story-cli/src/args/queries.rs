//! The grammar of the verbs that look at many stories.

use clap::{Args, Subcommand};
use story::board::LabelPattern;

/// Verbs that look at many stories, without a lock.
#[derive(Debug, Subcommand)]
pub enum QueryVerb {
    List(ListArgs),
    Board(BoardArgs),
    Phases(PhasesArgs),
    Watch(WatchArgs),
}

/// Which stories are shown.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Which stories")]
pub struct FilterArgs {
    /// Only those with this status; several mean any of them
    #[arg(long = "status", value_name = "STATUS", value_delimiter = ',')]
    pub statuses: Vec<String>,
    /// Only those with a label like this, such as team-*; several mean all of them
    #[arg(long = "label", value_name = "PATTERN")]
    pub labels: Vec<LabelPattern>,
    /// Only those of this epic, with or without epic- before it
    #[arg(long, value_name = "EPIC")]
    pub epic: Option<String>,
    /// Only those assigned to, or claimed by, this one
    #[arg(long = "of", value_name = "NAME")]
    pub of: Option<String>,
    /// Only those that can be started: ready, not claimed, with all dependencies done
    #[arg(long)]
    pub ready: bool,
    /// Only those with this in their id or title, ignoring case
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
}

/// List stories
///
/// One line a story, by status, priority, day of creation and id. Takes no lock and waits for nobody. A story that is being
/// worked on in its own git worktree is shown by that copy, and marked. What cannot be read is told on stderr. With --json:
/// the members of the reference tool's status, and warnings.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story list
  story list --status ready,in-progress --label 'team-*'
  story list --ready --json
  story list --of worker-1 update")]
pub struct ListArgs {
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// Show stories as a board, a column for each status
///
/// On a narrow terminal the columns stand below each other. With --watch the board is drawn again on each change, until
/// SIGINT or SIGTERM comes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story board
  story board --epic board --color never")]
pub struct BoardArgs {
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Draw the board again on each change
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
}

/// Show in which order stories can be worked on
///
/// Each phase holds the stories whose dependencies are done or stand in earlier phases; done stories are left out. A
/// dependency that is not there, or a circle, is an error that spells it out (exit 7).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story phases
  story phases --epic board --json")]
pub struct PhasesArgs {
    /// Only the stories of this epic, with or without epic- before it
    #[arg(long, value_name = "EPIC")]
    pub epic: Option<String>,
}

/// Print each change of a story as it happens
///
/// One line a change, whoever made it: the story, what happened, the keys with their old and new values, the new revision.
/// `content` is the body. With --json the first line says that from now on nothing is missed. Changes that follow
/// each other within milliseconds may be told as one. Ends on SIGINT or SIGTERM, or when nobody reads its output any more.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  timeout 1 story watch --json || true")]
pub struct WatchArgs {}
