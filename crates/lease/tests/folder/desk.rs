//! A project with a folder of leases, and short words for what agents do with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use lease::store::folder::FolderStore;
use lease::store::{LeaseStore as _, transact};
use lease::{
    Acquired, Agent, LeaseError, Leases, Mode, Pattern, Present, Project, Released, Request, Scope,
    Which,
};
use testkit::Sandbox;

pub const PATIENCE: Duration = Duration::from_mins(1);
pub const HOUR: Duration = Duration::from_hours(1);

/// The time at most desks; the token of a first lease is its milliseconds since 1970.
pub const NOW: &str = "2026-01-02T03:04:05.678Z";

pub struct Desk {
    pub sandbox: Sandbox,
    pub store: FolderStore,
    pub now: Timestamp,
}

pub fn time(text: &str) -> Timestamp {
    text.parse().expect("a time in a test is one")
}

pub fn agent(name: &str) -> Agent {
    Agent::new(name).expect("a name in a test is one")
}

impl Desk {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        let store = store_in(sandbox.path());
        Self {
            sandbox,
            store,
            now: time(NOW),
        }
    }

    /// One whose time is that of the machine: for files that are judged by when they were written.
    pub fn by_the_clock() -> Self {
        Self {
            now: Timestamp::now(),
            ..Self::new()
        }
    }

    pub fn present(&self) -> Present<'static> {
        Present {
            now: self.now,
            max_age: lease::DEFAULT_MAX_AGE,
            is_gone: &|_| false,
        }
    }

    pub fn folder(&self) -> PathBuf {
        self.sandbox.join("locks")
    }

    /// Lets time pass.
    pub fn later(&mut self, by: Duration) {
        self.now += by;
    }

    /// Writes the file of an agent as another tool does: by a shell, in place, without any lock.
    pub fn script(&self, script: &str) {
        let status = std::process::Command::new("sh")
            .args(["-ec", script])
            .current_dir(self.sandbox.path())
            .status()
            .expect("a shell can be started");
        assert!(status.success(), "the script works: {script}");
    }

    pub fn leases(&self) -> Leases {
        self.store.read().expect("the store can be read")
    }

    pub fn acquire(&self, name: &str, paths: &[&str]) -> Result<Acquired, LeaseError> {
        self.request(&self.wants(name, paths))
    }

    pub fn must_acquire(&self, name: &str, paths: &[&str]) -> Acquired {
        self.acquire(name, paths)
            .unwrap_or_else(|err| panic!("{name} gets {paths:?}: {err}"))
    }

    pub fn request(&self, request: &Request) -> Result<Acquired, LeaseError> {
        transact(&self.store, PATIENCE, |leases| {
            leases.acquire(request, &self.present())
        })
    }

    pub fn release(&self, name: &str, which: &Which) -> Released {
        transact(&self.store, PATIENCE, |leases| {
            leases.release(&agent(name), which, &self.present())
        })
        .unwrap_or_else(|err| panic!("{name} releases: {err}"))
    }

    /// A request for paths: with `*` for a glob, with `/` at the end for a directory, else for a file.
    pub fn wants(&self, name: &str, paths: &[&str]) -> Request {
        Request {
            agent: agent(name),
            scope: self.scope(paths),
            mode: Mode::Exclusive,
            ttl: HOUR,
            task: None,
            bind_to: None,
        }
    }

    pub fn scope(&self, paths: &[&str]) -> Scope {
        let project = project(self.sandbox.path());
        let pattern = |text: &&str| {
            if text.contains('*') {
                return Pattern::Glob(project.glob(text).expect("a glob"));
            }
            let path = project.path(Path::new(text)).expect("a path");
            if text.ends_with('/') {
                Pattern::Directory(path)
            } else {
                Pattern::File(path)
            }
        };
        paths.iter().map(pattern).collect()
    }

    /// Whether `path` is kept from an agent that nobody knows.
    pub fn is_held(&self, path: &str) -> bool {
        let stranger = agent("stranger");
        let leases = self.leases();
        let obstacles = leases.check(
            &stranger,
            &self.scope(&[path]),
            Mode::Shared,
            &self.present(),
        );
        !obstacles.is_empty()
    }
}

pub fn project(root: &Path) -> Project {
    Project::new(root).expect("the project is there")
}

pub fn store_in(root: &Path) -> FolderStore {
    FolderStore::new(root.join("locks"), project(root))
}
