//! The grammar of the verbs about reviews and refinements.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use story::review::{Decision, Severity};

use super::recovery::StoryArgs;

/// What to do with refinements.
#[derive(Debug, Subcommand)]
pub enum RefineVerb {
    /// Print how many refinements were counted and are allowed
    ///
    /// The limit is `max_refinement_attempts` of the story, else that of .ai-sdlc.json. The exit code is 0 in any case;
    /// `at_max` in the JSON says whether the limit is reached.
    #[command(after_help = "\
Example:
  story refine show S-0034")]
    Show(StoryArgs),
    Record(RefineRecordArgs),
    Note(RefineNoteArgs),
}

/// Note that an agent begins to refine a story
///
/// Counts one more in `refinement_count` and appends it to `refinement_iterations`, with the feedback that it is to
/// follow. It counts beyond the limit too; the result says whether that is reached.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story refine record S-0034 --agent implementation --feedback 'add tests for the empty list'
  echo 'add tests' | story refine record S-0034 --agent implementation --feedback -")]
pub struct RefineRecordArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// What kind of agent
    #[arg(long, value_name = "NAME")]
    pub agent: String,
    /// What the review asks for: as given, from a file as @FILE, or from standard input as -
    #[arg(long, value_name = "TEXT|@FILE|-", allow_hyphen_values = true)]
    pub feedback: String,
}

/// Append what a refinement has to say to the section Review Notes
///
/// It stands there last, under the heading `Refinement Iteration N`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story refine note S-0034 2 'The empty list is tested.'
  story refine note S-0034 2 @notes/plan.md")]
pub struct RefineNoteArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// Which refinement
    #[arg(value_name = "N")]
    pub iteration: u32,
    /// The note: as given, from a file as @FILE, or from standard input as -
    #[arg(value_name = "TEXT|@FILE|-", allow_hyphen_values = true)]
    pub text: String,
}

/// What to do with reviews.
#[derive(Debug, Subcommand)]
pub enum ReviewVerb {
    Add(ReviewAddArgs),
    /// Print the latest review of the history
    ///
    /// One KEY=VALUE line each, nothing when there is no review; `review` in the JSON is null then.
    #[command(after_help = "\
Examples:
  story review latest S-0034
  story review latest S-0034 --json")]
    Latest(StoryArgs),
    /// Print the last block of the section Review Notes
    ///
    /// A block begins with a heading `### `. Nothing is printed when there is none; `feedback` in the JSON is null then.
    #[command(after_help = "\
Example:
  story review feedback S-0034")]
    Feedback(StoryArgs),
}

/// Note what a review decided
///
/// Appends to `review_history`, which keeps the last ten. With --auto-complete an approval also completes the story, in the
/// same step: all four phases, and done where it was in-progress, unless .ai-sdlc.json or `AI_SDLC_AUTO_COMPLETE` leave that to
/// people.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story review add S-0034 --decision REJECTED --severity HIGH --blocker 'no tests' --code-passed
  story review add S-0034 --decision APPROVED --feedback 'well done' --auto-complete")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct ReviewAddArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// What it decided
    #[arg(long, ignore_case = true, value_parser = one_of(Decision::ALL, Decision::as_str))]
    pub decision: Decision,
    /// How bad it is what it found
    #[arg(long, ignore_case = true, value_parser = one_of(Severity::ALL, Severity::as_str))]
    pub severity: Option<Severity>,
    /// What it has to say: as given, from a file as @FILE, or from standard input as -
    #[arg(long, value_name = "TEXT|@FILE|-", allow_hyphen_values = true)]
    pub feedback: Option<String>,
    /// What stands in the way of an approval; may be given several times
    #[arg(long = "blocker", value_name = "TEXT", allow_hyphen_values = true)]
    pub blockers: Vec<String>,
    /// The review of the code was passed
    #[arg(long)]
    pub code_passed: bool,
    /// The review of security was passed
    #[arg(long)]
    pub security_passed: bool,
    /// The review by the product owner was passed
    #[arg(long)]
    pub po_passed: bool,
    /// Complete the story when it is approved
    #[arg(long)]
    pub auto_complete: bool,
}

/// Complete a story whose latest review is an approval
///
/// Marks all four phases complete, and the story done where it was in-progress. Nothing is changed when the latest review is
/// no approval, or .ai-sdlc.json or `AI_SDLC_AUTO_COMPLETE` leave that to people; the result says which it was.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story auto-complete S-0034")]
pub struct AutoCompleteArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
}

/// Reads one of the values that stories write in capitals, in any case.
fn one_of<T: Copy + Send + Sync + 'static>(
    values: [T; 4],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(values.map(name)).try_map(move |text| {
        let found = values
            .into_iter()
            .find(|value| name(*value).eq_ignore_ascii_case(&text));
        found.ok_or("it is none of the possible values")
    })
}
