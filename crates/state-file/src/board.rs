//! A task board that many agents share: `tasks.json`, and beside it what they did, `agent-performance-metrics.json`.
//!
//! # The files
//!
//! `tasks.json` is `{"tasks": [TASK, …]}`; a bare list is read and kept as well. A [`Task`] written here has the members
//! `id`, `title`, `description`, `status`, `priority`, `complexity`, `assignee`, `parent`, `children`, `dependencies`,
//! `tags`, `context`, `created_at`, `updated_at`, `completed_at` and `history`; tasks of other tools may have more, fewer,
//! or `createdAt` for `created_at`. Changes are made in the text: what is not meant keeps its bytes.
//!
//! `agent-performance-metrics.json` is `{"agents": {NAME: NUMBERS}, "claims": [CLAIM, …]}` ([`Metrics`]). It says nothing
//! that the histories of the tasks do not say ([`metrics::of`]), and both files always change together or not at all.
//!
//! # The rules
//!
//! - A task is **claimed** by one agent, and only while all of its dependencies are completed; an agent that holds a task
//!   already is told so, and nothing changes. A claim has no end of its own: an agent that needs one that ends by itself
//!   takes a lease on the task's files besides.
//! - Only its holder **completes** it, **fails** it or **releases** it (gives it back), unless [`Right::Anybody`] is given; the
//!   history then says whose it was.
//! - A task that has children is completed when they are ended (completed, failed or cancelled), unless
//!   [`OpenChildren::Allowed`] is given.
//! - An [`Amendment`] changes everything else, blocks a task, cancels it, or opens it again for everybody.
//! - Tasks that would wait for each other for ever are refused: a task waits for its dependencies and for its children.

mod actor;
mod choose;
mod circle;
mod difference;
mod entry;
mod error;
mod failure;
mod id;
mod lenient;
mod look;
pub mod metrics;
mod moment;
mod paper;
mod problem;
mod rules;
mod shared;
mod task;
mod tasks;

pub use actor::Actor;
pub use choose::{Filter, next};
pub use difference::Difference;
pub use entry::{Action, Entry};
pub use error::{RuleError, WaitsFor};
pub use failure::BoardError;
pub use look::{SeenTasks, Snapshot};
pub use metrics::{AgentMetrics, Claim, Metrics};
pub use moment::Moment;
pub use problem::Problem;
pub use rules::{Amendment, Completion, NewTask, OpenChildren, Right};
pub use shared::{Board, Check, Done, Failure, TransactionTold};
pub use task::{DEFAULT_PRIORITY, Status, StatusError, Task};
pub use tasks::Tasks;
