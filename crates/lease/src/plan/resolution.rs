//! What could be done about a conflict of a plan: offers, of which nothing is done. Pure.

use std::fmt;

use super::PlannedRequest;
use crate::agent::Agent;
use crate::glob::Glob;
use crate::pattern::Pattern;
use crate::project_path::ProjectPath;
use crate::scope::{Clash, Scope};

/// One way out of a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// One begins when the other has finished.
    RunOneAfterTheOther {
        /// The one.
        first: Agent,
        /// The other.
        then: Agent,
    },
    /// One leaves what both want to the other, and keeps the rest of what it wanted.
    ReassignFiles {
        /// What.
        paths: Scope,
        /// Who leaves it out.
        from: Agent,
        /// Who does what is to be done there.
        to: Agent,
    },
    /// What one wants lies inside of what the other wants: each gets a part.
    SplitDirectory {
        /// The larger.
        directory: Pattern,
        /// Who gets what.
        parts: Vec<Part>,
    },
    /// One agent does what both were to do.
    MergeTasks {
        /// Both.
        agents: Vec<Agent>,
    },
}

/// What an agent gets of something that is split.
///
/// A lease cannot leave anything out: an agent with something in `except` has to name what it really needs of `gets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Who.
    pub agent: Agent,
    /// What.
    pub gets: Scope,
    /// What of that is not its own.
    pub except: Scope,
}

impl Resolution {
    /// The word in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunOneAfterTheOther { .. } => "run-one-after-the-other",
            Self::ReassignFiles { .. } => "reassign-files",
            Self::SplitDirectory { .. } => "split-directory",
            Self::MergeTasks { .. } => "merge-tasks",
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunOneAfterTheOther { first, then } => {
                write!(f, "run {then} when {first} has finished")
            }
            Self::ReassignFiles { paths, from, to } => {
                write!(f, "leave {paths} to {to}, and out of what {from} does")
            }
            Self::SplitDirectory { directory, parts } => {
                write!(f, "split {directory}:")?;
                for (index, part) in parts.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ";" };
                    write!(f, "{separator} {} gets {}", part.agent, part.gets)?;
                    if !part.except.is_empty() {
                        write!(f, " without {}", part.except)?;
                    }
                }
                Ok(())
            }
            Self::MergeTasks { agents } => {
                let names: Vec<_> = agents.iter().map(Agent::as_str).collect();
                write!(f, "have one agent do the tasks of {}", names.join(" and "))
            }
        }
    }
}

/// What could be done when two agents of a plan want the same; `paths` are seen from the first.
pub(super) fn of_two(
    first: &PlannedRequest,
    second: &PlannedRequest,
    paths: &[Clash],
) -> Vec<Resolution> {
    let mut found = vec![Resolution::RunOneAfterTheOther {
        first: first.agent.clone(),
        then: second.agent.clone(),
    }];
    let turned: Vec<Clash> = paths.iter().map(turned).collect();
    let reassigned = reassigned(second, &first.agent, &turned)
        .or_else(|| reassigned(first, &second.agent, paths));
    found.extend(reassigned);
    found.extend(splits(&first.agent, &second.agent, paths));
    found.extend(splits(&second.agent, &first.agent, &turned));
    let is_all = |of: &PlannedRequest, paths: &[Clash]| kept(of, &wanted(paths)).is_empty();
    if is_all(first, paths) || is_all(second, &turned) {
        found.push(Resolution::MergeTasks {
            agents: vec![first.agent.clone(), second.agent.clone()],
        });
    }
    found
}

/// What could be done when somebody at work holds what an agent of a plan wants. What is held stays as it is.
pub(super) fn with_work(
    request: &PlannedRequest,
    holder: &Agent,
    paths: &[Clash],
) -> Vec<Resolution> {
    let mut found = vec![Resolution::RunOneAfterTheOther {
        first: holder.clone(),
        then: request.agent.clone(),
    }];
    found.extend(reassigned(request, holder, paths));
    found.extend(splits(&request.agent, holder, paths));
    found
}

fn turned(clash: &Clash) -> Clash {
    Clash {
        wanted: clash.held.clone(),
        held: clash.wanted.clone(),
        overlap: clash.overlap,
    }
}

fn wanted(paths: &[Clash]) -> Scope {
    paths.iter().map(|clash| clash.wanted.clone()).collect()
}

/// What is left of a request without some of its patterns.
fn kept(request: &PlannedRequest, without: &Scope) -> Scope {
    let mut kept = request.scope.clone();
    let _without = kept.remove_all(without);
    kept
}

/// An agent leaves what it wants to another, where that has it already and something else is left to do.
fn reassigned(from: &PlannedRequest, to: &Agent, paths: &[Clash]) -> Option<Resolution> {
    let is_covered = |clash: &Clash| {
        contains(&clash.held, &clash.wanted)
            || matches!(
                (&clash.held, &clash.wanted),
                (Pattern::Glob(_), Pattern::Glob(_))
            )
    };
    let paths = paths.iter().all(is_covered).then(|| wanted(paths))?;
    (!kept(from, &paths).is_empty()).then(|| Resolution::ReassignFiles {
        paths,
        from: from.agent.clone(),
        to: to.clone(),
    })
}

/// One for each directory or glob of `outer` in which something of `inner` lies; `paths` are seen from `outer`.
fn splits(outer: &Agent, inner: &Agent, paths: &[Clash]) -> Vec<Resolution> {
    let is_inside = |clash: &&Clash| {
        contains(&clash.wanted, &clash.held) && !contains(&clash.held, &clash.wanted)
    };
    let split: Vec<&Clash> = paths.iter().filter(is_inside).collect();
    let directories: Scope = split.iter().map(|clash| clash.wanted.clone()).collect();
    let of_each = directories.patterns().map(|directory| {
        let inside = split.iter().filter(|clash| clash.wanted == *directory);
        let inside: Scope = inside.map(|clash| clash.held.clone()).collect();
        Resolution::SplitDirectory {
            directory: directory.clone(),
            parts: vec![
                Part {
                    agent: outer.clone(),
                    gets: Scope::from_iter([directory.clone()]),
                    except: inside.clone(),
                },
                Part {
                    agent: inner.clone(),
                    gets: inside,
                    except: Scope::default(),
                },
            ],
        }
    });
    of_each.collect()
}

/// Whether all that `inner` means is certainly meant by `outer`.
fn contains(outer: &Pattern, inner: &Pattern) -> bool {
    match (outer, inner) {
        (Pattern::File(own) | Pattern::Directory(own), Pattern::Glob(glob)) => {
            folder_of(glob).is_within(own)
        }
        (_, Pattern::File(path)) => outer.covers(path),
        (Pattern::File(own) | Pattern::Directory(own), Pattern::Directory(path)) => {
            path.is_within(own)
        }
        (Pattern::Glob(own), Pattern::Glob(glob)) => own == glob,
        (Pattern::Glob(_), Pattern::Directory(_)) => false,
    }
}

/// The folder in which all lies that a glob means.
fn folder_of(glob: &Glob) -> ProjectPath {
    let parts: Vec<&str> = glob.as_str().split('/').collect();
    let folders = &parts[..parts.len() - 1];
    let is_plain = |part: &&&str| !part.contains(['*', '?', '[', '{', '\\']);
    ProjectPath::from_parts(folders.iter().take_while(is_plain).copied())
}
