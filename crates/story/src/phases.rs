//! Dependency phases: which stories can be worked on at once, and which only after them. Pure.

use std::collections::{HashMap, HashSet};

use crate::board;
use crate::by_id::ById;
use crate::head::Head;
use crate::status::Status;

/// Stories in the order in which their dependencies allow them.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Phases<'a> {
    /// Each phase holds the stories whose dependencies are done or stand in earlier phases. Done stories stand in none.
    pub phases: Vec<Vec<&'a Head>>,
    /// Stories that wait for one that is not done and was not asked for, with its id.
    pub outside: Vec<(&'a Head, String)>,
}

/// Why there are no phases. Retrying does not help: somebody has to mend the dependencies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhasesError {
    /// Dependencies that are not there: the story, and the id that it names.
    #[error("there is no story {}", missing_list(.0))]
    Missing(Vec<(String, String)>),
    /// Stories that wait for each other, the first again at the end.
    #[error("the dependencies go round in a circle: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
}

fn missing_list(missing: &[(String, String)]) -> String {
    let one = |(story, id): &(String, String)| format!("{id}, on which {story} depends");
    missing.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Puts the stories that `wanted` accepts into phases. A dependency that is done is satisfied, wherever it is.
///
/// # Errors
///
/// [`PhasesError`] when a story depends on one that is not there, or in the end on itself.
pub fn phases(heads: &[Head], wanted: impl Fn(&Head) -> bool) -> Result<Phases<'_>, PhasesError> {
    let all = ById::new(heads);
    let mut open: Vec<_> = heads
        .iter()
        .filter(|head| head.status != Status::Done && all.is_found(head) && wanted(head))
        .collect();
    open.sort_by(|a, b| board::order(a, b));
    let waits = Waits::of(&open, &all)?;
    let mut placed = HashSet::new();
    let mut phases = Vec::new();
    let mut left: Vec<usize> = (0..open.len()).collect();
    while !left.is_empty() {
        let is_free = |at: &usize| waits.inside[*at].iter().all(|other| placed.contains(other));
        let (free, waiting): (Vec<_>, Vec<_>) = left.iter().copied().partition(is_free);
        if free.is_empty() {
            let ids = cycle(&waits.inside, &left, &placed);
            return Err(PhasesError::Cycle(
                ids.into_iter().map(|at| open[at].id.clone()).collect(),
            ));
        }
        phases.push(free.iter().map(|at| open[*at]).collect());
        placed.extend(free);
        left = waiting;
    }
    Ok(Phases {
        phases,
        outside: waits.outside,
    })
}

/// What each open story waits for.
struct Waits<'a> {
    /// Others of them, by their places.
    inside: Vec<Vec<usize>>,
    outside: Vec<(&'a Head, String)>,
}

