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
    /// Takes a place at the end of the queue.
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
            && self.came_last(ticket, &cycle)
        {
            return Err(LeaseError::Deadlock(cycle));
        }
        Ok(Turn::Blocked(obstacles))
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

    fn waits_for(&self, waiter: &Waiter, agent: &Agent, present: &Present<'_>) -> bool {
        self.path_to(agent, &waiter.agent, &waiter.scope, waiter.mode, present)
            .is_some()
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

    fn came_last(&self, ticket: Token, cycle: &[WaitsFor]) -> bool {
        let in_cycle = |waiter: &&Waiter| cycle.iter().any(|link| link.agent == waiter.agent);
        let last = self.waiting.iter().filter(in_cycle);
        last.map(|waiter| waiter.ticket).max() == Some(ticket)
    }
}
