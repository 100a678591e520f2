//! The grammar of `story state`: JSON files that many use.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::OrderedStateArgs;
use super::state_append::StateAppendArgs;

/// What to do with a JSON file.
#[derive(Debug, Subcommand)]
pub enum StateVerb {
    Get(StateGetArgs),
    Set(StateSetArgs),
    Patch(StatePatchArgs),
    With(StateWithArgs),
    Append(StateAppendArgs),
}

/// Print values of a JSON file
///
/// Without KEY the whole file is printed as it is. With one KEY its bare value is printed: a text without quotes, everything
/// else as JSON on one line. With several, KEY=VALUE lines that `story state set` reads back. A missing KEY is exit 3. KEY
/// is a path such as `agents[0].name`, or a JSON pointer such as /agents/0/name. No lock is taken, and the file is never torn.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story state get state.json
  story state get state.json phase
  story state get state.json phase 'agents[0].name' /agents/0/name --json")]
pub struct StateGetArgs {
    /// A JSON file
    pub file: PathBuf,
    /// Paths into it
    #[arg(value_name = "KEY")]
    pub keys: Vec<String>,
}

/// Change a JSON file, all in one step or not at all
///
/// VALUE is JSON: 2 is a number, true a truth value, [1, 2] a list, null is null; everything else is text. Operations are
/// done in the order given; two on one KEY are a usage error. Objects on the way to KEY are made. Numbers keep the form in
/// which they are given, 1.0 and 12345678901234567890123 too. A KEY that holds = is reached by `story state patch`. With
/// --json the answer tells what --inc arrived at.
///
/// A precondition that does not hold (--if, --if-rev) is exit 5, and JSON tells the present revision in `error.rev`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story state set state.json phase=build --inc runs
  story state set state.json --string label=2024 --unset blocked
  story state set state.json --push 'agents={\"name\": \"b\"}' 'agents[0].busy=true'
  story state set state.json phase=test --if phase=plan --if owner=
  story state set counters.json --inc /hits/today=5 --create
  story state set state.json --inc runs --optimistic --json")]
pub struct StateSetArgs {
    /// A JSON file
    pub file: PathBuf,
    #[command(flatten)]
    pub ordered: OrderedStateArgs,
    /// Make the file, with an empty object, where there is none
    #[arg(long)]
    pub create: bool,
    /// Read and think without the lock, and take it only to compare and swap; JSON tells how many rounds were lost
    #[arg(long)]
    pub optimistic: bool,
}

/// Change a JSON file by a patch, all of it or nothing
///
/// --merge takes a merge patch (RFC 7396): what has the form of the file, with null for what is to go. --json-patch takes a list
/// of operations (RFC 6902): add, remove, replace, move, copy, test; one that is not possible, and a test that fails (exit 5), leave
/// the file as it is. What the patch does not change keeps its bytes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story state patch state.json --merge '{\"phase\": \"build\", \"blocked\": null}'
  story state patch state.json --json-patch '[{\"op\": \"remove\", \"path\": \"/phase\"}]'
  echo '{\"runs\": 1}' | story state patch state.json --merge @-
  story state patch state.json --merge @change.json --json")]
pub struct StatePatchArgs {
    /// A JSON file
    pub file: PathBuf,
    #[command(flatten)]
    pub patch: PatchArgs,
    /// Only if the file has this revision (12 digits or more)
    #[arg(long, value_name = "REV")]
    pub if_rev: Option<String>,
    /// Make the file, with an empty object, where there is none
    #[arg(long)]
    pub create: bool,
}

/// The patch: one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct PatchArgs {
    /// A merge patch: as given, from a file, or from standard input
    #[arg(long, value_name = "JSON|@FILE|@-")]
    pub merge: Option<String>,
    /// A JSON patch: as given, from a file, or from standard input
    #[arg(long, value_name = "JSON|@FILE|@-")]
    pub json_patch: Option<String>,
}

/// Run a command while holding the lock of a JSON file
///
/// As `story lock run`, for a file that exists; the command also finds its path in `STATE_PATH`. Its exit code is passed on, 128+n
/// when signal n ended it. A `story state set` in it works under this lock.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story state with state.json -- sh -c 'story state set \"$STATE_PATH\" phase=build'
  story state with state.json --timeout 1m -- sh -c 'grep -c plan \"$STATE_PATH\" || true'")]
pub struct StateWithArgs {
    /// A JSON file
    pub file: PathBuf,
    /// Exit with N when the command could not be started, instead of our own code
    #[arg(long, value_name = "N")]
    pub conflict_exit_code: Option<u8>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}
