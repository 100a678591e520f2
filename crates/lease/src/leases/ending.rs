//! How leases end, or do not end yet: renewed, given back, broken by force, cleared away. Pure.

use std::ffi::OsStr;
use std::time::Duration;

use super::{Force, Leases, Released, Request, Unreadable, Which, check_ttl};
use crate::agent::Agent;
use crate::error::LeaseError;
use crate::lease::{DEFAULT_TTL, Lease, Mode, Present, Standing};
use crate::scope::Scope;

impl Leases {
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
}
