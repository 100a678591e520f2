//! All leases of a store in memory, and the rules by which they change. Pure: a store reads and writes them, nothing here does.

mod ending;
mod proof;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::agent::Agent;
use crate::error::{LeaseError, Obstacle, Obstructed};
use crate::lease::{DEFAULT_TTL, Lease, MIN_TTL, Mode, Present, Standing, Token};
use crate::process::Process;
use crate::queue::Waiter;
use crate::scope::Scope;

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leases {
    /// The leases, those that have ended and were not yet cleared away as well.
    pub held: Vec<Lease>,
    /// Who waits, in order of arrival.
    pub waiting: Vec<Waiter>,
    /// The highest number given out so far, to a lease or a waiter.
    pub last_token: Token,
    /// What other tools wrote and nobody can read: it may cover anything.
    pub unreadable: Vec<Unreadable>,
}

/// A file of leases that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// When it was last written.
    pub modified_at: Timestamp,
}

impl Unreadable {
    /// Until when it stands in everybody's way: what it says may hold for the default time.
    pub fn blocks_until(&self) -> Timestamp {
        self.modified_at
            .saturating_add(DEFAULT_TTL)
            .unwrap_or(Timestamp::MAX)
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// For whom.
    pub agent: Agent,
    /// What; all of it or nothing.
    pub scope: Scope,
    /// Whether others may hold the same.
    pub mode: Mode,
    /// For how long; from [`MIN_TTL`] to the maximum age.
    pub ttl: Duration,
    /// What for: free text.
    pub task: Option<String>,
    /// The process with which it is to end.
    pub bind_to: Option<Process>,
}

/// What an acquisition did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acquired {
    /// The new lease.
    pub lease: Lease,
    /// Leases that had ended and were cleared away for it, and why they had.
    pub overwritten: Vec<(Lease, Standing)>,
}

/// Which leases of an agent are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// The one with this number.
    Token(Token),
    /// What it holds of these patterns.
    Patterns(Scope),
}

/// What a release did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Released {
    /// What was given back, each with the lease's other facts.
    pub given_back: Vec<Lease>,
    /// What was asked for, but the agent did not hold.
    pub not_held: Scope,
}

impl Leases {
    /// Acquires a lease at once, or says what stands against it. Nobody overtakes those who wait already.
    ///
    /// # Errors
    ///
    /// - [`LeaseError::Taken`]: others hold or wait for a part of it; try again later.
    /// - [`LeaseError::Unreadable`]: a file of leases cannot be read. Retrying helps once it was repaired, or is old.
    /// - [`LeaseError::Ttl`], [`LeaseError::EmptyScope`]: the request is wrong.
    pub fn acquire(
        &mut self,
        request: &Request,
        present: &Present<'_>,
    ) -> Result<Acquired, LeaseError> {
        self.admit(request, present)?;
        let obstacles = self.obstacles(request, None, present);
        if obstacles.is_empty() {
            Ok(self.grant(request, present))
        } else {
            Err(LeaseError::Taken(Box::new(Obstructed::new(
                request, obstacles,
            ))))
        }
    }

    /// Refuses what must not even wait.
    pub(crate) fn admit(&self, request: &Request, present: &Present<'_>) -> Result<(), LeaseError> {
        check_ttl(request.ttl, present)?;
        if request.scope.is_empty() {
            return Err(LeaseError::EmptyScope);
        }
        self.check_readable(present)
    }

    /// Refuses to judge while something cannot be read that may stand against anything.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Unreadable`].
    pub fn check_readable(&self, present: &Present<'_>) -> Result<(), LeaseError> {
        let blocking = |found: &&Unreadable| found.blocks_until() > present.now;
        match self.unreadable.iter().find(blocking) {
            Some(found) => Err(LeaseError::Unreadable(Box::new(found.clone()))),
            None => Ok(()),
        }
    }

    /// What stands against a request: live leases of others, and others that came before `ticket` (`None`: all that wait).
    pub(crate) fn obstacles(
        &self,
        request: &Request,
        ticket: Option<Token>,
        present: &Present<'_>,
    ) -> Vec<Obstacle> {
        let mut obstacles = self.check(&request.agent, &request.scope, request.mode, present);
        for waiter in self.ahead_of(request, ticket, present) {
            let clashes = request.scope.clashes(&waiter.scope).into_iter();
            obstacles.extend(clashes.map(|clash| Obstacle::waiting(clash, waiter)));
        }
        obstacles
    }

    /// What live leases of others stand against a scope. Looks only.
    pub fn check(
        &self,
        agent: &Agent,
        scope: &Scope,
        mode: Mode,
        present: &Present<'_>,
    ) -> Vec<Obstacle> {
        self.against(agent, mode, present)
            .flat_map(|lease| {
                let clashes = scope.clashes(&lease.scope).into_iter();
                clashes.map(move |clash| Obstacle::held(clash, lease))
            })
            .collect()
    }

    /// The live leases of others that do not go together with `mode`.
    pub(crate) fn against<'a>(
        &'a self,
        agent: &'a Agent,
        mode: Mode,
        present: &'a Present<'_>,
    ) -> impl Iterator<Item = &'a Lease> {
        self.held.iter().filter(move |lease| {
            lease.agent != *agent && lease.mode.excludes(mode) && lease.is_live(present)
        })
    }

    /// Makes the lease; nothing stands against it any more.
    pub(crate) fn grant(&mut self, request: &Request, present: &Present<'_>) -> Acquired {
        let mut overwritten = Vec::new();
        let mut generation = 1;
        self.held.retain(|lease| {
            let standing = lease.standing(present);
            if lease.agent == request.agent
                && lease.mode == request.mode
                && lease.scope == request.scope
            {
                generation = generation.max(lease.generation + 1);
                return false;
            }
            let in_the_way = standing != Standing::Live && lease.scope.meets(&request.scope);
            if in_the_way {
                overwritten.push((lease.clone(), standing));
            }
            !in_the_way
        });
        let lease = Lease {
            token: Some(self.next_token(present)),
            agent: request.agent.clone(),
            scope: request.scope.clone(),
            mode: request.mode,
            task: request.task.clone(),
            acquired_at: present.now,
            renewed_at: present.now,
            expires_at: present.after(request.ttl),
            generation,
            bound_to: request.bind_to.clone(),
        };
        self.held.push(lease.clone());
        Acquired { lease, overwritten }
    }

    pub(crate) fn next_token(&mut self, present: &Present<'_>) -> Token {
        self.last_token = self.last_token.next(present.now);
        self.last_token
    }
}

/// Whether a lease that holds may be ended by force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// No.
    IfEnded,
    /// Yes: a person has made sure that its holder does not write any more.
    EvenIfLive,
}

fn check_ttl(ttl: Duration, present: &Present<'_>) -> Result<(), LeaseError> {
    if (MIN_TTL..=present.max_age).contains(&ttl) {
        return Ok(());
    }
    Err(LeaseError::Ttl {
        given: ttl,
        max: present.max_age,
    })
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("anything"),
            Self::Token(token) => write!(f, "the lease {token}"),
            Self::Patterns(scope) => scope.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
