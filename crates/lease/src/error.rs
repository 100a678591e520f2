//! What can go wrong with leases, and what stands in the way of one.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use atomic_file::CommitError;
use jiff::{SignedDuration, Timestamp};
use sidecar_lock::AcquireError;

use crate::agent::{Agent, AgentError};
use crate::lease::{Lease, MIN_TTL, Mode, Standing, Token};
use crate::leases::{Request, Unreadable};
use crate::overlap::Overlap;
use crate::pattern::Pattern;
use crate::project_path::{PathError, ProjectPath};
use crate::queue::Waiter;
use crate::scope::Clash;

/// One thing that stands against a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What was asked for.
    pub wanted: Pattern,
    /// What stands against it.
    pub held: Pattern,
    /// Whether they certainly mean a common path.
    pub overlap: Overlap,
    /// Who.
    pub agent: Agent,
    /// In which mode.
    pub mode: Mode,
    /// What for.
    pub task: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Until when, unless it is renewed or given back before.
    pub until: Timestamp,
    /// The lease; `None` where it has none, and for one that only waits.
    pub token: Option<Token>,
    /// Whether it is not held, but waited for by somebody who came before.
    pub is_waiting: bool,
}

impl Obstacle {
    pub(crate) fn held(clash: Clash, lease: &Lease) -> Self {
        Self {
            wanted: clash.wanted,
            held: clash.held,
            overlap: clash.overlap,
            agent: lease.agent.clone(),
            mode: lease.mode,
            task: lease.task.clone(),
            since: lease.acquired_at,
            until: lease.expires_at,
            token: lease.token,
            is_waiting: false,
        }
    }

    pub(crate) fn waiting(clash: Clash, waiter: &Waiter) -> Self {
        Self {
            wanted: clash.wanted,
            held: clash.held,
            overlap: clash.overlap,
            agent: waiter.agent.clone(),
            mode: waiter.mode,
            task: None,
            since: waiter.since,
            until: waiter.until,
            token: None,
            is_waiting: true,
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match (self.is_waiting, self.overlap) {
            (true, _) => "is waited for by",
            (false, Overlap::Perhaps) => "may be held by",
            (false, _) => "is held by",
        };
        write!(f, "{} {verb} {}", self.wanted, self.agent)?;
        if self.held != self.wanted {
            write!(f, " as {}", self.held)?;
        }
        write!(f, " until {:.0}", self.until)?;
        match &self.task {
            Some(task) => write!(f, " for {task:?}"),
            None => Ok(()),
        }
    }
}

/// All that stands against a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstructed {
    /// Who asked.
    pub agent: Agent,
    /// What stands against it; never empty.
    pub obstacles: Vec<Obstacle>,
    /// How long was waited.
    pub waited: Duration,
}

impl Obstructed {
    pub(crate) fn new(request: &Request, obstacles: Vec<Obstacle>) -> Self {
        Self {
            agent: request.agent.clone(),
            obstacles,
            waited: Duration::ZERO,
        }
    }
}

impl fmt::Display for Obstructed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.obstacles.first() {
            first.fmt(f)?;
        }
        match self.obstacles.len() {
            0 | 1 => Ok(()),
            more => write!(f, " (and {} more)", more - 1),
        }
    }
}

/// One link of a circle: an agent waits for what the next one holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitsFor {
    /// Who waits.
    pub agent: Agent,
    /// For what.
    pub wanted: Pattern,
    /// Who holds it.
    pub held_by: Agent,
    /// As what.
    pub held: Pattern,
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            agent,
            wanted,
            held_by,
            ..
        } = self;
        write!(f, "{agent} waits for {wanted} of {held_by}")
    }
}

