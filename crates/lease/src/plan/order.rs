//! Who comes after whom in a plan. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{PlanError, PlannedRequest};
use crate::agent::Agent;

/// The agents of a plan by their places in it, and who must have finished before each.
#[derive(Debug)]
pub(super) struct Order {
    /// For each agent, all that come before it, directly or not.
    before: Vec<BTreeSet<usize>>,
    /// All agents, each behind those that come before it; else as they were given.
    sorted: Vec<usize>,
}

impl Order {
    pub(super) fn of(requests: &[PlannedRequest]) -> Result<Self, PlanError> {
        let direct = direct(requests)?;
        let mut before = vec![BTreeSet::new(); requests.len()];
        let mut sorted = Vec::new();
        let mut is_sorted = vec![false; requests.len()];
        while sorted.len() < requests.len() {
            let is_next =
                |at: &usize| !is_sorted[*at] && direct[*at].iter().all(|other| is_sorted[*other]);
            let Some(next) = (0..requests.len()).find(is_next) else {
                return Err(PlanError::Circle(circle(requests, &direct, &is_sorted)));
            };
            let of_those: Vec<usize> = direct[next]
                .iter()
                .flat_map(|other| before[*other].iter().copied())
                .collect();
            before[next].extend(of_those);
            before[next].extend(&direct[next]);
            is_sorted[next] = true;
            sorted.push(next);
        }
        Ok(Self { before, sorted })
    }

    /// Whether one of two comes after the other.
    pub(super) fn is_settled(&self, one: usize, other: usize) -> bool {
        self.before[one].contains(&other) || self.before[other].contains(&one)
    }

    /// All that come before an agent, directly or not.
    pub(super) fn before(&self, at: usize) -> &BTreeSet<usize> {
        &self.before[at]
    }

    /// All agents, each behind those that come before it.
    pub(super) fn sorted(&self) -> &[usize] {
        &self.sorted
    }
}

/// For each agent, those that it names itself.
fn direct(requests: &[PlannedRequest]) -> Result<Vec<BTreeSet<usize>>, PlanError> {
    let mut places = BTreeMap::new();
    for (at, request) in requests.iter().enumerate() {
        if places.insert(&request.agent, at).is_some() {
            return Err(PlanError::Twice(request.agent.clone()));
        }
    }
    let place = |agent: &Agent, after: &Agent| {
        let found = places.get(after).copied();
        found.ok_or_else(|| PlanError::NoSuchAgent {
            agent: agent.clone(),
            after: after.clone(),
        })
    };
    let of_each = requests.iter().map(|request| {
        let after = request.after.iter();
        after.map(|after| place(&request.agent, after)).collect()
    });
    of_each.collect()
}

/// A circle among those that could not be sorted: each of them comes after another of them.
fn circle(
    requests: &[PlannedRequest],
    direct: &[BTreeSet<usize>],
    is_sorted: &[bool],
) -> Vec<Agent> {
    let mut way: Vec<usize> = Vec::new();
    let mut at = is_sorted.iter().position(|is_sorted| !is_sorted);
    while let Some(here) = at {
        if let Some(begin) = way.iter().position(|passed| *passed == here) {
            way.drain(..begin);
            break;
        }
        way.push(here);
        at = direct[here].iter().copied().find(|next| !is_sorted[*next]);
    }
    way.into_iter()
        .map(|at| requests[at].agent.clone())
        .collect()
}
