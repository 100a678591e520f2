//! The grammar of the command line, and the words of its help.

pub mod claim;
pub mod creation;
pub mod edits;
pub mod journal;
pub mod lease;
pub mod lease_plan;
pub mod lifecycle;
pub mod merging;
pub mod narrow;
mod ordered;
pub mod queries;
pub mod recovery;
pub mod review;
pub mod run;
pub mod run_verbs;
pub mod section;
pub mod snapshot;
pub mod state;
pub mod state_append;
pub mod task;
pub mod tasks;
pub mod with;
pub mod workflow;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use self::lease::LeaseArgs;
use claim::ClaimVerb;
use creation::CreationVerb;
use edits::EditVerb;
use journal::JournalVerb;
use lifecycle::LifecycleVerb;
use merging::MergingVerb;
pub use ordered::{Given, OrderedArgs, OrderedStateArgs};
use queries::QueryVerb;
use recovery::RecoveryVerb;
use run::RunArgs;
use section::SectionVerb;
use snapshot::SnapshotVerb;
use state::StateVerb;
use task::TaskVerb;
use tasks::TasksArgs;
use with::WithArgs;
use workflow::WorkflowVerb;

use crate::durations;

const ABOUT: &str = "Safe shared story files: Markdown with YAML frontmatter that people, scripts and agents change at once";

// Paragraphs stand on one line each: clap wraps them to the terminal.
const LONG_ABOUT: &str = "\
Safe shared story files: Markdown with YAML frontmatter that people, scripts and agents change at once.

Each change takes the story's lock, reads the story inside the lock, edits only what it means to change, and puts the \
new version in place in one step. Nobody's change is lost, nobody else's bytes move, and a reader never sees half a file.

STORY is an id such as S-0034 (found as stories/<id>/story.md under the sdlc root, ignoring case), or a path when it \
holds a / or ends in .md.";

const EXAMPLES: &str = "\
Examples:
  story init
  story set S-0034 status=in-progress --inc retry_count --add labels=urgent
  story get S-0034 status
  story state set state.json phase=build --inc runs --create
  story lock status
  story doctor

Exit codes:
  0 done, or nothing to change     5 precondition failed, or a conflict
  1 failure                        6 the file cannot be read as what it should be
  2 usage                          7 refused by a rule
  3 not found, or nothing ready    8 no permission, read-only, disk full
  4 locked or claimed by another   9 committed all the same: do not repeat

