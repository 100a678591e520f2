//! Leases of files, directories and globs, for agents that work in one tree at the same time.
//!
//! A lease says who may touch what until when. Whether two leases go together is decided by one rule ([`Pattern::overlap`]),
//! when one ends by another ([`Lease::standing`]); both are pure, and the stores ([`store`]) only keep what they decide.
//!
//! # Promises
//!
//! - Two live leases of different agents that mean a common path are both [`Mode::Shared`].
//! - The tokens of a store rise: a later lease has a higher number, whatever crashes, and even if the store was deleted.
//! - Who waits gets its turn in order of arrival; agents that wait for each other are told so.
//! - An agent whose lease has ended cannot commit an edit any more, not even one that it began before.
//!
//! # Limits
//!
//! - Advisory: a lease stops who asks. Edits that go round it are not stopped.
//! - Time is the machine's clock. Set forward, leases end early, and the edits of their holders are refused; set back, they
//!   last longer.
//! - All who share a store must run on machines whose clocks agree and whose names differ: by its name a machine knows its own
//!   processes.

mod agent;
pub mod edit;
mod error;
mod glob;
mod guard;
mod input;
mod intent;
mod lease;
mod leases;
mod manager;
mod overlap;
mod overwritten;
mod patience;
mod pattern;
pub mod plan;
mod process;
mod project;
mod project_path;
mod queue;
mod registry;
mod resolve;
mod roles;
mod rules;
#[cfg(test)]
mod sample;
mod scope;
pub mod store;
mod sys;
mod waiting;

pub use agent::{Agent, AgentError, MAX_AGENT_BYTES};
pub use error::{LeaseError, Obstacle, Obstructed, StoreError, WaitsFor};
pub use glob::Glob;
pub use guard::LeaseGuard;
pub use input::InputError;
pub use intent::{Intent, IntentError, IntentProblem, parse_intents};
pub use lease::{DEFAULT_MAX_AGE, DEFAULT_TTL, Lease, MIN_TTL, Mode, Present, Standing, Token};
pub use leases::{Acquired, Force, Leases, Released, Request, Unreadable, Which};
pub use manager::{DATABASE, FileLockManager};
pub use overlap::Overlap;
pub use patience::Patience;
pub use pattern::Pattern;
pub use process::Process;
pub use project::Project;
pub use project_path::{PathError, ProjectPath};
pub use queue::{Turn, Waiter};
pub use registry::{ReleasedAll, ScopeRegistry, Whose};
pub use roles::{Access, Role, RoleError, Roles};
pub use rules::Rules;
pub use scope::{Clash, Scope};
pub use waiting::Won;

/// The examples of the page about agents, which documentation tests compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/architecture/parallelism.md")]
mod parallelism {}
