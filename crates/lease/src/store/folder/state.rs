//! What a folder of leases remembers beside the leases: the last number given out, and who waits. Pure, but for finding out
//! what paths mean that somebody else has put in.

use serde::{Deserialize, Serialize};

use super::entry::mode;
use super::lists::Lists;
use super::times::Millis;
use crate::agent::Agent;
use crate::lease::Token;
use crate::process::Process;
use crate::project::Project;
use crate::queue::Waiter;

/// The state, read.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) last_token: Token,
    pub(super) waiting: Vec<Waiter>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    last_token: u64,
    #[serde(default)]
    waiting: Vec<Place>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    ticket: u64,
    agent: String,
    mode: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    directories: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    globs: Vec<String>,
    since: Millis,
    until: Millis,
    process: Process,
}

/// Reads the state, or says what is wrong with it.
pub(super) fn parse(bytes: &[u8], project: &Project) -> Result<State, String> {
    let written: Written = serde_json::from_slice(bytes).map_err(|err| err.to_string())?;
    let places = written.waiting.into_iter();
    let mut waiting = places
        .map(|place| waiter(place, project))
        .collect::<Result<Vec<_>, _>>()?;
    waiting.sort_by_key(|waiter| waiter.ticket);
    Ok(State {
        last_token: Token::written(written.last_token)?,
        waiting,
    })
}

fn waiter(place: Place, project: &Project) -> Result<Waiter, String> {
    let lists = Lists {
        files: place.files,
        directories: place.directories,
        globs: place.globs,
    };
    Ok(Waiter {
        ticket: Token::written(place.ticket)?,
        agent: Agent::new(&place.agent).map_err(|err| err.to_string())?,
        scope: lists.scope(project).map_err(|err| err.to_string())?,
        mode: mode(&place.mode)?,
        since: place.since.0,
        until: place.until.0,
        process: place.process,
    })
}

/// Writes the state.
pub(super) fn render<'a>(
    last_token: Token,
    waiting: impl IntoIterator<Item = &'a Waiter>,
) -> Vec<u8> {
    let written = Written {
        last_token: last_token.0,
        waiting: waiting.into_iter().map(place).collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&written).expect("texts and numbers are always JSON");
    bytes.push(b'\n');
    bytes
}

fn place(waiter: &Waiter) -> Place {
    let Lists {
        files,
        directories,
        globs,
    } = Lists::of(&waiter.scope);
    Place {
        ticket: waiter.ticket.0,
        agent: waiter.agent.to_string(),
        mode: waiter.mode.name().to_owned(),
        files,
        directories,
        globs,
        since: Millis(waiter.since),
        until: Millis::end(waiter.until),
        process: waiter.process.clone(),
    }
}