Environment:
  AI_SDLC_ROOT     the sdlc root, as --root
  AI_SDLC_MAX_RETRIES, AI_SDLC_IMPLEMENTATION_MAX_RETRIES
                   0 to 10, before what .ai-sdlc.json says
  AI_SDLC_AUTO_COMPLETE, AI_SDLC_AUTO_RESTART
                   true or false, before what .ai-sdlc.json says
  STORY_OWNER      as --owner
  STORY_AGENT      as --as
  STORY_LEASES     where leases are kept: a folder, or a file that ends in .db, .sqlite or .sqlite3
  NO_COLOR         no colours
  STORY_TASKS      the file of tasks, as --board of `story tasks`
  STORY_LOCK_HELD  set by `story lock run` and `story with` for their command
  STORY_PATH       set by `story with` for its command
  STATE_PATH       set by `story state with` for its command";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "story", version, about = ABOUT, long_about = LONG_ABOUT, after_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options that every command takes, before or after the verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Common {
    /// The sdlc root, the folder that holds stories/ [default: `AI_SDLC_ROOT`, else the nearest .ai-sdlc upwards]
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Where what is not part of the project goes, such as the leases of agents [default: the sdlc root]
    #[arg(long, global = true, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Print results as JSON, one line each
    #[arg(long, global = true)]
    pub json: bool,
    /// How long to wait for a lock: 500ms, 20s, 2m, 1h, or milliseconds; 0 tries once
    #[arg(long, global = true, value_name = "DURATION", value_parser = durations::parse, default_value = "5s")]
    pub timeout: Duration,
    /// When a lock file of another tool counts as abandoned [default: the larger of the timeout and 2s]
    #[arg(long, global = true, value_name = "DURATION", value_parser = durations::parse)]
    pub stale_after: Option<Duration>,
    /// Give up after this many further looks at a lock, even before the timeout
    #[arg(long, global = true, value_name = "N")]
    pub retries: Option<u32>,
    /// Who holds the lock, for those who wait: free text [default: `STORY_OWNER`, else the agent]
    #[arg(long, global = true, value_name = "NAME")]
    pub owner: Option<String>,
    /// The agent on whose behalf this is done [default: `STORY_AGENT`, else the owner]
    #[arg(long = "as", global = true, value_name = "AGENT")]
    pub agent: Option<String>,
    /// Take this as the present time, such as 2026-01-15 or 2026-01-15T10:00:00Z
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_time)]
    pub now: Option<jiff::Timestamp>,
    /// Do not wait for the disk: survives a crash; a power cut may undo the last update but never tears the story
    #[arg(long, global = true)]
    pub fast: bool,
    /// Set `updated` to today on a change, even where the story has no such key
    #[arg(long, global = true, conflicts_with = "no_touch")]
    pub touch: bool,
    /// Leave `updated` as it is
    #[arg(long, global = true)]
    pub no_touch: bool,
    /// Do this change once however often it is tried with this ID; up to 100 of A-Z a-z 0-9 . _ : - (see `story log`)
    #[arg(long, global = true, value_name = "ID", value_parser = operation_id)]
    pub op_id: Option<String>,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub color: Colour,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    Get(GetArgs),
    Show(ShowArgs),
    Set(SetArgs),
    Apply(ApplyArgs),
    #[command(flatten)]
    Lifecycle(LifecycleVerb),
    #[command(flatten)]
    Query(QueryVerb),
    #[command(flatten)]
    Claim(ClaimVerb),
    #[command(flatten)]
    Journal(JournalVerb),
    With(WithArgs),
    #[command(flatten)]
    Creation(CreationVerb),
    #[command(flatten)]
    Recovery(RecoveryVerb),
    /// Read and write the sections of a story: files beside it, and parts of its body
    #[command(subcommand)]
    Section(SectionVerb),
    /// The table of tasks in a story
    #[command(subcommand)]
    Task(TaskVerb),
    /// A board of tasks that agents share out, with what each of them has done
    ///
    /// The board is tasks.json in the sdlc root, the metrics lie beside it; both change together or not at all.
    Tasks(TasksArgs),
    /// The checkpoint of a run on a story
    #[command(subcommand)]
    Workflow(WorkflowVerb),
    /// Say which files an agent touches, and see who else does
    ///
    /// A lease keeps other agents from leasing the same files for minutes or hours; it is advisory, and honoured by
    /// `story edit-file`, `story write-file` and by every command that changes a story. Paths start at the project's root,
    /// the folder that holds the sdlc root.
    Lease(LeaseArgs),
    Run(RunArgs),
    /// The working tree as it was: record it, look at it, bring it back
    ///
    /// A snapshot is a commit that no branch knows, in the shape of a stash: `git stash apply ID` works with it, too. It holds all
    /// files that git tracks or would add, byte for byte, and what was staged.
    #[command(subcommand)]
    Snapshot(SnapshotVerb),
    /// Read and change JSON files that many use: state.json, tasks.json
    ///
    /// FILE is a path, relative to the working folder, and needs no sdlc root. Each change takes the lock of the file (FILE.lock
    /// beside it), reads it inside the lock, changes only what it means to change and puts the new version in place in one step.
    /// All other bytes stay as they are: order, indentation, numbers.
    #[command(subcommand)]
    State(StateVerb),
    /// Look at locks, hold one, run a command under one, or break one
    #[command(subcommand)]
    Lock(LockVerb),
    #[command(flatten)]
    Edit(EditVerb),
    #[command(flatten)]
    Merging(MergingVerb),
    Init(InitArgs),
    Doctor(DoctorArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Print values of a story's frontmatter
///
/// Without KEY all keys are printed, as KEY=VALUE lines that `story set` reads back. With one KEY the bare value is
/// printed. A missing KEY is exit 3. KEY may be a path such as `review_history[0].decision`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story get S-0034
  story get S-0034 status
  story get .ai-sdlc/stories/S-0034/story.md 'review_history[0].decision' --json")]
pub struct GetArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// Keys or paths into the frontmatter
    #[arg(value_name = "KEY")]
    pub keys: Vec<String>,
    /// Wait for a writer in progress (a read without it takes no lock and is never torn)
    #[arg(long)]
    pub locked: bool,
}

/// Print a story as it is
///
/// On a terminal, control characters are shown instead of obeyed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story show S-0034
  story show S-0034 --json")]
pub struct ShowArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// Wait for a writer in progress (a read without it takes no lock and is never torn)
    #[arg(long)]
    pub locked: bool,
}

