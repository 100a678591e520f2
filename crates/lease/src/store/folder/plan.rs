//! What a commit writes, in which order. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::change::Change;
use super::record;
use super::scan::{AgentFile, ENDING, Found, MAX_AGENT_FILE, MAX_STATE_FILE, STATE_FILE};
use super::state;
use crate::agent::Agent;
use crate::error::StoreError;
use crate::lease::{Lease, Token};
use crate::leases::Leases;
use crate::queue::Waiter;

/// The changes of a commit.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The state before anything else: a number must not be given out again, whatever is cut short afterwards.
    pub(super) state: Option<Change>,
    /// The agents' files: what takes away comes before what adds, so that no moment shows two leases that exclude each other.
    pub(super) files: Vec<Change>,
    /// The state once more, without those who have got what they waited for: until then they keep their places.
    pub(super) places: Option<Change>,
}

/// Finds out what to write so that a folder says `after`.
///
/// `now` is for the numbers of leases that other tools wrote without one.
///
/// # Errors
///
/// [`StoreError::NotAStore`]: something that is no file of leases has the name of an agent's. [`StoreError::Io`]: a file would
/// grow too large to be read again.
pub(super) fn plan(
    folder: &Path,
    found: &Found,
    after: &Leases,
    now: Timestamp,
) -> Result<Plan, StoreError> {
    let before = by_agent(&found.leases.held);
    let mut last_token = after.last_token;
    let mut taking = removed_unreadable(found, after);
    let mut adding = Vec::new();
    let mut after_by_agent = by_agent(&after.held);
    let agents: BTreeSet<&Agent> = before
        .keys()
        .chain(after_by_agent.keys())
        .copied()
        .collect();
    for agent in agents {
        let old = before.get(agent).map(Vec::as_slice).unwrap_or_default();
        let new = after_by_agent.remove(agent).unwrap_or_default();
        if old == new {
            continue;
        }
        let list = if adds(old, &new) {
            &mut adding
        } else {
            &mut taking
        };
        let numbered = numbered(&new, &mut last_token, now);
        list.extend(change_of(folder, agent, &numbered, found)?);
    }
    taking.append(&mut adding);
    let mut plan = Plan {
        files: taking,
        ..Plan::default()
    };
    plan_state(folder, found, after, last_token, &mut plan)?;
    Ok(plan)
}

fn by_agent(leases: &[Lease]) -> BTreeMap<&Agent, Vec<&Lease>> {
    let mut by_agent: BTreeMap<&Agent, Vec<&Lease>> = BTreeMap::new();
    for lease in leases {
        by_agent.entry(&lease.agent).or_default().push(lease);
    }
    by_agent
}

/// Whether an agent has anything that it had not before, or for longer.
fn adds(before: &[&Lease], after: &[&Lease]) -> bool {
    let is_old = |lease: &&Lease| {
        before.iter().any(|old| {
            old.token == lease.token
                && old.mode == lease.mode
                && old.expires_at >= lease.expires_at
                && old.renewed_at >= lease.renewed_at
        })
    };
    !after.iter().all(is_old)
}

/// The leases, each with a number.
fn numbered(leases: &[&Lease], last_token: &mut Token, now: Timestamp) -> Vec<Lease> {
    let leases = leases.iter().map(|lease| (*lease).clone());
    leases
        .map(|mut lease| {
            if lease.token.is_none() {
                *last_token = last_token.next(now);
                lease.token = Some(*last_token);
            }
            lease
        })
        .collect()
}

fn change_of(
    folder: &Path,
    agent: &Agent,
    leases: &[Lease],
    found: &Found,
) -> Result<Option<Change>, StoreError> {
    let path = folder.join(format!("{agent}{ENDING}"));
    let none = AgentFile::default();
    let file = found.files.get(&path);
    if file.is_some_and(|file| file.bytes.is_none()) {
        return Err(StoreError::NotAStore {
            path,
            reason: "it is in the way of the agent's leases and cannot be read; remove it"
                .to_owned(),
        });
    }
    let file = file.unwrap_or(&none);
    let after = record::render(agent, leases, &file.kept);
    check_size(&path, after.as_deref(), MAX_AGENT_FILE)?;
    let before = file.bytes.clone();
    Ok((before != after).then_some(Change {
        path,
        before,
        after,
    }))
}

/// Files that nobody can read and that were cleared away. What is no regular file stays: it may be a folder full of anything.
fn removed_unreadable(found: &Found, after: &Leases) -> Vec<Change> {
    let left: BTreeSet<&PathBuf> = after.unreadable.iter().map(|broken| &broken.path).collect();
    let gone = found.leases.unreadable.iter().map(|broken| &broken.path);
    let agents: BTreeSet<&Agent> = after.held.iter().map(|lease| &lease.agent).collect();
    let is_written_anew = |path: &PathBuf| {
        agents
            .iter()
            .any(|agent| path.file_name() == Some(format!("{agent}{ENDING}").as_ref()))
    };
    gone.filter(|path| !left.contains(path) && !is_written_anew(path))
        .filter_map(|path| {
            Some(Change {
                path: path.clone(),
                before: Some(found.files.get(path)?.bytes.clone()?),
                after: None,
            })
        })
        .collect()
}

fn plan_state(
    folder: &Path,
    found: &Found,
    after: &Leases,
    last_token: Token,
    plan: &mut Plan,
) -> Result<(), StoreError> {
    let before = &found.leases;
    if last_token == before.last_token && after.waiting == before.waiting {
        return Ok(());
    }
    let path = folder.join(STATE_FILE);
    let gone: Vec<&Waiter> = before
        .waiting
        .iter()
        .filter(|old| after.waiting.iter().all(|new| new.ticket != old.ticket))
        .collect();
    let last = state::render(last_token, &after.waiting);
    check_size(&path, Some(&last), MAX_STATE_FILE)?;
    let first = if gone.is_empty() || plan.files.is_empty() {
        last.clone()
    } else {
        state::render(last_token, gone.into_iter().chain(&after.waiting))
    };
    if last != first {
        plan.places = Some(Change {
            path: path.clone(),
            before: Some(first.clone()),
            after: Some(last),
        });
    }
    if found.state.as_ref() != Some(&first) {
        plan.state = Some(Change {
            path,
            before: found.state.clone(),
            after: Some(first),
        });
    }
    Ok(())
}

/// What is too large would be written, and never be read again.
fn check_size(path: &Path, contents: Option<&[u8]>, limit: u64) -> Result<(), StoreError> {
    if contents.is_none_or(|contents| contents.len() as u64 <= limit) {
        return Ok(());
    }
    Err(StoreError::Io {
        step: "make larger than can be read again",
        path: path.to_path_buf(),
        source: Box::new(std::io::Error::from(std::io::ErrorKind::FileTooLarge)),
    })
}
