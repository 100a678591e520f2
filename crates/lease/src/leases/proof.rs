//! Who holds a path now: what a commit asks before it writes. Pure.

use super::Leases;
use crate::agent::Agent;
use crate::error::{LeaseError, Obstacle};
use crate::lease::{Lease, Mode, Present, Token};
use crate::overlap::Overlap;
use crate::pattern::Pattern;
use crate::project_path::ProjectPath;
use crate::scope::Clash;

impl Leases {
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
