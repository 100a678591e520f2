//! `story lease acquire`, `release`, `renew`, `break`, `prune`: what changes the store.

use lease::{Force, Lease, Mode, Patience, Process, Request, Standing, Won};
use serde_json::{Map, Value, json};

use super::json::{lease_to_json, state};
use super::{Desk, agent_named};
use crate::args::lease::{AcquireArgs, BreakArgs, ReleaseArgs, RenewArgs};
use crate::failure::{Code, Failure};
use crate::failure_sources::{code_of_io, millis};
use crate::json::{object, success};
use crate::output::write_json;
use crate::signals;

pub(super) fn acquire(desk: &Desk<'_>, args: &AcquireArgs) -> Result<(), Failure> {
    let request = Request {
        agent: desk.agent()?,
        scope: desk.some_scope(&args.paths)?,
        mode: if args.shared {
            Mode::Shared
        } else {
            Mode::Exclusive
        },
        ttl: args.ttl,
        task: args.task.clone(),
        bind_to: args.bind_to_pid.map(process).transpose()?,
    };
    signals::note();
    let patience = Patience {
        limit: args.wait,
        should_stop: &|| signals::pending().is_some(),
    };
    let won = desk
        .leases
        .acquire(&request, patience)
        .map_err(desk.failed("acquire the lease"))?;
    let warnings = won.acquired.warnings();
    for warning in &warnings {
        desk.output.warning(warning);
    }
    told(tell_acquired(desk, &won, &warnings))
}

fn process(pid: u32) -> Result<Process, Failure> {
    Process::running(pid).map_err(|err| {
        let code = match err.kind() {
            std::io::ErrorKind::NotFound => Code::NotFound,
            std::io::ErrorKind::Unsupported => Code::Refused,
            _ => code_of_io(&err),
        };
        Failure::new(code, format!("cannot bind the lease to process {pid}"))
            .cause(err.to_string())
            .hint("name a process that runs; without --bind-to-pid the lease ends with its time")
    })
}

fn tell_acquired(desk: &Desk<'_>, won: &Won, warnings: &[String]) -> Result<(), Failure> {
    let lease = &won.acquired.lease;
    let token = lease.token.map(|token| token.0);
    if !desk.output.is_json() {
        return desk
            .output
            .line(None, &token.unwrap_or_default().to_string());
    }
    let present = desk.leases.rules().present();
    let overwritten: Vec<Value> = won
        .acquired
        .overwritten
        .iter()
        .map(|(lease, _)| lease_to_json(lease, &present))
        .collect();
    answer(json!({
        "token": token,
        "agent": lease.agent.as_str(),
        "lease": lease_to_json(lease, &present),
        "overwritten": overwritten,
        "waited_ms": millis(won.waited),
        "queued": won.queued,
        "warnings": warnings,
    }))
}

pub(super) fn release(desk: &Desk<'_>, args: &ReleaseArgs) -> Result<(), Failure> {
    let agent = desk.agent()?;
    let which = desk.which(&args.paths, args.token)?;
    signals::note();
    let released = desk
        .leases
        .release(&agent, &which)
        .map_err(desk.failed("release the lease"))?;
    for lease in &released.given_back {
        desk.output.note(&format!("released {}", lease.scope));
    }
    if released.given_back.is_empty() {
        desk.output.note("nothing to release");
    }
    if !desk.output.is_json() {
        return Ok(());
    }
    let not_held: Vec<String> = released
        .not_held
        .patterns()
        .map(ToString::to_string)
        .collect();
    told(answer(json!({
        "agent": agent.as_str(),
        "released": listed(desk, &released.given_back),
        "not_held": not_held,
        "warnings": [],
    })))
}

pub(super) fn renew(desk: &Desk<'_>, args: &RenewArgs) -> Result<(), Failure> {
    let agent = desk.agent()?;
    let which = desk.which(&args.paths, args.token)?;
    signals::note();
    let renewed = desk
        .leases
        .renew(&agent, &which, args.ttl)
        .map_err(desk.failed("renew the lease"))?;
    for lease in &renewed {
        let until = lease.expires_at;
        desk.output
            .note(&format!("{} is leased until {until:.0}", lease.scope));
    }
    if !desk.output.is_json() {
        return Ok(());
    }
    told(answer(json!({
        "agent": agent.as_str(),
        "renewed": listed(desk, &renewed),
        "warnings": [],
    })))
}

pub(super) fn break_by_force(desk: &Desk<'_>, args: &BreakArgs) -> Result<(), Failure> {
    let agent = agent_named(&args.holder)?;
    let scope = desk.scope(&args.paths)?;
    let force = if args.force {
        Force::EvenIfLive
    } else {
        Force::IfEnded
    };
    signals::note();
    let meant = (!scope.is_empty()).then_some(&scope);
    let broken = desk
        .leases
        .break_leases(&agent, meant, force)
        .map_err(desk.failed(&format!("break the leases of {agent}")))?;
    for lease in &broken {
        desk.output
            .note(&format!("{agent} no longer holds {}", lease.scope));
    }
    if broken.is_empty() {
        desk.output.note(&format!("{agent} holds nothing of it"));
    }
    if !desk.output.is_json() {
        return Ok(());
    }
    told(answer(json!({
        "agent": agent.as_str(),
        "broken": listed(desk, &broken),
        "warnings": [],
    })))
}

pub(super) fn prune(desk: &Desk<'_>) -> Result<(), Failure> {
    signals::note();
    let ended = desk
        .leases
        .prune()
        .map_err(desk.failed("clear away leases that have ended"))?;
    for (Lease { agent, scope, .. }, standing) in &ended {
        let why = why(*standing);
        desk.output
            .note(&format!("cleared away: {scope} of {agent}, {why}"));
    }
    if ended.is_empty() {
        desk.output.note("nothing has ended");
    }
    if !desk.output.is_json() {
        return Ok(());
    }
    let leases: Vec<Lease> = ended.into_iter().map(|(lease, _)| lease).collect();
    told(answer(
        json!({ "pruned": listed(desk, &leases), "warnings": [] }),
    ))
}

fn why(standing: Standing) -> &'static str {
    match standing {
        Standing::Expired => "which has expired",
        Standing::OwnerGone => "whose process has ended",
        Standing::TooOld => "which was not renewed for too long",
        other => state(other),
    }
}

fn listed(desk: &Desk<'_>, leases: &[Lease]) -> Vec<Value> {
    let present = desk.leases.rules().present();
    leases
        .iter()
        .map(|lease| lease_to_json(lease, &present))
        .collect()
}

pub(super) fn answer(members: Value) -> Result<(), Failure> {
    let mut result: Map<String, Value> = success();
    result.extend(object(members));
    write_json(result)
}

/// The store is changed; that it could not be told makes it no failure to be tried again.
fn told(written: Result<(), Failure>) -> Result<(), Failure> {
    written.map_err(|unwritten| {
        Failure::new(
            Code::Unsynced,
            "committed, not reported: the change is in the store of leases",
        )
        .cause(unwritten.message())
        .hint("`story lease list` shows it; do not run it again unseen")
    })
}
