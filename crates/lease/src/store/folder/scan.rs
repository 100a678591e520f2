//! Reading all files of a folder of leases.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use atomic_file::{Original, ReadError, Resolved};
use jiff::Timestamp;

use super::record::{self, Kept, Record};
use super::state::{self, State};
use crate::agent::Agent;
use crate::error::StoreError;
use crate::lease::{Lease, Token};
use crate::leases::{Leases, Unreadable};
use crate::project::Project;
use crate::sys;

/// The file beside those of the agents.
pub(super) const STATE_FILE: &str = ".leases.json";

/// What the name of an agent's file ends in: the integration-locks requirement.
pub(super) const ENDING: &str = ".lock";

/// The largest file of an agent, in bytes. Chosen: thousands of leases, and little enough that a folder full of foreign files
/// does not use up the memory.
pub(super) const MAX_AGENT_FILE: u64 = 1024 * 1024;

/// The largest state, in bytes. Chosen: tens of thousands that wait.
pub(super) const MAX_STATE_FILE: u64 = 16 * 1024 * 1024;

/// Below this age a broken file may be one that a script is just writing: `>` empties it first. Chosen.
const YOUNG: Duration = Duration::from_secs(2);

/// How often a young broken file is looked at again, and the pause before each look. Chosen: a script is done within that,
/// and a file that stays broken does not keep anybody long.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// A folder of leases, read.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What it says.
    pub(super) leases: Leases,
    /// The state file; `None`: there is none.
    pub(super) state: Option<Vec<u8>>,
    /// The files of agents, the unreadable ones as well.
    pub(super) files: BTreeMap<PathBuf, AgentFile>,
    /// Whether temporary files lie there: of a writer that died, or that was refused to remove them.
    pub(super) has_temporaries: bool,
}

/// The file of one agent.
#[derive(Debug, Clone, Default)]
pub(super) struct AgentFile {
    /// Its bytes; `None`: it could not be read.
    pub(super) bytes: Option<Vec<u8>>,
    /// What it keeps when it is written anew.
    pub(super) kept: Kept,
}

impl Found {
    /// Whether all files are still what was read.
    pub(super) fn is_current(&self, folder: &Path) -> Result<bool, StoreError> {
        let same = |path: &Path, limit: u64, bytes: Option<&Vec<u8>>| {
            read(path, limit).ok().as_ref() == bytes
        };
        Ok(self.files.keys().eq(&agent_files(folder)?)
            && same(
                &folder.join(STATE_FILE),
                MAX_STATE_FILE,
                self.state.as_ref(),
            )
            && self
                .files
                .iter()
                .all(|(path, file)| same(path, MAX_AGENT_FILE, file.bytes.as_ref())))
    }

    fn add(&mut self, path: PathBuf, look: Look) {
        let file = match look {
            Look::Gone => return,
            Look::Read(file, leases) => {
                self.leases.held.extend(leases);
                file
            }
            Look::Broken(reason, bytes) => {
                let Some(modified_at) = modified_at(&path) else {
                    return;
                };
                self.leases.unreadable.push(Unreadable {
                    path: path.clone(),
                    reason,
                    modified_at,
                });
                let kept = Kept::default();
                AgentFile { bytes, kept }
            }
        };
        self.files.insert(path, file);
    }
}

/// Reads a folder whose path has no links in it. One that is missing holds nothing.
pub(super) fn scan(folder: &Path, project: &Project) -> Result<Found, StoreError> {
    let (bytes, state) = read_state(folder, project)?;
    let mut found = Found {
        leases: Leases {
            waiting: state.waiting,
            last_token: state.last_token,
            ..Leases::default()
        },
        state: bytes,
        files: BTreeMap::new(),
        has_temporaries: false,
    };
    let names = names_in(folder)?;
    found.has_temporaries = names
        .iter()
        .any(|name| atomic_file::is_temporary_name(name));
    for (path, look) in look_at_all(paths_of_agents(folder, names), project)? {
        found.add(path, look);
    }
    // The order in which they were acquired, as in memory.
    found.leases.held.sort_by_key(|lease| lease.token);
    found.leases.last_token = highest(&found.leases);
    Ok(found)
}

