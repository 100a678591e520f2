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
    let mut taking = removed_unreadable(found, after, now)?;
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
/// That is an error only while it still stands in everybody's way.
fn removed_unreadable(
    found: &Found,
    after: &Leases,
    now: Timestamp,
) -> Result<Vec<Change>, StoreError> {
    let agents: BTreeSet<&Agent> = after.held.iter().map(|lease| &lease.agent).collect();
    let is_written_anew = |path: &PathBuf| {
        agents
            .iter()
            .any(|agent| path.file_name() == Some(format!("{agent}{ENDING}").as_ref()))
    };
    let left: BTreeSet<&PathBuf> = after.unreadable.iter().map(|broken| &broken.path).collect();
    let mut changes = Vec::new();
    for broken in &found.leases.unreadable {
        let path = &broken.path;
        if left.contains(path) || is_written_anew(path) {
            continue;
        }
        let bytes = found.files.get(path).and_then(|file| file.bytes.clone());
        if bytes.is_some() {
            changes.push(Change {
                path: path.clone(),
                before: bytes,
                after: None,
            });
        } else if broken.blocks_until() > now {
            return Err(StoreError::NotAStore {
                path: path.clone(),
                reason: format!("{}; remove it by hand", broken.reason),
            });
        }
    }
    Ok(changes)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::Mode;
    use crate::leases::Which;
    use crate::queue::Turn;
    use crate::sample::agent;
    use crate::sample::{World, at, exclusive, process, scope, shared};

    const FOLDER: &str = "/locks";

    /// A folder that says `leases`.
    fn found(leases: &Leases) -> Found {
        let nothing = Found::default();
        let plan = plan(Path::new(FOLDER), &nothing, leases, at(0)).expect("it can be written");
        let mut found = Found {
            leases: leases.clone(),
            state: plan.state.and_then(|state| state.after),
            ..Found::default()
        };
        for file in plan.files {
            let bytes = file.after;
            let kept = record::Kept::default();
            found.files.insert(file.path, AgentFile { bytes, kept });
        }
        found
    }

    fn holding(name: &str, what: &str) -> Leases {
        let mut leases = Leases::default();
        World::default()
            .when(0, |present| leases.acquire(&exclusive(name, what), present))
            .expect("nobody holds anything");
        leases
    }

    fn changes(before: &Leases, after: &Leases) -> Vec<String> {
        let plan = plan(Path::new(FOLDER), &found(before), after, at(0)).expect("it can be");
        let files = plan.files.into_iter();
        let mut shown: Vec<String> = plan.state.iter().map(|_| "state".to_owned()).collect();
        shown.extend(files.map(|change| {
            let name = change.path.file_name().unwrap_or_default();
            let verb = match (change.before, change.after) {
                (None, Some(_)) => "makes",
                (Some(_), Some(_)) => "replaces",
                (Some(_), None) => "removes",
                (None, None) => "leaves",
            };
            format!("{verb} {}", name.to_string_lossy())
        }));
        shown.extend(plan.places.map(|_| "places".to_owned()));
        shown
    }

    #[test]
    fn plan_takes_away_before_it_adds() {
        let world = World::default();
        let mut before = holding("z", "src/ docs/");
        let mut after = before.clone();
        // It ran out, and goes to one whose name comes first.
        world
            .when(3600, |present| {
                after.acquire(&exclusive("a", "src/"), present)
            })
            .expect("it has ended");
        let expected = ["state", "removes z.lock", "makes a.lock"];
        assert_eq!(
            changes(&before, &after),
            expected,
            "a taken lease goes first"
        );

        let narrow = Which::Patterns(scope("src/"));
        after = before.clone();
        world
            .when(1, |present| after.release(&agent("z"), &narrow, present))
            .expect("it is its own");
        world
            .when(1, |present| after.acquire(&exclusive("a", "src/"), present))
            .expect("it is free");
        let expected = ["state", "replaces z.lock", "makes a.lock"];
        assert_eq!(changes(&before, &after), expected, "so does a narrowed one");

        world
            .when(1, |present| before.acquire(&shared("a", "x"), present))
            .expect("it is free");
        after = before.clone();
        let all = Which::All;
        world
            .when(1, |present| {
                after.renew(&agent("a"), &all, crate::lease::DEFAULT_TTL, present)
            })
            .expect("it is its own");
        world
            .when(1, |present| after.release(&agent("z"), &all, present))
            .expect("it is its own");
        let expected = ["removes z.lock", "replaces a.lock"];
        assert_eq!(changes(&before, &after), expected, "a renewal adds");
        assert_eq!(changes(&after, &after), [""; 0], "no change, no file");
    }

    #[test]
    fn plan_keeps_a_place_in_the_queue_until_the_lease_is_there() {
        let world = World::default();
        let request = exclusive("b", "src/");
        let mut before = holding("a", "src/");
        let ticket = world
            .when(1, |present| {
                before.enqueue(&request, at(100), process(1), present)
            })
            .expect("it may wait");
        before.held.clear();
        let mut after = before.clone();
        let turn = world.when(2, |present| after.try_turn(&request, ticket, present));
        assert!(matches!(turn, Ok(Turn::Granted(_))), "its turn: {turn:?}");
        let folder = found(&before);
        let plan = plan(Path::new(FOLDER), &folder, &after, at(2)).expect("it can be");
        let text = |change: Option<Change>| {
            let bytes = change.and_then(|change| change.after).unwrap_or_default();
            String::from_utf8(bytes).expect("it is text")
        };
        let first = text(plan.state);
        let last = text(plan.places);
        let number = format!("\"last_token\": {}", after.last_token);
        assert!(first.contains(&number), "the number comes first: {first}");
        assert!(first.contains("\"ticket\""), "with the place: {first}");
        assert!(last.contains(&number), "the number stays: {last}");
        assert!(!last.contains("\"ticket\""), "the place goes last: {last}");

        let mut after = before.clone();
        after.withdraw(ticket);
        assert_eq!(
            changes(&before, &after),
            ["state"],
            "a place alone: at once"
        );
    }

    #[test]
    fn plan_gives_numbers_to_leases_without_one_when_their_file_is_written() {
        let mut before = holding("a", "x y");
        before.held[0].token = None;
        before.last_token = Token::default();
        let mut after = before.clone();
        after.held[0].scope = scope("y");
        after.held[0].mode = Mode::Shared;
        let folder = Found {
            leases: before,
            ..Found::default()
        };
        let now = at(5);
        let plan = plan(Path::new(FOLDER), &folder, &after, now).expect("it can be");
        let number = now.as_millisecond().to_string();
        let written = [
            plan.state.expect("a new number"),
            plan.files.into_iter().next().expect("a file"),
        ];
        for change in written {
            let text = String::from_utf8(change.after.unwrap_or_default()).expect("text");
            assert!(text.contains(&number), "{number} stands in {text}");
        }
    }

    #[test]
    fn plan_refuses_what_could_not_be_read_again() {
        let many: Vec<String> = (0..40_000).map(|index| format!("a/{index}.rs")).collect();
        let after = holding("a", &many.join(" "));
        let refused = plan(Path::new(FOLDER), &Found::default(), &after, at(0));
        assert!(
            matches!(&refused, Err(StoreError::Io { path, .. }) if path.ends_with("a.lock")),
            "it would block everybody: {refused:?}"
        );
    }
}
