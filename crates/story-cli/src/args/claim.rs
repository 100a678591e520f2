//! The grammar of the verbs by which workers share out stories.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use story::board::LabelPattern;
use story::claim::Lease;

use crate::durations;

/// Verbs by which workers share out stories.
#[derive(Debug, Subcommand)]
pub enum ClaimVerb {
    Claim(ClaimArgs),
    Renew(RenewArgs),
    Release(ReleaseArgs),
}

/// Claim a story for a worker, for a time; with --next the next one that is ready
///
/// Of many workers that ask at once exactly one gets a story. The claim stands in its frontmatter as `claimed_by`,
/// `claimed_until` and `claim_token`; the status stays. Prints the id; --json also tells the token and the end. A claim that
/// has expired is taken over, and that is told. Claimed by another: exit 4. Nothing ready: exit 3; `retryable` in JSON then says
/// whether that may change by itself.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["story", "next"]))]
#[command(after_help = "\
Examples:
  story claim --next --as worker-1
  story claim --next --as worker-1 --epic board --label 'team-*' || true
  story claim S-0034 --as worker-1
  story claim S-0034 --as worker-1 --lease 2h --json")]
pub struct ClaimArgs {
    /// An id, or a path with a / or ending in .md; it must be ready or in progress, with its dependencies done
    pub story: Option<PathBuf>,
    /// The first story of the board that is ready, claimed by nobody, with its dependencies done
    #[arg(long)]
    pub next: bool,
    /// With --next: also a story in progress whose claim has expired
    #[arg(long, requires = "next", conflicts_with = "story")]
    pub resume: bool,
    /// With --next: only those with a label like this, such as team-*; several mean all of them
    #[arg(
        long = "label",
        value_name = "PATTERN",
        requires = "next",
        conflicts_with = "story"
    )]
    pub labels: Vec<LabelPattern>,
    /// With --next: only those of this epic, with or without epic- before it
    #[arg(long, value_name = "EPIC", requires = "next", conflicts_with = "story")]
    pub epic: Option<String>,
    /// For how long: 90s, 30m, 2h; from 1s to 720h
    #[arg(long, value_name = "DURATION", value_parser = lease, default_value = "30m")]
    pub lease: Lease,
}

/// Have a claim end later
///
/// The claim then ends one lease from now. Needs the name, by --as or the environment, or the token, or both; the token is
/// the better proof where workers share a name. A claim that has expired is renewed if nobody took it. A claim that was taken
/// or released is lost: exit 5.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story renew S-0034 --as worker-1 --lease 1h")]
pub struct RenewArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The token that `story claim --json` told
    #[arg(long)]
    pub token: Option<String>,
    /// For how long from now: 90s, 30m, 2h; from 1s to 720h
    #[arg(long, value_name = "DURATION", value_parser = lease, default_value = "30m")]
    pub lease: Lease,
}

/// Give a claim back
///
/// Removes the three keys of the claim. Needs the name or the token, as `story renew`. A claim that was lost: exit 5, and
/// what stands in the story stays.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story release S-0034 --as worker-1")]
pub struct ReleaseArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The token that `story claim --json` told
    #[arg(long)]
    pub token: Option<String>,
}

fn lease(text: &str) -> Result<Lease, String> {
    let duration = durations::parse(text)?;
    Lease::new(duration).map_err(|err| err.to_string())
}