/// Why something was not done with leases. Nothing was changed, except where [`LeaseError::is_committed`] is true.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// Others hold or wait for a part of it. Try again later, or wait.
    #[error("{0}")]
    Taken(Box<Obstructed>),
    /// It was waited for as long as was allowed. Try again later.
    #[error("{0}; waited {ms} ms", ms = .0.waited.as_millis())]
    TimedOut(Box<Obstructed>),
    /// The wait was given up because the caller wished so. Try again later.
    #[error("{0}; the wait was stopped after {ms} ms", ms = .0.waited.as_millis())]
    Stopped(Box<Obstructed>),
    /// The agents wait for each other. Retrying does not help; giving something back does.
    #[error("the agents would wait for each other: {}", links(.0))]
    Deadlock(Vec<WaitsFor>),
    /// The agent holds no such thing: it was released or broken, or was never acquired. Acquire it.
    #[error("{agent} does not hold {what}{}", instead(.held_by))]
    NotHeld {
        /// The agent.
        agent: Agent,
        /// What it should hold.
        what: String,
        /// Who does.
        held_by: Vec<Obstacle>,
    },
    /// The lease has ended. Stop, look at what others did meanwhile, and acquire it again.
    #[error("the lease of {} on {} {}{}", .lease.agent, .lease.scope, ended(*.standing, .lease), instead(.obstacles))]
    Ended {
        /// The lease.
        lease: Box<Lease>,
        /// Why.
        standing: Standing,
        /// Who stands in the way of a renewal.
        obstacles: Vec<Obstacle>,
    },
    /// Somebody else holds that path. Try again when they have released it.
    #[error("{0}")]
    HeldByAnother(Box<Obstacle>),
    /// The agent holds the path as a part of something larger. Release that.
    #[error("{pattern} is held as a part of {held}")]
    PartOf {
        /// What was to be given back.
        pattern: Pattern,
        /// What it is a part of.
        held: Pattern,
    },
    /// The agent holds the path together with others, for reading. Acquire it exclusively to write.
    #[error("{agent} holds {path} in shared mode, which is for reading")]
    SharedOnly {
        /// The path.
        path: ProjectPath,
        /// The agent.
        agent: Agent,
    },
    /// The lease holds still, and may be ended only by force.
    #[error("{} holds {} until {:.0}", .0.agent, .0.scope, .0.expires_at)]
    StillLive(Box<Lease>),
    /// A file of leases cannot be read; what it says may stand against anything. Repair or remove it; after an hour it no
    /// longer counts.
    #[error("{} cannot be read as a list of leases: {}; it counts until {:.0}", .0.path.display(), .0.reason, .0.blocks_until())]
    Unreadable(Box<Unreadable>),
    /// The time for which it is asked is no good.
    #[error("a lease can run from {} to {}, not {}", friendly(MIN_TTL), friendly(*max), friendly(*given))]
    Ttl {
        /// What was asked for.
        given: Duration,
        /// The most.
        max: Duration,
    },
    /// Nothing was asked for.
    #[error("a lease covers at least one path")]
    EmptyScope,
    /// A path or glob is no good.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The name of an agent is no good.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// As people write it: `24h`, `1h 30m`, `100ms`.
fn friendly(duration: Duration) -> String {
    SignedDuration::try_from(duration).map_or_else(
        |_| format!("{duration:?}"),
        |duration| format!("{duration:#}"),
    )
}

fn links(cycle: &[WaitsFor]) -> String {
    let links: Vec<_> = cycle.iter().map(ToString::to_string).collect();
    links.join(", ")
}

fn instead(obstacles: &[Obstacle]) -> String {
    obstacles
        .first()
        .map(|obstacle| format!("; {obstacle}"))
        .unwrap_or_default()
}

fn ended(standing: Standing, lease: &Lease) -> String {
    match standing {
        Standing::OwnerGone => "ended with the process that it was bound to".to_owned(),
        _ => format!("ended at {:.0}", lease.expires_at),
    }
}

impl LeaseError {
    /// Whether the same call may succeed later by itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Taken(_) | Self::TimedOut(_) | Self::Stopped(_) | Self::HeldByAnother(_) => true,
            Self::Store(err) => err.is_retryable(),
            _ => false,
        }
    }

    /// Whether the change is in the store in spite of the error.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Store(err) if err.is_committed())
    }
}

/// Why a store could not be read or written. Nothing was changed, except where [`StoreError::is_committed`] is true.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The lock of a folder of leases was not to be had. [`AcquireError::is_retryable`] says whether trying again helps.
    #[error("cannot lock the leases")]
    Lock(#[source] AcquireError),
    /// Others kept a database of leases busy. Try again later.
    #[error("{} is busy: others kept it locked for {} ms", .path.display(), .waited.as_millis())]
    Busy {
        /// The database.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// Somebody without the store's lock changed it meanwhile. Try again.
    #[error("{} was changed by somebody without the lock of the leases", .path.display())]
    Interfered {
        /// The file.
        path: PathBuf,
    },
    /// The store is not what it should be: another kind of file, a later version, damaged. Retrying does not help.
    #[error("{} is no store of leases: {reason}", .path.display())]
    NotAStore {
        /// The store, or the file in it.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be written; see [`CommitError`].
    #[error("cannot write the leases")]
    Commit(#[source] CommitError),
    /// The system or the database refused something. Retrying helps after repair.
    #[error("cannot {step} {}", .path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the same call may succeed later by itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lock(err) => err.is_retryable(),
            Self::Busy { .. } | Self::Interfered { .. } => true,
            Self::Commit(err) => err.is_retryable(),
            Self::NotAStore { .. } | Self::Io { .. } => false,
        }
    }

    /// Whether the change is in the store in spite of the error.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Commit(err) if err.is_committed())
    }
}
