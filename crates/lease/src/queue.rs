//! Who waits for what, in order of arrival, and who waits for whom in a circle. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::agent::Agent;
use crate::error::{LeaseError, Obstacle, WaitsFor};
use crate::lease::{Mode, Present, Token};
use crate::leases::{Acquired, Leases, Request};
use crate::process::Process;
use crate::scope::Scope;

/// One that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// Its place: lower comes first.
    pub ticket: Token,
    /// For whom.
    pub agent: Agent,
    /// For what.
    pub scope: Scope,
    /// In which mode.
    pub mode: Mode,
    /// Since when.
    pub since: Timestamp,
    /// Until when; after that its place is free.
    pub until: Timestamp,
    /// The process that waits; if it ends, its place is free.
    pub process: Process,
}

impl Waiter {
    fn is_ahead_of(&self, other: &Self) -> bool {
        self.ticket < other.ticket
            && self.agent != other.agent
            && self.mode.excludes(other.mode)
            && self.scope.meets(&other.scope)
    }

    /// Whether somebody still waits there.
    pub fn is_live(&self, present: &Present<'_>) -> bool {
        present.now < self.until && !(present.is_gone)(&self.process)
    }
}

/// What became of one that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It has what it waited for.
    Granted(Box<Acquired>),
    /// These stand against it still.
    Blocked(Vec<Obstacle>),
}

impl Leases {
    /// Takes a place at the end of the queue. Places where nobody waits any more are cleared away.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Deadlock`]: somebody who holds a part of it waits, by way of others or not, for what `request.agent`
    /// holds. Nothing was changed; give something back first. And as [`Leases::acquire`], but for `Taken`.
    pub fn enqueue(
        &mut self,
        request: &Request,
        until: Timestamp,
        process: Process,
        present: &Present<'_>,
    ) -> Result<Token, LeaseError> {
        self.admit(request, present)?;
        if let Some(cycle) = self.circle(&request.agent, &request.scope, request.mode, present) {
            return Err(LeaseError::Deadlock(cycle));
        }
        self.waiting.retain(|waiter| waiter.is_live(present));
        let ticket = self.next_token(present);
        self.waiting.push(Waiter {
            ticket,
            agent: request.agent.clone(),
            scope: request.scope.clone(),
            mode: request.mode,
            since: present.now,
            until,
            process,
        });
        Ok(ticket)
    }

    /// Grants a waiting request if it is its turn; its place is free then.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Deadlock`] where others have closed a circle since, for the one in it that came last. And as
    /// [`Leases::acquire`], but for `Taken`.
    pub fn try_turn(
        &mut self,
        request: &Request,
        ticket: Token,
        present: &Present<'_>,
    ) -> Result<Turn, LeaseError> {
        self.admit(request, present)?;
        let obstacles = self.obstacles(request, Some(ticket), present);
        if obstacles.is_empty() {
            self.withdraw(ticket);
            return Ok(Turn::Granted(Box::new(self.grant(request, present))));
        }
        if let Some(cycle) = self.circle(&request.agent, &request.scope, request.mode, present)
            && self.came_last(ticket, &cycle, present)
        {
            return Err(LeaseError::Deadlock(cycle));
        }
        Ok(Turn::Blocked(obstacles))
    }

    /// Whether a place is still in the queue: one that was not live at some time may have been cleared away.
    pub fn is_waiting(&self, ticket: Token) -> bool {
        self.waiting.iter().any(|waiter| waiter.ticket == ticket)
    }

    /// Gives up a place in the queue.
    pub fn withdraw(&mut self, ticket: Token) {
        self.waiting.retain(|waiter| waiter.ticket != ticket);
    }

