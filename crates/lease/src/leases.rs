//! All leases of a store in memory, and the rules by which they change. Pure: a store reads and writes them, nothing here does.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::agent::Agent;
use crate::error::{LeaseError, Obstacle, Obstructed};
use crate::lease::{DEFAULT_TTL, Lease, MIN_TTL, Mode, Present, Standing, Token};
use crate::overlap::Overlap;
use crate::pattern::Pattern;
use crate::process::Process;
use crate::project_path::ProjectPath;
use crate::queue::Waiter;
use crate::scope::{Clash, Scope};

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

    /// Has leases end `ttl` from now. One that has ended is renewed if nobody has taken anything of it, nor waits for it.
    ///
    /// All that is meant, or nothing. Returns the leases as they are now.
    ///
    /// # Errors
    ///
    /// - [`LeaseError::NotHeld`]: there is none such; others may have taken it. Do not go on with what it was for.
    /// - [`LeaseError::Ended`]: it has ended, and others hold a part of it or wait for it, or its process is gone.
    /// - [`LeaseError::Ttl`], [`LeaseError::Unreadable`].
    pub fn renew(
        &mut self,
        agent: &Agent,
        which: &Which,
        ttl: Duration,
        present: &Present<'_>,
    ) -> Result<Vec<Lease>, LeaseError> {
        check_ttl(ttl, present)?;
        self.check_readable(present)?;
        let meant: Vec<usize> = self.indices(agent, which);
        if meant.is_empty() {
            return Err(self.not_held(agent, which, present));
        }
        for index in &meant {
            self.check_renewable(&self.held[*index], present)?;
        }
        Ok(meant
            .into_iter()
            .map(|index| {
                let lease = &mut self.held[index];
                lease.renewed_at = present.now;
                lease.expires_at = present.after(ttl);
                lease.generation += 1;
                lease.clone()
            })
            .collect())
    }

    fn check_renewable(&self, lease: &Lease, present: &Present<'_>) -> Result<(), LeaseError> {
        let standing = lease.standing(present);
        if standing == Standing::Live {
            return Ok(());
        }
        let again = Request {
            agent: lease.agent.clone(),
            scope: lease.scope.clone(),
            mode: lease.mode,
            ttl: DEFAULT_TTL,
            task: None,
            bind_to: None,
        };
        let obstacles = self.obstacles(&again, None, present);
        if standing != Standing::OwnerGone && obstacles.is_empty() {
            return Ok(());
        }
        Err(LeaseError::Ended {
            lease: Box::new(lease.clone()),
            standing,
            obstacles,
        })
    }

    fn indices(&self, agent: &Agent, which: &Which) -> Vec<usize> {
        let is_meant = |lease: &Lease| match which {
            Which::All => true,
            Which::Token(token) => lease.token == Some(*token),
            Which::Patterns(scope) => lease.scope.names_any_of(scope),
        };
        (0..self.held.len())
            .filter(|index| self.held[*index].agent == *agent && is_meant(&self.held[*index]))
            .collect()
    }

    /// Who holds instead what an agent does not.
    fn not_held(&self, agent: &Agent, which: &Which, present: &Present<'_>) -> LeaseError {
        let held_by = match which {
            Which::Patterns(scope) => self.check(agent, scope, Mode::Exclusive, present),
            _ => Vec::new(),
        };
        LeaseError::NotHeld {
            agent: agent.clone(),
            what: which.to_string(),
            held_by,
        }
    }

    /// Gives back what an agent holds. What it does not hold is not given back, and that is no error: a release may be
    /// repeated.
    ///
    /// # Errors
    ///
    /// Nothing was changed. Retrying does not help.
    ///
    /// - [`LeaseError::HeldByAnother`]: somebody else holds that path.
    /// - [`LeaseError::PartOf`]: the agent holds it as a part of something larger, which can be given back only whole.
    pub fn release(
        &mut self,
        agent: &Agent,
        which: &Which,
        present: &Present<'_>,
    ) -> Result<Released, LeaseError> {
        let Which::Patterns(scope) = which else {
            let meant = self.indices(agent, which);
            return Ok(Released {
                given_back: self.take(&meant),
                not_held: Scope::default(),
            });
        };
        let not_held = self.check_release(agent, scope, present)?;
        let mut given_back = Vec::new();
        for lease in self.held.iter_mut().filter(|lease| lease.agent == *agent) {
            let gone = lease.scope.remove_all(scope);
            if !gone.is_empty() {
                lease.generation += 1;
                given_back.push(Lease {
                    scope: gone,
                    ..lease.clone()
                });
            }
        }
        self.held.retain(|lease| !lease.scope.is_empty());
        Ok(Released {
            given_back,
            not_held,
        })
    }

    /// The patterns that the agent does not hold.
    fn check_release(
        &self,
        agent: &Agent,
        scope: &Scope,
        present: &Present<'_>,
    ) -> Result<Scope, LeaseError> {
        let mut not_held = Scope::default();
        for pattern in scope.patterns() {
            let alone = Scope::from_iter([pattern.clone()]);
            let mut own = self.held.iter().filter(|lease| lease.agent == *agent);
            if own.clone().any(|lease| lease.scope.names_any_of(&alone)) {
                continue;
            }
            if let Some(part) = own.find_map(|lease| lease.scope.clashes(&alone).into_iter().next())
            {
                return Err(LeaseError::PartOf {
                    pattern: pattern.clone(),
                    held: part.wanted,
                });
            }
            // Others that share it are no reason: whoever repeats a release may have shared it with them.
            let by_others = self.check(agent, &alone, Mode::Shared, present);
            if let Some(obstacle) = by_others.into_iter().next() {
                return Err(LeaseError::HeldByAnother(Box::new(obstacle)));
            }
            not_held.insert(pattern.clone());
        }
        Ok(not_held)
    }

    fn take(&mut self, meant: &[usize]) -> Vec<Lease> {
        let mut index = 0;
        let (taken, kept) = std::mem::take(&mut self.held).into_iter().partition(|_| {
            index += 1;
            meant.contains(&(index - 1))
        });
        self.held = kept;
        taken
    }

    /// Ends leases of any agent by force: all of `agent`, or those that mean a path of `scope`. A lease that is live is ended
    /// only by [`Force::EvenIfLive`], which also takes the agent's places in the queue; so is a file of the agent that cannot be
    /// read and may hold a live one. Returns what was ended; of a file that cannot be read, nothing is known. Who still waits
    /// at a place that was taken queues up again, behind the others.
    ///
    /// # Errors
    ///
    /// [`LeaseError::StillLive`], [`LeaseError::Unreadable`]: nothing was changed.
    pub fn break_leases(
        &mut self,
        agent: &Agent,
        scope: Option<&Scope>,
        force: Force,
        present: &Present<'_>,
    ) -> Result<Vec<Lease>, LeaseError> {
        let is_meant = |lease: &Lease| {
            lease.agent == *agent && scope.is_none_or(|scope| lease.scope.meets(scope))
        };
        let meant: Vec<usize> = (0..self.held.len())
            .filter(|index| is_meant(&self.held[*index]))
            .collect();
        if force == Force::IfEnded
            && let Some(live) = meant
                .iter()
                .find(|index| self.held[**index].is_live(present))
        {
            return Err(LeaseError::StillLive(Box::new(self.held[*live].clone())));
        }
        let is_agents = |found: &Unreadable| {
            found.path.file_stem().and_then(OsStr::to_str) == Some(agent.as_str())
        };
        if force == Force::IfEnded
            && let Some(found) = self.unreadable.iter().find(|found| is_agents(found))
            && found.blocks_until() > present.now
        {
            return Err(LeaseError::Unreadable(Box::new(found.clone())));
        }
        self.unreadable.retain(|found| !is_agents(found));
        if force == Force::EvenIfLive {
            // One that was stopped would keep everybody behind it waiting.
            self.waiting.retain(|waiter| {
                waiter.agent != *agent || scope.is_some_and(|scope| !waiter.scope.meets(scope))
            });
        }
        Ok(self.take(&meant))
    }

    /// Clears away what has ended: leases, waits whose limit has passed or whose process is gone, and unreadable files that
    /// stand in nobody's way any more.
    pub fn prune(&mut self, present: &Present<'_>) -> Vec<(Lease, Standing)> {
        let mut ended = Vec::new();
        self.held.retain(|lease| {
            let standing = lease.standing(present);
            if standing != Standing::Live {
                ended.push((lease.clone(), standing));
            }
            standing == Standing::Live
        });
        self.waiting.retain(|waiter| waiter.is_live(present));
        self.unreadable
            .retain(|found| found.blocks_until() > present.now);
        ended
    }

    /// The live leases that mean a path.
    pub fn holders_of(&self, path: &ProjectPath, present: &Present<'_>) -> Vec<&Lease> {
        self.held
            .iter()
            .filter(|lease| lease.scope.covers(path) && lease.is_live(present))
            .collect()
    }

    /// Whether `agent` may write a path now because it holds it: the proof that a commit asks for.
    ///
    /// `token` says which lease it must be: a worker that was replaced by another of the same name is then refused.
    ///
    /// # Errors
    ///
    /// Nothing may be written. [`LeaseError::HeldByAnother`] names who holds it, [`LeaseError::Ended`] the lease that has
    /// ended, [`LeaseError::SharedOnly`] one that is for reading, [`LeaseError::NotHeld`] is the rest.
    pub fn prove_holder(
        &self,
        path: &ProjectPath,
        agent: &Agent,
        token: Option<Token>,
        present: &Present<'_>,
    ) -> Result<&Lease, LeaseError> {
        if let Some(other) = self.other_holder(path, Some(agent), present) {
            return Err(LeaseError::HeldByAnother(Box::new(other)));
        }
        let own = self.held.iter().filter(|lease| {
            lease.agent == *agent
                && lease.scope.covers(path)
                && (token.is_none() || lease.token == token)
        });
        if let Some(proof) = own
            .clone()
            .find(|lease| lease.mode == Mode::Exclusive && lease.is_live(present))
        {
            return Ok(proof);
        }
        match own.max_by_key(|lease| lease.is_live(present)) {
            Some(lease) if lease.is_live(present) => Err(LeaseError::SharedOnly {
                path: path.clone(),
                agent: agent.clone(),
            }),
            Some(lease) => Err(LeaseError::Ended {
                lease: Box::new(lease.clone()),
                standing: lease.standing(present),
                obstacles: Vec::new(),
            }),
            None => Err(LeaseError::NotHeld {
                agent: agent.clone(),
                what: path.to_string(),
                held_by: Vec::new(),
            }),
        }
    }

    /// Whoever else holds a path, in any mode: reason enough not to write it. The first of [`Leases::other_holders`].
    pub fn other_holder(
        &self,
        path: &ProjectPath,
        agent: Option<&Agent>,
        present: &Present<'_>,
    ) -> Option<Obstacle> {
        self.other_holders(path, agent, present).next()
    }

    /// All who hold a path but `agent`; several only in shared mode.
    pub fn other_holders(
        &self,
        path: &ProjectPath,
        agent: Option<&Agent>,
        present: &Present<'_>,
    ) -> impl Iterator<Item = Obstacle> {
        let others = self
            .held
            .iter()
            .filter(move |lease| Some(&lease.agent) != agent && lease.is_live(present));
        others.filter_map(|lease| {
            let clash = Clash {
                wanted: Pattern::File(path.clone()),
                held: lease.scope.covering(path)?.clone(),
                overlap: Overlap::Yes,
            };
            Some(Obstacle::held(clash, lease))
        })
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
