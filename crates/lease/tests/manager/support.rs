//! What these tests share: a project with a store, and requests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lease::store::LeaseStore;
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::{Agent, FileLockManager, Mode, Project, Request, Rules, Scope, Which};
use testkit::Sandbox;

/// Long enough for a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Chosen: what is waited for in vain.
pub const NOT_LONG: Duration = Duration::from_millis(300);

pub const HOUR: Duration = Duration::from_hours(1);

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Folder,
    Database,
}

pub const KINDS: [Kind; 2] = [Kind::Folder, Kind::Database];

/// A project with a store of leases beside it.
pub struct Place {
    sandbox: Sandbox,
    kind: Kind,
}

impl Place {
    pub fn new(kind: Kind) -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir(sandbox.join("tree")).expect("the sandbox is empty");
        Self { sandbox, kind }
    }

    pub fn tree(&self) -> PathBuf {
        self.sandbox.join("tree")
    }

    pub fn store(&self) -> PathBuf {
        self.sandbox.join(match self.kind {
            Kind::Folder => "locks",
            Kind::Database => "leases.db",
        })
    }

    /// A manager as another process would have it.
    pub fn manager(&self) -> FileLockManager {
        self.manager_with(Rules::default())
    }

    pub fn manager_with(&self, rules: Rules) -> FileLockManager {
        let project = Project::new(&self.tree()).expect("the tree is there");
        let store: Box<dyn LeaseStore> = match self.kind {
            Kind::Folder => Box::new(FolderStore::new(self.store(), project.clone())),
            Kind::Database => Box::new(SqliteStore::new(self.store(), project.clone())),
        };
        FileLockManager::new(project, store, rules)
    }
}

pub fn agent(name: &str) -> Agent {
    Agent::new(name).expect("a name of a test is right")
}

pub fn scope(manager: &FileLockManager, names: &[&str]) -> Scope {
    let pattern = |name: &&str| {
        let pattern = manager.project().file_or_directory(Path::new(name));
        pattern.expect("a path of a test is right")
    };
    names.iter().map(pattern).collect()
}

/// Exclusive, for an hour.
pub fn request(manager: &FileLockManager, name: &str, names: &[&str]) -> Request {
    Request {
        agent: agent(name),
        scope: scope(manager, names),
        mode: Mode::Exclusive,
        ttl: HOUR,
        task: None,
        bind_to: None,
    }
}

pub fn release_all(manager: &FileLockManager, name: &str) {
    let released = manager.release(&agent(name), &Which::All);
    released.expect("it is its own");
}

/// Who holds a file, in words.
pub fn holders(manager: &FileLockManager, file: &str) -> Vec<String> {
    let holders = manager.holder_of(Path::new(file)).expect("readable");
    holders
        .iter()
        .map(|lease| lease.agent.to_string())
        .collect()
}

/// Who waits for a file, in order.
pub fn queue(manager: &FileLockManager, file: &str) -> Vec<String> {
    let queue = manager.queue_of(Path::new(file)).expect("readable");
    queue
        .iter()
        .map(|waiter| waiter.agent.to_string())
        .collect()
}

pub fn wait_for_queue(manager: &FileLockManager, file: &str, expected: &[&str]) {
    testkit::wait_until("these wait for the file", PATIENCE, || {
        queue(manager, file) == expected
    });
}
