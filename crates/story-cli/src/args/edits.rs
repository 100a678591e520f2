//! The grammar of the verbs by which agents edit files of the project.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lease::edit::RevisionPrefix;

/// What to do with a file.
#[derive(Debug, Subcommand)]
pub enum EditVerb {
    EditFile(EditFileArgs),
    WriteFile(WriteFileArgs),
}

/// Which file, and by which right.
#[derive(Debug, Args)]
pub struct EditedArgs {
    /// The file, from the project's root
    pub path: PathBuf,
    /// Only if the file has this revision, as `--json` answers name it: its SHA-256, or the first 12 digits or more
    #[arg(long, value_name = "REV")]
    pub if_rev: Option<RevisionPrefix>,
    /// Only by the lease with this token, not by another one that the agent has acquired since
    #[arg(long, value_name = "N")]
    pub token: Option<u64>,
    /// Where leases are kept [default: as `story lease`]
    #[arg(long, value_name = "FOLDER|FILE.db")]
    pub store: Option<PathBuf>,
}

/// Replace one piece of a file that the agent has leased
///
/// The piece must occur exactly once, byte for byte; everything else in the file stays, and so do its mode, owner and links.
/// The agent must hold an exclusive lease of the file (`story lease acquire`), and it is looked at again in the moment of the
/// change: an agent whose lease has ended cannot write any more. Leased by another agent: exit 4. Not leased, or the piece
/// missing or ambiguous: exit 5. Nothing is written then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story edit-file src/main.rs --as worker-1 --old 'retries: 3' --new 'retries: 5'
  story edit-file src/main.rs --as worker-1 --old @old.txt --new @new.txt --json")]
pub struct EditFileArgs {
    #[command(flatten)]
    pub edited: EditedArgs,
    /// What to replace: the text itself, @FILE for all that is in a file, its last line feed included, or @- for stdin
    #[arg(long, value_name = "TEXT|@FILE", allow_hyphen_values = true)]
    pub old: String,
    /// What it becomes, as with --old
    #[arg(long, value_name = "TEXT|@FILE", allow_hyphen_values = true)]
    pub new: String,
}

/// Write a whole file that the agent has leased
///
/// The file is replaced in one step, or made where there is none; its folder must be there. With --create it must not exist,
/// with --if-rev it must be that version: else exit 5, and nothing is written. As to leases see `story edit-file`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo '# Notes' | story write-file docs/notes.md --as worker-1 --create
  story write-file src/main.rs --as worker-1 --from @new.txt")]
pub struct WriteFileArgs {
    #[command(flatten)]
    pub edited: EditedArgs,
    /// What to write: @FILE for all that is in a file, - for stdin, or the text itself
    #[arg(
        long,
        value_name = "@FILE|TEXT",
        default_value = "-",
        allow_hyphen_values = true
    )]
    pub from: String,
    /// Only if there is no such file
    #[arg(long, conflicts_with = "if_rev")]
    pub create: bool,
}
