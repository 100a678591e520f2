//! What these tests share: agents, scopes, a clock that is moved by hand.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use lease::store::LeaseStore;
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::{Agent, DEFAULT_MAX_AGE, Mode, Present, Process, Project, Request, Scope};

/// Long enough for a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub fn agent(name: &str) -> Agent {
    Agent::new(name).expect("a name of a test is right")
}

/// Files; with `/` at the end directories; with `*` globs.
pub fn scope(folder: &Path, names: &[&str]) -> Scope {
    let project = Project::new(folder).expect("the folder is there");
    let pattern = |name: &&str| {
        if name.contains('*') {
            lease::Pattern::Glob(project.glob(name).expect("a glob of a test is right"))
        } else {
            project
                .file_or_directory(Path::new(name))
                .expect("a path of a test is right")
        }
    };
    names.iter().map(pattern).collect()
}

pub fn request(agent: &Agent, scope: Scope) -> Request {
    Request {
        agent: agent.clone(),
        scope,
        mode: Mode::Exclusive,
        ttl: Duration::from_mins(10),
        task: None,
        bind_to: None,
    }
}

fn runs(_process: &Process) -> bool {
    false
}

/// The present at a time; all processes run.
pub fn at(now: Timestamp) -> Present<'static> {
    Present {
        now,
        max_age: DEFAULT_MAX_AGE,
        is_gone: &runs,
    }
}

/// The stores that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Folder,
    Sqlite,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Folder, Self::Sqlite];

    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Sqlite => "sqlite",
        }
    }

    pub fn named(name: &str) -> Self {
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == name);
        kind.expect("a test names a kind")
    }

    /// The store in a folder, which is the project as well.
    pub fn open(self, folder: &Path) -> Box<dyn LeaseStore> {
        let project = Project::new(folder).expect("the folder is there");
        match self {
            Self::Folder => Box::new(FolderStore::new(folder.join("locks"), project)),
            Self::Sqlite => Box::new(SqliteStore::new(folder.join("leases.db"), project)),
        }
    }
}

/// How much a stress test does: from the environment, else `default`, which is enough for each change.
pub fn size(variable: &str, default: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().expect("the size of a test is a number"),
        Err(_) => default,
    }
}

/// Numbers that look random, the same for the same seed.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
