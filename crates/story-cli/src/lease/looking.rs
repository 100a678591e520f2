//! `story lease list`, `check`, `wait`, `queue`: what only looks.

use lease::{Agent, Lease, LeaseError, Leases, Mode, Patience, Scope};
use serde_json::{Value, json};

use super::json::{lease_to_json, waiter_to_json};
use super::taking::answer;
use super::{Desk, agent_named, table};
use crate::args::lease::{CheckArgs, ListArgs, QueueArgs, WaitArgs};
use crate::failure::{Code, Failure};
use crate::failure_sources::millis;
use crate::output::write_stdout;
use crate::signals;

pub(super) fn list(desk: &Desk<'_>, args: &ListArgs) -> Result<(), Failure> {
    let only = args.holder.as_deref().map(agent_named).transpose()?;
    let leases = read(desk)?;
    let warnings: Vec<String> = leases
        .unreadable
        .iter()
        .map(|found| format!("{} cannot be read: {}", found.path.display(), found.reason))
        .collect();
    for warning in &warnings {
        desk.output.warning(warning);
    }
    let is_meant = |lease: &&Lease| only.as_ref().is_none_or(|agent| lease.agent == *agent);
    let shown: Vec<&Lease> = leases.held.iter().filter(is_meant).collect();
    let present = desk.leases.rules().present();
    if desk.output.is_json() {
        let listed: Vec<Value> = shown
            .iter()
            .map(|lease| lease_to_json(lease, &present))
            .collect();
        return answer(json!({
            "store": desk.leases.store().place().display().to_string(),
            "leases": listed,
            "waiting": leases.waiting.iter().filter(|waiter| waiter.is_live(&present)).count(),
            "warnings": warnings,
        }));
    }
    if shown.is_empty() {
        desk.output.note("no leases");
        return Ok(());
    }
    let canvas = desk.output.canvas(desk.settings);
    write_stdout(table::leases(&shown, &present, canvas).as_bytes())
}

pub(super) fn queue(desk: &Desk<'_>, args: &QueueArgs) -> Result<(), Failure> {
    let scope = desk.scope(&args.paths)?;
    let leases = read(desk)?;
    let present = desk.leases.rules().present();
    let waiting: Vec<_> = leases
        .waiting
        .iter()
        .filter(|waiter| waiter.is_live(&present))
        .filter(|waiter| scope.is_empty() || waiter.scope.meets(&scope))
        .collect();
    if desk.output.is_json() {
        let listed: Vec<Value> = waiting
            .iter()
            .map(|waiter| waiter_to_json(waiter))
            .collect();
        return answer(json!({ "waiting": listed, "warnings": [] }));
    }
    if waiting.is_empty() {
        desk.output.note("nobody waits");
        return Ok(());
    }
    let canvas = desk.output.canvas(desk.settings);
    write_stdout(table::waiters(&waiting, &present, canvas).as_bytes())
}

pub(super) fn check(desk: &Desk<'_>, args: &CheckArgs) -> Result<(), Failure> {
    let scope = desk.some_scope(&args.paths)?;
    let agent = asking(desk)?;
    // Without a wait: what stands against it is an error already.
    desk.leases
        .wait_until_free(&agent, &scope, mode(args.shared), std::time::Duration::ZERO)
        .map_err(desk.failed("have it"))?;
    tell_free(desk, &scope, None)
}

pub(super) fn wait(desk: &Desk<'_>, args: &WaitArgs) -> Result<(), Failure> {
    let scope = desk.some_scope(&args.paths)?;
    let agent = asking(desk)?;
    signals::note();
    let patience = Patience {
        limit: args.wait,
        should_stop: &|| signals::pending().is_some(),
    };
    let waited = desk
        .leases
        .wait_until_free(&agent, &scope, mode(args.shared), patience)
        .map_err(desk.failed("see it free"))?;
    tell_free(desk, &scope, Some(millis(waited)))
}

fn tell_free(desk: &Desk<'_>, scope: &Scope, waited_ms: Option<u64>) -> Result<(), Failure> {
    desk.output.note(&format!("{scope}: free"));
    if !desk.output.is_json() {
        return Ok(());
    }
    answer(json!({ "free": true, "waited_ms": waited_ms, "warnings": [] }))
}

fn mode(shared: bool) -> Mode {
    if shared {
        Mode::Shared
    } else {
        Mode::Exclusive
    }
}

/// Whoever looks without a name is none of those who hold anything.
fn asking(desk: &Desk<'_>) -> Result<Agent, Failure> {
    if desk.settings.claimant.is_some() {
        return desk.agent();
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|err| Failure::new(Code::Io, "cannot make up a name").cause(err.to_string()))?;
    let nobody = format!("nobody {:016x}", u64::from_ne_bytes(random));
    agent_named(&nobody)
}

fn read(desk: &Desk<'_>) -> Result<Leases, Failure> {
    desk.leases
        .store()
        .read()
        .map_err(LeaseError::from)
        .map_err(desk.failed("read the leases"))
}