/// The number of the state, or one that stands elsewhere and is higher: the state may have been deleted.
fn highest(leases: &Leases) -> Token {
    let held = leases.held.iter().filter_map(|lease| lease.token);
    let waiting = leases.waiting.iter().map(|waiter| waiter.ticket);
    held.chain(waiting).fold(leases.last_token, Token::max)
}

/// Reads the state file; without one, nothing was given out and nobody waits.
fn read_state(folder: &Path, project: &Project) -> Result<(Option<Vec<u8>>, State), StoreError> {
    let path = folder.join(STATE_FILE);
    let not_a_store = |reason: &str| StoreError::NotAStore {
        path: path.clone(),
        reason: format!(
            "{reason} (it may be removed: those who wait lose their places, and numbers go on from the clock)"
        ),
    };
    let bytes = match read(&path, MAX_STATE_FILE) {
        Ok(bytes) => bytes,
        Err(ReadError::NotFound { .. }) => return Ok((None, State::default())),
        Err(err @ (ReadError::NotRegular { .. } | ReadError::TooLarge { .. })) => {
            return Err(not_a_store(&reason_of(&err)));
        }
        Err(err) => {
            return Err(StoreError::Io {
                step: "read",
                path,
                source: Box::new(err),
            });
        }
    };
    match state::parse(&bytes, project) {
        Ok(state) => Ok((Some(bytes), state)),
        Err(reason) => Err(not_a_store(&reason)),
    }
}

/// The names of agents' files in a folder, in order; a folder that is missing has none.
fn agent_files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    Ok(paths_of_agents(folder, names_in(folder)?))
}

fn paths_of_agents(folder: &Path, names: Vec<OsString>) -> Vec<PathBuf> {
    let names = names.into_iter().filter(|name| is_agent_file(name));
    names.map(|name| folder.join(name)).collect()
}

/// All names in a folder, in order; a folder that is missing has none.
pub(super) fn names_in(folder: &Path) -> Result<Vec<OsString>, StoreError> {
    match sys::names_in(folder) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(err) if err.kind() == io::ErrorKind::NotADirectory => Err(not_a_folder(folder)),
        names => names.map_err(|source| StoreError::Io {
            step: "list the folder",
            path: folder.to_path_buf(),
            source: Box::new(source),
        }),
    }
}

pub(super) fn not_a_folder(path: &Path) -> StoreError {
    StoreError::NotAStore {
        path: path.to_path_buf(),
        reason: "it is not a folder".to_owned(),
    }
}

/// Names that begin with a dot are temporary ones, or nobody's business.
pub(super) fn is_agent_file(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.ends_with(ENDING.as_bytes()) && !name.starts_with(b".")
}

enum Look {
    /// Somebody has removed it since the folder was listed.
    Gone,
    Read(AgentFile, Vec<Lease>),
    /// Why, and its bytes, if that is not the reason.
    Broken(String, Option<Vec<u8>>),
}

fn look_at_all(paths: Vec<PathBuf>, project: &Project) -> Result<Vec<(PathBuf, Look)>, StoreError> {
    let mut looks = Vec::with_capacity(paths.len());
    for path in paths {
        let look = look_at(&path, project)?;
        looks.push((path, look));
    }
    settle(&mut looks, project, || std::thread::sleep(PAUSE))?;
    Ok(looks)
}

/// Looks again at broken files that may be in the making.
fn settle(
    looks: &mut [(PathBuf, Look)],
    project: &Project,
    mut pause: impl FnMut(),
) -> Result<(), StoreError> {
    for _ in 0..LOOKS {
        let may_be_in_the_making = |(path, look): &&mut (PathBuf, Look)| {
            matches!(look, Look::Broken(..)) && is_young(path)
        };
        let mut young = looks.iter_mut().filter(may_be_in_the_making).peekable();
        if young.peek().is_none() {
            break;
        }
        pause();
        for (path, look) in young {
            *look = look_at(path, project)?;
        }
    }
    Ok(())
}

