//! Leases, waiters and obstacles in JSON. Pure.

use lease::{Lease, Obstacle, Overlap, Pattern, Present, Scope, Standing, Waiter, WaitsFor};
use serde_json::{Map, Value, json};

use crate::failure_sources::millis;
use crate::json::object;

/// The three lists of a scope.
pub fn scope_to_json(scope: &Scope) -> Map<String, Value> {
    let list = |wanted: fn(&Pattern) -> Option<String>| -> Vec<String> {
        scope.patterns().filter_map(wanted).collect()
    };
    object(json!({
        "files": list(|pattern| match pattern {
            Pattern::File(path) => Some(path.to_string()),
            _ => None,
        }),
        "directories": list(|pattern| match pattern {
            Pattern::Directory(_) => Some(pattern.to_string()),
            _ => None,
        }),
        "globs": list(|pattern| match pattern {
            Pattern::Glob(glob) => Some(glob.to_string()),
            _ => None,
        }),
    }))
}

/// One lease.
pub fn lease_to_json(lease: &Lease, present: &Present<'_>) -> Value {
    let mut result = object(json!({
        "token": lease.token.map(|token| token.0),
        "agent": lease.agent.as_str(),
        "mode": lease.mode.name(),
        "state": state(lease.standing(present)),
    }));
    result.extend(scope_to_json(&lease.scope));
    result.extend(object(json!({
        "task_description": lease.task,
        "acquired_at": format!("{:.3}", lease.acquired_at),
        "renewed_at": format!("{:.3}", lease.renewed_at),
        "expires_at": format!("{:.3}", lease.expires_at),
        "expires_in_ms": millis(present.until(lease.expires_at)),
        "generation": lease.generation,
        "bound_to_pid": lease.bound_to.as_ref().map(|process| process.pid),
    })));
    result.into()
}

/// The word for what a lease is worth.
pub fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::Live => "live",
        Standing::Expired => "expired",
        Standing::OwnerGone => "owner-gone",
        Standing::TooOld => "too-old",
        Standing::FromTheFuture => "from-the-future",
    }
}

/// One that waits.
pub fn waiter_to_json(waiter: &Waiter) -> Value {
    let mut result = object(json!({
        "ticket": waiter.ticket.0,
        "agent": waiter.agent.as_str(),
        "mode": waiter.mode.name(),
    }));
    result.extend(scope_to_json(&waiter.scope));
    result.extend(object(json!({
        "since": format!("{:.3}", waiter.since),
        "until": format!("{:.3}", waiter.until),
        "pid": waiter.process.pid,
    })));
    result.into()
}

/// One thing that stands against a request.
pub fn obstacle_to_json(obstacle: &Obstacle) -> Value {
    json!({
        "wanted": obstacle.wanted.to_string(),
        "held": obstacle.held.to_string(),
        "certain": obstacle.overlap == Overlap::Yes,
        "agent": obstacle.agent.as_str(),
        "mode": obstacle.mode.name(),
        "waiting": obstacle.is_waiting,
        "task_description": obstacle.task,
        "since": format!("{:.3}", obstacle.since),
        "until": format!("{:.3}", obstacle.until),
        "token": obstacle.token.map(|token| token.0),
    })
}

/// One link of a circle of agents that wait for each other.
pub fn link_to_json(link: &WaitsFor) -> Value {
    json!({
        "agent": link.agent.as_str(),
        "wanted": link.wanted.to_string(),
        "held_by": link.held_by.as_str(),
        "held": link.held.to_string(),
    })
}
