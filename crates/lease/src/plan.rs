//! Which of several agents would stand in each other's way, and how they can be run all the same. Pure.

mod order;
mod resolution;
mod waves;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use resolution::{Part, Resolution};
pub use waves::Wave;

use crate::agent::Agent;
use crate::error::{LeaseError, Obstacle};
use crate::input::InputError;
use crate::intent::IntentError;
use crate::lease::{Mode, Present, Token};
use crate::leases::{Leases, Request};
use crate::roles::Access;
use crate::scope::{Clash, Scope};
use order::Order;

/// What an agent is going to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRequest {
    /// The agent; each stands in a plan once.
    pub agent: Agent,
    /// What it will touch; empty only with [`Access::None`].
    pub scope: Scope,
    /// What it does with that.
    pub access: Access,
    /// What for: free text.
    pub task: Option<String>,
    /// Agents of the plan that must have finished before it begins.
    pub after: Vec<Agent>,
}

impl PlannedRequest {
    /// The lease that it needs; `None` for one that only looks.
    pub fn request(&self, ttl: Duration) -> Option<Request> {
        Some(Request {
            agent: self.agent.clone(),
            scope: self.scope.clone(),
            mode: self.access.mode()?,
            ttl,
            task: self.task.clone(),
            bind_to: None,
        })
    }

    fn clashes(&self, other: &Self) -> Vec<Clash> {
        match (self.access.mode(), other.access.mode()) {
            (Some(mode), Some(others)) if mode.excludes(others) => self.scope.clashes(&other.scope),
            _ => Vec::new(),
        }
    }
}

/// What stands against an agent of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rival {
    /// Another agent of the plan.
    Planned {
        /// It.
        agent: Agent,
        /// In which mode.
        mode: Mode,
        /// What for.
        task: Option<String>,
    },
    /// A lease that holds, of an agent inside or outside of the plan; or somebody who waits for one already.
    AtWork {
        /// Who.
        agent: Agent,
        /// In which mode.
        mode: Mode,
        /// What for.
        task: Option<String>,
        /// Since when.
        since: Timestamp,
        /// Until when, unless it is renewed or given back before.
        until: Timestamp,
        /// The lease, where it has a number.
        token: Option<Token>,
        /// Whether it is not held, but waited for.
        is_waiting: bool,
    },
}

impl Rival {
    /// Who.
    pub fn agent(&self) -> &Agent {
        match self {
            Self::Planned { agent, .. } | Self::AtWork { agent, .. } => agent,
        }
    }

    fn at_work(obstacle: &Obstacle) -> Self {
        Self::AtWork {
            agent: obstacle.agent.clone(),
            mode: obstacle.mode,
            task: obstacle.task.clone(),
            since: obstacle.since,
            until: obstacle.until,
            token: obstacle.token,
            is_waiting: obstacle.is_waiting,
        }
    }
}

/// An agent, and one thing that stands against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The agent; of two in a plan the one that stands first.
    pub agent: Agent,
    /// In which mode.
    pub mode: Mode,
    /// What for.
    pub task: Option<String>,
    /// What stands against it.
    pub rival: Rival,
    /// On which paths: `wanted` is the agent's, `held` the rival's. Never empty.
    pub paths: Vec<Clash>,
    /// What could be done about it. Nothing of it is done.
    pub resolutions: Vec<Resolution>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", self.agent, self.rival.agent())?;
        match &self.rival {
            Rival::Planned { .. } => Ok(()),
            Rival::AtWork {
                until,
                is_waiting: false,
                ..
            } => write!(f, ", which holds it until {until:.0}"),
            Rival::AtWork { .. } => write!(f, ", which waits for it already"),
        }?;
        match &self.rival {
            Rival::Planned { task, .. } | Rival::AtWork { task, .. } => match task {
                Some(task) => write!(f, " for {task:?}"),
                None => Ok(()),
            },
        }
    }
}

/// What was found out about a plan. The same plan over the same leases gives the same report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Every pair that cannot work at the same time. Two agents of which one comes after the other, directly or not, do not
    /// conflict.
    pub conflicts: Vec<Conflict>,
    /// A schedule: the agents of one wave can work side by side, once those of the waves before have finished. Each agent stands
    /// in one.
    pub waves: Vec<Wave>,
}