/// Change a story, all in one step or not at all
///
/// VALUE is read as YAML: 2 is a number, true a truth value, '[a, b]' a list, nothing is null. Operations are done in the
/// order given; two on one KEY are a usage error. The key `updated` is set to today (UTC) on a change where the story
/// has it. With --touch and no operation, only `updated` is set.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story set S-0034 status=in-progress priority=2
  story set S-0034 --inc retry_count --add labels=urgent
  story set S-0034 --string title='2024: a year' --unset blocked_reason
  story set S-0034 --push 'error_history={hash: 0a1b, consecutiveCount: 1}' --cap 10
  story set S-0034 status=in-progress --if status=ready --if assignee=
  story set S-0034 --append-body 'One more thought.' --dry-run")]
pub struct SetArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    #[command(flatten)]
    pub ordered: OrderedArgs,
    /// Print what would change as a unified diff; write nothing, take no lock
    #[arg(long)]
    pub dry_run: bool,
}

/// Change stories as JSON says, one transaction a line
///
/// Reads one JSON object a line, or one object in several lines, and answers each with one JSON line, in order. Members:
/// story, set, unset, inc, add, remove, push, cap, `append_body`, content (the new body), if, `if_rev`, touch, base, text,
/// `op_id`. In `if`, null means absent or null. A failed line does not stop the rest; the exit code is that of the first failure.
///
/// base is for those who read the story earlier: the whole text that they read. The operations are then done on that text (or
/// text is the whole new one), and what this changes is merged into the story as it is by now; where others changed the same
/// in another way, nothing is written (exit 5).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo '{\"story\": \"S-0034\", \"set\": {\"status\": \"ready\"}, \"inc\": {\"retry_count\": 1}}' | story apply
  story apply changes.jsonl --stop-on-error
  story apply changes.jsonl --together

A line with everything:
  {\"story\": \"S-0034\", \"set\": {\"status\": \"ready\"}, \"unset\": [\"blocked_reason\"], \"inc\": {\"retry_count\": 1},
   \"add\": {\"labels\": \"urgent\"}, \"remove\": {\"dependencies\": [\"S-0001\"]}, \"push\": {\"notes\": \"x\"}, \"cap\": {\"notes\": 10},
   \"append_body\": \"text\", \"if\": {\"assignee\": null}, \"if_rev\": \"0123456789ab\", \"touch\": true,
   \"op_id\": \"mine-1\"}")]
pub struct ApplyArgs {
    /// A file of JSON; - or nothing is standard input
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    pub file: PathBuf,
    /// All lines or none: one transaction over several stories, whose locks are all held
    #[arg(long, conflicts_with = "stop_on_error")]
    pub together: bool,
    /// Leave out the lines after the first failure
    #[arg(long)]
    pub stop_on_error: bool,
}

/// What to do with locks.
#[derive(Debug, Subcommand)]
pub enum LockVerb {
    Status(LockStatusArgs),
    Run(LockRunArgs),
    Hold(LockHoldArgs),
    Break(LockBreakArgs),
}

/// Show who holds which lock
///
/// Without PATH: every lock on a story under the sdlc root.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story lock status
  story lock status S-0034 notes/plan.md")]
