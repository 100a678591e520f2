//! The grammar of the verbs about sections: files beside a story, and parts of its body.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with sections.
#[derive(Debug, Subcommand)]
pub enum SectionVerb {
    Get(SectionGetArgs),
    Append(SectionAppendArgs),
    Put(SectionPutArgs),
    Path(SectionPathArgs),
}

/// Print a section
///
/// NAME is research, plan, `plan_review` or review. Without such a file beside the story, what stands in the story under
/// Research, Implementation Plan, Plan Review or Review Notes is printed, if anything. With --heading: what stands under
/// that heading of the body, without the blank lines around it; a missing heading is exit 3.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story section get S-0034 research
  story section get S-0034 --heading 'Acceptance Criteria'")]
pub struct SectionGetArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// research, plan, `plan_review` or review
    #[arg(required_unless_present = "heading", conflicts_with = "heading")]
    pub name: Option<String>,
    /// A `## ` heading of the body instead
    #[arg(long)]
    pub heading: Option<String>,
}

/// Append to a section
///
/// To NAME, the file beside the story: a new file gets a head with the day; a later text is added under `## Iteration n`
/// or `## Rework n`. With --heading and only TEXT, to the body: after the last text under that `## ` heading, which is
/// added at the end if it is missing. Many may append at once; each text is there afterwards.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story section append S-0034 research 'The cache is the reason.'
  story section append S-0034 plan @notes/plan.md --rework
  story section append S-0034 --heading Notes 'Seen on two machines.'")]
pub struct SectionAppendArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The section, but not with --heading; and the text, or @FILE, or - for standard input
    #[arg(required = true, num_args = 1..=2, value_names = ["NAME", "TEXT|@FILE|-"])]
    pub words: Vec<String>,
    /// A `## ` heading of the body instead of a file
    #[arg(long)]
    pub heading: Option<String>,
    /// The number of the entry [default: the one after the highest that is there]
    #[arg(long, value_name = "N", conflicts_with = "heading", value_parser = clap::value_parser!(u32).range(1..))]
    pub iteration: Option<u32>,
    /// It is a rework: `## Rework n`
    #[arg(long, conflicts_with = "heading")]
    pub rework: bool,
}

/// Replace a section
///
/// NAME gets a head with the day, and TEXT; whatever was there is gone.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story section put S-0034 plan @notes/plan.md")]
pub struct SectionPutArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// research, plan, `plan_review` or review
    pub name: String,
    /// The text, or @FILE, or - for standard input
    #[arg(value_name = "TEXT|@FILE|-")]
    pub text: String,
}

/// Print where a section's file is, or would be
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story section path S-0034 plan_review")]
pub struct SectionPathArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// research, plan, `plan_review` or review
    pub name: String,
}
