//! The grammar of the verbs that move a story along.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use story::lifecycle::Redo;
use story::ticket::Provider;

/// Verbs that move a story along.
#[derive(Debug, Subcommand)]
pub enum LifecycleVerb {
    Status(StatusArgs),
    Context(ContextArgs),
    Block(BlockArgs),
    Unblock(UnblockArgs),
    Approve(ApproveArgs),
    Complete(CompleteArgs),
    Merged(MergedArgs),
    ResetPhase(ResetPhaseArgs),
    ResetWorkflow(ResetWorkflowArgs),
    Link(LinkArgs),
    Feedback(FeedbackArgs),
}

/// Show where a story stands, or move it
///
/// Without NEW the status, the next phase, and whether the pull request is merged are printed. A story becomes done only if `implementation_complete` and
/// `reviews_complete` are true, else nothing is changed and the exit code is 7; every other change is allowed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story status S-0034
  story status S-0034 in-progress")]
pub struct StatusArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// What it shall be
    #[arg(value_enum)]
    pub new: Option<NewStatus>,
}

/// What a status can be set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NewStatus {
    /// An idea
    Backlog,
    /// Refined
    Ready,
    /// Being implemented or reviewed
    InProgress,
    /// Through; needs both flags
    Done,
    /// Stopped; `story block` also notes why
    Blocked,
}

impl NewStatus {
    /// As the library has it.
    pub fn status(self) -> story::Status {
        match self {
            Self::Backlog => story::Status::Backlog,
            Self::Ready => story::Status::Ready,
            Self::InProgress => story::Status::InProgress,
            Self::Done => story::Status::Done,
            Self::Blocked => story::Status::Blocked,
        }
    }
}

/// Print a story with what its phases wrote
///
/// The story, and behind it research.md, plan.md, `plan_review.md` and review.md, as far as they lie beside it. With --json each
/// section is a member, taken from its file, else from the story. Takes no lock.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story context S-0034
  story context S-0034 --json")]
pub struct ContextArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
}

/// Block a story and note why
///
/// Sets the status to blocked, `blocked_reason` (made harmless, cut to 200 characters), `blocked_at` and
/// `blocked_diagnostic`. Whatever the status was; a blocked story gets the new reason.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story block S-0034 --reason 'the tests do not compile'
  story block S-0034 --reason 'same error' --identical-errors --consecutive 3")]
pub struct BlockArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// Why
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub reason: String,
    /// The same error came again and again
    #[arg(long)]
    pub identical_errors: bool,
    /// How often in a row
    #[arg(long, value_name = "N")]
    pub consecutive: Option<u32>,
    /// What a person may try
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub suggested_fix: Option<String>,
}

/// Send a blocked story back to work
///
/// The status becomes in-progress if the implementation is complete, else ready if the plan is, else backlog.
/// `blocked_reason` and `blocked_at` go, `blocked_diagnostic` stays. What is not blocked is refused: exit 7.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story unblock S-0034 --reset-retries")]
pub struct UnblockArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// Start again to count: `retry_count`, `refinement_count` and `total_recovery_attempts` become 0
    #[arg(long)]
    pub reset_retries: bool,
}

/// Accept the plan of a story
///
/// Sets `plan_review_complete`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story approve S-0034")]
pub struct ApproveArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
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

/// Note that the pull request of a story is merged
///
/// Sets `pr_merged`, `merged_at` and, with --sha, `merge_sha`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story merged S-0034
  story merged S-0034 --sha 0a1b2c3d")]
pub struct MergedArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The commit of the merge
    #[arg(long, value_name = "SHA")]
    pub sha: Option<String>,
}

/// Have one phase of a story done again
///
/// Sets that one flag to false: `research_complete`, `plan_complete` or `implementation_complete`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story reset-phase S-0034 plan")]
pub struct ResetPhaseArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// Which
    #[arg(value_enum)]
    pub phase: PhaseToRedo,
}

/// A phase that can be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PhaseToRedo {
    /// `research_complete`
    Research,
    /// `plan_complete`
    Plan,
    /// `implementation_complete`
    Implement,
}

impl PhaseToRedo {
    /// As the library has it.
    pub fn redo(self) -> Redo {
        match self {
            Self::Research => Redo::Research,
            Self::Plan => Redo::Plan,
            Self::Implement => Redo::Implement,
        }
    }
}

/// Forget the worktree of a story, for a fresh one
///
/// Removes `worktree_path` and `branch`. The status becomes ready if the plan or the implementation is complete, else
/// backlog; the flags stay. Unlike after `story unblock`, an implemented story is only ready.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story reset-workflow S-0034")]
pub struct ResetWorkflowArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
}

/// Link a story to its ticket in another system
///
/// Sets `ticket_provider`, `ticket_id` (as text), `ticket_url` and `ticket_synced_at`. A body is taken over only while that
/// of the story is shorter than 50 characters. The key `updated` stays as it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story link S-0034 --provider github --id 123 --url https://github.com/o/r/issues/123
  story link S-0034 --provider jira --id DEV-7 --url https://x.y/DEV-7 --body @notes/plan.md")]
pub struct LinkArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The other system
    #[arg(long, value_enum)]
    pub provider: TicketProvider,
    /// The ticket's name there
    #[arg(long, value_name = "ID")]
    pub id: String,
    /// Where it can be looked at
    #[arg(long)]
    pub url: String,
    /// The ticket's title, which becomes that of the story
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub title: Option<String>,
    /// The ticket's text, or @FILE, or - for standard input
    #[arg(long, value_name = "TEXT|@FILE|-", allow_hyphen_values = true)]
    pub body: Option<String>,
}

/// A system of tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TicketProvider {
    /// GitHub issues
    Github,
    /// Jira
    Jira,
    /// Linear
    Linear,
}

impl TicketProvider {
    /// As the library has it.
    pub fn provider(self) -> Provider {
        match self {
            Self::Github => Provider::Github,
            Self::Jira => Provider::Jira,
            Self::Linear => Provider::Linear,
        }
    }
}

/// Append what a person says about a story
///
/// Goes to the end of the body, under `## Human Feedback` with the time. The key `updated` stays as it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story feedback S-0034 'Please keep the old format readable.'
  echo 'Looks good.' | story feedback S-0034 -")]
pub struct FeedbackArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// What is said, or @FILE, or - for standard input
    #[arg(value_name = "TEXT|@FILE|-")]
    pub text: String,
}