pub struct LockStatusArgs {
    /// What is guarded (not the .lock file), or a story id
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// Run a command while holding a lock
///
/// The command's exit code is passed on, 128+n when signal n ended it. SIGINT, SIGTERM and SIGHUP are forwarded. The
/// command finds the lock in `STORY_LOCK_HELD`, so a `story set` in it works under this lock.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story lock run S-0034 -- sh -c 'story set S-0034 status=ready'
  story lock run notes/plan.md --timeout 0 --conflict-exit-code 75 -- true")]
pub struct LockRunArgs {
    /// What is guarded (not the .lock file; it need not exist), or a story id
    pub path: PathBuf,
    /// Exit with N when the command could not be started, instead of our own code
    #[arg(long, value_name = "N")]
    pub conflict_exit_code: Option<u8>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// Hold a lock until standard input closes
///
/// Prints READY once the lock is held.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sleep 5 | story lock hold S-0034")]
pub struct LockHoldArgs {
    /// What is guarded (not the .lock file; it need not exist), or a story id
    pub path: PathBuf,
}

/// Remove a lock that its owner left behind
///
/// Seldom needed: a lock whose owner died is taken over by the next update at once. While the owner lives this refuses,
/// unless told twice; the owner then goes on believing that it holds the lock.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story lock status S-0034        prints the token
  story lock break S-0034 --token 00112233445566778899aabbccddeeff")]
pub struct LockBreakArgs {
    /// What is guarded (not the .lock file), or a story id
    pub path: PathBuf,
    /// The token that `story lock status` prints
    #[arg(long)]
    pub token: String,
    /// Also break a lock whose owner is alive, or cannot be asked; needs --yes-the-owner-is-alive
    #[arg(long)]
    pub force: bool,
    /// The second word that --force needs
    #[arg(long, requires = "force")]
    pub yes_the_owner_is_alive: bool,
}

/// Make the folders for stories and tell git to ignore locks
///
/// Makes .ai-sdlc/stories and adds our lock and temporary names to the repository's .gitignore. Running it again changes
/// nothing.
///
/// With --git, git merges stories key by key from then on: the line for .gitattributes is committed like any file, the
/// setting of the merge driver is this clone's own, so each clone needs `story init --git` once. A clone without it merges
/// line by line, as ever. It also makes a pre-commit hook that runs `story lease guard`; a hook that is there already is left,
/// and the line to add to it is shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story init
  story init --git")]
pub struct InitArgs {
    /// Let git merge stories by `story merge-driver`, and ask `story lease guard` before each commit
    #[arg(long)]
    pub git: bool,
}

/// Look for what crashes and mistakes leave, and mend it
///
/// Looks for locks of dead owners, temporary files, rescued copies, stories that cannot be read, missing ignore rules,
/// a file system whose locks do not work, tasks that were interrupted, and snapshots older than 30 days. Exit 1 while problems
/// remain.
///
/// With --audit it does none of this, but watches DIR until --for is over or Ctrl-C, and tells at once who changes a shared
/// file (a story, a section file, JSON, or what --also names) without holding its lock. Exit 7 when somebody did. It cannot
/// see everything: writes over the network and through mmap, say, make no events. Linux only.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story doctor
  story doctor --fix
  story doctor --audit . --for 500ms
  story doctor --audit .ai-sdlc --also '*.yaml' --for 500ms --json")]
pub struct DoctorArgs {
    /// Mend what can be mended without a person
    #[arg(long)]
    pub fix: bool,
    /// Watch this folder and all below it for writes past the lock
    #[arg(long, value_name = "DIR", conflicts_with = "fix")]
    pub audit: Option<PathBuf>,
    /// How long to watch [default: until SIGINT or SIGTERM]
    #[arg(long = "for", value_name = "DURATION", value_parser = durations::parse, requires = "audit")]
    pub duration: Option<Duration>,
    /// Files that fit this are shared, too: a name, or a path below DIR
    #[arg(long, value_name = "GLOB", requires = "audit")]
    pub also: Vec<String>,
}

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story completions bash > story.bash")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Print the manual page, or write all pages to a folder
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story man > story.1
  story man man1")]
pub struct ManArgs {
    /// An existing folder for story.1, story-set.1 and the others
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Longest id of an operation, in characters; chosen: twice a UUID and more.
const MAX_OPERATION_ID: usize = 100;

/// Reads the id of an operation.
///
/// # Errors
///
/// When it is empty, too long, or holds other characters than those of names.
pub fn operation_id(text: &str) -> Result<String, String> {
    let is_sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    if (1..=MAX_OPERATION_ID).contains(&text.len()) && text.chars().all(is_sound) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "an operation id has 1 to {MAX_OPERATION_ID} of A-Z a-z 0-9 . _ : -"
        ))
    }
}

fn parse_time(text: &str) -> Result<jiff::Timestamp, String> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(time);
    }
    text.parse::<jiff::civil::Date>()
        .and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC))
        .map(|midnight| midnight.timestamp())
        .map_err(|_| "a time is 2026-01-15 or 2026-01-15T10:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn grammar_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn common_options_stand_before_or_after_the_verb() {
        for line in [
            "story --json --timeout 2s get S-1",
            "story get --json S-1 --timeout 2s",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).expect("both orders are allowed");
            assert!(cli.common.json, "--json is seen in {line:?}");
            assert_eq!(cli.common.timeout, Duration::from_secs(2), "and --timeout");
        }
    }

    #[test]
    fn parse_time_reads_days_and_instants() {
        let table = [
            ("2026-01-15", Some("2026-01-15T00:00:00Z")),
            ("2026-01-15T10:00:00Z", Some("2026-01-15T10:00:00Z")),
            ("2026-01-15T01:00:00+02:00", Some("2026-01-14T23:00:00Z")),
            ("yesterday", None),
            ("2026-02-30", None),
        ];
        for (text, expected) in table {
            let time = parse_time(text).ok().map(|time| time.to_string());
            assert_eq!(time.as_deref(), expected, "the time {text:?}");
        }
    }
}
