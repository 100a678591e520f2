//! From the errors of leases to failures: code and advice. Pure.

use lease::{LeaseError, Obstacle, PathError, StoreError};
use serde_json::Value;

use crate::failure::{Code, Failure};
use crate::failure_sources::{code_of_io, millis};
use crate::lease::json::{link_to_json, obstacle_to_json};
use crate::settings::Settings;
use crate::transaction::chain;

impl Failure {
    /// Something was not done with leases. `doing` is told: `acquire the lease`.
    pub fn from_lease(err: LeaseError, doing: &str, settings: &Settings) -> Self {
        let retryable = err.is_retryable();
        let headline = if err.is_committed() {
            "committed, not known durable: the change is in the store of leases".to_owned()
        } else {
            format!("cannot {doing}")
        };
        let failure = match err {
            LeaseError::Store(err) => return from_store(err, settings).headline(headline),
            err => {
                let (code, hint) = judge(&err);
                let mut failure = Self::new(code, "").with_chain(&err).hint(hint);
                match &err {
                    LeaseError::Taken(taken)
                    | LeaseError::TimedOut(taken)
                    | LeaseError::Stopped(taken) => {
                        failure.waited_ms = Some(millis(taken.waited));
                        failure.conflicts = all_to_json(&taken.obstacles);
                    }
                    LeaseError::Deadlock(circle) => {
                        failure.conflicts = circle.iter().map(link_to_json).collect();
                    }
                    LeaseError::HeldByAnother(other) => {
                        failure.conflicts = vec![obstacle_to_json(other)];
                    }
                    LeaseError::NotHeld { held_by, .. } => {
                        failure.conflicts = all_to_json(held_by);
                    }
                    LeaseError::Ended { obstacles, .. } => {
                        failure.conflicts = all_to_json(obstacles);
                    }
                    LeaseError::Unreadable(found) => failure.path = Some(found.path.clone()),
                    _ => {}
                }
                failure
            }
        };
        failure.headline(headline).retryable(retryable)
    }
}

fn all_to_json(obstacles: &[Obstacle]) -> Vec<Value> {
    obstacles.iter().map(obstacle_to_json).collect()
}

fn judge(err: &LeaseError) -> (Code, &'static str) {
    match err {
        LeaseError::Taken(_) => (
            Code::Locked,
            "wait for it with --wait 30s, take other files, or agree with that agent; `story lease list` shows all",
        ),
        LeaseError::TimedOut(_) => (
            Code::Locked,
            "wait longer with --wait, take other files, or agree with that agent; `story lease list` shows all",
        ),
        LeaseError::Stopped(_) => (Code::Locked, "its place in the queue is given up"),
        LeaseError::Deadlock(_) => (
            Code::Locked,
            "waiting would never end: release what others wait for, then acquire all that is needed at once",
        ),
        LeaseError::HeldByAnother(_) => (
            Code::Locked,
            "wait until that agent has released it, or agree with it",
        ),
        LeaseError::NotHeld { .. } => (
            Code::Conflict,
            "acquire it first: story lease acquire PATH --as AGENT",
        ),
        LeaseError::Ended { .. } => (
            Code::Conflict,
            "stop, look at what others did meanwhile, then acquire it again",
        ),
        LeaseError::PartOf { .. } => (
            Code::Refused,
            "release the whole, then acquire what is still needed",
        ),
        LeaseError::SharedOnly { .. } => (Code::Refused, "to write, acquire it without --shared"),
        LeaseError::StillLive(_) => (
            Code::Refused,
            "wait for it, or end it with --force once its holder certainly writes no more",
        ),
        LeaseError::Unreadable(_) => (
            Code::Parse,
            "repair or remove that file; `story lease break AGENT --force` removes it",
        ),
        LeaseError::Path(PathError::Unresolved { .. }) => (
            Code::Io,
            "look at the links on its way, and at the rights of its folders",
        ),
        LeaseError::Path(_) | LeaseError::Agent(_) | LeaseError::Ttl { .. } => (
            Code::Usage,
            "`story lease acquire --help` shows the grammar",
        ),
        LeaseError::EmptyScope => (Code::Usage, "name a PATH, or --dir or --glob"),
        _ => (Code::Io, "`story lease list` shows all leases"),
    }
}

fn from_store(err: StoreError, settings: &Settings) -> Failure {
    let retryable = err.is_retryable();
    let failure = match err {
        StoreError::Lock(err) => Failure::from_acquire(err, settings.timeout),
        StoreError::Commit(err) => Failure::from_commit(&err),
        StoreError::Busy { ref path, waited } => {
            let mut failure = Failure::new(Code::Locked, "")
                .cause(format!("locked by another process: {err}"))
                .at(path)
                .hint("try again, or raise --timeout");
            failure.waited_ms = Some(millis(waited));
            failure
        }
        StoreError::Interfered { ref path } => Failure::new(Code::Conflict, "")
            .cause(err.to_string())
            .at(path)
            .hint("try again; whoever writes there should take the lock of the leases"),
        StoreError::NotAStore { ref path, .. } => Failure::new(Code::Parse, "")
            .cause(err.to_string())
            .at(path)
            .hint("--store names another one; nothing was changed"),
        StoreError::Io {
            ref path,
            ref source,
            ..
        } => {
            let code = source
                .downcast_ref::<std::io::Error>()
                .map_or(Code::Io, code_of_io);
            Failure::new(code, "").cause(chain(&err)).at(path)
        }
        err => Failure::new(Code::Io, "").cause(chain(&err)),
    };
    failure.retryable(retryable)
}
