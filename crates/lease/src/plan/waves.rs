//! In which waves the agents of a plan can be run. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::PlannedRequest;
use super::order::Order;
use crate::agent::Agent;
use crate::error::Obstacle;

/// Agents that can work side by side, once those of the waves before have finished.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wave {
    /// The agents, in the order in which they were given.
    pub agents: Vec<Agent>,
    /// When the leases end that stand in the way of one of them, or of one that comes before it; `None`: nothing stands in the way.
    pub not_before: Option<Timestamp>,
    /// Whose leases those are, in order. Once they are given back the wave can begin earlier.
    pub waits_for: BTreeSet<Agent>,
}

/// Puts each agent, in the given order, into the first wave in which it can be: after all that come before it, when nothing
/// stands in its way, and beside no one that it clashes with. Those for which others must finish come last, so that they delay
/// nobody else.
pub(super) fn schedule(
    requests: &[PlannedRequest],
    order: &Order,
    clashing: &[Vec<bool>],
    obstacles: &[Vec<Obstacle>],
) -> Vec<Wave> {
    let begins = begins(order, obstacles);
    let mut sorted = order.sorted().to_vec();
    // Stable: among those that can begin at the same time it stays as it was. One that comes after others begins no earlier.
    sorted.sort_by_key(|at| begins[*at]);
    let mut members: Vec<(Option<Timestamp>, Vec<usize>)> = Vec::new();
    let mut wave_of = vec![0; requests.len()];
    for at in sorted {
        let after = order.before(at).iter().map(|other| wave_of[*other] + 1);
        let earliest = after.max().unwrap_or(0);
        let fits = |(begin, others): &(Option<Timestamp>, Vec<usize>)| {
            *begin >= begins[at] && !others.iter().any(|other| clashing[at][*other])
        };
        let found = (earliest..members.len()).find(|wave| fits(&members[*wave]));
        let wave = found.unwrap_or_else(|| {
            members.push((begins[at], Vec::new()));
            members.len() - 1
        });
        members[wave].1.push(at);
        wave_of[at] = wave;
    }
    let waves = members.into_iter().map(|(not_before, mut members)| {
        members.sort_unstable();
        let met = members.iter().flat_map(|at| &obstacles[*at]);
        Wave {
            agents: members
                .iter()
                .map(|at| requests[*at].agent.clone())
                .collect(),
            not_before,
            waits_for: met.map(|obstacle| obstacle.agent.clone()).collect(),
        }
    });
    waves.collect()
}

/// For each agent, when all that stands in its way ends, or in the way of those that come before it.
fn begins(order: &Order, obstacles: &[Vec<Obstacle>]) -> Vec<Option<Timestamp>> {
    let mut begins: Vec<Option<Timestamp>> = obstacles
        .iter()
        .map(|met| met.iter().map(|obstacle| obstacle.until).max())
        .collect();
    for at in order.sorted() {
        let before = order.before(*at).iter().map(|other| begins[*other]);
        let latest = before.max().flatten();
        begins[*at] = begins[*at].max(latest);
    }
    begins
}
