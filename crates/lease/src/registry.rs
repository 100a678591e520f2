//! The scopes of agents that an orchestrator runs side by side: checked before they begin, claimed, given back together.

use std::time::Duration;

use crate::agent::Agent;
use crate::error::LeaseError;
use crate::intent::Intent;
use crate::lease::{Lease, Standing};
use crate::leases::{Leases, Released, Request, Which};
use crate::manager::FileLockManager;
use crate::patience::Patience;
use crate::plan::{self, PlanError, PlannedRequest, Report};
use crate::project::Project;
use crate::roles::Roles;
use crate::rules::Rules;
use crate::store::{LeaseStore, Removal, transact};
use crate::waiting::Won;

/// The scopes of a project: what [`FileLockManager`] does for files, for files, directories and globs, and for many agents.
///
/// A scope and a lock are the same thing in the same store, so agents that use the one and agents that use the other see each
/// other.
#[derive(Debug)]
pub struct ScopeRegistry {
    leases: FileLockManager,
}

/// Whose leases are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of all agents.
    Everybody,
    /// Those of these.
    Agents(Vec<Agent>),
}

/// What the end of a run has cleared away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReleasedAll {
    /// The leases that were given back, those that had ended too.
    pub given_back: Vec<Lease>,
    /// What became of the folder of leases. A database stays.
    pub removal: Removal,
}

impl ScopeRegistry {
    /// The scopes in `project` that are kept in `store`.
    pub fn new(project: Project, store: Box<dyn LeaseStore>, rules: Rules) -> Self {
        FileLockManager::new(project, store, rules).into()
    }

    /// The same leases as locks on files.
    pub fn leases(&self) -> &FileLockManager {
        &self.leases
    }

    /// What the agents say, in paths of the project.
    ///
    /// # Errors
    ///
    /// [`PlanError::Intent`]: retrying does not help.
    pub fn planned(
        &self,
        intents: &[Intent],
        roles: &Roles,
    ) -> Result<Vec<PlannedRequest>, PlanError> {
        let project = self.leases.project();
        let planned = intents.iter().map(|intent| intent.planned(roles, project));
        planned.collect::<Result<_, _>>().map_err(PlanError::from)
    }

    /// Looks at a whole plan before any of it begins, and acquires nothing. It may be outdated when it returns: a claim checks
    /// again.
    ///
    /// # Errors
    ///
    /// As [`plan::check`], and [`LeaseError::Store`].
    pub fn check(&self, requests: &[PlannedRequest]) -> Result<Report, PlanError> {
        let leases = self.read()?;
        plan::check(requests, &leases, &self.leases.rules().present())
    }

    /// Acquires a scope, all of it or nothing: [`FileLockManager::acquire`]. Leases that had ended and were in the way are told
    /// by [`Acquired::warnings`].
    ///
    /// [`Acquired::warnings`]: crate::Acquired::warnings
    ///
    /// # Errors
    ///
    /// As [`FileLockManager::acquire`].
    pub fn claim<'a>(
        &self,
        request: &Request,
        patience: impl Into<Patience<'a>>,
    ) -> Result<Won, LeaseError> {
        self.leases.acquire(request, patience)
    }

    /// Gives back what an agent holds: [`FileLockManager::release`].
    ///
    /// # Errors
    ///
    /// As [`FileLockManager::release`].
    pub fn release(&self, agent: &Agent, which: &Which) -> Result<Released, LeaseError> {
        self.leases.release(agent, which)
    }

    /// Gives back all that agents hold, when a run is over: call it when they write no more. Where the store is a folder in which
    /// nothing is left then, it is removed.
    ///
    /// May be repeated: agents that hold nothing are no error.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`]. If it comes from the removal of the folder, the leases are given back; calling it again then helps
    /// as [`LeaseError::is_retryable`] says.
    pub fn release_all(&self, whose: &Whose) -> Result<ReleasedAll, LeaseError> {
        let is_meant = |lease: &Lease| match whose {
            Whose::Everybody => true,
            Whose::Agents(agents) => agents.contains(&lease.agent),
        };
        let timeout = self.leases.rules().store_timeout;
        let mut given_back = Vec::new();
        // Nothing is made only to find out that nothing is in it.
        if self.read()?.held.iter().any(is_meant) {
            given_back = transact(self.leases.store(), timeout, |leases| {
                let all = std::mem::take(&mut leases.held).into_iter();
                let (given_back, kept) = all.partition(is_meant);
                leases.held = kept;
                Ok(given_back)
            })?;
        }
        for lease in &given_back {
            tracing::debug!(agent = %lease.agent, scope = %lease.scope, "released");
        }
        let removal = self.remove_if_empty(timeout)?;
        Ok(ReleasedAll {
            given_back,
            removal,
        })
    }

    /// Clears away what has ended: [`FileLockManager::prune`].
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`].
    pub fn prune(&self) -> Result<Vec<(Lease, Standing)>, LeaseError> {
        self.leases.prune()
    }

    fn read(&self) -> Result<Leases, LeaseError> {
        Ok(self.leases.store().read()?)
    }

    fn remove_if_empty(&self, timeout: Duration) -> Result<Removal, LeaseError> {
        let store = self.leases.store();
        if !store.place().exists() {
            return Ok(Removal::default());
        }
        Ok(store.remove_if_empty(timeout)?)
    }
}

impl From<FileLockManager> for ScopeRegistry {
    fn from(leases: FileLockManager) -> Self {
        Self { leases }
    }
}