/// Why a plan could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// What was given is not the JSON that was asked for. Retrying does not help.
    #[error(transparent)]
    Input(#[from] InputError),
    /// What an agent says cannot be planned. Retrying does not help.
    #[error(transparent)]
    Intent(#[from] IntentError),
    /// An agent stands in the plan twice: whether both may work at once cannot be said, for leases are told apart by agent.
    #[error("agent {0} stands in the plan twice")]
    Twice(Agent),
    /// An agent comes after one that is not in the plan.
    #[error("agent {agent} comes after {after}, which is not in the plan")]
    NoSuchAgent {
        /// The agent.
        agent: Agent,
        /// The other.
        after: Agent,
    },
    /// The agents come after each other in a circle.
    #[error("the agents come after each other in a circle: {}", circle(.0))]
    Circle(Vec<Agent>),
    /// The leases could not be looked at.
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

fn circle(agents: &[Agent]) -> String {
    let first = agents.first();
    let names: Vec<_> = agents.iter().chain(first).map(Agent::as_str).collect();
    names.join(" after ")
}

/// Looks at a whole plan before any of it begins: which agents would stand in each other's way, or meet leases of others, and in
/// which waves they can be run.
///
/// # Errors
///
/// [`PlanError`], all but `Input` and `Intent`.
pub fn check(
    requests: &[PlannedRequest],
    leases: &Leases,
    present: &Present<'_>,
) -> Result<Report, PlanError> {
    let order = Order::of(requests)?;
    leases.check_readable(present)?;
    let mut conflicts = Vec::new();
    let mut clashing = vec![vec![false; requests.len()]; requests.len()];
    for (second, later) in requests.iter().enumerate() {
        for (first, earlier) in requests[..second].iter().enumerate() {
            let paths = earlier.clashes(later);
            clashing[first][second] = !paths.is_empty();
            clashing[second][first] = !paths.is_empty();
            if !paths.is_empty() && !order.is_settled(first, second) {
                conflicts.push(between(earlier, later, paths));
            }
        }
    }
    let mut obstacles = Vec::new();
    for request in requests {
        let met = met(request, leases, present);
        for same in met.chunk_by(is_same) {
            conflicts.extend(with_work(request, same));
        }
        obstacles.push(met);
    }
    let waves = waves::schedule(requests, &order, &clashing, &obstacles);
    Ok(Report { conflicts, waves })
}

fn between(first: &PlannedRequest, second: &PlannedRequest, paths: Vec<Clash>) -> Conflict {
    Conflict {
        agent: first.agent.clone(),
        mode: first.access.mode().unwrap_or_default(),
        task: first.task.clone(),
        rival: Rival::Planned {
            agent: second.agent.clone(),
            mode: second.access.mode().unwrap_or_default(),
            task: second.task.clone(),
        },
        resolutions: resolution::of_two(first, second, &paths),
        paths,
    }
}

/// What stands against a request at present, each lease's part together.
fn met(request: &PlannedRequest, leases: &Leases, present: &Present<'_>) -> Vec<Obstacle> {
    // How long it would run makes no difference.
    match request.request(Duration::ZERO) {
        Some(request) => leases.obstacles(&request, None, present),
        None => Vec::new(),
    }
}

fn is_same(one: &Obstacle, other: &Obstacle) -> bool {
    let of = |obstacle: &Obstacle| (obstacle.is_waiting, obstacle.token, obstacle.since);
    one.agent == other.agent && of(one) == of(other)
}

fn with_work(request: &PlannedRequest, obstacles: &[Obstacle]) -> Option<Conflict> {
    let paths: Vec<Clash> = obstacles.iter().map(clash).collect();
    let rival = Rival::at_work(obstacles.first()?);
    Some(Conflict {
        agent: request.agent.clone(),
        mode: request.access.mode()?,
        task: request.task.clone(),
        resolutions: resolution::with_work(request, rival.agent(), &paths),
        rival,
        paths,
    })
}

fn clash(obstacle: &Obstacle) -> Clash {
    Clash {
        wanted: obstacle.wanted.clone(),
        held: obstacle.held.clone(),
        overlap: obstacle.overlap,
    }
}
