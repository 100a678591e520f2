//! The grammar of the verbs that count tries and restart the cycle.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, Subcommand};
use story::limits::Limit;

use super::review::{AutoCompleteArgs, RefineVerb, ReviewVerb};

/// Verbs that count tries, review and refine, and restart the cycle.
#[derive(Debug, Subcommand)]
pub enum RecoveryVerb {
    ResetCycle(ResetCycleArgs),
    /// Count retries, look how many are left, note the errors that led to them
    #[command(subcommand)]
    Retry(RetryVerb),
    /// Count recoveries, and look how many are left
    #[command(subcommand)]
    Recovery(RecoveryCountVerb),
    /// Note refinements, and look whether one more is allowed
    #[command(subcommand)]
    Refine(RefineVerb),
    /// Note what reviews decided, and show the latest
    #[command(subcommand)]
    Review(ReviewVerb),
    AutoComplete(AutoCompleteArgs),
}

/// The story, and nothing else.
#[derive(Debug, Args)]
pub struct StoryArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
}

/// Send a story back to planning
///
/// Sets `plan_complete`, `implementation_complete` and `reviews_complete` to false, keeps the research, counts a retry, and
/// notes the reason and the time, all in one step.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story reset-cycle S-0034 --reason 'the plan does not fit the new interface'")]
pub struct ResetCycleArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// Why
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub reason: String,
}

/// What to do with retries.
#[derive(Debug, Subcommand)]
pub enum RetryVerb {
    Show(RetryShowArgs),
    Inc(RetryIncArgs),
    /// Write the limit of retries into a story that has none
    ///
    /// A cycle under way then keeps its limit when the configuration changes.
    #[command(after_help = "\
Example:
  story retry snapshot S-0034")]
    Snapshot(StoryArgs),
    Reset(RetryResetArgs),
    Error(RetryErrorArgs),
    /// Empty the history of errors after a success
    ///
    /// The counters stay; `story retry reset --implementation` resets that of the implementation.
    #[command(after_help = "\
Example:
  story retry success S-0034")]
    Success(StoryArgs),
}

/// Print how many retries were counted and are allowed
///
/// The limit is `max_retries` of the story, else that of .ai-sdlc.json; it is reached once as many retries are counted. With
/// --implementation: the retries after the first try of the implementation; that limit is passed once more are counted. The
/// exit code is 0 in any case; `at_max` in the JSON says which it is, and `auto_restart` whether a rejection is to start the
/// cycle again by itself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story retry show S-0034
  story retry show S-0034 --max 5
  story retry show S-0034 --implementation --json")]
pub struct RetryShowArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The retries of the implementation
    #[arg(long)]
    pub implementation: bool,
    /// Take this limit instead: a number, or `unlimited`
    #[arg(long, value_name = "N", value_parser = parse_limit, conflicts_with = "implementation")]
    pub max: Option<Limit>,
}

/// Count one more retry
///
/// Notes the time in `last_restart_timestamp`. With --implementation: one more retry of the implementation, and no time. It
/// counts beyond the limit too; the result says whether that is reached.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story retry inc S-0034
  story retry inc S-0034 --implementation")]
pub struct RetryIncArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The retries of the implementation
    #[arg(long)]
    pub implementation: bool,
}

/// Set the retries of the implementation to 0
///
/// The retries of the whole cycle are reset by `story unblock --reset-retries`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story retry reset S-0034 --implementation")]
pub struct RetryResetArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The retries of the implementation; there are no others to reset here
    #[arg(long, required = true, action = ArgAction::SetTrue)]
    pub implementation: bool,
}

/// Note an error that an implementation met
///
/// The error that was noted last counts once more; any other is a new entry of `error_history`, which keeps ten. An entry
/// has the SHA-256 of the text, its beginning, and when it was seen first and last.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story retry error S-0034 'error[E0308]: mismatched types'
  echo 'no such file' | story retry error S-0034 -")]
pub struct RetryErrorArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The error, or - for standard input; blanks and line ends at its end do not count
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    pub text: String,
}

/// What to do with recoveries.
#[derive(Debug, Subcommand)]
pub enum RecoveryCountVerb {
    /// Print how many recoveries were counted; ten are allowed
    ///
    /// The exit code is 0 in any case; `at_max` in the JSON says whether the limit is reached.
    #[command(after_help = "\
Example:
  story recovery show S-0034")]
    Show(StoryArgs),
    /// Count one more recovery
    ///
    /// It counts beyond the limit too; the result says whether that is reached.
    #[command(after_help = "\
Example:
  story recovery inc S-0034")]
    Inc(StoryArgs),
    /// Set the recoveries to 0
    #[command(after_help = "\
Example:
  story recovery reset S-0034")]
    Reset(StoryArgs),
}

impl RecoveryCountVerb {
    /// The story that it is about.
    pub fn story(&self) -> &Path {
        match self {
            Self::Show(args) | Self::Inc(args) | Self::Reset(args) => &args.story,
        }
    }
}

fn parse_limit(text: &str) -> Result<Limit, String> {
    if text == "unlimited" {
        return Ok(Limit::Unlimited);
    }
    text.parse()
        .map(Limit::Times)
        .map_err(|_| "a limit is a whole number, or unlimited".to_owned())
}