impl<'a> Waits<'a> {
    fn of(open: &[&'a Head], all: &ById<'a>) -> Result<Self, PhasesError> {
        let places: HashMap<_, _> = open
            .iter()
            .enumerate()
            .map(|(at, head)| (&head.path, at))
            .collect();
        let mut waits = Self {
            inside: vec![Vec::new(); open.len()],
            outside: Vec::new(),
        };
        let mut missing = Vec::new();
        for (at, head) in open.iter().enumerate() {
            for id in &head.dependencies {
                let Some(other) = all.find(id) else {
                    missing.push((head.id.clone(), id.clone()));
                    continue;
                };
                match places.get(&other.path) {
                    Some(place) => waits.inside[at].push(*place),
                    None if other.status == Status::Done => {}
                    None => waits.outside.push((head, other.id.clone())),
                }
            }
        }
        if missing.is_empty() {
            Ok(waits)
        } else {
            Err(PhasesError::Missing(missing))
        }
    }
}

/// A way round, among stories each of which waits for another one of them; it begins and ends with its first in order.
fn cycle(waits: &[Vec<usize>], left: &[usize], placed: &HashSet<usize>) -> Vec<usize> {
    let mut way = Vec::new();
    let mut steps = HashMap::new();
    let mut next = left.first().copied();
    while let Some(at) = next {
        if let Some(start) = steps.insert(at, way.len()) {
            way.drain(..start);
            break;
        }
        way.push(at);
        next = waits[at]
            .iter()
            .copied()
            .find(|other| !placed.contains(other));
    }
    let first = way.iter().enumerate().min_by_key(|(_, at)| **at);
    let turn = first.map_or(0, |(step, _)| step);
    way.rotate_left(turn);
    way.extend(way.first().copied());
    way
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::sample;

    /// Stories of `id: dependencies`; an id in brackets is done.
    fn heads(lines: &[&str]) -> Vec<Head> {
        let head = |line: &&str| {
            let (id, dependencies) = line.split_once(':').unwrap_or((line, ""));
            let bare = id.trim_matches(['[', ']']);
            let status = if bare == id {
                Status::Ready
            } else {
                Status::Done
            };
            Head {
                dependencies: dependencies.split_whitespace().map(str::to_owned).collect(),
                ..sample(bare, status)
            }
        };
        lines.iter().map(head).collect()
    }

    fn shown(phases: &Phases<'_>) -> Vec<String> {
        let ids = |phase: &Vec<&Head>| {
            phase
                .iter()
                .map(|head| head.id.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        phases.phases.iter().map(ids).collect()
    }

    #[test]
    fn phases_follow_the_dependencies() {
        let table: [(&[&str], &[&str]); 7] = [
            (&[], &[]),
            (&["S-2", "S-1"], &["S-1 S-2"]),
            (&["S-1: S-2", "S-2: S-3", "S-3"], &["S-3", "S-2", "S-1"]),
            (
                &["S-1", "S-2: S-1", "S-3: S-1", "S-4: S-2 S-3"],
                &["S-1", "S-2 S-3", "S-4"],
            ),
            (&["[S-1]", "S-2: S-1", "S-3: s-2"], &["S-2", "S-3"]),
            (&["[S-1]: S-2", "S-2: S-1"], &["S-2"]),
            (&["[S-1]: S-99", "S-2: S-1 S-1"], &["S-2"]),
        ];
        for (lines, expected) in table {
            let heads = heads(lines);
            let found = phases(&heads, |_| true).expect("there are phases");
            assert_eq!(shown(&found), expected, "the phases of {lines:?}");
            assert_eq!(found.outside, [], "nothing waits for others");
        }
    }

    #[test]
    fn phases_spell_out_missing_stories_and_cycles() {
        let table: [(&[&str], &str); 6] = [
            (
                &["S-1: S-1"],
                "the dependencies go round in a circle: S-1 -> S-1",
            ),
            (
                &["S-1: S-2", "S-2: S-1"],
                "the dependencies go round in a circle: S-1 -> S-2 -> S-1",
            ),
            (
                &["S-0: S-2", "S-2: S-3", "S-3: S-1", "S-1: S-2", "S-9"],
                "the dependencies go round in a circle: S-1 -> S-2 -> S-3 -> S-1",
            ),
            (
                &["S-1: S-9 S-2", "S-2: S-1", "[S-9]"],
                "the dependencies go round in a circle: S-1 -> S-2 -> S-1",
            ),
            (
                &["S-1: S-99"],
                "there is no story S-99, on which S-1 depends",
            ),
            (
                &["S-1: S-98", "S-2: S-99 S-1"],
                "there is no story S-98, on which S-1 depends; S-99, on which S-2 depends",
            ),
        ];
        for (lines, expected) in table {
            let heads = heads(lines);
            let refused = phases(&heads, |_| true).map_err(|err| err.to_string());
            assert_eq!(
                refused,
                Err(expected.to_owned()),
                "the dependencies of {lines:?}"
            );
        }
    }

    #[test]
    fn phases_of_some_stories_tell_what_they_wait_for_outside() {
        let heads = heads(&["S-1", "S-2: S-1", "S-3: S-2 S-4", "[S-4]", "S-5: S-99"]);
        let found = phases(&heads, |head| ["S-2", "S-3"].contains(&head.id.as_str()));
        let found = found.expect("what was not asked for does not matter");
        assert_eq!(shown(&found), ["S-2", "S-3"], "only what was asked for");
        let outside: Vec<_> = found
            .outside
            .iter()
            .map(|(head, id)| (head.id.as_str(), id.as_str()))
            .collect();
        assert_eq!(outside, [("S-2", "S-1")], "S-1 comes first");
    }

    #[test]
    fn phases_of_a_long_chain_are_found_without_depth() {
        let lines: Vec<String> = (0..1000)
            .map(|at| format!("S-{at}: S-{}", at + 1))
            .chain(["S-1000".to_owned()])
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let heads = heads(&lines);
        let found = phases(&heads, |_| true).expect("there are phases");
        assert_eq!(found.phases.len(), 1001, "one after the other");
    }
}
