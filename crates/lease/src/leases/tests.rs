//! The rules as tables. Unless said otherwise a lease begins at second 0 and runs for 60 s.

mod acquire;
mod ending;
mod proof;

use super::*;
use crate::lease::DEFAULT_MAX_AGE;
use crate::sample::{World, agent, at, blockers, exclusive, path, process, scope, shared};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Acquires at a time in a world where all processes run.
fn take(leases: &mut Leases, request: &Request, seconds: i64) -> Result<Acquired, LeaseError> {
    World::default().when(seconds, |present| leases.acquire(request, present))
}

fn holding(request: &Request) -> Leases {
    let mut leases = Leases::default();
    take(&mut leases, request, 0).expect("nobody holds anything");
    leases
}

fn of(name: &str, wanted: &str) -> (Agent, Which) {
    (agent(name), Which::Patterns(scope(wanted)))
}

fn held(leases: &Leases) -> Vec<String> {
    let told = |lease: &Lease| format!("{}: {}", lease.agent, lease.scope);
    leases.held.iter().map(told).collect()
}
