//! The grammar of the verbs that merge.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Verbs that merge what two sides did.
#[derive(Debug, Subcommand)]
pub enum MergingVerb {
    Edit(EditArgs),
    MergeDriver(MergeDriverArgs),
}

/// Edit a story in your editor, and merge what you did with what others did meanwhile
///
/// Starts VISUAL, else EDITOR, else vi on a private copy. No lock is held meanwhile. When the editor ends, your changes are
/// merged into the story as it is then: key by key, and line by line in the body. Where others changed the same in another
/// way, the conflicts are shown, nothing is written (exit 5) and your copy is kept. The exit code of an editor that fails is
/// passed on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story edit S-0034
  VISUAL='sed -i s/ready/done/' story edit S-0034")]
pub struct EditArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
}

/// Merge two versions of a story for git (see `story init --git`)
///
/// Merges THEIRS into OURS: key by key in the frontmatter, line by line in the body. Exit 0 when nothing is left to decide.
/// Otherwise exit 1, and the conflicts stand between markers in the body, those of the frontmatter at its top; the frontmatter
/// keeps what OURS says and the file is a readable story. What is no story is left to `git merge-file`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story merge-driver base.md ours.md theirs.md")]
pub struct MergeDriverArgs {
    /// The version both began with; empty if there is none (git's %O)
    pub base: PathBuf,
    /// One side; the result is written here (%A)
    pub ours: PathBuf,
    /// The other side (%B)
    pub theirs: PathBuf,
    /// How messages call the file (%P)
    pub name: Option<PathBuf>,
}
