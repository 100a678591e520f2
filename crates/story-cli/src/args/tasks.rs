//! The grammar of `story tasks`: a board of tasks that agents share, and its metrics.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use state_file::board::Status;

/// Which board, and what to do with it.
#[derive(Debug, Args)]
pub struct TasksArgs {
    /// The file that holds the tasks [default: `STORY_TASKS`, else tasks.json in the sdlc root]
    #[arg(long, global = true, value_name = "FILE")]
    pub board: Option<PathBuf>,
    /// The name of the file beside it that holds the metrics
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        default_value = "agent-performance-metrics.json"
    )]
    pub metrics: PathBuf,
    #[command(subcommand)]
    pub verb: TasksVerb,
}

/// What to do with tasks.
#[derive(Debug, Subcommand)]
pub enum TasksVerb {
    New(NewArgs),
    List(ListArgs),
    Show(ShowArgs),
    Claim(ClaimArgs),
    Update(UpdateArgs),
    Spawn(SpawnArgs),
    Done(DoneArgs),
    Fail(FailArgs),
    Release(ReleaseArgs),
    Check(CheckArgs),
    Metrics(MetricsArgs),
}

impl TasksVerb {
    /// What waiters are told about who holds the lock.
    pub fn command(&self) -> &'static str {
        match self {
            Self::New(_) => "story tasks new",
            Self::List(_) => "story tasks list",
            Self::Show(_) => "story tasks show",
            Self::Claim(_) => "story tasks claim",
            Self::Update(_) => "story tasks update",
            Self::Spawn(_) => "story tasks spawn",
            Self::Done(_) => "story tasks done",
            Self::Fail(_) => "story tasks fail",
            Self::Release(_) => "story tasks release",
            Self::Check(_) => "story tasks check",
            Self::Metrics(_) => "story tasks metrics",
        }
    }
}

/// What a task can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Not begun
    Pending,
    /// Being worked on
    #[value(alias = "in-progress")]
    InProgress,
    /// Cannot go on
    Blocked,
    /// Done
    Completed,
    /// Given up
    Failed,
    /// No longer wanted
    Cancelled,
}

impl TaskStatus {
    /// As the library has it.
    pub fn status(self) -> Status {
        match self {
            Self::Pending => Status::Pending,
            Self::InProgress => Status::InProgress,
            Self::Blocked => Status::Blocked,
            Self::Completed => Status::Completed,
            Self::Failed => Status::Failed,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

/// What is said of a new task beside its title.
#[derive(Debug, Args)]
pub struct TaskArgs {
    /// When its turn is: 1 comes first
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub priority: i64,
    /// How hard it is, in a word of yours, such as simple
    #[arg(long, value_name = "C")]
    pub complexity: Option<String>,
    /// A word to find it by
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// A task that must be completed before it is begun
    #[arg(long = "depends-on", value_name = "ID")]
    pub dependencies: Vec<String>,
    /// What whoever does it must know; VALUE is JSON, else text
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
    /// What is to be done; @FILE and @- are read
    #[arg(long, value_name = "TEXT|@FILE")]
    pub description: Option<String>,
    /// Give it to this agent at once: nobody else can claim it
    #[arg(long, value_name = "AGENT")]
    pub assign: Option<String>,
}

/// Put a new task on the board, and print its id
///
/// The board is made if it is not there, and so are its metrics.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story tasks new 'Write the parser'
  story tasks new 'Write the tests' --priority 1 --tag rust --depends-on task_1768212000000_k3x9a2
  story tasks new 'Try it' --context branch=main --context retries=2 --description @notes/plan.md")]
pub struct NewArgs {
    /// What it is called
    pub title: String,
    #[command(flatten)]
    pub task: TaskArgs,
}

/// Show the tasks, in the order in which they are to be done
///
/// No lock is taken. Several conditions mean all of them; of several statuses one is enough.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story tasks list
  story tasks list --ready --tag rust
  story tasks list --status in_progress --status blocked --json")]
pub struct ListArgs {
    /// Only those with this status
    #[arg(long = "status", value_name = "STATUS", value_enum)]
    pub statuses: Vec<TaskStatus>,
    /// Only those of this agent
    #[arg(long, value_name = "AGENT")]
    pub assignee: Option<String>,
    /// Only those with this tag
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Only those that somebody could claim now
    #[arg(long)]
    pub ready: bool,
    /// Only those that were spawned from this task
    #[arg(long, value_name = "ID")]
    pub parent: Option<String>,
    /// With tags, and what each waits for
    #[arg(long)]
    pub long: bool,
}

/// Show all that is known of a task
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story tasks show task_1768212000000_k3x9a2
  story tasks show task_1768212000000_k3x9a2 --json")]
pub struct ShowArgs {
    /// The task
    pub id: String,
}

/// Claim a task for an agent: the one that is named, or the next that is ready
///
/// Of many agents that ask at once exactly one gets a task. Without an ID it is the first by priority that is pending, nobody's,
/// and has its dependencies completed; none: exit 3. Prints the id. Claimed by another: exit 4; waiting for other tasks: exit
/// 7, which ones. What the agent has claimed already it may claim again: nothing changes. A claim has no end; for a time limit
/// and for files there is `story lease`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story tasks claim --as worker-1
  story tasks claim --tag rust --as worker-1 --json
  story tasks claim task_1768212000000_k3x9a2 --as worker-1")]
pub struct ClaimArgs {
    /// The task; without it the next one
    pub id: Option<String>,
    /// Without an ID: only those with this tag
    #[arg(long = "tag", value_name = "TAG", conflicts_with = "id")]
    pub tags: Vec<String>,
    /// Without an ID: only those of this complexity
    #[arg(long, value_name = "C", conflicts_with = "id")]
    pub complexity: Option<String>,
    /// Without an ID: only those that were spawned from this task
    #[arg(long, value_name = "ID", conflicts_with = "id")]
    pub parent: Option<String>,
}

/// Change what is said of a task
///
/// All of one call is one change. The other statuses have verbs of their own, `claim`, `done` and `fail`: they know whose task
/// it is. The status of a task that another agent works on changes only with --force, which the history remembers.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args([
    "title", "description", "priority", "complexity", "status", "added_tags", "removed_tags", "added_dependencies",
    "removed_dependencies", "context", "removed_context", "assign", "note",
]))]
#[command(after_help = "\
Examples:
  story tasks update task_1768212000000_k3x9a2 --priority 1 --add-tag urgent
  story tasks update task_1768212000000_k3x9a2 --status blocked --note 'waits for the schema'
  story tasks update task_1768212000000_k3x9a2 --context retries=3")]