fn look_at(path: &Path, project: &Project) -> Result<Look, StoreError> {
    let bytes = match read(path, MAX_AGENT_FILE) {
        Ok(bytes) => bytes,
        Err(ReadError::NotFound { .. }) => return Ok(Look::Gone),
        // That the system fails says nothing about the file: nobody must be advised to remove it.
        Err(ReadError::Io { source, .. }) => {
            return Err(StoreError::Io {
                step: "read",
                path: path.to_path_buf(),
                source: Box::new(source),
            });
        }
        Err(err) => return Ok(Look::Broken(reason_of(&err), None)),
    };
    let record = agent_of(path).and_then(|agent| record::parse(&agent, &bytes, project));
    Ok(match record {
        Ok(Record { leases, kept }) => {
            let bytes = Some(bytes);
            Look::Read(AgentFile { bytes, kept }, leases)
        }
        Err(reason) => Look::Broken(reason, Some(bytes)),
    })
}

fn agent_of(path: &Path) -> Result<Agent, String> {
    let name = path.file_name().and_then(OsStr::to_str);
    let name = name.ok_or("its name is not text")?;
    let stem = name.strip_suffix(ENDING).unwrap_or(name);
    Agent::new(stem).map_err(|err| err.to_string())
}

fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
    let file = Resolved { path, folder: None };
    Original::read_resolved(file, max_bytes).map(|mut original| original.take_bytes())
}

/// What is wrong with a file, without its name: whoever tells it has named it already.
fn reason_of(err: &ReadError) -> String {
    match err {
        ReadError::NotRegular { what, .. } => format!("it is {what}, not a regular file"),
        ReadError::TooLarge { size, limit, .. } => {
            format!("{size} bytes are more than the limit of {limit}")
        }
        ReadError::Unstable { .. } => "it kept changing while it was read".to_owned(),
        ReadError::NoPermission { .. } => "no permission".to_owned(),
        ReadError::NotFound { source, .. } | ReadError::Io { source, .. } => source.to_string(),
        err => err.to_string(),
    }
}

/// When a file was last written; `None`: it is gone.
fn modified_at(path: &Path) -> Option<Timestamp> {
    let modified = match path.symlink_metadata() {
        Ok(metadata) => metadata.modified().ok(),
        Err(err) if err.kind() == io::ErrorKind::NotFound => return None,
        Err(_) => None,
    };
    // One whose time is not known blocks until it is removed.
    let modified = modified.and_then(|modified| Timestamp::try_from(modified).ok());
    Some(modified.unwrap_or(Timestamp::MAX))
}

/// A file whose time is not known, or to come, may well be written this moment.
fn is_young(path: &Path) -> bool {
    let age = path
        .symlink_metadata()
        .and_then(|metadata| metadata.modified())
        .map(|modified| SystemTime::now().duration_since(modified));
    match age {
        Ok(Ok(age)) => age < YOUNG,
        Ok(Err(_)) => true,
        Err(err) => err.kind() != io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::*;

    const GOOD: &str = r#"{"agent":"x","locked_at":"2026-01-02T03:00:00Z","files":["a"],"expires_at":"2026-01-02T04:00:00Z"}"#;

    #[test]
    fn broken_file_in_the_making_is_looked_at_again_and_an_old_one_is_not() {
        let sandbox = Sandbox::new();
        let project = Project::new(sandbox.path()).expect("it is there");
        for (age, done_after, expected, pauses) in [
            (Duration::ZERO, 1, true, 1),
            (Duration::ZERO, LOOKS, true, LOOKS),
            (Duration::ZERO, LOOKS + 1, false, LOOKS),
            (YOUNG, 1, false, 0),
        ] {
            let path = sandbox.write("x.lock", "");
            testkit::set_age(&path, age);
            let look = look_at(&path, &project).expect("the system reads it");
            let mut looks = vec![(path.clone(), look)];
            let mut paused = 0;
            settle(&mut looks, &project, || {
                paused += 1;
                if paused == done_after {
                    sandbox.write("x.lock", GOOD);
                }
            })
            .expect("the system reads it");
            let is_read = matches!(looks[0].1, Look::Read(..));
            let case = format!("{age:?} old, written {done_after} looks later");
            assert_eq!(is_read, expected, "{case}: whether it can be read");
            assert_eq!(paused, pauses, "{case}: how often it is waited for");
        }
    }
}
