//! The grammar of the verbs that make stories and move their files.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Verbs that make stories and move their files.
#[derive(Debug, Subcommand)]
pub enum CreationVerb {
    New(NewArgs),
    Move(MoveArgs),
}

/// Make a story and print its id
///
/// The id is the next number that no story has, be it here, in a legacy folder or in a worktree; the priority is 10 more than
/// the highest. Any number of processes may do this at once. The file appears complete or not at all.
///
/// The body is cleaned of script and iframe elements. A body file is .md, .markdown or .txt, at most 10 MB, no symbolic link,
/// and lies inside the working folder; without TITLE its title is that of its frontmatter, else its first heading, else its
/// name.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story new 'Pay by card'
  story new 'Crash on empty cart' --type bug --priority 5 --label urgent --label team-web
  story new --body @notes/plan.md
  echo '# Pay by card' | story new --body - --set assignee=Ann
  story new 'Made on a branch' --random-id")]
pub struct NewArgs {
    /// The title; may be left out where the body has one
    #[arg(required_unless_present = "body")]
    pub title: Option<String>,
    /// The type: feature, bug, chore, spike, or a word of your own [default: feature]
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// The priority, lower first [default: 10 more than the highest]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub priority: Option<f64>,
    /// A label; may be given several times
    #[arg(long = "label", value_name = "LABEL")]
    pub labels: Vec<String>,
    /// The body: @FILE, - for standard input, or the text itself [default: headings to fill in]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub body: Option<String>,
    /// Take this id instead of the next number
    #[arg(long, value_name = "ID", conflicts_with = "random_id")]
    pub id: Option<String>,
    /// Take an id that no other branch takes either: story-TIME-XXXX
    #[arg(long)]
    pub random_id: bool,
    /// Set a further field; VALUE is read as YAML; overrides everything else
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub fields: Vec<String>,
}

/// Move a story's file to a legacy folder (deprecated: set the status instead)
///
/// The new file is called NN-slug.md, NN being one more than the number of files there. Status and priority follow. The new
/// file is complete before the old one goes: whoever is killed in between leaves both, never neither.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story move S-0034 ready")]
pub struct MoveArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// The folder
    #[arg(value_enum)]
    pub folder: Folder,
}

/// A legacy folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Folder {
    /// What may be done one day
    Backlog,
    /// What can be begun
    Ready,
    /// What is being done
    InProgress,
    /// What is done; needs the flags of implementation and reviews
    Done,
    /// What cannot go on
    Blocked,
}