pub struct UpdateArgs {
    /// The task
    pub id: String,
    /// What it is called
    #[arg(long, value_name = "TITLE")]
    pub title: Option<String>,
    /// What is to be done; @FILE and @- are read, an empty text removes it
    #[arg(long, value_name = "TEXT|@FILE")]
    pub description: Option<String>,
    /// When its turn is: 1 comes first
    #[arg(long, value_name = "N")]
    pub priority: Option<i64>,
    /// How hard it is; an empty text removes it
    #[arg(long, value_name = "C")]
    pub complexity: Option<String>,
    /// What it is now: blocked, cancelled, or pending, which opens it again for everybody
    #[arg(long, value_name = "STATUS", value_enum)]
    pub status: Option<TaskStatus>,
    /// A word to find it by
    #[arg(long = "add-tag", value_name = "TAG")]
    pub added_tags: Vec<String>,
    /// A word that no longer fits
    #[arg(long = "remove-tag", value_name = "TAG")]
    pub removed_tags: Vec<String>,
    /// A task that must be completed before it
    #[arg(long = "depends-on", value_name = "ID")]
    pub added_dependencies: Vec<String>,
    /// A task that it no longer waits for
    #[arg(long = "not-depends-on", value_name = "ID")]
    pub removed_dependencies: Vec<String>,
    /// What whoever does it must know; VALUE is JSON, else text
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
    /// What nobody must know any more
    #[arg(long = "remove-context", value_name = "KEY")]
    pub removed_context: Vec<String>,
    /// Give it to this agent; an empty name: to nobody
    #[arg(long, value_name = "AGENT")]
    pub assign: Option<String>,
    /// Something to remember, in its history
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Change the status though another agent holds it
    #[arg(long)]
    pub force: bool,
}

/// Put a new task on the board that belongs to another, and print its id
///
/// Each of the two says so. The parent can be done when all its children have ended.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story tasks spawn task_1768212000000_k3x9a2 'Escapes in strings' --as worker-1")]
pub struct SpawnArgs {
    /// The task that it belongs to
    pub parent: String,
    /// What it is called
    pub title: String,
    #[command(flatten)]
    pub task: TaskArgs,
}

/// Say that a task is completed
///
/// Only its holder can. Who is not the holder is told who is: exit 4; a person may use --force, which the history remembers. A
/// task with children that have not ended is refused: exit 7.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story tasks done task_1768212000000_k3x9a2 --as worker-1
  story tasks done task_1768212000000_k3x9a2 --as worker-1 --result '14 tests' --with-open-children")]
pub struct DoneArgs {
    /// The task
    pub id: String,
    /// What came out of it; @FILE and @- are read
    #[arg(long, value_name = "TEXT|@FILE")]
    pub result: Option<String>,
    /// Though it has children that have not ended
    #[arg(long)]
    pub with_open_children: bool,
    /// Though another agent holds it
    #[arg(long)]
    pub force: bool,
}

/// Say that a task has failed
///
/// Only its holder can, as with `done`. What depends on it waits until somebody makes it pending again, by `update --status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story tasks fail task_1768212000000_k3x9a2 --as worker-1 --reason 'the API is gone'")]
pub struct FailArgs {
    /// The task
    pub id: String,
    /// Why; @FILE and @- are read
    #[arg(long, value_name = "TEXT|@FILE")]
    pub reason: String,
    /// Though another agent holds it
    #[arg(long)]
    pub force: bool,
}

/// Give a claimed task back: it is pending, and nobody's
///
/// Only its holder can, as with `done`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  story tasks release task_1768212000000_k3x9a2 --as worker-1")]
pub struct ReleaseArgs {
    /// The task
    pub id: String,
    /// Though another agent holds it
    #[arg(long)]
    pub force: bool,
}

/// Compare the metrics with the board
///
/// They must agree exactly, for both change together or not at all. What differs was written by something else: exit 7, and
/// each difference; --rebuild writes the metrics anew from the board.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story tasks check
  story tasks check --rebuild")]
pub struct CheckArgs {
    /// Write the metrics anew where they differ
    #[arg(long)]
    pub rebuild: bool,
}

/// Show what each agent has done
///
/// Busy is the time between the claims and the ends of tasks, summed up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story tasks metrics
  story tasks metrics --json")]
pub struct MetricsArgs {}