    /// Who waits for something of `scope`, in order.
    pub fn queue_of<'a>(
        &'a self,
        scope: &'a Scope,
        present: &'a Present<'_>,
    ) -> impl Iterator<Item = &'a Waiter> {
        self.waiting
            .iter()
            .filter(move |waiter| waiter.is_live(present) && waiter.scope.meets(scope))
    }

    /// Others that came before `ticket` and cannot have the same at the same time. One that itself waits for what
    /// `request.agent` holds is overtaken: to wait for it would be to wait for oneself.
    pub(crate) fn ahead_of<'a>(
        &'a self,
        request: &'a Request,
        ticket: Option<Token>,
        present: &'a Present<'_>,
    ) -> impl Iterator<Item = &'a Waiter> {
        self.waiting.iter().filter(move |waiter| {
            waiter.agent != request.agent
                && ticket.is_none_or(|ticket| waiter.ticket < ticket)
                && waiter.mode.excludes(request.mode)
                && waiter.is_live(present)
                && waiter.scope.meets(&request.scope)
                && !self.waits_for(waiter, &request.agent, present)
        })
    }

    /// Whether a waiter cannot have its turn before `agent` gives something back, be it by way of others that it waits for
    /// or stands behind.
    ///
    /// In a circle of waits there is either an agent whose lease is waited for and that only stands behind somebody: it
    /// overtakes, and the circle is none; or else all wait for leases: a deadlock, which [`Leases::circle`] finds.
    fn waits_for(&self, waiter: &Waiter, agent: &Agent, present: &Present<'_>) -> bool {
        let mut seen = BTreeSet::from([waiter.ticket]);
        let mut open = vec![waiter];
        while let Some(waiter) = open.pop() {
            let mut holders = BTreeSet::new();
            for lease in self.against(&waiter.agent, waiter.mode, present) {
                if lease.scope.meets(&waiter.scope) {
                    holders.insert(&lease.agent);
                }
            }
            if holders.contains(agent) {
                return true;
            }
            let next = self.waiting.iter().filter(|other| {
                other.agent != *agent
                    && (holders.contains(&other.agent) || other.is_ahead_of(waiter))
                    && other.is_live(present)
            });
            open.extend(next.filter(|other| seen.insert(other.ticket)));
        }
        false
    }

    /// The circle that would be closed if `agent` waited for this.
    fn circle(
        &self,
        agent: &Agent,
        scope: &Scope,
        mode: Mode,
        present: &Present<'_>,
    ) -> Option<Vec<WaitsFor>> {
        self.path_to(agent, agent, scope, mode, present)
    }

    /// The way from one who waits for `scope` to `goal`, along "waits for what the next one holds".
    fn path_to(
        &self,
        goal: &Agent,
        from: &Agent,
        scope: &Scope,
        mode: Mode,
        present: &Present<'_>,
    ) -> Option<Vec<WaitsFor>> {
        let mut seen = BTreeSet::new();
        let mut open = vec![(Vec::new(), from.clone(), scope.clone(), mode)];
        while let Some((path, agent, scope, mode)) = open.pop() {
            for lease in self.against(&agent, mode, present) {
                let Some(clash) = scope.clashes(&lease.scope).into_iter().next() else {
                    continue;
                };
                let mut path: Vec<WaitsFor> = path.clone();
                path.push(WaitsFor {
                    agent: agent.clone(),
                    wanted: clash.wanted,
                    held_by: lease.agent.clone(),
                    held: clash.held,
                });
                if lease.agent == *goal {
                    return Some(path);
                }
                if seen.insert(lease.agent.clone()) {
                    let waits = self
                        .waiting
                        .iter()
                        .filter(|waiter| waiter.agent == lease.agent && waiter.is_live(present));
                    open.extend(waits.map(|waiter| {
                        let Waiter {
                            agent, scope, mode, ..
                        } = waiter.clone();
                        (path.clone(), agent, scope, mode)
                    }));
                }
            }
        }
        None
    }

    /// Whether, of the waits that make up a circle, this one is the latest.
    fn came_last(&self, ticket: Token, cycle: &[WaitsFor], present: &Present<'_>) -> bool {
        let in_cycle = |waiter: &&Waiter| {
            cycle.iter().any(|link| {
                link.agent == waiter.agent
                    && waiter
                        .scope
                        .patterns()
                        .any(|pattern| *pattern == link.wanted)
            })
        };
        let places = self.waiting.iter().filter(in_cycle);
        let live = places.filter(|waiter| waiter.is_live(present));
        live.map(|waiter| waiter.ticket).max() == Some(ticket)
    }
}

#[cfg(test)]
mod tests;
