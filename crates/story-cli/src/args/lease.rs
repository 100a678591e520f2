//! The grammar of `story lease`: who may touch which files until when.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::lease_plan::{GuardArgs, PlanArgs};
use crate::durations;

/// Which store, and what to do with it.
#[derive(Debug, Args)]
pub struct LeaseArgs {
    /// Where leases are kept: a folder, or a database whose name ends in .db, .sqlite or .sqlite3 [default: `STORY_LEASES`,
    /// else in the output directory the folder locks, or leases.db where only that is there]
    #[arg(long, global = true, value_name = "FOLDER|FILE.db")]
    pub store: Option<PathBuf>,
    #[command(subcommand)]
    pub verb: LeaseVerb,
}

/// What to do with leases.
#[derive(Debug, Subcommand)]
pub enum LeaseVerb {
    Acquire(AcquireArgs),
    Release(ReleaseArgs),
    Renew(RenewArgs),
    List(ListArgs),
    Check(CheckArgs),
    Wait(WaitArgs),
    Queue(QueueArgs),
    Break(BreakArgs),
    Prune(PruneArgs),
    Plan(PlanArgs),
    Guard(GuardArgs),
}

/// What is meant in the project.
#[derive(Debug, Args)]
pub struct PathsArgs {
    /// Files and directories of the project, from its root; they need not exist. One that ends in / or is a folder means all
    /// under it, one with *, ? or { is a glob
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// A directory and all under it
    #[arg(long = "dir", value_name = "D")]
    pub directories: Vec<PathBuf>,
    /// A glob: * and ? stay within a folder, ** does not; [a-z] and {a,b} choose
    #[arg(long = "glob", value_name = "G")]
    pub globs: Vec<String>,
    /// A file whose name is meant letter by letter, though it holds *, ? or {
    #[arg(long = "file-literal", value_name = "F")]
    pub literals: Vec<PathBuf>,
}

/// Lease files, directories and globs to an agent, all or nothing
///
/// While the lease lives no other agent gets a lease on a path that it covers. Prints its token, a number higher than that of
/// every earlier lease; --json tells the rest. Taken by others: exit 4, who and until when; with --wait the agent waits its
/// turn, in order of arrival. Agents that would wait for each other are told so at once: exit 4, not retryable. The name of
/// the agent comes from --as or `STORY_AGENT`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story lease acquire src/api/ docs/api.md --as worker-1 --task 'new endpoint'
  story lease acquire --glob 'src/**/*_test.go' --as tester --ttl 20m --wait 30s
  story lease acquire src/ --shared --as reviewer --json")]
pub struct AcquireArgs {
    #[command(flatten)]
    pub paths: PathsArgs,
    /// Together with others that share: for reading; nobody writes meanwhile
    #[arg(long)]
    pub shared: bool,
    /// For how long: 90s, 30m, 2h; from 100ms to 24h
    #[arg(long, value_name = "DURATION", value_parser = durations::parse, default_value = "1h")]
    pub ttl: Duration,
    /// How long to wait for others; 0 tries once
    #[arg(long, value_name = "DURATION", value_parser = durations::parse, default_value = "0")]
    pub wait: Duration,
    /// What for, for those who meet the lease
    #[arg(long, value_name = "TEXT")]
    pub task: Option<String>,
    /// End the lease with this process, however it ends
    #[arg(long, value_name = "PID")]
    pub bind_to_pid: Option<u32>,
}

/// Give leases back
///
/// Without a PATH or --token all that the agent holds. With a PATH only that one, as it was acquired; the rest of its lease
/// stays. What the agent does not hold needs no release: exit 0. A path of somebody else: exit 4.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story lease release --as worker-1
  story lease release docs/api.md --as worker-1")]
pub struct ReleaseArgs {
    #[command(flatten)]
    pub paths: PathsArgs,
    /// The lease with this token, as `story lease acquire` printed it
    #[arg(long, value_name = "N", conflicts_with_all = ["paths", "directories", "globs", "literals"])]
    pub token: Option<u64>,
}

/// Have leases end later
///
/// They then end one --ttl from now. Without a PATH or --token all that the agent holds. A lease that has ended is renewed if
/// nobody took a part of it, or waits for one; else it is lost: exit 5, and none is renewed.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story lease renew --as worker-1 --ttl 2h")]
pub struct RenewArgs {
    #[command(flatten)]
    pub paths: PathsArgs,
    /// The lease with this token
    #[arg(long, value_name = "N", conflicts_with_all = ["paths", "directories", "globs", "literals"])]
    pub token: Option<u64>,
    /// For how long from now
    #[arg(long, value_name = "DURATION", value_parser = durations::parse, default_value = "1h")]
    pub ttl: Duration,
}

/// Show who holds what, for how long, and what for
///
/// Those that have ended and were not cleared away yet are marked. A file in the store that cannot be read is named on
/// stderr, and the rest is shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story lease list
  story lease list --agent worker-1 --json")]
pub struct ListArgs {
    /// Only those of this agent
    #[arg(long = "agent", value_name = "NAME")]
    pub holder: Option<String>,
}

/// Say whether others hold a part of it
///
/// Free: exit 0. Held by others: exit 4, and who, what, until when. What the agent of --as holds itself is free. Nothing
/// is acquired.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story lease check src/api/ --as worker-1")]
pub struct CheckArgs {
    #[command(flatten)]
    pub paths: PathsArgs,
    /// Whether it could be shared
    #[arg(long)]
    pub shared: bool,
}

/// Wait until others hold no part of it
///
/// Acquires nothing, and takes no place in the queue: another may come before you. Not free in time: exit 4.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story lease wait src/api/ --as worker-1 --wait 10s")]
pub struct WaitArgs {
    #[command(flatten)]
    pub paths: PathsArgs,
    /// How long
    #[arg(long, value_name = "DURATION", value_parser = durations::parse, default_value = "30s")]
    pub wait: Duration,
    /// Until it could be shared
    #[arg(long)]
    pub shared: bool,
}

/// Show who waits, in order; with a PATH only those who wait for it
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story lease queue")]
pub struct QueueArgs {
    #[command(flatten)]
    pub paths: PathsArgs,
}

/// End leases of an agent by force
///
/// All, or those that cover a PATH. One that is live is ended only with --force: make sure first that its holder writes no
/// more; its edits through this tool are refused from then on. With --force it also loses its places in the queue, and a file
/// of it that cannot be read is removed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story lease break worker-1
  story lease break worker-1 --force")]
pub struct BreakArgs {
    /// The agent, as `story lease list` shows it
    #[arg(value_name = "AGENT")]
    pub holder: String,
    #[command(flatten)]
    pub paths: PathsArgs,
    /// Also those that are live
    #[arg(long)]
    pub force: bool,
}

/// Clear away leases that have ended, and places in the queue that nobody waits at
///
/// Nobody has to: what has ended stands in nobody's way.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story lease prune")]
pub struct PruneArgs {}
